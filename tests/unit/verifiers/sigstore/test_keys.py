"""Signatures by key type: the one form of each that holds, and every other that does not."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kit.errors import MalformedError, UnsupportedError
from kit.model import Digest
from kit.verifiers.sigstore import keys
from kit.verifiers.sigstore.keys import AnyKey, Key

MESSAGE = b"what was signed"
CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def loaded(public: AnyKey) -> Key:
    """Load a key as a root or a certificate gives it."""
    return keys.load(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def digest(algorithm: str) -> Digest:
    """Return the digest of the message."""
    return Digest(algorithm, hashlib.new(algorithm, MESSAGE).hexdigest())


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("algorithm", HASHES)
def test_each_curve_signs_with_its_own_hash_or_sha256(curve: str, algorithm: str) -> None:
    private = ec.generate_private_key(CURVES[curve])
    signature = private.sign(MESSAGE, ec.ECDSA(HASHES[algorithm]))
    key = loaded(private.public_key())
    usual = algorithm in key.algorithms
    assert usual == (algorithm in ("sha256", {"P-384": "sha384", "P-521": "sha512"}.get(curve)))
    assert keys.holds_digest(key, signature, digest(algorithm)) == usual
    assert keys.holds(key, signature, MESSAGE) == (algorithm == key.algorithms[0])


def test_an_ecdsa_signature_is_canonical_der_or_nothing() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    key = loaded(private.public_key())
    good = private.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(good)
    assert keys.holds(key, good, MESSAGE)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    # The twin holds for key and bytes; that it is not the logged one is the entry's to say.
    assert keys.holds(key, utils.encode_dss_signature(r, order - s), MESSAGE)
    wrong = {
        "raw": r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        "truncated": good[:-1],
        "longer": good + b"\0",
        "long length": good[:1] + b"\x81" + good[1:],
        "padded r": b"\x30" + bytes([good[1] + 1, 2, good[3] + 1, 0]) + good[4:],
        "empty": b"",
        "zero": utils.encode_dss_signature(0, 0),
        "other message": private.sign(b"x", ec.ECDSA(hashes.SHA256())),
    }
    for name, signature in wrong.items():
        assert not keys.holds(key, signature, MESSAGE), name
    assert not keys.holds(loaded(ec.generate_private_key(ec.SECP256R1()).public_key()), good, b"x")


def test_ed25519_signs_messages_and_not_digests() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    key, signature = loaded(private.public_key()), private.sign(MESSAGE)
    assert keys.holds(key, signature, MESSAGE)
    assert not keys.holds(key, signature, b"x")
    assert not keys.holds_digest(key, signature, digest("sha512"))


def test_rsa_is_pkcs1_of_a_fair_size() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = loaded(private.public_key())
    assert keys.holds(key, private.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256()), MESSAGE)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    assert not keys.holds(key, private.sign(MESSAGE, pss, hashes.SHA256()), MESSAGE)
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    with pytest.raises(UnsupportedError):
        loaded(small.public_key())


def test_other_keys_are_unsupported_and_junk_is_malformed() -> None:
    with pytest.raises(UnsupportedError):
        loaded(ec.generate_private_key(ec.SECP256K1()).public_key())
    with pytest.raises(MalformedError):
        keys.load(b"junk")
