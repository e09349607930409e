"""Signed notes (C2SP signed-note) with the checkpoint of a log in them (C2SP tlog-checkpoint)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.lab import keys
from tests.lab.encoding import base64
from tests.lab.keys import PrivateKey

_COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Someone who saw the checkpoint, too, and when (C2SP tlog-cosignature)."""

    name: str
    key: ed25519.Ed25519PrivateKey
    time: int

    def line(self, text: str) -> str:
        """Return the line that says so."""
        said = f"cosignature/v1\ntime {self.time}\n{text}".encode()
        key_id = keys.note_id(self.name, _COSIGNATURE, self.key.public_key())
        return _line(self.name, key_id, self.time.to_bytes(8, "big") + self.key.sign(said))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notary:
    """What a log signs checkpoints as: ``key`` is the one it does so with, right or not."""

    origin: str
    name: str
    key_id: bytes
    key: PrivateKey
    witnesses: tuple[Witness, ...] = ()

    def checkpoint(self, size: int, root: bytes) -> str:
        """Return the note for the tree of this size and root."""
        text = f"{self.origin}\n{size}\n{base64(root)}\n"
        own = _line(self.name, self.key_id, keys.sign(self.key, text.encode()))
        return f"{text}\n{own}{''.join(each.line(text) for each in self.witnesses)}"


def _line(name: str, key_id: bytes, signature: bytes) -> str:
    return f"\N{EM DASH} {name} {base64(key_id[:4] + signature)}\n"
