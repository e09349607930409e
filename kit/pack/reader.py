"""Read a pack: demand every predicted byte, then hand out members by path.

Nothing is parsed but the manifest. A pack that opens has exactly the framing that its
manifest implies; the *contents* of members hold only after :meth:`Pack.hash_members`,
:meth:`Pack.read`, or comparing what :meth:`Pack.copy` returns.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Self

from kit.errors import Fault, MalformedError, PackError
from kit.formats import manifest
from kit.model import Digest, Member
from kit.pack import diagnose, hashing, layout, ustar
from kit.pack.layout import Fixed, Layout, Placed
from kit.pack.medium import CHUNK, Medium
from kit.pack.stream import Stream
from kit.pack.view import View


class Pack:
    """An open pack whose framing holds; a context manager that closes it."""

    def __init__(self, medium: Medium) -> None:
        """Demand every predicted byte of ``medium``; raise :class:`PackError` for any other."""
        raw = _first_member(medium)
        self.manifest = manifest.parse(raw)
        self._layout = layout.of(self.manifest, raw)
        _demand(medium, self._layout)
        self._medium = medium
        self.manifest_sha256 = self._layout.manifest_sha256
        self.size = self._layout.size

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the pack at ``path``, which is looked up only here.

        Raises :class:`UsageError` unless it is a regular file, :class:`PackError` for
        anything but a pack, :class:`MachineError` if it cannot be read.
        """
        medium = Medium.open(path)
        try:
            return cls(medium)
        except BaseException:
            medium.close()
            raise

    def member(self, member_path: str) -> Member:
        """Return what the manifest says of a member."""
        return self._layout.places[member_path].member

    def read(self, member_path: str, limit: int) -> bytes:
        """Return a member whose digest holds.

        Raises :class:`MalformedError` if it is over ``limit`` bytes: a pack may carry
        it, but it is too long to be what the caller takes it for.
        """
        placed = self._layout.places[member_path]
        if placed.member.size > limit:
            raise MalformedError(
                f"{member_path} is {placed.member.size} bytes, over the limit of {limit}",
                code="evidence.oversized",
            )
        raw = self._medium.demand(placed.offset, placed.member.size)
        if hashlib.sha256(raw).hexdigest() != placed.member.sha256:
            raise self._damaged([placed])
        return raw

    def hash_members(
        self,
        wanted: Mapping[str, frozenset[str]],
        *,
        threads: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> dict[str, dict[str, Digest]]:
        """Hash members, each once: by path, SHA-256 and the algorithms wanted of it.

        Raises one :class:`PackError` that lists every member whose SHA-256 is not the
        manifest's. ``progress`` is told of bytes as they are hashed, from other threads
        but by one at a time.
        """
        places = self._layout.places
        found = hashing.digests(
            self._medium,
            [(places[path], algorithms) for path, algorithms in wanted.items()],
            threads=hashing.default_threads() if threads is None else threads,
            progress=progress,
        )
        damaged = [
            placed
            for path, placed in places.items()
            if path in found and found[path]["sha256"].hex != placed.member.sha256
        ]
        if damaged:
            raise self._damaged(damaged)
        self._medium.demand_unchanged()
        return found

    def member_file(self, member_path: str) -> BinaryIO:
        """Return a member as a seekable file that gives only bytes whose digest holds.

        Raises :class:`PackError` (``pack.rewritten``), also while it is read.
        """
        return io.BufferedReader(View(self._medium, self._layout.places[member_path]))

    def stream(self, member_path: str) -> Stream:
        """Return a member to be read once, from start to end; cheaper than a file of it."""
        return Stream(self._medium, self._layout.places[member_path])

    def copy(self, member_path: str, out: BinaryIO) -> str:
        """Write a member to ``out``; return the SHA-256 of what was written, to be compared."""
        placed = self._layout.places[member_path]
        written = hashlib.sha256()
        offset, end = placed.offset, placed.offset + placed.member.size
        while offset < end:
            chunk = self._medium.demand(offset, min(CHUNK, end - offset))
            out.write(chunk)
            written.update(chunk)
            offset += len(chunk)
        return written.hexdigest()

    def close(self) -> None:
        """Close the file; views of members end with it."""
        self._medium.close()

    def __enter__(self) -> Self:
        """Return the pack itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _damaged(self, places: list[Placed]) -> PackError:
        self._medium.demand_unchanged()  # else it is no damage, but somebody who writes
        return PackError.of(
            tuple(
                Fault(
                    code="pack.digest",
                    subject=placed.member.path,
                    message=f"{placed.member.path} does not have the digest in the manifest",
                )
                for placed in places
            )
        )


def _first_member(medium: Medium) -> bytes:
    """Return the manifest: the one member whose size is read from its header."""
    head = medium.read_at(0, ustar.BLOCK)
    size = ustar.octal_size(head)
    if size is None or size > manifest.MAX_BYTES or head != ustar.header(manifest.NAME, size):
        raise diagnose.opening(head, str(medium.path))
    raw = medium.read_at(ustar.BLOCK, size)
    if len(raw) != size:
        raise diagnose.truncated(manifest.NAME, medium.size)
    return raw


def _demand(medium: Medium, due: Layout) -> None:
    """Compare everything but the contents of members with what is due."""
    for piece in due.pieces():
        if not isinstance(piece, Fixed):
            continue
        found = medium.read_at(piece.offset, len(piece.raw))
        if found == piece.raw:
            continue
        if len(found) < len(piece.raw):
            raise diagnose.truncated(piece.path or "the end", medium.size)
        raise diagnose.piece(found, piece, due.paths, complete=medium.size == due.size)
    if medium.size != due.size:
        raise diagnose.trailing(medium.size, due.size)
