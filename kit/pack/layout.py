"""Every byte of a pack that is not the content of a member, and where each content is.

Pure: the same manifest gives the same layout on every host, which is what lets a reader
demand bytes where other tar readers interpret them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kit.errors import PackError
from kit.formats.manifest import MAX_SIZE
from kit.formats.manifest import NAME as MANIFEST
from kit.model import Manifest, Member
from kit.pack import roster, ustar


class Part(StrEnum):
    """What a fixed piece is; reading one that differs is a different fault for each."""

    MANIFEST = "manifest"
    SUMS = "sums"
    HEADER = "header"
    PADDING = "padding"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Bytes that must stand at ``offset``; ``path`` is the member they belong to."""

    part: Part
    path: str
    offset: int
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the content of a member begins."""

    member: Member
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A whole pack: ``size`` bytes, with each member's place by path, in physical order."""

    manifest: bytes
    manifest_sha256: str
    sums: bytes
    places: Mapping[str, Placed]
    size: int

    @property
    def paths(self) -> tuple[str, ...]:
        """The names of all members of the tar, in order."""
        return (MANIFEST, roster.SUMS, *self.places)

    def pieces(self) -> Iterator[Fixed | Placed]:
        """Yield the whole pack from first to last byte, without gaps."""
        offset = 0
        for part, path, raw in (
            (Part.MANIFEST, MANIFEST, self.manifest),
            (Part.SUMS, roster.SUMS, self.sums),
        ):
            yield _header(path, len(raw), offset)
            yield Fixed(part=part, path=path, offset=offset + ustar.BLOCK, raw=raw)
            yield from _padding(path, len(raw), offset)
            offset += _blocks(len(raw))
        for path, placed in self.places.items():
            yield _header(path, placed.member.size, offset)
            yield placed
            yield from _padding(path, placed.member.size, offset)
            offset += _blocks(placed.member.size)
        yield Fixed(part=Part.END, path="", offset=offset, raw=ustar.END)


def of(manifest: Manifest, raw: bytes) -> Layout:
    """Lay out a pack; ``raw`` is the manifest as ``kit.formats.manifest`` renders it.

    Raises :class:`PackError` if the members are not those of a pack.
    """
    roster.check(manifest)
    sha256 = hashlib.sha256(raw).hexdigest()
    lines = [(sha256, MANIFEST), *((m.sha256, m.path) for m in manifest.members)]
    sums = "".join(f"{digest}  {path}\n" for digest, path in lines).encode("ascii")
    offset = _blocks(len(raw)) + _blocks(len(sums))
    places = {}
    for member in manifest.members:
        places[member.path] = Placed(member=member, offset=offset + ustar.BLOCK)
        offset += _blocks(member.size)
    size = offset + len(ustar.END)
    if size > MAX_SIZE:
        raise PackError(
            f"the members come to {size} bytes, over the limit of {MAX_SIZE}",
            code="pack.oversized",
            subject=MANIFEST,
        )
    return Layout(manifest=raw, manifest_sha256=sha256, sums=sums, places=places, size=size)


def _blocks(size: int) -> int:
    """Return the bytes a member takes: header, content, padding."""
    return ustar.BLOCK + size + ustar.padding(size)


def _header(path: str, size: int, offset: int) -> Fixed:
    return Fixed(part=Part.HEADER, path=path, offset=offset, raw=ustar.header(path, size))


def _padding(path: str, size: int, offset: int) -> Iterator[Fixed]:
    if ustar.padding(size):
        start = offset + ustar.BLOCK + size
        yield Fixed(part=Part.PADDING, path=path, offset=start, raw=bytes(ustar.padding(size)))
