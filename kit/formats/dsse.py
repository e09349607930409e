"""DSSE envelopes (secure-systems-lab/dsse, envelope.md v1.0.2 and protocol.md).

The bytes that were verified are the bytes that are parsed: :class:`Envelope` holds the
decoded payload once, and nothing reads the envelope again after its signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kit.errors import MalformedError
from kit.formats import encodings
from kit.formats.fields import Fields

MAX_SIGNATURES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeSignature:
    """A signature, raw, and the unauthenticated hint which key made it."""

    sig: bytes
    keyid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A decoded envelope: payload bytes, their media type, and the signatures over both."""

    payload: bytes
    payload_type: str
    signatures: tuple[EnvelopeSignature, ...]


def parse(value: Any, path: str = "") -> Envelope:
    """Read an envelope from parsed JSON; unknown fields are ignored, as the spec demands.

    Base64 may be of either alphabet. Raises :class:`MalformedError`, also for a payload
    type that is not printable ASCII: implementations differ in how they count its length.
    """
    fields = Fields(value, path)
    payload_type = fields.needed_text("payloadType")
    if not payload_type.isascii() or not payload_type.isprintable():
        raise MalformedError(f"{fields.where('payloadType')} is not printable ASCII")
    payload = fields.need("payload")
    if not isinstance(payload, str):
        raise MalformedError(f"{fields.where('payload')} is not a string")
    signatures = fields.objects("signatures", MAX_SIGNATURES)
    if not signatures:
        raise MalformedError(f"{fields.where('signatures')} is empty")
    return Envelope(
        payload=encodings.b64decode_either(payload),
        payload_type=payload_type,
        signatures=tuple(
            EnvelopeSignature(
                sig=encodings.b64decode_either(item.needed_text("sig")),
                keyid=item.text("keyid") or "",
            )
            for item in signatures
        ),
    )


def render(envelope: Envelope) -> dict[str, Any]:
    """Return the envelope as a JSON value, base64 in the standard alphabet."""
    return {
        "payload": encodings.b64encode(envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": [
            {"sig": encodings.b64encode(item.sig)} | ({"keyid": item.keyid} if item.keyid else {})
            for item in envelope.signatures
        ],
    }


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding: what a DSSE signature signs."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
