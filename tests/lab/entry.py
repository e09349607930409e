"""A log entry as a bundle carries it, with the proof that it is in the log's tree."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from tests.lab import merkle
from tests.lab.encoding import base64
from tests.lab.keys import Seed
from tests.lab.note import Notary


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a leaf is in a tree, and that the log stands by that tree."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    notary: Notary
    checkpoint: str | None

    def to_json(self) -> dict[str, Any]:
        """Return an InclusionProof."""
        proof: dict[str, Any] = {
            "logIndex": str(self.index),
            "rootHash": base64(self.root),
            "treeSize": str(self.size),
            "hashes": [base64(digest) for digest in self.hashes],
        }
        if self.checkpoint is not None:
            proof["checkpoint"] = {"envelope": self.checkpoint}
        return proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A log entry. That of Rekor v2 has neither a time nor a promise."""

    index: int
    log_id: bytes
    kind: str
    version: str
    time: int | None
    body: bytes
    promise: bytes | None
    proof: Proof | None

    def to_json(self) -> dict[str, Any]:
        """Return a TransparencyLogEntry."""
        entry: dict[str, Any] = {
            "logIndex": str(self.index),
            "logId": {"keyId": base64(self.log_id)},
            "kindVersion": {"kind": self.kind, "version": self.version},
        }
        if self.time is not None:
            entry["integratedTime"] = str(self.time)
        if self.promise is not None:
            entry["inclusionPromise"] = {"signedEntryTimestamp": base64(self.promise)}
        if self.proof is not None:
            entry["inclusionProof"] = self.proof.to_json()
        return entry | {"canonicalizedBody": base64(self.body)}


def prove(body: bytes, leaves: Seed, notary: Notary) -> Proof:
    """Return the proof of an entry in a tree of its own, among leaves that follow from it.

    So what is logged first does not change what is logged next.
    """
    own = merkle.leaf(body)
    place = leaves.child(own.hex())
    # Small trees of many shapes. Never leaf 0: proto3 JSON may leave out an index of zero.
    size = 4 + place.number("size", below=10)
    index = place.number("index", below=size)
    others = [hashlib.sha256(place.octets(str(other))).digest() for other in range(size)]
    others[index] = own
    root = merkle.root(others)
    return Proof(
        index=index,
        size=size,
        root=root,
        hashes=merkle.path(index, others),
        notary=notary,
        checkpoint=notary.checkpoint(size, root),
    )
