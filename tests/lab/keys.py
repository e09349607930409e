"""Keys and numbers that follow from a seed, and signatures that follow from a key.

Everything drawn is named by a path, such as ``("rekor", "checkpoint")``; the same
path under another seed is unrelated. ECDSA is deterministic (RFC 6979), Ed25519 and
RSA PKCS#1 v1.5 are so anyway. RSA keys do not follow from a seed: see `rsa_keys`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.lab import rsa_keys

_HASHES = {256: hashes.SHA256(), 384: hashes.SHA384()}
_BY_NAME: Mapping[str, hashes.HashAlgorithm] = MappingProxyType(
    {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
)

HashingKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PrivateKey = HashingKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class KeyType:
    """A kind of signer's key: the hash that goes with it, and what Sigstore calls the two."""

    algorithm: str
    details: str


# Ed25519 has no hash of its own to sign a digest with: Ed25519ph is not in `cryptography`.
KEY_TYPES: Mapping[str, KeyType] = MappingProxyType(
    {
        "p256": KeyType("sha256", "PKIX_ECDSA_P256_SHA_256"),
        "p384": KeyType("sha384", "PKIX_ECDSA_P384_SHA_384"),
        "ed25519": KeyType("sha512", "PKIX_ED25519"),
        "rsa2048": KeyType("sha256", "PKIX_RSA_PKCS1V15_2048_SHA256"),
        "rsa3072": KeyType("sha256", "PKIX_RSA_PKCS1V15_3072_SHA256"),
    }
)


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

    def key(self, key_type: str, *names: str, spare: bool = False) -> PrivateKey:
        """Return a signer's key of a type of `KEY_TYPES`.

        An RSA key is the same under every name, except for a spare one.
        """
        match key_type:
            case "p384":
                return self.p384(*names)
            case "ed25519":
                return self.ed25519(*names)
            case "rsa2048" | "rsa3072":
                return rsa_keys.load("spare" if spare else "signer", int(key_type[3:]))
            case _:
                return self.p256(*names)

    def _on(self, curve: ec.EllipticCurve, names: tuple[str, ...]) -> ec.EllipticCurvePrivateKey:
        scalar = self.number(curve.name, *names, below=curve.group_order)
        return ec.derive_private_key(scalar, curve)


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Sign with the hash that goes with the key."""
    match key:
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, ec.ECDSA(_HASHES[key.key_size], deterministic_signing=True))
        case rsa.RSAPrivateKey():
            return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        case _:
            return key.sign(message)


def sign_digest(key: HashingKey, digest: bytes, algorithm: str = "sha256") -> bytes:
    """Sign what has this digest without having it."""
    hashed = utils.Prehashed(_BY_NAME[algorithm])
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(digest, padding.PKCS1v15(), hashed)
    return key.sign(digest, ec.ECDSA(hashed, deterministic_signing=True))


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


def note_id(name: str, kind: int, key: ed25519.Ed25519PublicKey) -> bytes:
    """Return the id of a key of this name and kind in a signed note (C2SP signed-note).

    A note carries the first four bytes, a Rekor v2 log has them all for its id.
    """
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + raw).digest()


def key_id(key: PublicKey) -> bytes:
    """Return the id of a CT log or Rekor v1 log that has this key (RFC 6962 section 3.2)."""
    return hashlib.sha256(spki(key)).digest()
