"""Wheels and sdists, right or with one thing wrong, made in memory."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Sequence

NAME = "tool"
VERSION = "1.0"
WHEEL_NAME = "tool-1.0-py3-none-any.whl"
SDIST_NAME = "tool-1.0.tar.gz"
DIST_INFO = "tool-1.0.dist-info"
TAGS = ("py3-none-any",)

Members = Sequence[tuple[str, bytes]]


def metadata(name: str = NAME, version: str = VERSION) -> bytes:
    """Return core metadata, as METADATA and PKG-INFO have it."""
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nA tool.\n".encode()


def wheel_metadata(tags: Iterable[str] = TAGS, build: str = "") -> bytes:
    """Return a WHEEL file."""
    lines = ["Wheel-Version: 1.0", "Generator: tests", "Root-Is-Purelib: true"]
    lines += [f"Build: {build}"] if build else []
    return "".join(f"{line}\n" for line in [*lines, *(f"Tag: {tag}" for tag in tags)]).encode()


def wheel(*extra: tuple[str, bytes], without: str = "", **changes: bytes) -> bytes:
    """Return a wheel; ``METADATA=`` and ``WHEEL=`` replace a file, ``without`` leaves one out."""
    files = {"METADATA": metadata(), "WHEEL": wheel_metadata(), "RECORD": b""} | changes
    members = [("tool/__init__.py", b"")]
    members += [(f"{DIST_INFO}/{name}", raw) for name, raw in files.items() if name != without]
    return zipped([*members, *extra])


def zipped(members: Members, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive of these files, which may repeat a name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, raw in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            archive.writestr(info, raw)
    return out.getvalue()


def sdist(*extra: tuple[str, bytes], pkg_info: bytes | None = None) -> bytes:
    """Return an sdist, with more files behind its own."""
    raw = metadata() if pkg_info is None else pkg_info
    return tarred([("tool-1.0/PKG-INFO", raw), ("tool-1.0/tool.py", b"pass\n"), *extra])


def tarred(members: Members, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a gzipped tar of these regular files, as Python's own tools write one."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, raw in members:
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            # A fraction of a second, as setuptools leaves it: it takes an extended header.
            info.mtime = 1_700_000_000.5
            archive.addfile(info, io.BytesIO(raw))
    return gzipped(out.getvalue())


def gzipped(raw: bytes) -> bytes:
    """Return raw bytes as one gzip member."""
    return gzip.compress(raw, compresslevel=1, mtime=0)


def header(name: str = "tool-1.0/PKG-INFO", size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return one ustar header, whatever it says."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT if size < 0 else tarfile.USTAR_FORMAT)


def member(raw: bytes, name: str = "tool-1.0/PKG-INFO", kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return one header and its content, padded to whole blocks."""
    return header(name, len(raw), kind) + raw + bytes(-len(raw) % tarfile.BLOCKSIZE)
