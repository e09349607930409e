"""How bytes, times and values are written: in Sigstore's JSON, and in DER."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

HASH_NAMES: Mapping[str, str] = MappingProxyType(
    {"sha256": "SHA2_256", "sha384": "SHA2_384", "sha512": "SHA2_512"}
)


def base64(octets: bytes) -> str:
    """Return standard base64, as proto3 JSON writes bytes."""
    return b64encode(octets).decode()


def timestamp(at: datetime) -> str:
    """Return RFC 3339 in UTC, as proto3 JSON writes a Timestamp."""
    return at.isoformat().replace("+00:00", "Z")


def document(value: Mapping[str, Any]) -> bytes:
    """Return JSON with the members in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return JSON as RFC 8785 has it, for ASCII keys, strings and integers."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return text.encode()


def der(tag: int, content: bytes) -> bytes:
    """Return one DER element of at most 65535 octets (X.690 section 8.1.3, shortest length)."""
    size = len(content)
    if size < 0x80:
        length = bytes([size])
    elif size < 0x100:
        length = bytes([0x81, size])
    else:
        length = b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content
