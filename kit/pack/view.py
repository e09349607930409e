"""One member as a read-only, seekable file, for ``zipfile`` and ``tarfile``.

A courier may write to the medium while it is read, and an archive reader comes back to
places it has seen. So a view first reads the whole member, holds it against the
manifest's digest, and remembers a digest of each chunk; what is handed out later is only
ever a chunk that is still the one that was hashed.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator

from kit.errors import PackError
from kit.pack.layout import Placed
from kit.pack.medium import CHUNK, Medium


class View(io.RawIOBase):
    """The bytes of one member; a position of its own, none beyond the member's end."""

    def __init__(self, medium: Medium, placed: Placed) -> None:
        """Look at ``placed`` in ``medium``, which stays open as long as this is read.

        Raises :class:`PackError` (``pack.rewritten``) if its bytes are not the manifest's.
        """
        super().__init__()
        self._medium = medium
        self._placed = placed
        self._position = 0
        self._held = (-1, b"")
        self._digests = tuple(self._verified())

    def readable(self) -> bool:
        """Return true."""
        return True

    def seekable(self) -> bool:
        """Return true."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a position, which may be beyond the end, as in any file."""
        base = {
            os.SEEK_SET: 0,
            os.SEEK_CUR: self._position,
            os.SEEK_END: self._placed.member.size,
        }[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer what is left of a chunk, at most as much as it holds."""
        if self._position >= self._placed.member.size:
            return 0
        number, start = divmod(self._position, CHUNK)
        raw = self._chunk(number)[start : start + len(buffer)]
        buffer[: len(raw)] = raw
        self._position += len(raw)
        return len(raw)

    def _verified(self) -> Iterator[bytes]:
        """Yield the digest of each chunk of the member, whose own digest must hold."""
        whole = hashlib.sha256()
        for number in range(-(-self._placed.member.size // CHUNK)):
            raw = self._read(number)
            whole.update(raw)
            yield hashlib.sha256(raw).digest()
        if whole.hexdigest() != self._placed.member.sha256:
            raise self._changed()

    def _chunk(self, number: int) -> bytes:
        if self._held[0] != number:
            raw = self._read(number)
            if hashlib.sha256(raw).digest() != self._digests[number]:
                raise self._changed()
            self._held = (number, raw)
        return self._held[1]

    def _read(self, number: int) -> bytes:
        start = number * CHUNK
        length = min(CHUNK, self._placed.member.size - start)
        return self._medium.demand(self._placed.offset + start, length)

    def _changed(self) -> PackError:
        path = self._placed.member.path
        return PackError(
            f"{path} was written to while it was checked",
            code="pack.rewritten",
            subject=path,
            hint="copy the pack to a medium of your own, and check that copy",
        )
