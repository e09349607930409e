"""One member as a read-only, seekable file, for ``zipfile`` and ``tarfile``."""

from __future__ import annotations

import io
import os

from kit.pack.layout import Placed
from kit.pack.medium import Medium


class View(io.RawIOBase):
    """The bytes of one member; a position of its own, none beyond the member's end."""

    def __init__(self, medium: Medium, placed: Placed) -> None:
        """Look at ``placed`` in ``medium``, which stays open as long as this is read."""
        super().__init__()
        self._medium = medium
        self._placed = placed
        self._position = 0

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
        """Read into a buffer what is left, at most as much as it holds."""
        left = max(0, self._placed.member.size - self._position)
        raw = self._medium.demand(self._placed.offset + self._position, min(left, len(buffer)))
        buffer[: len(raw)] = raw
        self._position += len(raw)
        return len(raw)
