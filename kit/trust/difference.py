"""What changes between two sets of keys: which come, which go, which get another window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kit.formats.key_facts import KeyFact, KeyKind

_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The keys that come and go, and those that stay with something else said of them."""

    comes: tuple[KeyFact, ...] = ()
    goes: tuple[KeyFact, ...] = ()
    changes: tuple[tuple[KeyFact, KeyFact], ...] = ()

    def __bool__(self) -> bool:
        """Say whether anything differs."""
        return bool(self.comes or self.goes or self.changes)


def between(old: Iterable[KeyFact], new: Iterable[KeyFact]) -> Difference:
    """Return what differs; a key is the same where its kind and fingerprint are.

    One key may stand in several windows: those that are alike stay, the others are paired by
    their start, and what then has no other comes or goes.
    """
    before, after = _by_key(old), _by_key(new)
    comes: list[KeyFact] = []
    goes: list[KeyFact] = []
    changes: list[tuple[KeyFact, KeyFact]] = []
    for key in dict.fromkeys((*before, *after)):
        was, now = _unlike(before.get(key, ()), after.get(key, ()))
        paired = min(len(was), len(now))
        changes += zip(was[:paired], now[:paired], strict=True)
        goes += was[paired:]
        comes += now[paired:]
    return Difference(comes=tuple(comes), goes=tuple(goes), changes=tuple(changes))


def _by_key(facts: Iterable[KeyFact]) -> dict[tuple[KeyKind, str], list[KeyFact]]:
    found: dict[tuple[KeyKind, str], list[KeyFact]] = {}
    for fact in facts:
        found.setdefault((fact.kind, fact.fingerprint), []).append(fact)
    return found


def _unlike(was: Sequence[KeyFact], now: Sequence[KeyFact]) -> tuple[list[KeyFact], list[KeyFact]]:
    left = list(now)
    gone = []
    for fact in was:
        if fact in left:
            left.remove(fact)
        else:
            gone.append(fact)
    return sorted(gone, key=_start), sorted(left, key=_start)


def _start(fact: KeyFact) -> datetime:
    return fact.start or _FIRST
