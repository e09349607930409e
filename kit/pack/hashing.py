"""Hash many members of a pack at once, each in place and each once."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event, Lock

from kit.model import Digest
from kit.pack.layout import Placed
from kit.pack.medium import CHUNK, Medium

#: More would not read a medium faster, and each holds a chunk.
MAX_THREADS = 16

Digests = dict[str, Digest]


def default_threads() -> int:
    """Return how many processors this process may use, within bounds."""
    try:
        available = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        available = os.cpu_count() or 1
    return min(available, MAX_THREADS)


def digests(
    medium: Medium,
    wanted: Sequence[tuple[Placed, frozenset[str]]],
    *,
    threads: int,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Digests]:
    """Return the digests of each wanted member by path and algorithm, SHA-256 always.

    hashlib and pread release the interpreter's lock, so threads use all processors. A
    member is read by one thread: the largest go first, so that none is left for last.
    ``progress`` is told the bytes of each chunk, in one thread at a time.
    """
    queue = deque(sorted(wanted, key=lambda item: item[0].member.size, reverse=True))
    results: dict[str, Digests] = {}
    stop = Event()
    report = _serialised(progress)

    def work() -> None:
        while not stop.is_set():
            try:
                placed, algorithms = queue.popleft()
            except IndexError:
                return
            results[placed.member.path] = _hash(medium, placed, algorithms, report, stop)

    threads = min(threads, len(queue))
    if threads <= 1:
        work()
        return results
    with ThreadPoolExecutor(threads) as executor:
        workers = [executor.submit(work) for _ in range(threads)]
        try:
            wait(workers, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()  # after an error, or an interrupt, the others end within a chunk
        for worker in workers:
            worker.result()
    return results


def _hash(
    medium: Medium,
    placed: Placed,
    algorithms: frozenset[str],
    report: Callable[[int], None],
    stop: Event,
) -> Digests:
    hashes = {name: hashlib.new(name) for name in sorted(algorithms | {"sha256"})}
    offset, end = placed.offset, placed.offset + placed.member.size
    while offset < end and not stop.is_set():
        chunk = medium.demand(offset, min(CHUNK, end - offset))
        for running in hashes.values():
            running.update(chunk)
        offset += len(chunk)
        report(len(chunk))
    return {name: Digest(name, running.hexdigest()) for name, running in hashes.items()}


def _serialised(progress: Callable[[int], None] | None) -> Callable[[int], None]:
    if progress is None:
        return lambda _: None
    lock = Lock()

    def report(count: int) -> None:
        with lock:
            progress(count)

    return report
