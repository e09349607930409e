"""Say, of what is missing, whether it was absent at its source or was lost since.

The ledger is the collector's word and proves nothing, so what it tells changes no verdict.
It tells an operator whom to ask: the publisher, who never made it; or whoever collected
and carried the pack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kit.errors import MalformedError
from kit.formats import kinds, ledger
from kit.formats.ledger import Inquiry
from kit.model import Answer, Finding, Level, Verdict
from kit.pack.reader import Pack

_TOLD = 8
#: Characters of a row's texts that are told, and of one that may name a file: a ledger is
#: whoever's, and may have very long ones.
_SHOWN = 300
_LONGEST_NAME = 512
#: What an absent piece of evidence, or a missing file, explains.
_EXPLAINED = frozenset({"policy.unmet", "artifact.missing", "artifact.name-unproved"})


def read(pack: Pack) -> tuple[tuple[Inquiry, ...], tuple[Finding, ...]]:
    """Return the pack's ledger, and a note where it cannot be read."""
    try:
        return ledger.parse(pack.read(ledger.NAME, ledger.MAX_BYTES)), ()
    except MalformedError as error:
        message = f"the collector's record cannot be read: {error}"
        return (), (_note("ledger.malformed", ledger.NAME, message),)


def lost(pack: Pack, inquiries: Sequence[Inquiry]) -> Iterator[Finding]:
    """Yield a finding a line of what the ledger says was found and the pack does not carry."""
    there = {member.sha256 for member in pack.manifest.members}
    for inquiry in inquiries:
        gone = [
            f"{row.wanted[:_SHOWN]} (sha256:{row.sha256})"
            for row in inquiry.asked
            if row.answer is Answer.FOUND
            and row.carried
            and row.sha256 is not None
            and row.sha256 not in there
        ]
        if gone:
            yield Finding(
                level=Level.WARNING,
                code="ledger.lost",
                subject=inquiry.source,
                message=f"found when collecting, and not in this pack: {_told(gone, len(gone))}",
                hint="it was taken out, or the pack was put together wrongly; collect again",
            )


def explained(verdicts: Sequence[Verdict], inquiries: Sequence[Inquiry]) -> tuple[Verdict, ...]:
    """Add to every verdict that fails for want of something what the ledger says of that."""
    names = {(verdict.source, verdict.name) for verdict in verdicts}
    absent: dict[tuple[str, str], list[str]] = {}
    for inquiry in inquiries:
        for row in inquiry.asked:
            if row.answer is Answer.ABSENT:
                about = next((n for n in _about(row.wanted) if (inquiry.source, n) in names), "")
                absent.setdefault((inquiry.source, about), []).append(
                    f"{row.wanted[:_SHOWN]} at {row.place[:_SHOWN]}"
                )
    return tuple(
        _explained(
            verdict,
            absent.get((verdict.source, verdict.name), ()),
            absent.get((verdict.source, ""), ()),
        )
        for verdict in verdicts
    )


def _about(wanted: str) -> Iterator[str]:
    """Yield the names of files that what was wanted may be, or be about."""
    if len(wanted) > _LONGEST_NAME:
        return
    yield wanted
    yield wanted.rpartition(" of ")[2]  # `attestations of NAME`
    while (named := kinds.named_after(wanted)) is not None:
        yield named
        wanted = named


def _explained(verdict: Verdict, mine: Sequence[str], of_line: Sequence[str]) -> Verdict:
    fails = any(f.level is Level.ERROR and f.code in _EXPLAINED for f in verdict.findings)
    if not fails or not (mine or of_line):
        return verdict
    told = [*mine[:_TOLD], *of_line[:_TOLD]]
    message = f"when collecting, its source had no {_told(told, len(mine) + len(of_line))}"
    note = _note("ledger.absent", verdict.name, f"{message} (the collector's word)")
    return replace(verdict, findings=(*verdict.findings, note))


def _told(items: Sequence[str], count: int) -> str:
    shown = items[:_TOLD]
    more = f" and {count - len(shown)} more" if count > len(shown) else ""
    return ", ".join(shown) + more


def _note(code: str, subject: str, message: str) -> Finding:
    return Finding(level=Level.NOTE, code=code, subject=subject, message=message)
