"""DER, as far as timestamps need it: values in, elements out (X.690)."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.lab.encoding import der

NULL = b"\x05\x00"


def sequence(*elements: bytes) -> bytes:
    """Return a SEQUENCE of these elements."""
    return der(0x30, b"".join(elements))


def set_of(*elements: bytes) -> bytes:
    """Return a SET OF these elements, in the one order that DER allows (section 11.6)."""
    return der(0x31, b"".join(sorted(elements)))


def integer(value: int) -> bytes:
    """Return an INTEGER that is not negative."""
    # One bit more than the value has: the first bit is the sign.
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return der(0x04, value)


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER (section 8.19)."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return der(0x06, b"".join(_base128(arc) for arc in (40 * first + second, *rest)))


def generalized_time(at: datetime) -> bytes:
    """Return a GeneralizedTime of whole seconds."""
    return der(0x18, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def utc_time(at: datetime) -> bytes:
    """Return a UTCTime."""
    return der(0x17, at.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def tagged(number: int, content: bytes) -> bytes:
    """Return a constructed element of the context: EXPLICIT around an element, or IMPLICIT."""
    return der(0xA0 | number, content)


def untagged(element: bytes) -> bytes:
    """Return the content of an element, which is what an IMPLICIT tag goes around."""
    long = element[1] - 0x80
    return element[2 + max(long, 0) :]


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(0x80 | arc & 0x7F)
    return bytes(reversed(groups))
