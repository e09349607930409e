"""What a Python distribution says it is: its file name, and the metadata inside it.

A signature over bare bytes names nothing. Where the bytes are a wheel or an sdist, the
metadata *inside the signed bytes* does, so a file is what its name says if both agree
(PEP 427 and the binary distribution format; PEP 625; core metadata). Call
:func:`read` only after a signature over those bytes holds, and with bounds in mind:
it opens an archive.
"""

from __future__ import annotations

import email.parser
import email.policy
import io
import math
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from packaging.tags import parse_tag
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from kit.errors import KitError, MalformedError

MAX_METADATA = 1 << 20
MAX_MEMBERS = 50_000
MAX_DIRECTORY = 8 << 20
MAX_EXTENDED = 64 << 10
MAX_TAGS = 1024
MAX_UNPACKED = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The project and version a file name or metadata gives, normalised; for a wheel its tags."""

    project: str
    version: str
    tags: frozenset[str] = frozenset()
    build: str = ""


def parse_name(name: str) -> Named | None:
    """Return what the file name of a wheel or sdist says; ``None`` for any other name."""
    try:
        if name.endswith(".whl") and _tags_in(name) <= MAX_TAGS:
            project, version, build, tags = parse_wheel_filename(name)
            return Named(
                project=project,
                version=str(version),
                tags=frozenset(str(tag) for tag in tags),
                build="".join(str(part) for part in build),
            )
        if name.endswith(".tar.gz"):
            project, version = parse_sdist_filename(name)
            return Named(project=project, version=str(version))
    except ValueError:  # packaging's own are such, and integers beyond Python's digit limit
        return None
    return None


def parse_published(name: str) -> Named | None:
    """Return what a file name on a package index says: there a ``.zip`` may be an sdist too."""
    if not name.endswith(".zip"):
        return parse_name(name)
    try:
        project, version = parse_sdist_filename(name)
    except ValueError:
        return None
    return Named(project=project, version=str(version))


def read(name: str, file: BinaryIO) -> Named:
    """Return what the metadata inside a wheel or sdist says.

    ``file`` is seekable and read within bounds. Raises :class:`MalformedError` where the
    archive cannot be read, holds no such metadata, or holds it twice.
    """
    try:
        return _wheel(file) if name.endswith(".whl") else _sdist(file)
    except KitError:  # ours, or the file's own: a medium that cannot be read
        raise
    except Exception as error:  # zipfile and tarfile raise many things on hostile archives
        raise MalformedError(f"its metadata cannot be read: {error!r:.200}") from error


def _wheel(file: BinaryIO) -> Named:
    with zipfile.ZipFile(_Frugal(file)) as archive:
        names = [info.filename for info in archive.infolist()]
        if len(names) > MAX_MEMBERS:
            raise MalformedError(f"the wheel has over {MAX_MEMBERS} members")
        metadata = _headers(_zip_member(archive, names, "METADATA"))
        wheel = _headers(_zip_member(archive, names, "WHEEL"))
    tags: set[str] = set()
    for line in wheel.get("tag", []):
        if _tags_in(line) > MAX_TAGS or len(tags) > MAX_TAGS:
            raise MalformedError(f"its WHEEL has over {MAX_TAGS} tags")
        tags.update(str(tag) for tag in parse_tag(line))
    return _named(metadata, tags=frozenset(tags), build="".join(wheel.get("build", [])))


def _tags_in(text: str) -> int:
    """Return how many tags a compressed set such as ``py2.py3-none-any`` stands for."""
    return math.prod(part.count(".") + 1 for part in text.split("-"))


def _zip_member(archive: zipfile.ZipFile, names: list[str], wanted: str) -> bytes:
    found = [n for n in names if n.count("/") == 1 and n.endswith(f".dist-info/{wanted}")]
    if len(found) != 1:
        raise MalformedError(f"the wheel has {len(found)} .dist-info/{wanted} files, not one")
    info = archive.getinfo(found[0])
    if info.file_size > MAX_METADATA:
        raise MalformedError(f"its {wanted} is over {MAX_METADATA} bytes")
    # The others choose how much memory they take.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MalformedError(f"its {wanted} is compressed in an unusual way")
    with archive.open(info) as member:
        return member.read(MAX_METADATA)


class _Frugal(io.RawIOBase):
    """A file of which nobody reads over :data:`MAX_DIRECTORY` bytes at once.

    zipfile reads a directory whole, and it is as long as the archive says.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, MAX_DIRECTORY + 1) if size >= 0 else MAX_DIRECTORY + 1)
        if len(data) > MAX_DIRECTORY:
            raise MalformedError(f"the wheel's directory is over {MAX_DIRECTORY} bytes")
        return data


