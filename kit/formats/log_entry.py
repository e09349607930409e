"""What a transparency log was told: the body of a Rekor entry, and its agreement with a bundle.

A log says only that *this body* is in it. That the body is about the bundle's signature
is a comparison, and leaving it out is the commonest flaw of this field (CVE-2022-36056,
CVE-2026-22703): :func:`disagreement` compares digest, signature and signer of every kind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from kit.errors import EvidenceError, MalformedError, UnsupportedError
from kit.formats import dsse, encodings, strictjson
from kit.formats.fields import Fields
from kit.formats.log_entry_body import READERS, Logged, Signer
from kit.formats.sigstore_bundle import Bundle, LogEntry, MessageSignature
from kit.model import Digest

MAX_BYTES = 16 << 20


def parse(entry: LogEntry) -> Logged:
    """Read an entry's body.

    Raises :class:`UnsupportedError` for a kind that the kit does not know, and
    :class:`MalformedError` for a body that is not of the kind the entry says, or not in the
    canonical form (RFC 8785) in which Rekor logs.
    """
    read = READERS.get((entry.kind, entry.version))
    if read is None:
        raise UnsupportedError(f"its log entry is {entry.kind[:40]} {entry.version[:40]}")
    value = strictjson.parse(entry.body, max_bytes=MAX_BYTES)
    if _canonical(value) != entry.body:
        raise MalformedError("the log entry's body is not canonical JSON")
    body = Fields(value, "body")
    told = body.needed_text("kind"), body.needed_text("apiVersion")
    if told != (entry.kind, entry.version):
        raise MalformedError(
            f"the log entry's body is {told[0][:40]} {told[1][:40]}, not {entry.kind} "
            f"{entry.version} as the bundle says"
        )
    return read(body.needed_object("spec"))


def named(raw: bytes) -> tuple[str, str]:
    """Return the kind and version that a body gives itself; raise :class:`MalformedError`.

    For what carries a body without saying them, as Rekor v1's API and cosign do.
    """
    body = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES), "body")
    return body.needed_text("kind"), body.needed_text("apiVersion")


def disagreement(
    logged: Logged, content: MessageSignature | dsse.Envelope, signer: Signer
) -> str | None:
    """Say in which way an entry is about another signature than the bundle's, or ``None``.

    For a message signature the digest in :attr:`Logged.signed` is left to compare with
    the artifact.
    """
    if logged.signer != signer:
        what = "certificate" if signer.is_certificate else "public key"
        return f"the log entry names another {what} than the bundle's"
    if isinstance(content, MessageSignature):
        if logged.signed is None:
            return f"a signature over bytes is not logged as {logged.kind}"
        return None if logged.signature == content.signature else _OTHER_SIGNATURE
    if logged.signature is not None and logged.signature != content.signatures[0].sig:
        return _OTHER_SIGNATURE
    return _envelope_disagreement(logged, content)


def stranger(entry: LogEntry, bundle: Bundle, digest_of: Callable[[str], str]) -> str | None:
    """Say in which way an entry is of another signature than this bundle's, or ``None``.

    ``digest_of`` gives the digest (hex) of the bytes that were signed, by an algorithm; it is
    asked for message signatures alone. Of a bundle by a key nobody knows here which key; then
    the signature itself, which only one key makes, must be the same.
    """
    try:
        logged = parse(entry)
    except EvidenceError as error:
        return error.message
    key = Signer(der=logged.signer.der, is_certificate=False)
    signer = Signer(der=bundle.certificates[0], is_certificate=True) if bundle.certificates else key
    content = bundle.content
    if not bundle.certificates and logged.signature is None:
        return "the log entry has no signature to tell the key by"
    told = disagreement(logged, content, signer)
    if told is not None or isinstance(content, dsse.Envelope) or logged.signed is None:
        return told
    same = digest_of(logged.signed.algorithm) == logged.signed.hex
    return None if same else "the log entry is about other bytes"


_OTHER_SIGNATURE = "the log entry has another signature than the bundle"


def _envelope_disagreement(logged: Logged, envelope: dsse.Envelope) -> str | None:
    if logged.signed is not None:
        if logged.generation == 1:
            return "an envelope is not logged as hashedrekord 0.0.1"
        pae = dsse.pae(envelope.payload_type, envelope.payload)
        return _differs(logged.signed, pae, "envelope")
    if logged.payload is not None:
        return _differs(logged.payload, envelope.payload, "payload")
    if logged.envelope is not None:  # intoto 0.0.1 without a payload hash
        return _differs(logged.envelope, uploaded(envelope), "envelope")
    return "the log entry says nothing about the payload"


def _differs(told: Digest, raw: bytes, what: str) -> str | None:
    actual = hashlib.new(told.algorithm, raw).hexdigest()
    return None if actual == told.hex else f"the log entry is about another {what}"


def uploaded(envelope: dsse.Envelope) -> bytes:
    """Return an envelope as Go's encoding/json writes it: what Rekor v1 was sent."""
    signature = envelope.signatures[0]
    value = {
        "payloadType": envelope.payload_type,
        "payload": encodings.b64encode(envelope.payload),
        "signatures": [{"keyid": signature.keyid, "sig": encodings.b64encode(signature.sig)}],
    }
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.translate(_GO_ESCAPES).encode()


# Go escapes these for the sake of HTML and JavaScript, and nothing else that is not ASCII.
_GO_ESCAPES = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


def _canonical(value: Any) -> bytes:
    return strictjson.canonical(value).removesuffix(b"\n")
