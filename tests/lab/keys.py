"""Keys and numbers that follow from a seed, and signatures that follow from a key.

Everything drawn is named by a path, such as ``("rekor", "checkpoint")``; the same
path under another seed is unrelated. ECDSA is deterministic (RFC 6979).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_HASHES = {256: hashes.SHA256(), 384: hashes.SHA384()}

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Seed:
    """Where every key and number of one instance comes from."""

    path: tuple[str, ...]

    def child(self, *names: str) -> Seed:
        """Return the seed of a part, unrelated to that of any other part."""
        return Seed((*self.path, *names))

    def octets(self, *names: str) -> bytes:
        """Return 64 bytes that look random."""
        # JSON, because a plain join would give ("a", "bc") and ("ab", "c") one name.
        return hashlib.sha512(json.dumps([*self.path, *names]).encode()).digest()

    def number(self, *names: str, below: int) -> int:
        """Return a number from 1 up to, but not including, ``below``."""
        return int.from_bytes(self.octets(*names), "big") % (below - 1) + 1

    def p256(self, *names: str) -> ec.EllipticCurvePrivateKey:
        """Return an ECDSA key on the curve of leaves and logs."""
        return self._on(ec.SECP256R1(), names)

    def p384(self, *names: str) -> ec.EllipticCurvePrivateKey:
        """Return an ECDSA key on the curve of certificate authorities."""
        return self._on(ec.SECP384R1(), names)

    def ed25519(self, *names: str) -> ed25519.Ed25519PrivateKey:
        """Return an Ed25519 key, as newer logs have."""
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.octets("ed25519", *names)[:32])

    def _on(self, curve: ec.EllipticCurve, names: tuple[str, ...]) -> ec.EllipticCurvePrivateKey:
        scalar = self.number(curve.name, *names, below=curve.group_order)
        return ec.derive_private_key(scalar, curve)


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Sign with the hash that goes with the curve."""
    return key.sign(message, ec.ECDSA(_HASHES[key.key_size], deterministic_signing=True))


def sign_digest(key: ec.EllipticCurvePrivateKey, sha256: bytes) -> bytes:
    """Sign what has this SHA-256 digest without having it."""
    algorithm = utils.Prehashed(hashes.SHA256())
    return key.sign(sha256, ec.ECDSA(algorithm, deterministic_signing=True))


def twin(signature: bytes) -> bytes:
    """Return the other P-256 signature that holds for the same key and message.

    If (r, s) verifies, so does (r, n - s): an ECDSA signature does not identify itself.
    """
    r, s = utils.decode_dss_signature(signature)
    return utils.encode_dss_signature(r, ec.SECP256R1.group_order - s)


def spki(key: PublicKey) -> bytes:
    """Return the key as DER SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem(key: PublicKey) -> bytes:
    """Return the key as PEM SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_id(key: PublicKey) -> bytes:
    """Return the id of a CT log or Rekor v1 log that has this key (RFC 6962 section 3.2)."""
    return hashlib.sha256(spki(key)).digest()
