"""How long a fetch may take, and an end to it, whatever it is waiting for.

A socket's timeout is for one read. A server that sends a byte now and then, in its TLS
handshake, in its headers or between chunks, never lets it strike; so at the deadline the
connection is shut down from outside, and the read that waits for it ends.
"""

from __future__ import annotations

import contextlib
import threading
import time
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

_BOTH_WAYS = 2  # socket.SHUT_RDWR; the socket itself enters through kit.sources.http alone


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
        self._ends = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._strike)
        self._timer.daemon = True
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
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it, struck or not."""
        self._timer.cancel()
        self.let_go()
        if self._token is not None:
            self._current.reset(self._token)

    @property
    def left(self) -> float:
        """The seconds that are left; negative once it is over."""
        return self._ends - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.left <= 0

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

    def _strike(self) -> None:
        with self._lock:
            if self._held is not None:
                _shut(self._held)


def _shut(line: Line) -> None:
    with contextlib.suppress(OSError):  # the other side was faster
        line.shutdown(_BOTH_WAYS)
