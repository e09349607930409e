"""Receive a body into a file, whole or to be gone on with.

What has arrived stands in ``NAME.part`` beside the file that it will be. Where the server
named the version of what it sends, by a strong validator (RFC 9110 section 8.8.1), a large
part is kept when the transfer breaks off, and the rest asked for on the condition that it
is of that version still (``If-Range``, section 13.1.5). A validator is one resource's, so what
another origin or path answers is not joined to it. ``NAME.resume`` has the validator,
and how much of the part is known to be whole, with its SHA-256: whatever a crash left
beyond, or within, is not gone on with.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kit.errors import MachineError, MalformedError
from kit.formats import strictjson
from kit.sources.deadline import Patience
from kit.sources.failures import failure, passing
from kit.sources.framing import Headers, only
from kit.sources.hashing import Aside, Hashing
from kit.sources.urls import Url

#: A smaller part is not worth a question of its own; as often, how much is whole is noted.
WORTH_RESUMING = 1 << 20
NOTED_EVERY = 16 << 20
_CHUNK = 1 << 20
_WORTH_A_THREAD = 4 << 20
_MAX_NOTE = 4096
_NOTED = frozenset({"validator", "origin", "total", "size", "sha256"})
_STRONG = re.compile(r'"[\x21\x23-\x7e]{0,200}"')
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


class Part:
    """What has arrived of one file; one thread's."""

    def __init__(self, to: Path, others: Iterable[str] = ()) -> None:
        """Take up what an earlier fetch left, if that is still what was noted of it.

        ``others`` are the algorithms of digests beside SHA-256.
        """
        self._to = to
        self._path = to.with_name(f"{to.name}.part")
        self._note = to.with_name(f"{to.name}.resume")
        self._validator: str | None = None
        self._total: int | None = None
        self._origin: str | None = None
        self._others = tuple(others)
        self._hashing = Hashing(self._others)
        self._noted = 0
        #: Whether some of the bytes came with an earlier answer.
        self.resumed = False
        self._take_up()

    @property
    def size(self) -> int:
        """How much has arrived."""
        return self._hashing.size

    @property
    def sha256(self) -> str:
        """The SHA-256 of what has arrived, in hex."""
        return self._hashing.sha256

    @property
    def digests(self) -> Mapping[str, str]:
        """All digests of what has arrived, in hex, by algorithm."""
        return self._hashing.digests

    def conditions(self) -> Mapping[str, str]:
        """Return the headers that ask for the rest, if there is a part to go on with."""
        if not self.size or self._validator is None:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self._validator}

    def go_on(self, headers: Headers, here: Url) -> None:
        """Take a 206 for the rest of the part; raise where it is another part, or of another file.

        A server that answers so breaks its own promise, and is asked anew for the whole.
        """
        found = _RANGE.fullmatch(only(headers, "content-range") or "")
        fits = (
            self._origin == _origin(here)
            and self.size > 0
            and found is not None
            and int(found[1]) == self.size
            and int(found[2]) + 1 == int(found[3])
            and self._total in (None, int(found[3]))
            and _validator(headers) == self._validator
        )
        if not fits or found is None:
            self.discard()
            raise passing("unexpected", here, "it answered with another part than was asked for")
        self.resumed, self._total = True, int(found[3])

    def begin(self, headers: Headers, here: Url, length: int | None) -> None:
        """Begin anew, with the whole file of ``length`` bytes that ``here`` sends."""
        if self.size:
            self.discard()
        self._validator, self._total = _validator(headers), length
        self._origin = _origin(here)

    def demand_whole(self, here: Url) -> None:
        """Raise where fewer or more bytes are here than the file was said to have."""
        if self._total is not None and self.size != self._total:
            raise passing("truncated", here, f"{self.size} bytes of {self._total}")

    def receive(
        self,
        pieces: Iterable[bytes],
        here: Url,
        limit: int,
        patience: Patience,
        arrived: Callable[[int], None],
    ) -> None:
        """Write pieces to the end of the part; raise where they are too many, or too slow.

        ``arrived`` is told how long each is.
        """
        before = self.size
        try:
            with (
                self._path.open("r+b" if before else "wb", buffering=0) as out,
                self._hashed() as to,
            ):
                out.truncate(before)  # what was written and not hashed any more
                written = out.seek(before)
                for piece in paced(pieces, here, patience):
                    written += len(piece)
                    if written > limit:
                        raise failure("too-large", here, f"more than the limit of {limit} bytes")
                    _write(out, piece)
                    to(piece)
                    arrived(len(piece))
        except OSError as error:  # never the network's: those are no OSErrors by now
            raise self._unwritable(here, error) from error

    @contextlib.contextmanager
    def _hashed(self) -> Iterator[Callable[[bytes], None]]:
        """Yield what hashes pieces that are written: at once, or a large file's aside."""
        if self._total is not None and self._total - self.size < _WORTH_A_THREAD:
            yield self._hashing.add
            return
        with Aside(self._hashing, self._note_now_and_then) as aside:
            yield aside.add

    def _note_now_and_then(self) -> None:
        if self.size - self._noted >= NOTED_EVERY:
            self._write_note()

    def keep(self, here: Url) -> None:
        """Keep the part for another fetch, where that could go on with it."""
        if self._validator is None or self.size < WORTH_RESUMING:
            self.discard()
            return
        try:
            self._write_note()
        except OSError as error:
            raise self._unwritable(here, error) from error

    def finish(self, here: Url) -> None:
        """Give the file its name: it is whole."""
        try:
            self._path.replace(self._to)
            self._note.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(here, error) from error

    def discard(self) -> None:
        """Leave nothing, and begin at the first byte again."""
        for path in (self._note, self._path):  # in this order: a note is of a part
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self._hashing, self._noted, self.resumed = Hashing(self._others), 0, False
        self._validator = self._total = self._origin = None

    def _unwritable(self, here: Url, error: OSError) -> MachineError:
        what = f"{self._to.name} cannot be written: {error.strerror}"
        return failure("unwritable", here, what)

    # ---- what is known of a part

    def _write_note(self) -> None:
        if self._validator is None:
            return
        note = {
            "validator": self._validator,
            "origin": self._origin,
            "total": self._total,
            "size": self.size,
            "sha256": self.sha256,
        }
        aside = self._note.with_name(f"{self._note.name}.new")
        aside.write_bytes(strictjson.canonical(note))
        aside.replace(self._note)
        self._noted = self.size

    def _take_up(self) -> None:
        try:
            note = _read_note(self._note)
            if note is not None:
                self._hash_again(note)
        except OSError:
            return  # said when the file is written
        if note is not None and not self.size:
            self.discard()

    def _hash_again(self, note: Mapping[str, Any]) -> None:
        hashing = Hashing(self._others)
        with self._path.open("r+b") as part:
            while chunk := part.read(min(_CHUNK, note["size"] - hashing.size)):
                hashing.add(chunk)
            if (hashing.size, hashing.sha256) != (note["size"], note["sha256"]):
                return
            part.truncate(hashing.size)
        self._hashing = hashing
        self._noted = hashing.size
        self._validator, self._total = note["validator"], note["total"]
        self._origin = note["origin"]


