"""ASCII armor (RFC 9580 section 6): one block, and nothing before or after it.

Programs that look for armor in a text differ about where it begins and which of several
blocks counts; so this demands that the file *is* one block. What is decoded is what is
verified: nobody reads the armor a second time.
"""

from __future__ import annotations

import re

from kit.errors import MalformedError
from kit.formats import encodings

_BEGIN = re.compile(r"-----BEGIN PGP ([A-Z0-9 ,/]{1,40})-----")
# A key, a colon, a space (RFC 9580 section 6.2.2); values may be empty.
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*:( .*)?")
_CHECKSUM = re.compile(r"=[A-Za-z0-9+/]{4}")
_SPACING = " \t\r\n"
_WITHOUT_SPACING = str.maketrans("", "", _SPACING)


def labels(raw: bytes) -> tuple[str, ...]:
    """Return the label of every block that begins in ``raw``, such as ``SIGNATURE``."""
    text = raw.decode("latin-1")
    # Form feeds and other controls end no line here, whatever some readers think.
    lines = (line.strip(_SPACING) for line in text.split("\n"))
    return tuple(match[1] for line in lines if (match := _BEGIN.fullmatch(line)))


def decode(raw: bytes, label: str) -> bytes:
    """Return what the only block of ``raw``, which must be ``label``'s, holds.

    Raises :class:`MalformedError` for anything else in the file, for base64 that has a
    second spelling, and for a checksum that is present and wrong.
    """
    lines = _lines(raw)
    if not lines or lines[0] != f"-----BEGIN PGP {label}-----":
        raise MalformedError("there is text before the armor")
    if lines[-1] != f"-----END PGP {label}-----":
        raise MalformedError("the armor does not end, or there is text after it")
    inside = lines[1:-1]
    if "" not in inside:
        raise MalformedError("no empty line ends the headers of the armor")
    start = inside.index("")
    for line in inside[:start]:
        if not _HEADER.fullmatch(line):
            raise MalformedError(f"not a header of an armor: {line[:40]!r}")
    return _body(inside[start + 1 :])


def _lines(raw: bytes) -> list[str]:
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedError("the armor is not ASCII") from error
    if not text.translate(_WITHOUT_SPACING).isprintable():
        raise MalformedError("the armor has control characters")
    return [line.rstrip(_SPACING) for line in text.strip(_SPACING).split("\n")]


def _body(lines: list[str]) -> bytes:
    # Not one after the other from a copy: a megabyte of empty lines would take an hour.
    end = next((number for number in range(len(lines), 0, -1) if lines[number - 1]), 0)
    lines = lines[:end]
    checksum = lines[-1] if lines and _CHECKSUM.fullmatch(lines[-1]) else None
    body = encodings.b64decode("".join(lines[:-1] if checksum else lines))
    if checksum and encodings.b64decode(checksum[1:]) != crc24(body).to_bytes(3, "big"):
        raise MalformedError("the checksum of the armor is wrong")
    return body


def crc24(raw: bytes) -> int:
    """Return the armor's checksum (RFC 9580 section 6.1.1)."""
    crc = 0xB704CE
    for byte in raw:
        crc = (crc << 8 & 0xFFFFFF) ^ _CRC_TABLE[crc >> 16 ^ byte]
    return crc


def _crc_of(byte: int) -> int:
    crc = byte << 16
    for _ in range(8):
        crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc


_CRC_TABLE = tuple(_crc_of(byte) for byte in range(256))
