"""What a transparency log was told: the body of a Rekor entry, and its agreement with a bundle.

A log says only that *this body* is in it. That the body is about the bundle's signature
is a comparison, and leaving it out is the commonest flaw of this field (CVE-2022-36056,
CVE-2026-22703): :func:`disagreement` compares digest, signature and signer of every kind.

::

    hashedrekord 0.0.1, dsse 0.0.1, intoto 0.0.1, intoto 0.0.2    Rekor v1
    hashedrekord 0.0.2, dsse 0.0.2                                Rekor v2
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kit.errors import EvidenceError, MalformedError, UnsupportedError
from kit.formats import dsse, encodings, public_key, strictjson
from kit.formats.fields import Fields
from kit.formats.sigstore_bundle import HASHES, Bundle, LogEntry, MessageSignature
from kit.model import Digest

MAX_BYTES = 16 << 20

#: Kinds and versions by the generation of Rekor that logs them.
GENERATIONS = {
    ("hashedrekord", "0.0.1"): 1,
    ("dsse", "0.0.1"): 1,
    ("intoto", "0.0.1"): 1,
    ("intoto", "0.0.2"): 1,
    ("hashedrekord", "0.0.2"): 2,
    ("dsse", "0.0.2"): 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signed, as the log was told: a certificate's DER, or a key's SubjectPublicKeyInfo."""

    der: bytes
    is_certificate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """The values of an entry's body; what its kind does not tell is ``None``.

    ``signed`` is the digest of the bytes that were signed: an artifact's, or the PAE's of
    an envelope. ``payload`` and ``envelope`` are digests of an envelope's parts.
    """

    kind: str
    version: str
    signer: Signer
    signature: bytes | None = None
    signed: Digest | None = None
    payload: Digest | None = None
    envelope: Digest | None = None

    @property
    def generation(self) -> int:
        """Which Rekor logs entries of this kind: 1 or 2."""
        return GENERATIONS[self.kind, self.version]


def parse(entry: LogEntry) -> Logged:
    """Read an entry's body.

    Raises :class:`UnsupportedError` for a kind that the kit does not know, and
    :class:`MalformedError` for a body that is not of the kind the entry says, or not in the
    canonical form (RFC 8785) in which Rekor logs.
    """
    read = _READERS.get((entry.kind, entry.version))
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


def algorithms(bundle: Bundle) -> frozenset[str]:
    """Return the digest algorithms that verifying a message signature may compare.

    They are what hint and log entries say; a bundle with neither goes by its key, and
    the larger curves sign with the larger hashes.
    """
    found = set()
    if isinstance(bundle.content, MessageSignature) and bundle.content.hint is not None:
        found.add(bundle.content.hint.algorithm)
    for entry in bundle.entries:
        try:
            signed = parse(entry).signed
        except EvidenceError:
            continue  # said by name when it is verified
        if signed is not None:
            found.add(signed.algorithm)
    return frozenset(found or ("sha384", "sha512"))


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
        return _differs(logged.envelope, _uploaded(envelope), "envelope")
    return "the log entry says nothing about the payload"


def _differs(told: Digest, raw: bytes, what: str) -> str | None:
    actual = hashlib.new(told.algorithm, raw).hexdigest()
    return None if actual == told.hex else f"the log entry is about another {what}"


def _uploaded(envelope: dsse.Envelope) -> bytes:
    """Return an envelope as Go's encoding/json writes it: what Rekor v1 was sent."""
    signature = envelope.signatures[0]
    value = {
        "payloadType": envelope.payload_type,
        "payload": encodings.b64encode(envelope.payload),
        "signatures": [{"keyid": signature.keyid, "sig": encodings.b64encode(signature.sig)}],
    }
    return json.dumps(value, separators=(",", ":")).encode()


def _canonical(value: Any) -> bytes:
    return strictjson.canonical(value).removesuffix(b"\n")


# ---- Rekor v1 ---------------------------------------------------------------


def _hashedrekord_1(spec: Fields) -> Logged:
    signature = spec.needed_object("signature")
    key = signature.needed_object("publicKey")
    return Logged(
        kind="hashedrekord",
        version="0.0.1",
        signer=_pem_signer(key.needed_octets("content")),
        signature=signature.needed_octets("content"),
        signed=_hash(spec.needed_object("data").needed_object("hash")),
    )


