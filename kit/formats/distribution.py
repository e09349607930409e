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
import zipfile
from dataclasses import dataclass
from typing import BinaryIO

from packaging.tags import parse_tag
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from kit.errors import KitError, MalformedError
from kit.formats import source_archive
from kit.formats.source_archive import MAX_MEMBERS, MAX_METADATA

MAX_DIRECTORY = 8 << 20
MAX_TAGS = 1024


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
    return _named(_headers(source_archive.top_level(file, "PKG-INFO")))


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
