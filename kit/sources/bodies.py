"""Receive the body of an answer, and hold it against all that was promised of it.

That is: what its headers say of it, the limit of whoever asked, the least speed, and what
was announced of the file (:class:`kit.sources.exchange.Want`). What is short, too long, too
slow or another file is never taken for the file, wherever it goes: to a file, to memory, or
to nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kit.errors import MachineError
from kit.sources import connections, framing
from kit.sources.connections import Response
from kit.sources.deadline import Patience
from kit.sources.exchange import Want
from kit.sources.failures import PassingError, failure, passing, refusal
from kit.sources.hashing import Hashing
from kit.sources.receiving import Part, paced
from kit.sources.traffic import Traffic
from kit.sources.urls import Url


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What one fetch is to bring: the file that ``start`` names, as it is wanted."""

    start: Url
    want: Want
    limit: int
    patience: Patience

    def to_file(self, part: Part, response: Response, here: Url, traffic: Traffic) -> None:
        """Receive what is sent, or the rest of what was, and give the file its name."""
        if response.status == 206 and part.size:
            framing.promised(response.headers, here, self.start)
            part.go_on(response.headers, here)
        elif response.status == 416 and part.size:
            part.discard()
            raise passing("unexpected", here, "it has no rest of what it sent before")
        else:
            part.begin(response.headers, here, self._promised(response, here))
        due = framing.length(response.headers)
        before = part.size
        total = None if due is None else before + due
        pieces = connections.pieces(response, here)
        try:
            with traffic.watch(self.want.name or self.start.name, total, before) as arrived:
                part.receive(pieces, here, self.limit, self.patience, arrived)
            _demand_length(due, part.size - before, here)
            part.demand_whole(here)
            self._demand_announced(part.size, part.digests, here)
        except PassingError:
            part.keep(here)
            raise
        except MachineError as error:
            resumed = part.resumed
            part.discard()
            if resumed and error.code == "machine.digest":
                # Not the server's word against ours, before it was asked for the whole.
                raise passing("digest", here, error.message) from error
            raise
        part.finish(here)

    def to_memory(self, response: Response, here: Url, whole: bytearray) -> Hashing:
        """Add the whole body to ``whole``; return what was computed of it."""
        return self._received(response, here, whole.extend)

    def to_nowhere(self, response: Response, here: Url) -> Hashing:
        """Return what was computed of the body."""
        return self._received(response, here, lambda _: None)

    def _received(self, response: Response, here: Url, take: Callable[[bytes], None]) -> Hashing:
        due = self._promised(response, here)
        hashing = Hashing(self.want.algorithms)
        for piece in bounded(response, here, self.limit, self.patience):
            hashing.add(piece)
            take(piece)
        _demand_length(due, hashing.size, here)
        self._demand_announced(hashing.size, hashing.digests, here)
        return hashing

    def _promised(self, response: Response, here: Url) -> int | None:
        """Return the length of a body that is the whole file, if its headers say one."""
        if response.status != 200:
            raise refusal(response.status, here, response.headers)
        length = framing.promised(response.headers, here, self.start)
        if length is not None and length > self.limit:
            raise failure("too-large", here, f"{length} bytes, over the limit of {self.limit}")
        return length

    def _demand_announced(self, size: int, found: Mapping[str, str], here: Url) -> None:
        what = self.want.differing(size, found)
        if what is not None:
            raise failure("digest", here, what)


def bounded(response: Response, here: Url, limit: int, patience: Patience) -> Iterator[bytes]:
    """Yield the pieces of any body; raise where they are too many, or too slow."""
    size = 0
    for piece in paced(connections.pieces(response, here), here, patience):
        size += len(piece)
        if size > limit:
            raise failure("too-large", here, f"more than the limit of {limit} bytes")
        yield piece


def _demand_length(due: int | None, size: int, here: Url) -> None:
    if due is not None and size != due:
        raise passing("truncated", here, f"{size} bytes of {due}")
