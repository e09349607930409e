"""Write a pack: exactly the bytes its layout predicts, to a file that is not there yet.

Nothing is hashed: whoever writes a pack checks it right after, and that hashes what
really is on the disk. Holes of sparse sources stay holes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from kit.errors import MachineError, UsageError
from kit.formats import manifest as manifest_format
from kit.model import Manifest
from kit.pack import layout
from kit.pack.layout import Fixed, Layout, Placed
from kit.pack.medium import CHUNK, Medium

MODE = 0o644

_HINTS = {
    errno.ENOSPC: "free some space, or write the pack to another disk",
    errno.EDQUOT: "free some space, or write the pack to another disk",
    errno.EFBIG: "this file system cannot hold so large a file (FAT: 4 GiB); split the pack",
    errno.EROFS: "write the pack to a disk that is not read-only",
    errno.EEXIST: "a pack is only ever written to a new file; remove that one, or name another",
}


def write(path: Path, manifest: Manifest, contents: Mapping[str, bytes | Path]) -> None:
    """Write the pack of ``manifest`` to a new file and make it durable.

    ``contents`` has, for every member of the manifest, its bytes or the file to copy them
    from. Raises :class:`PackError` for a manifest that no pack can have, and
    :class:`MachineError` if a source is not as long as the manifest says or anything
    cannot be read or written; then nothing is left at ``path``.
    """
    due = layout.of(manifest, manifest_format.render(manifest))
    if contents.keys() != due.places.keys():
        raise ValueError(f"contents are not the members: {contents.keys() ^ due.places.keys()}")
    with _converted(path):
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    try:
        with _converted(path), _closed(target):
            _fill(target, due, contents)
            with suppress(PermissionError):  # FAT keeps no modes
                os.fchmod(target, MODE)  # what os.open was given, less the umask
            os.fsync(target)
        with _converted(path.parent):
            sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _fill(target: int, due: Layout, contents: Mapping[str, bytes | Path]) -> None:
    for piece in due.pieces():
        if isinstance(piece, Fixed):
            _write_at(target, piece.raw, piece.offset)
            continue
        content = contents[piece.member.path]
        if isinstance(content, Path):
            with _source(content) as source:
                _copy(source, target, piece)
        else:
            _demand_size(piece.member.path, len(content), piece)
            _write_at(target, content, piece.offset)


def _copy(source: Medium, target: int, placed: Placed) -> None:
    """Copy what holds data; what is a hole in the source becomes one in the target."""
    _demand_size(str(source.path), source.size, placed)
    for start, end in source.extents():
        for offset in range(start, end, CHUNK):
            chunk = source.read_at(offset, min(CHUNK, end - offset))
            _write_at(target, chunk, placed.offset + offset)
    if source.changed():
        raise _changed(str(source.path), f"{source.path} was written to while it was read")


def _demand_size(name: str, size: int, placed: Placed) -> None:
    if size != placed.member.size:
        raise _changed(name, f"{name} has {size} bytes, not {placed.member.size} as when hashed")


def _changed(name: str, message: str) -> MachineError:
    return MachineError(
        message,
        code="machine.changed",
        subject=name,
        hint="collect again when nothing writes to it any more",
    )


def _write_at(target: int, raw: bytes, offset: int) -> None:
    left = memoryview(raw)
    while left:
        written = os.pwrite(target, left, offset)
        left, offset = left[written:], offset + written


def sync_folder(folder: Path) -> None:
    """Make the new name durable, where the file system lets a folder be synced."""
    descriptor = os.open(folder, os.O_RDONLY)
    with _closed(descriptor):
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise


@contextmanager
def _closed(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _source(path: Path) -> Iterator[Medium]:
    try:
        source = Medium.open(path)
    except UsageError as error:  # it was there when it was hashed
        raise _changed(str(path), error.message) from error
    with source:
        yield source


@contextmanager
def _converted(path: Path) -> Iterator[None]:
    """Turn what the system refuses about ``path`` into an error with what to do."""
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"{path}: cannot be written: {error.strerror}",
            subject=str(path),
            hint=_HINTS.get(error.errno or 0),
        ) from error
