"""kit.trust.difference: what comes, what goes, and what takes back what was said before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kit.formats.key_facts import KeyFact, KeyKind
from kit.trust.difference import between

START, MIDDLE, END = (datetime(year, 1, 1, tzinfo=UTC) for year in (2024, 2025, 2026))
OPEN = KeyFact(kind=KeyKind.TLOG, name="log", fingerprint="a" * 64, start=START)
ENDED = replace(OPEN, end=MIDDLE)
OTHER = replace(OPEN, fingerprint="b" * 64)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ((OPEN,), (OPEN,)),
        ((OPEN,), (OPEN, OTHER)),
        ((OPEN,), (ENDED,)),
        ((replace(ENDED, end=END),), (ENDED,)),
        ((OPEN,), (ENDED, OTHER)),
        ((OPEN,), (replace(OPEN, start=MIDDLE),)),
        ((OPEN,), (replace(OPEN, name="the same log at another URL"),)),
        ((), (OPEN,)),
    ],
)
def test_what_adds_keys_and_narrows_windows_takes_nothing_back(
    was: tuple[KeyFact, ...], now: tuple[KeyFact, ...]
) -> None:
    assert between(was, now).takes_back == ()


@pytest.mark.parametrize(
    ("was", "now", "back"),
    [
        ((OPEN, OTHER), (OPEN,), OTHER),
        ((ENDED,), (OPEN,), ENDED),
        ((ENDED,), (replace(ENDED, end=END),), ENDED),
        ((ENDED,), (replace(ENDED, start=None),), ENDED),
        ((replace(OPEN, start=MIDDLE),), (OPEN,), replace(OPEN, start=MIDDLE)),
        (
            (replace(OPEN, above=("c",)),),
            (replace(OPEN, above=("d",)),),
            replace(OPEN, above=("c",)),
        ),
        ((OPEN,), (replace(OPEN, kind=KeyKind.CTLOG),), OPEN),
    ],
)
def test_a_key_that_goes_or_vouches_for_more_is_taken_back(
    was: tuple[KeyFact, ...], now: tuple[KeyFact, ...], back: KeyFact
) -> None:
    assert between(was, now).takes_back == (back,)
