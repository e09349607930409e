"""What Rekor is told of a signature, and the entry body it keeps of that."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.lab.encoding import HASH_NAMES, base64, canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A signature, the key or certificate that verifies it, and the digest it is about.

    The digest is that of the artifact or, for an envelope, of the payload; for Rekor v2 it is
    of the envelope's pre-authentication encoding. ``verifier`` is PEM, as Rekor v1 has it,
    ``material`` is how v2 does. ``written`` is the body if it is not what follows from the rest.
    """

    kind: str
    version: str
    digest: bytes
    signature: bytes
    verifier: bytes
    algorithm: str = "sha256"
    material: Mapping[str, Any] = field(default_factory=dict)
    payload_type: str = ""
    keyid: str | None = None
    uploaded: bytes = b""
    payload_hashed: bool = True
    written: bytes | None = None

    def body(self) -> bytes:
        """Return the canonicalized body."""
        if self.written is not None:
            return self.written
        entry = {
            "apiVersion": self.version,
            "kind": self.kind,
            "spec": _SPECS[self.kind, self.version](self),
        }
        return canonical(entry)


def _hashedrekord(record: Record) -> dict[str, Any]:
    return {
        "data": {"hash": _hash(record.digest, record.algorithm)},
        "signature": {
            "content": base64(record.signature),
            "publicKey": {"content": base64(record.verifier)},
        },
    }


def _hashedrekord_v2(record: Record) -> dict[str, Any]:
    return {
        "hashedRekordV002": {
            "data": {
                "algorithm": HASH_NAMES[record.algorithm],
                "digest": base64(record.digest),
            },
            "signature": {
                "content": base64(record.signature),
                "verifier": record.material,
            },
        }
    }


def _dsse_v2(record: Record) -> dict[str, Any]:
    return {
        "dsseV002": {
            "payloadHash": {"algorithm": HASH_NAMES["sha256"], "digest": base64(record.digest)},
            "signatures": [{"content": base64(record.signature), "verifier": record.material}],
        }
    }


def _dsse(record: Record) -> dict[str, Any]:
    signature = {"signature": base64(record.signature), "verifier": base64(record.verifier)}
    return {
        "envelopeHash": _hash(hashlib.sha256(record.uploaded).digest()),
        "payloadHash": _hash(record.digest),
        "signatures": [signature],
    }


def _intoto_v1(record: Record) -> dict[str, Any]:
    content = {"hash": _hash(hashlib.sha256(record.uploaded).digest())}
    if record.payload_hashed:
        content["payloadHash"] = _hash(record.digest)
    return {"content": content, "publicKey": base64(record.verifier)}


def _intoto_v2(record: Record) -> dict[str, Any]:
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


_SPECS: Mapping[tuple[str, str], Callable[[Record], dict[str, Any]]] = MappingProxyType(
    {
        ("hashedrekord", "0.0.1"): _hashedrekord,
        ("hashedrekord", "0.0.2"): _hashedrekord_v2,
        ("dsse", "0.0.1"): _dsse,
        ("dsse", "0.0.2"): _dsse_v2,
        ("intoto", "0.0.1"): _intoto_v1,
        ("intoto", "0.0.2"): _intoto_v2,
    }
)


def _hash(digest: bytes, algorithm: str = "sha256") -> dict[str, str]:
    return {"algorithm": algorithm, "value": digest.hex()}
