"""What changes among keys, in plain words with fingerprints to read aloud, and for machines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kit.formats.encodings import render_time
from kit.formats.key_facts import KeyFact, aloud
from kit.report import anchors
from kit.report.escape import plain
from kit.trust.difference import Difference


def lines(difference: Difference) -> Iterator[str]:
    """Yield what changes, a key at a time; one line where nothing does."""
    if not difference:
        yield "  the same keys, in the same windows"
    for fact in difference.comes:
        yield from _key("COMES  ", fact)
    for fact in difference.goes:
        yield from _key("GOES   ", fact)
    for was, now in difference.changes:
        yield from _key("CHANGES", was)
        yield from (f"    {told}" for told in _changed(was, now))


def value(difference: Difference, at: datetime) -> dict[str, Any]:
    """Return what changes as the JSON document has it."""
    return {
        "comes": [anchors.key(fact, at) for fact in difference.comes],
        "goes": [anchors.key(fact, at) for fact in difference.goes],
        "changes": [
            {"from": anchors.key(was, at), "to": anchors.key(now, at)}
            for was, now in difference.changes
        ],
    }


def _key(word: str, fact: KeyFact) -> Iterator[str]:
    yield f"  {word}  {anchors.kind(fact)}  {plain(fact.name)}  {anchors.window(fact)}"
    yield f"    {aloud(fact.fingerprint)}"


def _changed(was: KeyFact, now: KeyFact) -> Iterator[str]:
    """Yield what is said of a key otherwise than before."""
    for word, before, after in (
        ("since", _time(was.start), _time(now.start)),
        ("until", _time(was.end), _time(now.end)),
        ("name", plain(was.name), plain(now.name)),
    ):
        if before != after:
            yield f"{word} {before or 'no time'} becomes {after or 'no time'}"
    for fingerprint in now.above:
        if fingerprint not in was.above:
            yield f"below a certificate that was not there: {aloud(fingerprint)}"
    for fingerprint in was.above:
        if fingerprint not in now.above:
            yield f"no longer below {aloud(fingerprint)}"


def _time(moment: datetime | None) -> str:
    return "" if moment is None else render_time(moment)
