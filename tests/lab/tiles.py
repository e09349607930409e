"""A Rekor v2: inclusion proofs and checkpoints, and neither promises nor times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.lab import keys
from tests.lab.entry import Entry, prove
from tests.lab.keys import PrivateKey, Seed
from tests.lab.note import Notary, Witness
from tests.lab.record import Record

_ED25519 = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """A log by its id; ``key`` is the one it signs with, right or not."""

    host: str
    seed: Seed
    log_id: bytes
    key: PrivateKey

    @classmethod
    def of(cls, host: str, seed: Seed) -> Tiles:
        """Return the log of this name whose key comes from ``seed``."""
        key = cls.key_of(seed)
        return cls(
            host=host,
            seed=seed,
            log_id=keys.note_id(host, _ED25519, key.public_key()),
            key=key,
        )

    @staticmethod
    def key_of(seed: Seed) -> ed25519.Ed25519PrivateKey:
        """Return the key of the log whose key comes from ``seed``."""
        return seed.ed25519("key")

    def log(self, record: Record, *, cosigned: datetime | None = None) -> Entry:
        """Return the entry as proved, the checkpoint witnessed at this time if at all."""
        body = record.body()
        notary = Notary(
            origin=self.host,
            name=self.host,
            key_id=self.log_id,
            key=self.key,
            witnesses=() if cosigned is None else self._witnesses(cosigned),
        )
        proof = prove(body, self.seed.child("leaves"), notary)
        return Entry(
            index=proof.index,
            log_id=self.log_id,
            kind=record.kind,
            version=record.version,
            time=None,
            body=body,
            promise=None,
            proof=proof,
        )

    def _witnesses(self, at: datetime) -> tuple[Witness, ...]:
        return tuple(
            Witness(
                name=f"{name}.{self.host}",
                key=self.seed.ed25519("witness", name),
                time=round(at.timestamp()),
            )
            for name in ("north", "south")
        )
