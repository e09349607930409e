"""Bundles of the lab as they would have been published before there were bundles.

Nothing is signed here: each is one of the lab's bundles in other words, with less in it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


def bare_envelope(bundle: bytes) -> bytes:
    """Return the envelope as slsa-github-generator wrote it: its certificate in it, unlogged."""
    envelope = json.loads(bundle)["dsseEnvelope"]
    (signature,) = envelope["signatures"]
    pem = _pem(bundle)
    named = {"keyid": signature.get("keyid", "")} | signature
    signed = named if pem is None else named | {"cert": pem.decode()}
    return json.dumps(envelope | {"signatures": [signed]}).encode()


def sign_blob(bundle: bytes) -> bytes:
    """Return a message signature as ``cosign sign-blob --bundle`` wrote it."""
    value = json.loads(bundle)
    written: dict[str, Any] = {"base64Signature": value["messageSignature"]["signature"]}
    pem = _pem(bundle)
    if pem is not None:
        written["cert"] = b64encode(pem).decode()
    for entry in value["verificationMaterial"].get("tlogEntries", ()):
        written["rekorBundle"] = rekor_bundle(entry)
    return json.dumps(written).encode()


def rekor_bundle(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a log entry as cosign kept it: with the promise alone."""
    return {
        "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        "Payload": {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logIndex": int(entry["logIndex"]),
            "logID": b64decode(entry["logId"]["keyId"]).hex(),
        },
    }


def detached(bundle: bytes) -> tuple[bytes, bytes]:
    """Return signature and certificate as ``cosign sign-blob`` wrote them beside a file."""
    signature = json.loads(bundle)["messageSignature"]["signature"].encode()
    return signature, b64encode(_pem(bundle) or b"")


def _pem(bundle: bytes) -> bytes | None:
    """Return the leaf of a bundle, if a certificate signed it."""
    material = json.loads(bundle)["verificationMaterial"]
    if "publicKey" in material:
        return None
    chain = material.get("x509CertificateChain", {}).get("certificates")
    (leaf, *_) = chain or [material["certificate"]]
    certificate = x509.load_der_x509_certificate(b64decode(leaf["rawBytes"]))
    return certificate.public_bytes(Encoding.PEM)
