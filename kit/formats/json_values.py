"""Whether two JSON documents say the same: by value, whatever tools made of spaces and order.

Equal are objects with the same members, arrays with the same elements in the same order,
strings of the same characters, and numbers of the same value, ``1`` and ``1.0`` alike, fractions
as far as a double holds them: who signs what another tool wrote writes it again in a way of
his own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def first_difference(one: Any, other: Any) -> str | None:
    """Return the path of the first place where two parsed values differ, such as ``$.a[0]``.

    Members are compared in the order of their names. ``None`` where the values are equal.
    What is remembered grows with the depth alone, however long names and arrays are.
    """
    levels = [iter([("$", one, other)])]
    steps: list[str] = []
    while levels:
        pair = next(levels[-1], None)
        if pair is None:
            levels.pop()
            continue
        step, left, right = pair
        steps[len(levels) - 1 :] = [step]
        if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
            levels.append(_members(left, right))
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            levels.append(_elements(left, right))
        elif not _equal(left, right):
            return "".join((*steps, *_which(left, right)))
    return None


def _members(left: dict[str, Any], right: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    return ((f".{key}", left[key], right[key]) for key in sorted(left))


def _elements(left: list[Any], right: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    return ((f"[{place}]", *pair) for place, pair in enumerate(zip(left, right, strict=True)))


def _equal(left: Any, right: Any) -> bool:
    """Compare what holds nothing further; to Python, true is a 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return not isinstance(left, dict | list) and bool(left == right)


def _which(left: Any, right: Any) -> Iterator[str]:
    """Yield, of two objects with other members, the first that only one of them has."""
    if isinstance(left, dict) and isinstance(right, dict):
        yield f".{min(left.keys() ^ right.keys())}"
