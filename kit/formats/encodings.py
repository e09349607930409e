"""Hex and base64, read one way only (RFC 4648).

Python's own decoders skip characters they do not know and forgive stray bits in the
last group, so that one value has many spellings. Here a text decodes only if encoding
the result gives the text back.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from datetime import UTC, datetime

from kit.errors import MalformedError
from kit.model import Digest

#: Bytes in a digest of each algorithm the kit accepts.
DIGEST_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}

_HEX = re.compile(r"[0-9a-f]*")
# The ranges of the clock are here because Python's versions differ about 24:00 and +00:60.
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)


def b64decode(text: str) -> bytes:
    """Decode standard base64 with its padding; raise :class:`MalformedError` on any slack."""
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:  # binascii.Error, and text that is not ASCII
        raise MalformedError(f"not base64: {text[:40]!r}") from error
    if binascii.b2a_base64(raw, newline=False) != text.encode("ascii"):
        raise MalformedError(f"not canonical base64: {text[:40]!r}")
    return raw


def b64decode_either(text: str) -> bytes:
    """Decode standard or URL-safe base64, as DSSE allows; never a mixture, never junk."""
    if "-" in text or "_" in text:
        if "+" in text or "/" in text:
            raise MalformedError(f"two base64 alphabets in one text: {text[:40]!r}")
        text = text.replace("-", "+").replace("_", "/")
    return b64decode(text + "=" * (-len(text) % 4) if "=" not in text else text)


def b64encode(raw: bytes) -> str:
    """Encode as standard base64 with padding."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def digest(algorithm: str, hexadecimal: str) -> Digest:
    """Return a digest of an accepted algorithm, lower-case hex of its exact length."""
    size = DIGEST_BYTES.get(algorithm)
    if size is None:
        raise MalformedError(f"{algorithm[:40]!r} is not one of {', '.join(DIGEST_BYTES)}")
    if len(hexadecimal) != 2 * size or not _HEX.fullmatch(hexadecimal):
        raise MalformedError(
            f"a {algorithm} digest is {2 * size} lower-case hex digits, not {hexadecimal[:140]!r}"
        )
    return Digest(algorithm, hexadecimal)


def digest_of(algorithm: str, raw: bytes) -> Digest:
    """Return the digest of bytes by one of :data:`DIGEST_BYTES`."""
    return digest(algorithm, hashlib.new(algorithm, raw).hexdigest())


def parse_digest(text: str) -> Digest:
    """Read ``sha256:HEX`` (or sha384, sha512)."""
    algorithm, colon, hexadecimal = text.partition(":")
    if not colon:
        raise MalformedError(f"a digest is written ALGORITHM:HEX, not {text[:80]!r}")
    return digest(algorithm, hexadecimal)


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time with its zone as aware UTC."""
    if not _RFC3339.fullmatch(text):
        raise MalformedError(f"not an RFC 3339 time with a zone: {text[:40]!r}")
    try:
        # datetime keeps microseconds; RFC 3339 has no limit and protobuf writes nine digits.
        return datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedError(f"no such time: {text[:40]!r}") from error


def render_time(moment: datetime) -> str:
    """Write a time as RFC 3339 in UTC, to the second."""
    # Not strftime: it writes the year 999 with three digits.
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
