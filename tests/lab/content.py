"""What is signed: a message known by its digest, or a DSSE envelope."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.lab.encoding import base64, document
from tests.lab.record import Record

IN_TOTO = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"


@dataclass(frozen=True, slots=True)
class Message:
    """An artifact, of which nothing but the digest is needed."""

    digest: bytes

    def record(self, signature: bytes, verifier: bytes) -> Record:
        """Return what the log is told."""
        return Record(
            kind="hashedrekord", digest=self.digest, signature=signature, verifier=verifier
        )

    def member(self, signature: bytes) -> dict[str, Any]:
        """Return the member of the bundle that holds the signature."""
        digest = {"algorithm": "SHA2_256", "digest": base64(self.digest)}
        return {
            "messageSignature": {
                "messageDigest": digest,
                "signature": base64(signature),
            }
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload in DSSE; ``kind`` is how the log is told of it."""

    payload: bytes
    payload_type: str
    keyid: str | None = None
    kind: str = "dsse"

    @property
    def digest(self) -> bytes:
        """Return the SHA-256 of the pre-authentication encoding, which is what is signed."""
        name = self.payload_type.encode()
        encoded = b"DSSEv1 %d %b %d %b" % (len(name), name, len(self.payload), self.payload)
        return hashlib.sha256(encoded).digest()

    def record(self, signature: bytes, verifier: bytes) -> Record:
        """Return what the log is told."""
        return Record(
            kind=self.kind,
            digest=hashlib.sha256(self.payload).digest(),
            signature=signature,
            verifier=verifier,
            payload_type=self.payload_type,
            keyid=self.keyid,
            uploaded=document(self._json(signature)),
        )

    def member(self, signature: bytes) -> dict[str, Any]:
        """Return the member of the bundle that holds the signature."""
        return {"dsseEnvelope": self._json(signature)}

    def _json(self, signature: bytes) -> dict[str, Any]:
        keyid = {} if self.keyid is None else {"keyid": self.keyid}
        return {
            "payload": base64(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"sig": base64(signature), **keyid}],
        }


Content = Message | Envelope


def statement(
    subjects: Mapping[str, bytes], predicate_type: str, predicate: Mapping[str, Any]
) -> bytes:
    """Return an in-toto Statement v1 about these files, by name, in their order."""
    return document(
        {
            "_type": STATEMENT,
            "subject": [
                {"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}
                for name, content in subjects.items()
            ],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )
