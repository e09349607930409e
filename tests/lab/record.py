"""What Rekor v1 is told of a signature, and the entry body it keeps of that."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.lab.encoding import base64, canonical

VERSIONS: Mapping[str, str] = MappingProxyType(
    {"hashedrekord": "0.0.1", "dsse": "0.0.1", "intoto": "0.0.2"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A signature, the key or certificate that verifies it (PEM), and the digest it is about.

    The digest is that of the artifact or, for an envelope, of the payload.
    """

    kind: str
    digest: bytes
    signature: bytes
    verifier: bytes
    payload_type: str = ""
    keyid: str | None = None
    uploaded: bytes = b""

    @property
    def version(self) -> str:
        """Return the version of the entry's schema."""
        return VERSIONS[self.kind]

    def body(self) -> bytes:
        """Return the canonicalized body."""
        entry = {
            "apiVersion": self.version,
            "kind": self.kind,
            "spec": _SPECS[self.kind](self),
        }
        return canonical(entry)


def _hashedrekord(record: Record) -> dict[str, Any]:
    return {
        "data": {"hash": _hash(record.digest)},
        "signature": {
            "content": base64(record.signature),
            "publicKey": {"content": base64(record.verifier)},
        },
    }


def _dsse(record: Record) -> dict[str, Any]:
    signature = {"signature": base64(record.signature), "verifier": base64(record.verifier)}
    return {
        "envelopeHash": _hash(hashlib.sha256(record.uploaded).digest()),
        "payloadHash": _hash(record.digest),
        "signatures": [signature],
    }


def _intoto(record: Record) -> dict[str, Any]:
    # The signature is base64 of the envelope's base64 text: this kind encodes it twice.
    signature = {
        "publicKey": base64(record.verifier),
        "sig": base64(base64(record.signature).encode()),
    }
    if record.keyid is not None:
        signature["keyid"] = record.keyid
    return {
        "content": {
            "envelope": {"payloadType": record.payload_type, "signatures": [signature]},
            "hash": _hash(hashlib.sha256(record.uploaded).digest()),
            "payloadHash": _hash(record.digest),
        }
    }


_SPECS: Mapping[str, Callable[[Record], dict[str, Any]]] = MappingProxyType(
    {"hashedrekord": _hashedrekord, "dsse": _dsse, "intoto": _intoto}
)


def _hash(digest: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": digest.hex()}
