"""The file a pack is read from: opened once, then only ever read by offset.

A path is looked up a single time, so nobody can put another file in its place between
two readings. ``pread`` shares no position, so threads may read at once.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from kit.errors import MachineError, PackError, UsageError

#: Enough for the system calls to cost nothing, little enough to have one a thread.
CHUNK = 1 << 20

# What is wrong with the path rather than with the machine.
_PATH_ERRORS = (
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM,
    errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO,
)  # fmt: skip


class Medium:
    """A regular file of ``size`` bytes, read by offset; a context manager."""

    def __init__(self, descriptor: int, path: Path) -> None:
        """Take over a descriptor of a regular file; ``path`` is for messages only."""
        self._descriptor = descriptor
        self._stamp = _stamp(descriptor)
        self.path = path
        self.size = self._stamp[0]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open ``path``; raise :class:`UsageError` unless it is a regular file."""
        try:
            # A FIFO without a writer would hang here, and a terminal take over the session.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            if isinstance(error, OSError) and error.errno not in _PATH_ERRORS:
                raise _unreadable(path, 0, error) from error
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UsageError(f"{path}: cannot be opened: {reason}", subject=str(path)) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UsageError(f"{path}: is not a regular file", subject=str(path))
        return cls(descriptor, path)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return ``length`` bytes from ``offset``, fewer only where the file ends.

        Raises :class:`MachineError` if the medium cannot be read there.
        """
        pieces = []
        while length > 0:
            try:
                piece = os.pread(self._descriptor, length, offset)
            except OSError as error:
                raise _unreadable(self.path, offset, error) from error
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def demand(self, offset: int, length: int) -> bytes:
        """Return exactly ``length`` bytes that were there when the file was opened."""
        raw = self.read_at(offset, length)
        if len(raw) != length:
            raise self._written(f"ends at byte {offset + len(raw)} now, not {self.size}")
        return raw

    def extents(self) -> Iterator[tuple[int, int]]:
        """Yield the ranges that hold data; between them are holes, which read as zeros."""
        offset = 0
        while offset < self.size:
            try:
                start = os.lseek(self._descriptor, offset, os.SEEK_DATA)
                end = os.lseek(self._descriptor, start, os.SEEK_HOLE)
            except OSError as error:
                if error.errno != errno.ENXIO:  # a file system that does not know holes
                    yield offset, self.size
                return
            yield start, min(end, self.size)
            offset = end

    def changed(self) -> bool:
        """Say whether the file was written to since it was opened."""
        return _stamp(self._descriptor) != self._stamp

    def demand_unchanged(self) -> None:
        """Raise :class:`PackError` if the file was written to since it was opened."""
        if self.changed():
            raise self._written("was written to while it was read")

    def close(self) -> None:
        """Close the file; reading it afterwards is a :class:`MachineError`."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        """Return the medium itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _written(self, how: str) -> PackError:
        return PackError(
            f"{self.path} {how}",
            code="pack.rewritten",
            subject=str(self.path),
            hint="check a copy that nothing else writes to",
        )


def _stamp(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns


def _unreadable(path: Path, offset: int, error: OSError) -> MachineError:
    return MachineError(
        f"{path}: cannot be read at byte {offset}: {error.strerror}",
        code="machine.unreadable",
        subject=str(path),
        hint="copy the pack from its medium again, or try another medium",
    )
