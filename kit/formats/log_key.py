"""The keys of logs in a trusted root: their types, and the ids that are theirs.

A log's id is SHA-256 of its key (RFC 6962; Rekor v1), or the C2SP key id of its name and
key (signed-note.md; Rekor v2). An id of anything else would let one log speak as another.
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kit.errors import MalformedError, UnsupportedError
from kit.formats import public_key

#: Key details (sigstore_common.proto) that the kit verifies, and the hash each signs.
HASHES = {
    "PKIX_ECDSA_P256_SHA_256": "sha256",
    "PKIX_ECDSA_P384_SHA_384": "sha384",
    "PKIX_ECDSA_P384_SHA_256": "sha256",
    "PKIX_ECDSA_P521_SHA_512": "sha512",
    "PKIX_ECDSA_P521_SHA_256": "sha256",
    "PKIX_ED25519": "sha512",
    "PKIX_RSA_PKCS1V15_2048_SHA256": "sha256",
    "PKIX_RSA_PKCS1V15_3072_SHA256": "sha256",
    "PKIX_RSA_PKCS1V15_4096_SHA256": "sha256",
    "PKIX_RSA_PKCS1V5": "sha256",
    "PKCS1_RSA_PKCS1V5": "sha256",
}
_CURVES = {"P256": "secp256r1", "P384": "secp384r1", "P521": "secp521r1"}
_SPKI_ED25519 = 12  # bytes of SubjectPublicKeyInfo before the 32 of the key


def read(raw: bytes, details: str) -> bytes:
    """Return a log's key as canonical SubjectPublicKeyInfo.

    Raises :class:`UnsupportedError` for key details that the kit does not verify, and
    :class:`MalformedError` for a key that is not what its details say.
    """
    if details not in HASHES:
        raise UnsupportedError(f"its key is {details[:60]!r}")
    try:
        spki = public_key.from_der(raw)
    except UnsupportedError as error:
        raise MalformedError(f"its key is not {details}: {error}") from error
    key = load_der_public_key(spki)
    if "ECDSA" in details:
        right = isinstance(key, ec.EllipticCurvePublicKey) and (
            key.curve.name == _CURVES[details.split("_")[2]]
        )
    elif "RSA" in details:
        right = isinstance(key, rsa.RSAPublicKey)
    else:
        right = isinstance(key, ed25519.Ed25519PublicKey)
    if not right:
        raise MalformedError(f"its key is not {details}, as the root says")
    return spki


def ids(spki: bytes, details: str, base_url: str) -> frozenset[bytes]:
    """Return the ids that a log with this key may have: of the key, or of name and key."""
    found = {hashlib.sha256(spki).digest()}
    name = host(base_url)
    if details == "PKIX_ED25519" and name:
        # signed-note.md: SHA-256 over name, newline, type byte 0x01, key. (For ECDSA the
        # C2SP key id is that of the key alone, so that it is found already.)
        text = name.encode() + b"\n\x01" + spki[_SPKI_ED25519:]
        found.add(hashlib.sha256(text).digest())
    return frozenset(found)


def host(url: str) -> str:
    """Return the host, and the port if there is one, of a URL."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError as error:
        raise MalformedError(f"not a URL: {url[:80]!r}") from error
