"""How far a collect is: bars on a terminal, elsewhere a line a file that has arrived."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kit.cli import terminal
from kit.report.escape import plain

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from kit.sources.traffic import Watch

#: A file that is here sooner gets no bar of its own: hundreds of small ones would only flicker.
_WORTH_A_BAR = 0.5
_NAME = 40


@contextmanager
def shown() -> Iterator[Watch]:
    """Yield what is told of every file on its way; draw it where stderr is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield _logged
        return
    with terminal.drawn() as bars:
        yield _Bars(bars).watch


@contextmanager
def _logged(name: str, total: int | None, done: int) -> Iterator[Callable[[int], None]]:
    sizes = [done]
    yield sizes.append
    if total in (None, sum(sizes)):
        terminal.say(f"fetched {name}: {sum(sizes)} bytes")


class _Bars:
    """A bar for every file that takes a while, and one for all of them."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._lock = threading.Lock()
        self._files = 0
        self._due = 0
        self._all = bars.add_task("0 files", total=None)

    @contextmanager
    def watch(self, name: str, total: int | None, done: int) -> Iterator[Callable[[int], None]]:
        """Show a file on its way."""
        began, here = time.monotonic(), done
        bar: TaskID | None = None
        with self._lock:
            self._due += (total or 0) - done

        def arrived(size: int) -> None:
            nonlocal bar, here
            here += size
            if bar is None and time.monotonic() - began >= _WORTH_A_BAR:
                bar = self._bars.add_task(plain(name)[-_NAME:], total=total)
            if bar is not None:
                self._bars.update(bar, completed=here)
            self._bars.update(self._all, advance=size, total=self._due or None)

        try:
            yield arrived
        finally:
            self._gone(bar)

    def _gone(self, bar: TaskID | None) -> None:
        with self._lock:
            self._files += 1
            self._bars.update(self._all, description=f"{self._files} files")
        if bar is not None:
            self._bars.remove_task(bar)
