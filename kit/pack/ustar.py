"""One ustar header (POSIX.1-1988, IEEE Std 1003.1 pax, "ustar Interchange Format").

The kit writes a single kind: a regular file of nobody's, with no time. So a header
follows from a name and a size alone, and a reader compares instead of parsing.
"""

from __future__ import annotations

BLOCK = 512
#: Two zero blocks end an archive.
END = bytes(2 * BLOCK)
REGULAR = b"0"

_OCTAL_LIMIT = 8**11  # 8 GiB: the size field holds eleven octal digits and a NUL
_CHECKSUM = slice(148, 156)
_OWNERS = b"0000644\0" + b"0000000\0" + b"0000000\0"  # mode, uid, gid
_MTIME = b"00000000000\0"
_MIDDLE = b"".join(
    (
        REGULAR,
        bytes(100),  # linkname
        b"ustar\x0000",  # magic and version
        bytes(32),  # uname
        bytes(32),  # gname
        b"0000000\0",  # devmajor
        b"0000000\0",  # devminor
    )
)
_REST = bytes(12)
# The checksum counts itself as spaces.
_FIXED_SUM = sum(_OWNERS) + sum(_MTIME) + 8 * ord(" ") + sum(_MIDDLE)
_OCTAL = frozenset(b"01234567")


def header(path: str, size: int) -> bytes:
    """Return the 512 bytes before the content of the member ``path``.

    A path of at most 100 bytes stands in ``name``; of a longer one, everything before its
    last slash stands in ``prefix``. ``path`` must obey ``kit.pack.names``.
    """
    folder, basename = ("", path) if len(path) <= 100 else path.rsplit("/", 1)
    name, prefix, length = basename.encode("ascii"), folder.encode("ascii"), _size(size)
    # Adding up only what varies makes 100 000 headers twice as fast.
    checksum = _FIXED_SUM + sum(name) + sum(prefix) + sum(length)
    return b"".join(
        (
            name.ljust(100, b"\0"),
            _OWNERS,
            length,
            _MTIME,
            b"%06o\0 " % checksum,
            _MIDDLE,
            prefix.ljust(155, b"\0"),
            _REST,
        )
    )


def padding(size: int) -> int:
    """Return how many zero bytes fill the last block of a member."""
    return -size % BLOCK


def is_header(block: bytes) -> bool:
    """Say whether a block is a tar header of whatever kind: its checksum holds."""
    digits = block[_CHECKSUM].strip(b" \0")
    if len(block) != BLOCK or not digits or not set(digits) <= _OCTAL:
        return False
    return int(digits, 8) == sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ")


def name_of(block: bytes) -> str:
    """Return the path in a header; bytes that are not ASCII as escapes."""
    name, prefix = (
        field.partition(b"\0")[0].decode("ascii", "backslashreplace")
        for field in (block[:100], block[345:500])
    )
    return f"{prefix}/{name}" if prefix else name


def octal_size(block: bytes) -> int | None:
    """Return the size in a header if it is written as this module writes one below 8 GiB."""
    field = block[124:136]
    digits = field[:11]
    if field[11:] != b"\0" or len(digits) != 11 or not set(digits) <= _OCTAL:
        return None
    return int(digits, 8)


def _size(size: int) -> bytes:
    if size < _OCTAL_LIMIT:
        return b"%011o\0" % size
    # GNU's and star's base-256: the top bit, then a big-endian integer.
    return b"\x80" + size.to_bytes(11, "big")
