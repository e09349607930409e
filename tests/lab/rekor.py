"""A Rekor v1: promises, inclusion proofs and checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab import keys
from tests.lab.encoding import base64, canonical
from tests.lab.entry import Entry, prove
from tests.lab.keys import PrivateKey, Seed
from tests.lab.note import Notary
from tests.lab.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekor:
    """A log by its id; the keys are those it signs with, right or not.

    It has shards, as the public good log: trees of their own under one numbering and one key.
    """

    host: str
    seed: Seed
    log_id: bytes
    promise_key: PrivateKey
    checkpoint_key: PrivateKey

    @classmethod
    def of(cls, host: str, seed: Seed) -> Rekor:
        """Return the log of this name whose key comes from ``seed``."""
        key = cls.key_of(seed)
        log_id = keys.key_id(key.public_key())
        return cls(host=host, seed=seed, log_id=log_id, promise_key=key, checkpoint_key=key)

    @staticmethod
    def key_of(seed: Seed) -> ec.EllipticCurvePrivateKey:
        """Return the key of the log whose key comes from ``seed``."""
        return seed.p256("key")

    def log(self, record: Record, at: datetime, *, shard: int = 0) -> Entry:
        """Return the entry as integrated at this time, promised and proved."""
        body = record.body()
        proof = prove(body, self.seed.child("leaves", str(shard)), self._notary(shard))
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

    def _notary(self, shard: int) -> Notary:
        tree = self.seed.number("tree", str(shard), below=1 << 63)
        # For ECDSA the key's id in the note is the start of its SPKI's hash, as is the log's own.
        return Notary(
            origin=f"{self.host} - {tree}",
            name=self.host,
            key_id=self.log_id,
            key=self.checkpoint_key,
        )

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
