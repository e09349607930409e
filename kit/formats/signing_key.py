"""Private keys that seal packs: Ed25519, or ECDSA over P-256, P-384 or P-521, as PEM.

An ECDSA signature is over the curve's own hash and deterministic (RFC 6979) where the
platform's OpenSSL can do that. Nothing of a private key is ever in a message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from kit.errors import UsageError

MAX_BYTES = 64 << 10

_CURVES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that can seal."""

    private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

    @property
    def key(self) -> str:
        """How a seal names it: ``sha256:`` and the SHA-256 of its SubjectPublicKeyInfo."""
        spki = self.private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return f"sha256:{hashlib.sha256(spki).hexdigest()}"

    def sign(self, message: bytes) -> bytes:
        """Return its signature over a message."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        hashed = _CURVES[self.private.curve.name]
        repeatable = backend.ecdsa_deterministic_supported()
        return self.private.sign(message, ec.ECDSA(hashed, deterministic_signing=repeatable))


def is_encrypted(raw: bytes) -> bool:
    """Say whether a PEM private key needs a passphrase, by its own label or header."""
    return b"BEGIN ENCRYPTED PRIVATE KEY" in raw or b"Proc-Type: 4,ENCRYPTED" in raw


def parse(raw: bytes, name: str, passphrase: bytes | None) -> SigningKey:
    """Read a private key; raise :class:`UsageError`, which names it ``name``, for another file."""
    try:
        private = load_pem_private_key(raw, passphrase)
    except UnsupportedAlgorithm as error:
        raise _wrong(name, "is of a type that is not known") from error
    except Exception as error:  # what it raises may quote what it read
        why = "the passphrase is wrong, or it" if is_encrypted(raw) else "it"
        raise _wrong(name, f"{why} is no private key in PEM") from error
    if isinstance(private, ed25519.Ed25519PrivateKey) or (
        isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _CURVES
    ):
        return SigningKey(private)
    raise _wrong(name, "is of another type than Ed25519, or ECDSA over P-256, P-384 or P-521")


def _wrong(name: str, why: str) -> UsageError:
    return UsageError(f"the key {name}: {why}", code="usage.key", subject=name)
