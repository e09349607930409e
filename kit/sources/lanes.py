"""How many requests go to one host at once, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kit.sources.deadline import Deadline

PER_HOST = 8


class Lanes:
    """A bounded number of lanes to every host; who finds them taken waits for one.

    Several clients share one, since a host counts requests and not our credentials. The time
    that a fetch waits for our own others is not held against it.
    """

    def __init__(self, per_host: int = PER_HOST) -> None:
        """Have ``per_host`` lanes to each."""
        self._per_host = per_host
        self._lock = threading.Lock()
        self._to: dict[str, threading.Semaphore] = {}

    @contextmanager
    def to(self, origin: str, deadline: Deadline) -> Iterator[None]:
        """Hold a lane to an origin (scheme, host and port)."""
        with self._lock:
            lanes = self._to.setdefault(origin, threading.Semaphore(self._per_host))
        with deadline.paused():
            lanes.acquire()
        try:
            yield
        finally:
            lanes.release()
