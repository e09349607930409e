"""Signers with other keys than P-256: right, by hand, where sigstore-python cannot tell."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.lab import KEY_TYPES, Lab
from tests.unit.lab.judges import ARTIFACT, made, signature_of, verdict, verifier

FULL = Lab("acme", shape="full")
JUDGE = verifier(FULL.trusted_root())
HASHING = [each for each in KEY_TYPES if each != "ed25519"]
CASES = [
    *(("message", each) for each in HASHING),
    *(("envelope", each) for each in KEY_TYPES),
]
HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}


def signed(bundle: Any) -> bytes:
    if "messageSignature" in bundle:
        return ARTIFACT
    kind = bundle["dsseEnvelope"]["payloadType"].encode()
    payload = b64decode(bundle["dsseEnvelope"]["payload"])
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def holds(key: object, bundle: Any, algorithm: str) -> bool:
    """Tell whether the signature of a bundle is that of a key."""
    signature, message = signature_of(bundle), signed(bundle)
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                key.verify(signature, message, ec.ECDSA(HASHES[algorithm]))
            case rsa.RSAPublicKey():
                key.verify(signature, message, padding.PKCS1v15(), HASHES[algorithm])
            case ed25519.Ed25519PublicKey():
                key.verify(signature, message)
            case _:
                raise TypeError(f"no such key: {key!r}")
    except InvalidSignature:
        return False
    return True


def leaf_key(bundle: Any) -> object:
    raw = b64decode(bundle["verificationMaterial"]["certificate"]["rawBytes"])
    return x509.load_der_x509_certificate(raw).public_key()


def size(key: object) -> object:
    return key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else None


SIZES = {"p256": 256, "p384": 384, "ed25519": None, "rsa2048": 2048, "rsa3072": 3072}


@pytest.mark.parametrize(("content", "key_type"), CASES)
@pytest.mark.parametrize("rekor", ["v1", "v2"])
def test_a_signature_holds_under_its_key(content: str, key_type: str, rekor: str) -> None:
    if (key_type, rekor) == ("ed25519", "v2"):
        with pytest.raises(ValueError, match="does not log pure Ed25519"):
            made(FULL, content, key_type=key_type, rekor=rekor)
        return
    algorithm = KEY_TYPES[key_type].algorithm
    keyed = json.loads(made(FULL, content, key_type=key_type, rekor=rekor, form="keyed"))
    certified = json.loads(made(FULL, content, key_type=key_type, rekor=rekor))
    key = load_pem_public_key(FULL.public_key(key_type=key_type))
    assert size(key) == size(leaf_key(certified)) == SIZES[key_type]
    assert holds(key, keyed, algorithm)
    assert holds(leaf_key(certified), certified, algorithm)


@pytest.mark.parametrize(("content", "key_type"), CASES)
@pytest.mark.parametrize("form", ["keyed", None])
def test_a_spare_key_signs_in_its_place(content: str, key_type: str, form: str | None) -> None:
    bundle = json.loads(made(FULL, content, key_type=key_type, form=form, spoil="signature"))
    key = load_pem_public_key(FULL.public_key(key_type=key_type)) if form else leaf_key(bundle)
    assert not holds(key, bundle, KEY_TYPES[key_type].algorithm)


def test_p384_goes_with_sha384_in_digests_and_entries() -> None:
    digest = hashlib.sha384(ARTIFACT).digest()
    bundles = [
        json.loads(made(FULL, "message", key_type="p384", rekor=rekor)) for rekor in ("v1", "v2")
    ]
    for bundle in bundles:
        told = bundle["messageSignature"]["messageDigest"]
        assert (told["algorithm"], b64decode(told["digest"])) == ("SHA2_384", digest)
    first, second = (
        json.loads(b64decode(each["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"]))
        for each in bundles
    )
    assert first["spec"]["data"]["hash"] == {"algorithm": "sha384", "value": digest.hex()}
    said = second["spec"]["hashedRekordV002"]
    assert said["data"]["algorithm"] == "SHA2_384"
    assert b64decode(said["data"]["digest"]) == digest
    assert said["signature"]["verifier"]["keyDetails"] == "PKIX_ECDSA_P384_SHA_384"


# sigstore-python reads every signature as ECDSA with SHA-256; W29 is that it takes P-384 with it.
SAYS = {
    ("message", "p384", None): "Bundle message digest mismatch",
    ("envelope", "p384", None): "DSSE: invalid signature",
    ("message", "p384", "sha256"): "",
    ("envelope", "p384", "sha256"): "",
    ("message", "rsa2048", None): "missing 1 required positional argument",
    ("envelope", "rsa2048", None): "missing 1 required positional argument",
    ("message", "rsa3072", None): "missing 1 required positional argument",
    ("envelope", "rsa3072", None): "missing 1 required positional argument",
    ("envelope", "ed25519", None): "takes 2 positional arguments",
}


@pytest.mark.parametrize(("content", "key_type", "algorithm"), SAYS)
def test_sigstore_python_says(content: str, key_type: str, algorithm: str | None) -> None:
    says = SAYS[content, key_type, algorithm]
    told = verdict(JUDGE, made(FULL, content, key_type=key_type, algorithm=algorithm))
    assert says in told
    assert bool(says) == bool(told)


def test_sha256_with_p384_is_called_what_it_is() -> None:
    bundle = json.loads(
        made(FULL, "message", key_type="p384", algorithm="sha256", rekor="v2", form="keyed")
    )
    assert holds(load_pem_public_key(FULL.public_key(key_type="p384")), bundle, "sha256")
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    assert b"PKIX_ECDSA_P384_SHA_256" in b64decode(entry["canonicalizedBody"])


def test_pure_ed25519_signs_no_digest() -> None:
    with pytest.raises(ValueError, match="an Ed25519 key needs a bundle with envelope"):
        FULL.sign(ARTIFACT, key_type="ed25519")


def test_a_message_known_by_its_sha256_has_no_other_digest() -> None:
    with pytest.raises(ValueError, match="the sha384 of a message known by its sha256"):
        FULL.sign_digest(hashlib.sha256(ARTIFACT).hexdigest(), key_type="p384")
