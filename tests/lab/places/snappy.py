"""Snappy blocks as a compressor makes them: literals, and copies of what was written before."""

from __future__ import annotations

_SHORTEST = 4
_FARTHEST = 0xFFFF


def compress(raw: bytes) -> bytes:
    """Return ``raw`` as one block."""
    out, seen, at, plain = bytearray(_varint(len(raw))), dict[bytes, int](), 0, 0
    while at < len(raw):
        key = raw[at : at + _SHORTEST]
        before = seen.get(key)
        seen[key] = at
        if before is None or at - before > _FARTHEST or len(key) < _SHORTEST:
            at += 1
            continue
        size = _SHORTEST
        while size < 64 and at + size < len(raw) and raw[before + size] == raw[at + size]:
            size += 1
        out += _literal(raw[plain:at]) + _copy(at - before, size)
        at = plain = at + size
    return bytes(out + _literal(raw[plain:]))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _literal(raw: bytes) -> bytes:
    if not raw:
        return b""
    size = len(raw) - 1
    if size < 60:
        return bytes([size << 2]) + raw
    width = (size.bit_length() + 7) // 8
    return bytes([(59 + width) << 2]) + size.to_bytes(width, "little") + raw


def _copy(offset: int, size: int) -> bytes:
    if size <= 11 and offset < 2048:
        return bytes([(offset >> 8) << 5 | (size - 4) << 2 | 1, offset & 0xFF])
    return bytes([(size - 1) << 2 | 2]) + offset.to_bytes(2, "little")
