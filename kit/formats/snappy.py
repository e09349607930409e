"""One Snappy block (google/snappy, format_description.txt) to bytes; not the framed stream.

GitHub stores attestation bundles so. The format is frozen and three kinds of element
long; what a library would add to these lines is a compiled extension to carry along.
"""

from __future__ import annotations

from kit.errors import MalformedError

_MAX_PREAMBLE = 5


def decompress(raw: bytes, *, limit: int) -> bytes:
    """Return what a block holds, at most ``limit`` bytes; raise :class:`MalformedError`.

    The length stands first, so that nothing is written before it was compared.
    """
    length, at = _length(raw)
    if length > limit:
        raise MalformedError(f"a Snappy block of {length} bytes, over the limit of {limit}")
    out = bytearray()
    while at < len(raw):
        at = _literal(raw, at, out) if raw[at] & 3 == 0 else _copy(raw, at, out)
        if len(out) > length:
            raise MalformedError(f"a Snappy block holds more than the {length} bytes it announces")
    if len(out) != length:
        raise MalformedError(f"a Snappy block announces {length} bytes and holds {len(out)}")
    return bytes(out)


def _length(raw: bytes) -> tuple[int, int]:
    """Return the length that a block announces (a varint), and where its elements begin."""
    length = 0
    for at, byte in enumerate(raw[:_MAX_PREAMBLE]):
        length |= (byte & 0x7F) << 7 * at
        if byte < 0x80:
            if length > 0xFFFF_FFFF:
                break
            return length, at + 1
    raise MalformedError("a Snappy block without a length")


def _literal(raw: bytes, at: int, out: bytearray) -> int:
    """Take the bytes that stand here as they are; return where the next element begins."""
    size, at = raw[at] >> 2, at + 1
    if size >= 60:  # the length stands in the next one to four bytes
        size, at = _number(raw, at, size - 59)
    end = at + size + 1
    if end > len(raw):
        raise MalformedError("a Snappy block that ends within a literal")
    out += raw[at:end]
    return end


def _copy(raw: bytes, at: int, out: bytearray) -> int:
    """Repeat bytes that were written before; return where the next element begins."""
    tag, at = raw[at], at + 1
    if tag & 3 == 1:
        size = 4 + (tag >> 2 & 7)
        low, at = _number(raw, at, 1)
        offset = (tag >> 5) << 8 | low
    else:
        size = 1 + (tag >> 2)
        offset, at = _number(raw, at, 2 if tag & 3 == 2 else 4)
    if not 0 < offset <= len(out):
        raise MalformedError(f"a Snappy block that copies from {offset} bytes back")
    start = len(out) - offset
    seen = out[start : start + size]
    # A copy may reach into what it writes: the bytes then repeat.
    out += (seen * (size // len(seen) + 1))[:size]
    return at


def _number(raw: bytes, at: int, size: int) -> tuple[int, int]:
    if at + size > len(raw):
        raise MalformedError("a Snappy block that ends within an element")
    return int.from_bytes(raw[at : at + size], "little"), at + size
