"""What sigstore-python and rfc3161-client say of what the lab makes: "" is that it holds."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from rfc3161_client import VerificationError as StampError
from rfc3161_client import VerifierBuilder, decode_timestamp_response
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from tests.lab import IDENTITY, ISSUER, Lab

ARTIFACT = b"tool-1.0\n"


def verifier(root: bytes) -> Verifier:
    with TemporaryDirectory() as folder:
        path = Path(folder, "trusted_root.json")
        path.write_bytes(root)
        return Verifier(trusted_root=TrustedRoot.from_file(str(path)))


def made(lab: Lab, content: str, **options: Any) -> bytes:
    """Return a bundle of this content, "message" or "envelope"."""
    if content == "message":
        return lab.sign(ARTIFACT, **options)
    return lab.attest({"tool-1.0": ARTIFACT}, **options)


def verdict(judge: Verifier, bundle: bytes) -> str:
    """Return why sigstore-python refuses a bundle, however it does so."""
    policy = Identity(identity=IDENTITY, issuer=ISSUER)
    try:
        parsed = Bundle.from_json(bundle)
        if "dsseEnvelope" in json.loads(bundle):
            judge.verify_dsse(parsed, policy)
        else:
            judge.verify_artifact(ARTIFACT, parsed, policy)
    except Exception as error:  # noqa: BLE001  # it does so with anything (security.md 6.3)
        return str(error) or repr(error)
    return ""


def stamps_of(bundle: Any) -> list[bytes]:
    data = bundle["verificationMaterial"].get("timestampVerificationData", {})
    return [b64decode(each["signedTimestamp"]) for each in data.get("rfc3161Timestamps", [])]


def signature_of(bundle: Any) -> bytes:
    if "dsseEnvelope" in bundle:
        return b64decode(bundle["dsseEnvelope"]["signatures"][0]["sig"])
    return b64decode(bundle["messageSignature"]["signature"])


def stamp_verdict(token: bytes, message: bytes, listed: Any) -> str:
    """Return why rfc3161-client refuses a token under a timestamp authority of a root."""
    leaf, *middle, root = (
        x509.load_der_x509_certificate(b64decode(each["rawBytes"]))
        for each in listed["certChain"]["certificates"]
    )
    builder = VerifierBuilder().tsa_certificate(leaf).add_root_certificate(root)
    for each in middle:
        builder = builder.add_intermediate_certificate(each)
    try:
        builder.build().verify_message(decode_timestamp_response(token), message)
    except (StampError, ValueError) as error:
        return str(error) or repr(error)
    return ""
