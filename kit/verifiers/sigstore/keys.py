"""Public keys by type, and whether a signature by one holds.

ECDSA over P-256, P-384 and P-521, in canonical DER; Ed25519 as it is (RFC 8032, never
"ph"); RSA as PKCS#1 v1.5. The hash follows from the key, or where the field does it
otherwise (SHA-256 with the larger curves) is named by what was signed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from kit.errors import MalformedError, UnsupportedError
from kit.formats import public_key
from kit.model import Digest

_PREHASHED = {
    "sha256": utils.Prehashed(hashes.SHA256()),
    "sha384": utils.Prehashed(hashes.SHA384()),
    "sha512": utils.Prehashed(hashes.SHA512()),
}
_ECDSA = {name: ec.ECDSA(prehashed) for name, prehashed in _PREHASHED.items()}
#: The hashes that signers use with each curve; the first is the curve's own.
_CURVES = {
    "secp256r1": ("sha256",),
    "secp384r1": ("sha384", "sha256"),
    "secp521r1": ("sha512", "sha256"),
}
_RSA_BITS = range(2048, 8193)

AnyKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A loaded key, and the digest algorithms its signatures may be over.

    ``algorithms`` is empty for Ed25519, which signs messages and not digests.
    """

    public: AnyKey
    algorithms: tuple[str, ...]

    @property
    def spki(self) -> bytes:
        """The key's SubjectPublicKeyInfo in canonical DER; keys are the same where it is."""
        return self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the key's SubjectPublicKeyInfo, in hex."""
        return hashlib.sha256(self.spki).hexdigest()


def load(spki: bytes) -> Key:
    """Load a key; raise :class:`UnsupportedError` for a type that the kit does not verify."""
    return _of(load_der_public_key(public_key.from_der(spki)))


def of_certificate(certificate: x509.Certificate) -> Key:
    """Return a certificate's key; raise :class:`UnsupportedError` as :func:`load` does."""
    try:
        public = certificate.public_key()
    except UnsupportedAlgorithm as error:
        raise UnsupportedError(f"a certificate's key of an unknown type: {error}") from error
    except Exception as error:  # cryptography raises many things on hostile DER
        raise MalformedError(f"a certificate's key cannot be read: {error}") from error
    return _of(public)


def _of(public: object) -> Key:
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
        return Key(public=public, algorithms=_CURVES[public.curve.name])
    if isinstance(public, ed25519.Ed25519PublicKey):
        return Key(public=public, algorithms=())
    if isinstance(public, rsa.RSAPublicKey) and public.key_size in _RSA_BITS:
        return Key(public=public, algorithms=("sha256", "sha384", "sha512"))
    raise UnsupportedError(f"a signing key of another type or size: {type(public).__name__}")


def holds(key: Key, signature: bytes, message: bytes, algorithm: str | None = None) -> bool:
    """Say whether this is the key's signature over a message.

    ``algorithm`` names the hash; without it, it is the key's own.
    """
    if isinstance(key.public, ed25519.Ed25519PublicKey):
        try:
            key.public.verify(signature, message)
        except InvalidSignature:
            return False
        return True
    name = algorithm or key.algorithms[0]
    return _holds(key, signature, name, hashlib.new(name, message).digest())


def holds_digest(key: Key, signature: bytes, digest: Digest) -> bool:
    """Say whether this is the key's signature over the bytes with this digest."""
    return _holds(key, signature, digest.algorithm, bytes.fromhex(digest.hex))


def _holds(key: Key, signature: bytes, algorithm: str, digest: bytes) -> bool:
    if algorithm not in key.algorithms:
        return False
    try:
        if isinstance(key.public, ec.EllipticCurvePublicKey) and _is_der(signature):
            key.public.verify(signature, digest, _ECDSA[algorithm])
        elif isinstance(key.public, rsa.RSAPublicKey):
            key.public.verify(signature, digest, padding.PKCS1v15(), _PREHASHED[algorithm])
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _is_der(signature: bytes) -> bool:
    """Say whether an ECDSA signature is written in the one way that DER allows."""
    try:
        return utils.encode_dss_signature(*utils.decode_dss_signature(signature)) == signature
    except ValueError:
        return False
