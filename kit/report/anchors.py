"""What this host trusts, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from kit.formats.encodings import render_time
from kit.formats.key_facts import KeyFact, KeyKind, aloud
from kit.report.escape import plain
from kit.trust.inventory import AnchorKind, Held

#: How long before its end a key or a root is told of.
SOON = timedelta(days=90)

_KINDS = {
    KeyKind.CA: "CA",
    KeyKind.TLOG: "log",
    KeyKind.CTLOG: "CT log",
    KeyKind.TSA: "TSA",
    KeyKind.NPM: "npm key",
    KeyKind.PUBLIC_KEY: "key",
    KeyKind.OPENPGP: "OpenPGP key",
}


def text(held: Sequence[Held], at: datetime) -> str:
    """Return every anchor as lines of text, as of ``at``; what ends soon comes last."""
    lines = [line for one in held for line in _lines(one, at)]
    ending = [line for one in held if one.wins for line in _ending(one, at)]
    if not held:
        lines = ["this host has no anchors at all"]
    return "".join(f"{line}\n" for line in [*lines, *(["", *ending] if ending else [])])


def value(held: Sequence[Held], at: datetime) -> list[dict[str, Any]]:
    """Return every anchor as the JSON document has it."""
    return [_value(one, at) for one in held]


def window(fact: KeyFact) -> str:
    """Return when a key may vouch, for people."""
    start = f"since {_day(fact.start)}" if fact.start else "since ever"
    end = f"until {_day(fact.end)}" if fact.end else "no end"
    early = fact.certificates_end
    if early is not None and (fact.end is None or early < fact.end):
        return f"{start}, {end} (its certificates until {_day(early)})"
    return f"{start}, {end}"


def _day(moment: datetime) -> str:
    """Return the day alone where nothing turns on the hour, which the document has."""
    return render_time(moment)[:10]


def kind(fact: KeyFact) -> str:
    """Return what kind of key it is, for people."""
    return _KINDS[fact.kind]


def state(fact: KeyFact, at: datetime) -> str:
    """Return ``valid``, ``ended`` or ``future``: whether it may vouch for what is signed then."""
    if fact.start is not None and fact.start > at:
        return "future"
    return "ended" if fact.last is not None and fact.last < at else "valid"


def _lines(one: Held, at: datetime) -> Iterator[str]:
    use = "used" if one.wins else "not used: another place has it"
    if one.error is not None:
        yield f"{plain(one.name)}  DOES NOT LOAD  ({plain(one.place)})"
        yield f"  {one.error.code}: {plain(one.error.message)}"
        return
    yield f"{plain(one.name)}  {use}  ({plain(one.place)})"
    yield f"  sha256:{one.sha256}"
    if one.newer_in is not None:
        yield f"  NEWER in {plain(one.newer_in)}: the earlier place is used all the same"
    if one.kind is AnchorKind.TUF_ROOT and one.told.expires is not None:
        over = "expired" if one.told.expires < at else "expires"
        yield f"  TUF root, version {one.told.version}, {over} {_day(one.told.expires)}"
    yield from _provenance(one, at)
    for fact in one.told.keys:
        ended = {"valid": "", "ended": "  ENDED", "future": "  NOT YET"}[state(fact, at)]
        yield f"  {kind(fact)}  {plain(fact.name)}  {window(fact)}{ended}"
        if one.kind is not AnchorKind.OPENPGP:
            yield f"    {aloud(fact.fingerprint)}"


def _provenance(one: Held, at: datetime) -> Iterator[str]:
    if one.repository is not None:
        yield f"  updated from {plain(one.repository)}"
    if one.origin is not None:
        sources = [plain(str(source)) for source in one.origin.sources]
        signed = [plain(str(source)) for source in one.origin.signed_by]
        if sources:
            alone = "a single source, " if _is_single(one) else ""
            yield f"  from {alone}{', '.join(sources)}"
        if signed:
            yield f"  signed by the root in {', '.join(signed)}"
    since = one.age_from
    if since is not None and since > at:
        yield f"  vouched for until {_day(since)}"
    elif since is not None:
        days = (at - since).days
        yield f"  current on {_day(since)}, {days} days ago; later revocations are unknown"


def _is_single(one: Held) -> bool:
    return one.origin is not None and len(one.origin.sources) == 1 and not one.origin.signed_by


def _ending(one: Held, at: datetime) -> Iterator[str]:
    """Yield what ends soon, and TUF roots that have: they need a renewal, signatures do not."""
    expires = one.told.expires
    if expires is not None and expires < at + SOON:
        over = "expired" if expires < at else "expires"
        yield f"{plain(one.name)} {over} {_day(expires)}: trust update, or trust import"
    for fact in one.told.keys:
        if fact.last is not None and at <= fact.last < at + SOON:
            days = (fact.last - at).days
            yield f"{plain(one.name)}: {kind(fact)} {plain(fact.name)} ends in {days} days"


def _value(one: Held, at: datetime) -> dict[str, Any]:
    origin = one.origin
    return {
        "name": one.name,
        "kind": one.kind.value,
        "place": one.place,
        "wins": one.wins,
        "newer-in": one.newer_in,
        "sha256": one.sha256 or None,
        "version": one.told.version,
        "expires": _time(one.told.expires),
        "current-on": _time(one.age_from),
        "repository": one.repository,
        "sources": [] if origin is None else [str(source) for source in origin.sources],
        "signed-by": [] if origin is None else [str(source) for source in origin.signed_by],
        "single-source": _is_single(one),
        "keys": [key(fact, at) for fact in one.told.keys],
        "error": None
        if one.error is None
        else {"code": one.error.code, "message": one.error.message},
    }


def key(fact: KeyFact, at: datetime) -> dict[str, Any]:
    """Return a key as the JSON document has it."""
    return {
        "kind": fact.kind.value,
        "name": fact.name,
        "fingerprint": fact.fingerprint,
        "start": _time(fact.start),
        "end": _time(fact.end),
        "certificates-end": _time(fact.certificates_end),
        "age-days": None if fact.start is None else (at - fact.start).days,
        "state": state(fact, at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else render_time(moment)
