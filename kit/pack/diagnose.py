"""Say what stands in a pack where something else is due.

Only ever called for bytes that are already refused, so nothing here decides anything;
and since those bytes are hostile, every function returns an error and raises none.
"""

from __future__ import annotations

from collections.abc import Sequence

from kit.errors import PackError
from kit.formats.manifest import MAX_BYTES
from kit.formats.manifest import NAME as MANIFEST
from kit.pack import names, ustar
from kit.pack.layout import Fixed, Part

_OTHER_FILES = (
    (b"\x1f\x8b", "gzip data; a pack is a plain tar, so unpack it with gunzip"),
    (b"\xfd7zXZ\0", "xz data; a pack is a plain tar, so unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data; a pack is a plain tar, so unpack it with unzstd"),
    (b"BZh", "bzip2 data; a pack is a plain tar, so unpack it with bunzip2"),
    (b"PK", "a zip archive"),
)
_TYPES = {
    b"\0": "an old-style file",
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"5": "a directory",
    b"6": "a FIFO",
    b"7": "a contiguous file",
    b"x": "a pax extension header",
    b"g": "a global pax extension header",
    b"L": "a GNU long name",
    b"K": "a GNU long link",
    b"S": "a GNU sparse file",
}


def opening(head: bytes, path: str) -> PackError:
    """Say why the first block of a file is not that of a pack."""
    due = MANIFEST.encode() + b"\0"
    if not head:
        return PackError("the file is empty", code="pack.empty", subject=path)
    if due.startswith(head[: len(due)]) and len(head) < ustar.BLOCK:
        return truncated(path, len(head))
    if head.startswith(due):
        size = ustar.octal_size(head)
        if size is not None and size > MAX_BYTES and ustar.is_header(head):
            message = f"{MANIFEST} is {size} bytes, over the limit of {MAX_BYTES}"
            return PackError(message, code="pack.oversized", subject=MANIFEST)
        return _header(head, MANIFEST, (MANIFEST,), complete=True)
    what = next((text for magic, text in _OTHER_FILES if head.startswith(magic)), None)
    if what is None and ustar.is_header(head):
        what = f"a tar that begins with {ustar.name_of(head)!r}, not with {MANIFEST}"
    message = f"the file is no pack, but {what or 'something else'}"
    return PackError(message, code="pack.not-a-pack", subject=path)


def truncated(path: str, size: int) -> PackError:
    """Say that the file ends within or before ``path``."""
    message = f"the file ends after {size} bytes, at {path!r}; it was not copied whole"
    return PackError(message, code="pack.truncated", subject=path)


def trailing(size: int, due: int) -> PackError:
    """Say that something follows the end of the pack."""
    message = f"{size - due} bytes follow the end of the pack at byte {due}"
    return PackError(message, code="pack.trailing", subject="")


def piece(found: bytes, due: Fixed, paths: Sequence[str], *, complete: bool) -> PackError:
    """Say what is wrong with ``found``, which is as long as ``due`` and differs.

    ``paths`` are the members that are due, in order; ``complete`` says that the file has
    the length of all of them.
    """
    at = next(n for n, (a, b) in enumerate(zip(found, due.raw, strict=True)) if a != b)
    where = f"at byte {due.offset + at}"
    match due.part:
        case Part.HEADER:
            return _header(found, due.path, paths, complete=complete)
        case Part.END if ustar.is_header(found[: ustar.BLOCK]):
            return _header(found[: ustar.BLOCK], "", paths, complete=complete)
        case Part.END:
            return PackError(f"the end blocks are not zero {where}", code="pack.end", subject="")
        case Part.PADDING:
            message = f"the padding after {due.path!r} is not zero {where}"
            return PackError(message, code="pack.padding", subject=due.path)
        case Part.SUMS:
            message = f"{due.path} is not what the manifest makes it, {where}"
            return PackError(message, code="pack.sums", subject=due.path)
        case _:  # Part.MANIFEST: what this very layout was made from, a moment ago
            message = f"{due.path} was written to while it was read, {where}"
            return PackError(message, code="pack.rewritten", subject=due.path)


def _header(found: bytes, due: str, paths: Sequence[str], *, complete: bool) -> PackError:
    """Say which fault the block ``found`` is where the header of ``due`` belongs."""
    if not any(found):
        return PackError(f"the tar ends where {due!r} is due", code="pack.missing", subject=due)
    damaged = PackError(f"the header of {due!r} is damaged", code="pack.header", subject=due)
    if not ustar.is_header(found):
        return damaged
    name, kind = ustar.name_of(found), found[156:157]
    if kind != ustar.REGULAR:
        what = _TYPES.get(kind, f"of the unknown type {kind!r}")
        message = f"{name!r} is {what}; a pack has only files"
        return PackError(message, code="pack.member-type", subject=name)
    return damaged if name == due else _stranger(name, due, paths, complete=complete)


def _stranger(name: str, due: str, paths: Sequence[str], *, complete: bool) -> PackError:
    """Say why the member ``name`` stands where ``due``, or the end, belongs."""
    if name not in paths:
        broken = names.fault(name)
        if broken is not None:
            return PackError.of((broken,))
        message = f"the member {name!r} is not in the manifest"
        return PackError(message, code="pack.extra", subject=name)
    if not due or paths.index(name) < paths.index(due):
        message = f"the member {name!r} is there twice"
        return PackError(message, code="pack.duplicate", subject=name)
    if complete:
        message = f"the member {name!r} stands where {due!r} is due"
        return PackError(message, code="pack.order", subject=name)
    return PackError(f"the member {due!r} is not there", code="pack.missing", subject=due)
