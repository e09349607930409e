"""Ask for several things at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

from kit.sources.deadline import Halt

_AT_ONCE = 8

One = TypeVar("One")
Many = TypeVar("Many")


def each(ask: Callable[[One], Many], items: Iterable[One]) -> list[Many]:
    """Ask for every item; answers are in the order of the questions.

    The first failure is raised, and ends what is still going on: it could not make a pack
    any more. So does an interrupt, which nobody should have to wait for.
    """
    questions = list(items)
    if len(questions) <= 1:
        return [ask(item) for item in questions]
    pool, halt = ThreadPoolExecutor(max_workers=_AT_ONCE), Halt()
    try:
        with halt.entered():
            # The threads work in this one's context: its halts are theirs.
            answers = [pool.submit(copy_context().run, ask, item) for item in questions]
        done, _ = wait(answers, return_when=FIRST_EXCEPTION)
        for answer in answers:
            if answer in done:
                answer.result()
        return [answer.result() for answer in answers]
    except BaseException:
        halt.call()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