def _dsse_1(spec: Fields) -> Logged:
    (signature,) = _exactly_one(spec.objects("signatures", 32))
    return Logged(
        kind="dsse",
        version="0.0.1",
        signer=_pem_signer(signature.needed_octets("verifier")),
        signature=encodings.b64decode_either(signature.needed_text("signature")),
        payload=_hash(spec.needed_object("payloadHash")),
    )


def _intoto_2(spec: Fields) -> Logged:
    content = spec.needed_object("content")
    envelope = content.needed_object("envelope")
    (signature,) = _exactly_one(envelope.objects("signatures", 32))
    # The envelope's own base64 text, once more in base64.
    try:
        text = signature.needed_octets("sig").decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedError("the log entry's signature is not base64 of base64") from error
    return Logged(
        kind="intoto",
        version="0.0.2",
        signer=_pem_signer(signature.needed_octets("publicKey")),
        signature=encodings.b64decode_either(text),
        payload=_hash(content.needed_object("payloadHash")),
    )


def _intoto_1(spec: Fields) -> Logged:
    content = spec.needed_object("content")
    payload = content.object("payloadHash")
    return Logged(
        kind="intoto",
        version="0.0.1",
        signer=_pem_signer(spec.needed_octets("publicKey")),
        payload=None if payload is None else _hash(payload),
        envelope=_hash(content.needed_object("hash")),
    )


def _hash(fields: Fields) -> Digest:
    return encodings.digest(fields.needed_text("algorithm"), fields.needed_text("value"))


def _pem_signer(pem: bytes) -> Signer:
    label, der = public_key.pem(pem)
    if label == "CERTIFICATE":
        return Signer(der=der, is_certificate=True)
    return Signer(der=public_key.from_der(der), is_certificate=False)


# ---- Rekor v2 ---------------------------------------------------------------


def _hashedrekord_2(spec: Fields) -> Logged:
    record = spec.needed_object("hashedRekordV002")
    signature = record.needed_object("signature")
    return Logged(
        kind="hashedrekord",
        version="0.0.2",
        signer=_verifier(signature.needed_object("verifier")),
        signature=signature.needed_octets("content"),
        signed=_hash_output(record.needed_object("data")),
    )


def _dsse_2(spec: Fields) -> Logged:
    record = spec.needed_object("dsseV002")
    (signature,) = _exactly_one(record.objects("signatures", 32))
    return Logged(
        kind="dsse",
        version="0.0.2",
        signer=_verifier(signature.needed_object("verifier")),
        signature=signature.needed_octets("content"),
        payload=_hash_output(record.needed_object("payloadHash")),
    )


def _hash_output(fields: Fields) -> Digest:
    name = fields.needed_text("algorithm")
    if name not in HASHES:
        raise MalformedError(f"{fields.where('algorithm')} is {name[:40]!r}")
    return encodings.digest(HASHES[name], fields.needed_octets("digest").hex())


def _verifier(fields: Fields) -> Signer:
    if fields.has("x509Certificate") == fields.has("publicKey"):
        raise MalformedError(f"{fields.path} needs exactly one of x509Certificate and publicKey")
    if fields.has("x509Certificate"):
        der = fields.needed_object("x509Certificate").needed_octets("rawBytes")
        return Signer(der=der, is_certificate=True)
    raw = fields.needed_object("publicKey").needed_octets("rawBytes")
    return Signer(der=public_key.from_der(raw), is_certificate=False)


def _exactly_one(items: list[Fields]) -> list[Fields]:
    if len(items) != 1:
        raise MalformedError(f"the log entry has {len(items)} signatures, not one")
    return items


_READERS: dict[tuple[str, str], Callable[[Fields], Logged]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord_1,
    ("dsse", "0.0.1"): _dsse_1,
    ("intoto", "0.0.1"): _intoto_1,
    ("intoto", "0.0.2"): _intoto_2,
    ("hashedrekord", "0.0.2"): _hashedrekord_2,
    ("dsse", "0.0.2"): _dsse_2,
}
