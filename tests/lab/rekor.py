"""A Rekor v1: promises, inclusion proofs and checkpoints.

The log remembers nothing. Each entry is put into a tree of its own, among leaves that follow
from the entry, so that what is logged first does not change what is logged next.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab import keys, merkle
from tests.lab.encoding import base64, canonical
from tests.lab.keys import Seed
from tests.lab.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a leaf is in the tree of a shard, and that the log stands by that tree."""

    shard: int
    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
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
    """A log entry as a bundle carries it."""

    index: int
    log_id: bytes
    kind: str
    version: str
    time: int
    body: bytes
    promise: bytes
    proof: Proof | None

    def to_json(self) -> dict[str, Any]:
        """Return a TransparencyLogEntry."""
        entry: dict[str, Any] = {
            "logIndex": str(self.index),
            "logId": {"keyId": base64(self.log_id)},
            "kindVersion": {"kind": self.kind, "version": self.version},
            "integratedTime": str(self.time),
            "inclusionPromise": {"signedEntryTimestamp": base64(self.promise)},
        }
        if self.proof is not None:
            entry["inclusionProof"] = self.proof.to_json()
        return entry | {"canonicalizedBody": base64(self.body)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekor:
    """A log by its id; the keys are those it signs with, right or not.

    It has shards, as the public good log: trees of their own under one numbering and one key.
    """

    host: str
    seed: Seed
    log_id: bytes
    promise_key: ec.EllipticCurvePrivateKey
    checkpoint_key: ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, host: str, seed: Seed) -> Rekor:
        """Return the log of this name whose key comes from ``seed``."""
        key = seed.p256("key")
        log_id = keys.key_id(key.public_key())
        return cls(host=host, seed=seed, log_id=log_id, promise_key=key, checkpoint_key=key)

    def log(self, record: Record, at: datetime, *, shard: int = 0) -> Entry:
        """Return the entry as integrated at this time, promised and proved."""
        body = record.body()
        proof = self._prove(body, shard)
        index, time = self._first(shard) + proof.index, round(at.timestamp())
        return Entry(
            index=index,
            log_id=self.log_id,
            kind=record.kind,
            version=record.version,
            time=time,
            body=body,
            promise=self._promise(body, index, time),
            proof=proof,
        )

    def checkpoint(self, size: int, root: bytes, *, shard: int = 0) -> str:
        """Return a C2SP signed note for the tree of this size and root."""
        tree = self.seed.number("tree", str(shard), below=1 << 63)
        note = f"{self.host} - {tree}\n{size}\n{base64(root)}\n"
        signature = keys.sign(self.checkpoint_key, note.encode())
        # For ECDSA the key's id in the note is the start of its SPKI's hash, as is the log's own.
        line = f"\N{EM DASH} {self.host} {base64(self.log_id[:4] + signature)}\n"
        return f"{note}\n{line}"

    def _first(self, shard: int) -> int:
        # Shards follow one another; the global index counts on through all of them.
        return (shard + 1) * 1_000_000 + self.seed.number("first", str(shard), below=1_000_000)

    def _promise(self, body: bytes, index: int, time: int) -> bytes:
        said = {
            "body": base64(body),
            "integratedTime": time,
            "logID": self.log_id.hex(),
            "logIndex": index,
        }
        return keys.sign(self.promise_key, canonical(said))

    def _prove(self, body: bytes, shard: int) -> Proof:
        own = merkle.leaf(body)
        place = self.seed.child("leaves", str(shard), own.hex())
        # Small trees of many shapes. Never leaf 0: proto3 JSON may leave out an index of zero.
        size = 4 + place.number("size", below=10)
        index = place.number("index", below=size)
        leaves = [hashlib.sha256(place.octets(str(other))).digest() for other in range(size)]
        leaves[index] = own
        root = merkle.root(leaves)
        return Proof(
            shard=shard,
            index=index,
            size=size,
            root=root,
            hashes=merkle.path(index, leaves),
            checkpoint=self.checkpoint(size, root, shard=shard),
        )
