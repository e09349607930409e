"""The entries in which Rekor v1 would have logged a signature: by them it is found at once.

Rekor logs a body in one canonical form, and an entry's UUID is the hash of its leaf. For a
signature over bytes the body follows from digest, signature and signer. For an envelope it
also depends on the JSON that was uploaded, of which the usual ones are tried: as Go's encoder
writes it, and as Sigstore's clients in other languages do. An expectation that is wrong is a
UUID that the log has not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from kit.formats import encodings, log_entry, strictjson
from kit.formats.dsse import Envelope
from kit.formats.sigstore_bundle import Bundle

_LINE = 64


def leaves(bundle: Bundle, sha256: str | None) -> tuple[str, ...]:
    """Return the hashes (hex) of the leaves that a bundle by a certificate may have in a log.

    ``sha256`` (hex) is the digest of the bytes that a message signature is over. Without a
    certificate the signer is not known, and nothing is expected.
    """
    if not bundle.certificates:
        return ()
    return tuple(
        hashlib.sha256(b"\x00" + _canonical(kind, version, spec)).hexdigest()
        for kind, version, spec in _bodies(bundle, sha256)
    )


def _bodies(bundle: Bundle, sha256: str | None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    content, pem = bundle.content, encodings.b64encode(_pem(bundle.certificates[0]))
    if not isinstance(content, Envelope):
        if sha256 is not None:
            signature = {
                "content": encodings.b64encode(content.signature),
                "publicKey": {"content": pem},
            }
            data = {"hash": {"algorithm": "sha256", "value": sha256}}
            yield "hashedrekord", "0.0.1", {"data": data, "signature": signature}
        return
    payload, sig = _hash(content.payload), encodings.b64encode(content.signatures[0].sig)
    hashes = [_hash(raw) for raw in _uploads(content, sig)]
    for envelope in hashes:
        signed = [{"signature": sig, "verifier": pem}]
        told = {"envelopeHash": envelope, "payloadHash": payload, "signatures": signed}
        yield "dsse", "0.0.1", told
    # This kind encodes the signature's base64 once more.
    twice = {"publicKey": pem, "sig": encodings.b64encode(sig.encode())}
    inside = {"payloadType": content.payload_type, "signatures": [twice]}
    for envelope in hashes:
        hashed = {"hash": envelope, "payloadHash": payload}
        yield "intoto", "0.0.1", {"content": hashed, "publicKey": pem}
        yield "intoto", "0.0.2", {"content": hashed | {"envelope": inside}}


def _uploads(envelope: Envelope, sig: str) -> Iterator[bytes]:
    """Yield an envelope's JSON as clients write it."""
    yield log_entry.uploaded(envelope)
    keyid = envelope.signatures[0].keyid
    for signature in ({"sig": sig}, {"sig": sig, "keyid": keyid}):
        value = {
            "payload": encodings.b64encode(envelope.payload),
            "payloadType": envelope.payload_type,
            "signatures": [signature],
        }
        yield json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _canonical(kind: str, version: str, spec: dict[str, Any]) -> bytes:
    body = {"apiVersion": version, "kind": kind, "spec": spec}
    return strictjson.canonical(body).removesuffix(b"\n")


def _hash(raw: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(raw).hexdigest()}


def _pem(der: bytes) -> bytes:
    """Return a certificate in PEM as Go writes it."""
    text = encodings.b64encode(der)
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    marks = ("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----")
    return "".join(f"{line}\n" for line in marks).encode("ascii")