def _read_note(path: Path) -> Mapping[str, Any] | None:
    """Return a note as it was written; ``None`` for anything else."""
    try:
        with path.open("rb") as file:
            note = strictjson.parse(file.read(_MAX_NOTE), max_bytes=_MAX_NOTE)
    except (FileNotFoundError, MalformedError):
        return None
    if not isinstance(note, dict) or note.keys() != _NOTED:
        return None
    size, total, validator = note["size"], note["total"], note["validator"]
    right = (
        type(size) is int
        and size >= WORTH_RESUMING
        and (total is None or (type(total) is int and total >= size))
        and isinstance(note["origin"], str)
        and isinstance(validator, str)
        and _STRONG.fullmatch(validator)
    )
    return note if right else None


def _origin(here: Url) -> str:
    """Return what a validator is of: the resource, told without showing anybody its path."""
    return hashlib.sha256(f"{here.origin}{here.path}".encode()).hexdigest()


def _write(out: io.RawIOBase, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[out.write(rest) or 0 :]


def _validator(headers: Headers) -> str | None:
    """Return the strong validator of what is sent: its ETag, unless that is a weak one."""
    etag = only(headers, "etag")
    return etag if etag is not None and _STRONG.fullmatch(etag) else None


def paced(pieces: Iterable[bytes], here: Url, patience: Patience) -> Iterable[bytes]:
    """Yield pieces as long as they arrive fast enough."""
    arrived, window_ends = 0, time.monotonic() + patience.window
    for piece in pieces:
        arrived += len(piece)
        if time.monotonic() >= window_ends:
            if arrived < patience.slowest * patience.window:
                what = f"{arrived} bytes in {patience.window:g} seconds"
                raise passing("timeout", here, what)
            arrived, window_ends = 0, time.monotonic() + patience.window
        yield piece
