"""Whether two JSON documents say the same: by value, whatever tools made of spaces and order.

Equal are objects with the same members, arrays with the same elements in the same order,
strings of the same characters, and numbers of the same value, ``1`` and ``1.0`` alike: who signs
what another tool wrote writes it again in a way of his own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def first_difference(one: Any, other: Any) -> str | None:
    """Return the path of the first place where two parsed values differ, such as ``$.a[0]``.

    Members are compared in the order of their names. ``None`` where the values are equal.
    """
    waiting = [("$", one, other)]
    while waiting:
        path, left, right = waiting.pop()
        if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
            inner = [(f"{path}.{key}", left[key], right[key]) for key in sorted(left)]
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            pairs = zip(left, right, strict=True)
            inner = [(f"{path}[{place}]", *pair) for place, pair in enumerate(pairs)]
        elif _equal(left, right):
            continue
        else:
            return path + "".join(_which(left, right))
        waiting += reversed(inner)
    return None


def _equal(left: Any, right: Any) -> bool:
    """Compare what holds nothing further; to Python, true is a 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return not isinstance(left, dict | list) and bool(left == right)


def _which(left: Any, right: Any) -> Iterator[str]:
    """Yield, of two objects with other members, the first that only one of them has."""
    if isinstance(left, dict) and isinstance(right, dict):
        yield f".{min(left.keys() ^ right.keys())}"
