"""One member as a file that is read once, from its start: its digest is known at its end."""

from __future__ import annotations

import hashlib

from kit.errors import PackError
from kit.pack.layout import Placed
from kit.pack.medium import CHUNK, Medium


class Stream:
    """The bytes of a member in order; whoever reads to the end knows that all of them held."""

    def __init__(self, medium: Medium, placed: Placed) -> None:
        """Begin at the start of ``placed`` in ``medium``, which stays open meanwhile."""
        self._medium = medium
        self._placed = placed
        self._position = 0
        self._hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, none at the end.

        Raises :class:`PackError` (``pack.rewritten``) at the end if what was read is not
        what the manifest has.
        """
        left = self._placed.member.size - self._position
        raw = self._medium.demand(
            self._placed.offset + self._position, min(left, size if size >= 0 else CHUNK, CHUNK)
        )
        self._position += len(raw)
        self._hash.update(raw)
        if not left and self._hash.hexdigest() != self._placed.member.sha256:
            path = self._placed.member.path
            raise PackError(
                f"{path} was written to while it was checked",
                code="pack.rewritten",
                subject=path,
                hint="copy the pack to a medium of your own, and check that copy",
            )
        return raw
