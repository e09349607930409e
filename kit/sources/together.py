"""Ask for several things at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_AT_ONCE = 4

One = TypeVar("One")
Many = TypeVar("Many")


def each(ask: Callable[[One], Many], items: Iterable[One]) -> list[Many]:
    """Ask for every item; answers are in the order of the questions.

    The first failure is raised, and nothing more is asked then: it could not make a pack
    any more.
    """
    pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
    try:
        return list(pool.map(ask, items))
    finally:
        pool.shutdown(cancel_futures=True)
