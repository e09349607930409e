"""Renew anchors for the command line: show what changes, have it confirmed, put it in place."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kit.cli import remembering, terminal
from kit.errors import AnchorError, UsageError
from kit.formats.anchor_origin import Source
from kit.formats.encodings import render_time
from kit.formats.memory_file import Known
from kit.report import differences
from kit.report.escape import plain
from kit.trust import placing, renewal
from kit.trust.anchors import FILE
from kit.trust.places import Place, stands
from kit.trust.renewal import Offered

_EXPECTED = re.compile(r"sha256:([0-9a-f]{64})")
_TYPED = 8  # digits of the digest that are typed at a terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """How the operator agrees: ``--yes``, the digests of ``--expect``, or by typing."""

    yes: bool = False
    expected: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class Renewed:
    """What came of it, to be shown: a part for each instance, in their order."""

    at: datetime
    parts: list[tuple[Offered, bool]] = field(default_factory=list)

    def text(self) -> str:
        """Return it for people: what was written; what changes was shown before the question."""
        lines = (
            f"{plain(offer.pinned.instance)}: "
            + (f"trusted root sha256:{offer.sha256} is in place" if written else "nothing is newer")
            for offer, written in self.parts
        )
        return "".join(f"{line}\n" for line in lines)

    def value(self) -> list[dict[str, Any]]:
        """Return it for machines."""
        return [_value(offer, self.at, written=written) for offer, written in self.parts]


def confirmation(yes: bool, expect: Sequence[str]) -> Confirmation:  # noqa: FBT001 - an option
    """Read ``--yes`` and ``--expect``; raise :class:`UsageError` for what is no digest."""
    if yes and expect:
        raise UsageError("--yes and --expect: one of them; --expect is the stronger")
    digests = [_EXPECTED.fullmatch(text) for text in expect]
    for text, match in zip(expect, digests, strict=True):
        if match is None:
            raise UsageError(f"--expect {text}: write sha256: and 64 digits in lower case")
    return Confirmation(yes=yes, expected=frozenset(m[1] for m in digests if m is not None))


def seen(folder: Path | None, *, off: bool) -> Known:
    """Return what this host's checks remember; raise :class:`AnchorError` where it is damaged."""
    memory = remembering.recall(remembering.Options(folder=folder, off=off, read_only=not off))
    return Known() if memory is None else memory.now()


def demand_confirmable(how: Confirmation) -> None:
    """Raise :class:`UsageError` where nobody could be asked."""
    terminals = sys.stdin is not None and sys.stdin.isatty()
    if not how.yes and not how.expected and not terminals:
        raise UsageError(
            "anchors are not replaced unasked, and there is no terminal to ask on",
            hint="compare the digest that `trust diff PACK` shows with one from elsewhere, and "
            "give it with --expect sha256:HEX; or say --yes",
        )


def confirm(offers: Sequence[Offered], how: Confirmation) -> None:
    """Have everything that changes confirmed; raise ``trust.fingerprint`` where it is not.

    With ``--yes`` nobody looks: what may be older is then ``trust.may-be-older``.
    Of ``--expect``, each digest must be that of a trusted root that is offered, and each
    trusted root that changes must be among them.
    """
    news = {offer.sha256 for offer in offers if offer.changes_keys}
    if how.expected:
        strange = how.expected - {offer.sha256 for offer in offers}
        if strange or news - how.expected:
            raise _refused(", ".join(sorted(strange)) or "no digest for one that changes", news)
    elif how.yes:
        for offer in offers:
            renewal.demand_newer(offer, offer.pinned)
    else:
        for offer in offers:
            if offer.changes_keys:
                _ask(offer)


def write(
    offers: Sequence[tuple[Offered, Source]], folder: Path, places: Sequence[Place], at: datetime
) -> Renewed:
    """Put what is news in place; tell of an earlier place that will be used all the same."""
    renewed = Renewed(at=at)
    for offer, source in offers:
        written = offer.is_news and placing.write(offer, folder, source, at)
        if written:
            _tell_shadowed(offer.pinned.instance, folder, places)
        renewed.parts.append((offer, written))
    return renewed


def show(offers: Sequence[Offered]) -> None:
    """Tell the operator what would change, before anything is asked."""
    for offer in offers:
        for line in _lines(offer):
            terminal.say(line)


def _lines(offer: Offered) -> Iterator[str]:
    now = offer.pinned
    yield f"{now.instance} ({now.place.label}):"
    yield f"  TUF root {now.tuf.version} becomes {offer.root_version}"
    yield f"  vouched for until {render_time(offer.vouched_until)}"
    yield f"  trusted root sha256:{now.sha256}"
    if offer.sha256 == now.sha256:
        yield "  stays as it is"
        return
    yield f"       becomes sha256:{offer.sha256}"
    yield from differences.lines(offer.difference)
    if offer.may_be_older:
        yield (
            f"  MAY BE OLDER than what {now.place.label} has: neither versions nor a date of that "
            "are written down, and a key that comes may be one that was taken back"
        )


def _ask(offer: Offered) -> None:
    terminal.say(
        f"Compare the new trusted root's digest with one that came by another way. Type its first "
        f"{_TYPED} digits to take it over, or nothing to leave all as it is:"
    )
    typed = sys.stdin.readline().strip().lower().removeprefix("sha256:")
    if len(typed) < _TYPED or not offer.sha256.startswith(typed):
        raise _refused(typed or "nothing", {offer.sha256})


def _refused(said: str, offered: set[str]) -> AnchorError:
    return AnchorError(
        f"the fingerprint does not match ({said[:80]}): offered is sha256:{', '.join(offered)}",
        code="trust.fingerprint",
        hint="nothing was changed. Ask the other operator to read theirs again; if it differs, "
        "somebody offers you another root",
    )


def _tell_shadowed(instance: str, folder: Path, places: Sequence[Place]) -> None:
    first = next((p for p in places if stands(p.folder / instance / FILE)), None)
    if first is not None and first.folder.resolve() != folder.resolve():
        terminal.say(
            f"warning: {first.label} has {instance} too and comes first: what was written is not "
            "used as long as it has"
        )


def _value(offer: Offered, at: datetime, *, written: bool) -> dict[str, Any]:
    now = offer.pinned
    return {
        "instance": now.instance,
        "place": now.place.label,
        "written": written,
        "root-version": {"from": now.tuf.version, "to": offer.root_version},
        "trusted-root-sha256": {"from": now.sha256, "to": offer.sha256},
        "vouched-until": render_time(offer.vouched_until),
    } | differences.value(offer.difference, at)