def _sdist(file: BinaryIO) -> Named:
    with io.BufferedReader(_Unpacked(file), 1 << 16) as archive:
        found = list(_pkg_info(archive))
    if len(found) != 1:
        raise MalformedError(f"the sdist has {len(found)} top-level PKG-INFO files, not one")
    return _named(_headers(found[0]))


def _pkg_info(archive: BinaryIO) -> Iterator[bytes]:
    """Yield every top-level PKG-INFO of a tar stream.

    By hand, because tarfile keeps extended headers and sparse maps in memory whatever
    their size. What it would find in an archive that is not hostile is found here too.
    """
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
            raise MalformedError("the sdist has a file of negative size")
        extended = {}
        if header.type == tarfile.GNUTYPE_SPARSE:
            raise MalformedError("the sdist has a sparse file")
        if [part for part in name.split("/") if part not in ("", ".")][1:] == ["PKG-INFO"]:
            if not header.isreg():
                raise MalformedError("its PKG-INFO is no regular file")
            yield _content(archive, size, MAX_METADATA)
        elif header.isreg() or header.type not in tarfile.SUPPORTED_TYPES:
            for start in range(0, size, MAX_METADATA):
                _content(archive, min(size - start, MAX_METADATA), MAX_METADATA)
    raise MalformedError(f"the sdist has over {MAX_MEMBERS} members")


def _content(archive: BinaryIO, size: int, limit: int) -> bytes:
    """Read what follows a header, up to the next block."""
    if not 0 <= size <= limit:
        raise MalformedError(f"the sdist has a header or PKG-INFO over {limit} bytes")
    data = archive.read(size + -size % tarfile.BLOCKSIZE)
    if len(data) < size:
        raise MalformedError("the sdist ends within a file")
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
            raise MalformedError("the sdist has a malformed extended header")
        if key.startswith(b"GNU.sparse"):
            raise MalformedError("the sdist has a sparse file")
        if key in (b"path", b"size"):
            said[key.decode("ascii")] = value.decode("utf-8", "surrogateescape")
        start += length
    return said


def _pax_of_all(body: bytes) -> dict[str, str]:
    if _pax(body):
        raise MalformedError("the sdist has one name or size for all its files")
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
                raise MalformedError("the sdist does not unpack: it ends too early")
        if not data and (self._stream.unused_data or self._file.read(1 << 16)).strip(b"\0"):
            raise MalformedError("the sdist is not a single gzip file")
        self._left -= len(data)
        if self._left < 0:
            raise MalformedError(f"the sdist unpacks to over {MAX_UNPACKED} bytes")
        buffer[: len(data)] = data
        return len(data)


def _headers(raw: bytes) -> dict[str, list[str]]:
    """Return the header fields of core metadata by lower-case name."""
    parser = email.parser.BytesHeaderParser(policy=email.policy.compat32)
    found: dict[str, list[str]] = {}
    for key, value in parser.parsebytes(raw).items():
        found.setdefault(key.lower(), []).append(str(value).strip())
    return found


def _named(
    headers: dict[str, list[str]], tags: frozenset[str] = frozenset(), build: str = ""
) -> Named:
    names, versions = headers.get("name", []), headers.get("version", [])
    if len(names) != 1 or len(versions) != 1:
        raise MalformedError("its metadata does not give one Name and one Version")
    try:
        version = str(Version(versions[0]))
    except InvalidVersion as error:
        raise MalformedError(f"its metadata has the version {versions[0][:80]!r}") from error
    return Named(project=canonicalize_name(names[0]), version=version, tags=tags, build=build)
