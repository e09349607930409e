"""cosign's legacy signatures and attestations: layers whose annotations prove them.

A ``.sig`` or ``.att`` manifest has a layer for each signature or attestation. The blob is a
simple signing payload (containers/image, containers-signature(5)) or a DSSE envelope;
certificate, log entry and timestamp are text in the layer's annotations (cosign,
specs/SIGNATURE_SPEC.md, pkg/oci/static). Together they are what a Sigstore bundle v0.1 is,
and as one they are verified: :func:`signature_bundle`, :func:`attestation_bundle`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509

from kit.errors import MalformedError
from kit.formats import dsse, encodings, oci_reference, public_key, rekor_bundle, strictjson
from kit.formats.dsse import Envelope
from kit.formats.fields import Fields
from kit.formats.sigstore_bundle import MAX_BYTES as MAX_ENVELOPE
from kit.formats.sigstore_bundle import (
    MAX_CERTIFICATES,
    MAX_VALUES,
    Bundle,
    LogEntry,
    MessageSignature,
)
from kit.model import Digest

#: Layers of one manifest that are put to a verifier, as cosign bounds them.
MAX_SIGNATURES = 100
MAX_PAYLOAD = 1 << 20
MAX_REFERENCE = 2048

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
#: The predicate type by which cosign 3 signs an image: a statement that says no more.
SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"

SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
CHAIN = "dev.sigstore.cosign/chain"
BUNDLE = "dev.sigstore.cosign/bundle"
TIMESTAMP = "dev.sigstore.cosign/rfc3161timestamp"
#: What of a layer's annotations is read.
PROOF = frozenset({SIGNATURE, CERTIFICATE, CHAIN, BUNDLE, TIMESTAMP})

_TYPE = "cosign container image signature"
_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle+json;version=0.1"
_MAX_TIMESTAMP = 64 << 10
_PEM_END = re.compile(r"(?<=-----END CERTIFICATE-----)\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleSigning:
    """What was signed: the digest of an image, and where its signer put it (may be empty)."""

    digest: Digest
    reference: str


def parse_payload(raw: bytes) -> SimpleSigning:
    """Read a simple signing payload; raise :class:`MalformedError`, also for other kinds of it."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_PAYLOAD))
    critical = top.needed_object("critical")
    kind = critical.needed_text("type")
    if kind != _TYPE:
        raise MalformedError(f"critical.type is {kind[:80]!r}, not {_TYPE!r}")
    image = critical.needed_object("image")
    reference = critical.needed_object("identity").text("docker-reference") or ""
    if len(reference) > MAX_REFERENCE:
        raise MalformedError(f"docker-reference is over {MAX_REFERENCE} characters")
    digest = oci_reference.parse_digest(image.needed_text("docker-manifest-digest"))
    return SimpleSigning(digest=digest, reference=reference)


def signature_bundle(payload: bytes, annotations: Mapping[str, str]) -> Bundle:
    """Return a layer of a ``.sig`` manifest as a bundle over its blob, the payload."""
    text = annotations.get(SIGNATURE)
    if not text:
        raise MalformedError(f"the layer has no annotation {SIGNATURE}")
    signature = encodings.b64decode(text)
    hint = Digest("sha256", hashlib.sha256(payload).hexdigest())
    return _bundle(MessageSignature(signature=signature, hint=hint), annotations)


def attestation_bundle(raw: bytes, annotations: Mapping[str, str]) -> Bundle:
    """Return a layer of an ``.att`` manifest as a bundle of its blob, the envelope.

    Other than in a bundle, its timestamps are over *all bytes of the blob* (cosign,
    pkg/cosign/verify.go): whoever verifies it must be told so.
    """
    value = strictjson.parse(raw, max_bytes=MAX_ENVELOPE, max_values=MAX_VALUES)
    envelope = dsse.parse(value)
    if len(envelope.signatures) != 1:
        raise MalformedError(f"the envelope has {len(envelope.signatures)} signatures, not one")
    return _bundle(envelope, annotations)


def _bundle(content: MessageSignature | Envelope, annotations: Mapping[str, str]) -> Bundle:
    certificates = _certificates(annotations)
    return Bundle(
        media_type=_MEDIA_TYPE,
        certificates=certificates,
        as_chain=bool(certificates),
        key_hint=None if certificates else "",
        entries=_entries(annotations),
        timestamps=_timestamps(annotations),
        content=content,
        unknown=(),
    )


def _certificates(annotations: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the leaf and the intermediates; a root that is carried along says nothing."""
    leaf = annotations.get(CERTIFICATE)
    if not leaf:
        return ()
    chain = [text for text in _PEM_END.split(annotations.get(CHAIN, "")) if text.strip()]
    if len(chain) >= MAX_CERTIFICATES:
        raise MalformedError(f"{CHAIN} has {len(chain)} certificates, over {MAX_CERTIFICATES - 1}")
    ders = [_certificate(text, CHAIN) for text in chain]
    return _certificate(leaf, CERTIFICATE), *(der for der in ders if not _is_root(der))


def _certificate(text: str, where: str) -> bytes:
    try:
        label, der = public_key.pem(text.encode("utf-8"))
    except MalformedError as error:
        raise MalformedError(f"{where}: {error}") from error
    if label != "CERTIFICATE":
        raise MalformedError(f"{where} is no certificate")
    return der


def _is_root(der: bytes) -> bool:
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.subject, certificate.issuer
    except Exception as error:  # cryptography raises many things on hostile DER
        raise MalformedError(f"{CHAIN}: not a certificate: {error}") from error
    return names[0] == names[1]


def _entries(annotations: Mapping[str, str]) -> tuple[LogEntry, ...]:
    text = annotations.get(BUNDLE)
    if not text:
        return ()
    try:
        return (rekor_bundle.read(text.encode("utf-8")),)
    except MalformedError as error:
        raise MalformedError(f"{BUNDLE}: {error}") from error


def _timestamps(annotations: Mapping[str, str]) -> tuple[bytes, ...]:
    text = annotations.get(TIMESTAMP)
    if not text:
        return ()
    try:
        top = Fields(strictjson.parse(text.encode("utf-8"), max_bytes=_MAX_TIMESTAMP))
        return (top.needed_octets("SignedRFC3161Timestamp"),)
    except MalformedError as error:
        raise MalformedError(f"{TIMESTAMP}: {error}") from error
