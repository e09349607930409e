"""One file at the top of a source archive (``.tar.gz``, ``.tgz``), read within bounds.

An sdist has its metadata there, ``NAME-VERSION/PKG-INFO``, and so has what npm packs,
``package/package.json``; the folder may have any name. Call it only after a signature over
the archive's bytes holds. By hand, because tarfile keeps extended headers and sparse maps
in memory whatever their size; what it would find in an archive that is not hostile is
found here too.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from kit.errors import MalformedError

MAX_METADATA = 1 << 20
MAX_MEMBERS = 50_000
MAX_EXTENDED = 64 << 10
MAX_UNPACKED = 1 << 30


def top_level(file: BinaryIO, name: str) -> bytes:
    """Return the one file of this name that lies in a folder at the top of the archive.

    Raises :class:`MalformedError` where there is none, or several; and whatever tarfile and
    zlib raise on hostile archives.
    """
    with io.BufferedReader(_Unpacked(file), 1 << 16) as archive:
        found = list(_top_level(archive, name))
    if len(found) != 1:
        raise MalformedError(f"the archive has {len(found)} top-level {name} files, not one")
    return found[0]


def _top_level(archive: BinaryIO, wanted: str) -> Iterator[bytes]:
    """Yield every file of this name in a folder at the top of a tar stream."""
    extended: dict[str, str] = {}
    for _ in range(MAX_MEMBERS):
        block = archive.read(tarfile.BLOCKSIZE)
        if not block.strip(b"\0"):
            return
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if header.type in _EXTENDED:
            body = _content(archive, header.size, MAX_EXTENDED)
            extended |= _EXTENDED[header.type](body)
            continue
        name = extended.get("path", header.name)
        size = int(extended.get("size", header.size))
        if size < 0:
            raise MalformedError("the archive has a file of negative size")
        extended = {}
        if header.type == tarfile.GNUTYPE_SPARSE:
            raise MalformedError("the archive has a sparse file")
        if [part for part in name.split("/") if part not in ("", ".")][1:] == [wanted]:
            if not header.isreg():
                raise MalformedError(f"its {wanted} is no regular file")
            yield _content(archive, size, MAX_METADATA)
        elif header.isreg() or header.type not in tarfile.SUPPORTED_TYPES:
            for start in range(0, size, MAX_METADATA):
                _content(archive, min(size - start, MAX_METADATA), MAX_METADATA)
    raise MalformedError(f"the archive has over {MAX_MEMBERS} members")


def _content(archive: BinaryIO, size: int, limit: int) -> bytes:
    """Read what follows a header, up to the next block."""
    if not 0 <= size <= limit:
        raise MalformedError(f"the archive has a header or metadata over {limit} bytes")
    data = archive.read(size + -size % tarfile.BLOCKSIZE)
    if len(data) < size:
        raise MalformedError("the archive ends within a file")
    return data[:size]


def _pax(body: bytes) -> dict[str, str]:
    r"""Read the records of a PAX header, ``LENGTH KEY=VALUE\n``, for what moves the reader."""
    said: dict[str, str] = {}
    start = 0
    while start < len(body):
        digits, space, _ = body[start : start + 8].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = body[start + len(digits) + 1 : start + length]
        key, equals, value = record[:-1].partition(b"=")
        if not equals or record[-1:] != b"\n" or start + length > len(body):
            raise MalformedError("the archive has a malformed extended header")
        if key.startswith(b"GNU.sparse"):
            raise MalformedError("the archive has a sparse file")
        if key in (b"path", b"size"):
            said[key.decode("ascii")] = value.decode("utf-8", "surrogateescape")
        start += length
    return said


def _pax_of_all(body: bytes) -> dict[str, str]:
    if _pax(body):
        raise MalformedError("the archive has one name or size for all its files")
    return {}


# What each kind of extended header says of the member after it.
_EXTENDED: dict[bytes, Callable[[bytes], dict[str, str]]] = {
    tarfile.XHDTYPE: _pax,
    tarfile.SOLARIS_XHDTYPE: _pax,
    tarfile.XGLTYPE: _pax_of_all,
    tarfile.GNUTYPE_LONGLINK: lambda _: {},
    tarfile.GNUTYPE_LONGNAME: lambda body: {
        "path": body.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    },
}


class _Unpacked(io.RawIOBase):
    """What a gzip file unpacks to; an error once that is over :data:`MAX_UNPACKED` bytes.

    One gzip member only: GzipFile would look for more for as long as they are empty.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self._left = MAX_UNPACKED

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        data = b""
        while not data and not self._stream.eof:
            packed = self._stream.unconsumed_tail or self._file.read(1 << 16)
            data = self._stream.decompress(packed, len(buffer))
            if not data and not packed:
                raise MalformedError("the archive does not unpack: it ends too early")
        if not data and (self._stream.unused_data or self._file.read(1 << 16)).strip(b"\0"):
            raise MalformedError("the archive is not a single gzip file")
        self._left -= len(data)
        if self._left < 0:
            raise MalformedError(f"the archive unpacks to over {MAX_UNPACKED} bytes")
        buffer[: len(data)] = data
        return len(data)
