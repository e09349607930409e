"""What is signed: a message known by its digest, or a DSSE envelope."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.lab.encoding import HASH_NAMES, base64, document
from tests.lab.record import Record

IN_TOTO = "application/vnd.in-toto+json"
RELEASE = "https://in-toto.io/attestation/release/v0.2"
STATEMENT = "https://in-toto.io/Statement/v1"

# How Rekor can be told of an envelope: v1, but for what early v2 was told.
KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "dsse": ("dsse", "0.0.1"),
        "dsse-0.0.2": ("dsse", "0.0.2"),
        "intoto": ("intoto", "0.0.2"),
        "intoto-0.0.1": ("intoto", "0.0.1"),
        "intoto-0.0.1-bare": ("intoto", "0.0.1"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Who signed, as a log is told it: in PEM for Rekor v1, and in the words of v2."""

    pem: bytes
    material: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """An artifact, of which nothing but a digest is needed."""

    digest: bytes
    algorithm: str = "sha256"

    def hashed(self, algorithm: str) -> bytes:
        """Return the digest of what is signed, which must be the one that is known."""
        if algorithm != self.algorithm:
            raise ValueError(f"the {algorithm} of a message known by its {self.algorithm}")
        return self.digest

    def record(self, signature: bytes, named: Named, rekor: str) -> Record:
        """Return what the log is told."""
        return Record(
            kind="hashedrekord",
            version="0.0.2" if rekor == "v2" else "0.0.1",
            digest=self.digest,
            algorithm=self.algorithm,
            signature=signature,
            verifier=named.pem,
            material=named.material,
        )

    def member(self, signature: bytes) -> dict[str, Any]:
        """Return the member of the bundle that holds the signature."""
        digest = {"algorithm": HASH_NAMES[self.algorithm], "digest": base64(self.digest)}
        return {
            "messageSignature": {
                "messageDigest": digest,
                "signature": base64(signature),
            }
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload in DSSE; ``kind`` is the entry in which Rekor is told of it."""

    payload: bytes
    payload_type: str
    keyid: str | None = None
    kind: str = "dsse"
    algorithm: str = "sha256"

    @property
    def pae(self) -> bytes:
        """Return the pre-authentication encoding, which is what is signed."""
        name = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(name), name, len(self.payload), self.payload)

    @property
    def digest(self) -> bytes:
        """Return the SHA-256 of what is signed."""
        return self.hashed("sha256")

    def hashed(self, algorithm: str) -> bytes:
        """Return the digest of what is signed."""
        return hashlib.new(algorithm, self.pae).digest()

    def record(self, signature: bytes, named: Named, rekor: str) -> Record:
        """Return what the log is told."""
        if rekor == "v2" and self.kind != "dsse-0.0.2":
            message = Message(self.hashed(self.algorithm), self.algorithm)
            return message.record(signature, named, rekor)
        kind, version = KINDS[self.kind]
        return Record(
            kind=kind,
            version=version,
            digest=hashlib.sha256(self.payload).digest(),
            signature=signature,
            verifier=named.pem,
            material=named.material,
            payload_type=self.payload_type,
            keyid=self.keyid,
            uploaded=document(self._uploaded(signature)),
            payload_hashed=self.kind != "intoto-0.0.1-bare",
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

    def _uploaded(self, signature: bytes) -> dict[str, Any]:
        if KINDS[self.kind] != ("intoto", "0.0.1"):
            return self._json(signature)
        # As Go writes it, which is what those who upload this kind do.
        return {
            "payloadType": self.payload_type,
            "payload": base64(self.payload),
            "signatures": [{"keyid": self.keyid or "", "sig": base64(signature)}],
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


def release_statement(repository: str, tag: str, assets: Mapping[str, bytes]) -> bytes:
    """Return the statement that GitHub makes of a release, its commit following from the tag."""
    purl = f"pkg:github/{repository}@{tag}"
    commit = hashlib.sha1(purl.encode(), usedforsecurity=False).hexdigest()
    owner, number = repository.partition("/")[0], int(commit[:6], 16)
    return document(
        {
            "_type": STATEMENT,
            "subject": [
                {"uri": purl, "digest": {"sha1": commit}},
                *(
                    {"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}
                    for name, content in assets.items()
                ),
            ],
            "predicateType": RELEASE,
            "predicate": {
                "ownerId": str(len(owner)),
                "purl": purl,
                "repository": repository,
                "repositoryId": str(number),
                "databaseId": str(number + 1),
                "tag": tag,
            },
        }
    )
