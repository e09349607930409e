"""How long a fetch may take, and an end to it, whatever it is waiting for.

A socket's timeout is for one read. A server that sends a byte now and then, in its TLS
handshake, in its headers or between chunks, never lets it strike; so at the deadline the
connection is shut down from outside, and the read that waits for it ends. A halt ends all
fetches of a group so: when one of them has failed, the others can make no pack any more.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

_BOTH_WAYS = 2  # socket.SHUT_RDWR; the socket itself enters through kit.sources.connections


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what, in seconds, and how often to try again.

    ``slowest`` is in bytes a second over every ``window``. ``longest_wait`` caps both the
    growing wait between tries and what a server's ``Retry-After`` asks for.
    """

    connect: float = 10.0
    read: float = 30.0
    total: float = 4 * 3600.0
    window: float = 30.0
    slowest: int = 1024
    retries: int = 4
    backoff: float = 0.5
    jitter: float = 0.5
    longest_wait: int = 30


class Line(Protocol):
    """A socket, as far as a deadline needs one."""

    def shutdown(self, how: int, /) -> None:
        """End the connection for everyone who shares it."""

    def close(self) -> None:
        """Give this descriptor back; the connection goes on."""


class Deadline:
    """The seconds that one fetch may take, redirects, tries and waits included.

    Entered by the thread that fetches; :meth:`current` is that thread's.
    """

    _current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)

    def __init__(self, seconds: float) -> None:
        """Begin to count now."""
        self.ends = time.monotonic() + seconds
        self._halts = Halt.around()
        self._struck = threading.Event()
        self._lock = threading.Lock()
        self._held: Line | None = None
        self._token: Token[Deadline | None] | None = None

    @classmethod
    def current(cls) -> Deadline | None:
        """Return the deadline that the calling thread works under."""
        return cls._current.get()

    def __enter__(self) -> Self:
        """Make it the calling thread's."""
        self._token = self._current.set(self)
        _WATCH.add(self)
        for halt in self._halts:
            halt.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it, struck or not."""
        _WATCH.remove(self)
        for halt in self._halts:
            halt.remove(self)
        self.let_go()
        if self._token is not None:
            self._current.reset(self._token)

    @property
    def left(self) -> float:
        """The seconds that are left; negative once it is over."""
        return self.ends - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time is up, or the group was halted."""
        return self._struck.is_set() or self.left <= 0

    def hold(self, line: Line) -> None:
        """Take this line, shut it down at the deadline, and close it at :meth:`let_go`."""
        with self._lock:
            before, self._held = self._held, line
            if self.over:
                _shut(line)
        if before is not None:
            before.close()

    def let_go(self) -> None:
        """Leave the connection alone from here on: another fetch may be given it."""
        with self._lock:
            before, self._held = self._held, None
        if before is not None:
            before.close()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until it is over."""
        self._struck.wait(seconds)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the time within: it is spent waiting for our own other fetches."""
        began = time.monotonic()
        _WATCH.remove(self)  # a halt still strikes it
        try:
            yield
        finally:
            self.ends += time.monotonic() - began
            _WATCH.add(self)

    def strike(self) -> None:
        """End it now."""
        self._struck.set()
        with self._lock:
            if self._held is not None:
                _shut(self._held)


class Halt:
    """An end to all fetches of the threads that work in its context, and in those within."""

    _current: ContextVar[Halt | None] = ContextVar("halt", default=None)

    def __init__(self) -> None:
        """Stand within the calling thread's."""
        self._outer = self._current.get()
        self._lock = threading.Lock()
        self._deadlines: set[Deadline] = set()
        self._called = False

    @classmethod
    def around(cls) -> tuple[Halt, ...]:
        """Return the halts that the calling thread works within, the innermost first."""
        found: list[Halt] = []
        halt = cls._current.get()
        while halt is not None:
            found.append(halt)
            halt = halt._outer  # noqa: SLF001 - its own kind
        return tuple(found)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Make it the one that the calling thread, and whoever copies its context, works in."""
        token = self._current.set(self)
        try:
            yield
        finally:
            self._current.reset(token)

    def add(self, deadline: Deadline) -> None:
        """Have a deadline struck when this is called."""
        with self._lock:
            self._deadlines.add(deadline)
            called = self._called
        if called:
            deadline.strike()

    def remove(self, deadline: Deadline) -> None:
        """Forget a deadline."""
        with self._lock:
            self._deadlines.discard(deadline)

    def call(self) -> None:
        """End every fetch that is going on, and those that are still to begin."""
        with self._lock:
            self._called = True
            deadlines = list(self._deadlines)
        for deadline in deadlines:
            deadline.strike()


class _Watch:
    """One thread that strikes deadlines when their time is up."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._active: set[Deadline] = set()
        self._wakes = 0.0
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        with self._changed:
            self._active.add(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()
            elif deadline.ends < self._wakes:
                self._changed.notify()

    def remove(self, deadline: Deadline) -> None:
        with self._changed:
            self._active.discard(deadline)

    def _watch(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                due = [deadline for deadline in self._active if deadline.ends <= now]
                self._active.difference_update(due)
                # Looked at again no later than this, for a pause may have put an end off.
                self._wakes = min((d.ends for d in self._active), default=now + _IDLE)
                if not due:
                    self._changed.wait(max(self._wakes - now, 0.0))
                    continue
            for deadline in due:
                deadline.strike()


_IDLE = 3600.0
_WATCH = _Watch()


def _shut(line: Line) -> None:
    with contextlib.suppress(OSError):  # the other side was faster
        line.shutdown(_BOTH_WAYS)
