"""What the clients of one collect share: lanes to every host, and who watches the transfers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from kit.sources.deadline import Deadline

PER_HOST = 8

#: Called with a file's name, its size if that is known, and how much is there already; within
#: the context that it returns, what it gives is told how many more bytes have arrived.
Watch = Callable[[str, int | None, int], AbstractContextManager[Callable[[int], None]]]


@contextmanager
def unwatched(_name: str, _total: int | None, _done: int) -> Iterator[Callable[[int], None]]:
    """Tell nobody."""
    yield lambda _: None


class Traffic:
    """A bounded number of requests at once to every host, whoever asks; more wait for a lane.

    A host counts requests and not our credentials. ``watch`` is told of every file on its way.
    """

    def __init__(self, per_host: int = PER_HOST, watch: Watch = unwatched) -> None:
        """Have ``per_host`` lanes to each."""
        self.watch = watch
        self._per_host = per_host
        self._lock = threading.Lock()
        self._lanes: dict[str, threading.Semaphore] = {}

    @contextmanager
    def lane(self, origin: str, deadline: Deadline) -> Iterator[None]:
        """Hold a lane to an origin (scheme, host and port).

        The time that a fetch waits for our own others is not held against it.
        """
        with self._lock:
            lanes = self._lanes.setdefault(origin, threading.Semaphore(self._per_host))
        with deadline.paused():
            lanes.acquire()
        try:
            yield
        finally:
            lanes.release()
