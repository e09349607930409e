"""The bodies of Rekor's log entries, each kind read to the same values.

::

    hashedrekord 0.0.1, dsse 0.0.1, intoto 0.0.1, intoto 0.0.2    Rekor v1
    hashedrekord 0.0.2, dsse 0.0.2                                Rekor v2
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kit.errors import MalformedError
from kit.formats import encodings, public_key
from kit.formats.fields import Fields
from kit.formats.sigstore_bundle import HASHES
from kit.model import Digest

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
    an envelope. ``payload`` and ``envelope`` are digests of an envelope's payload, and of the
    JSON text that was uploaded, which only some forms of evidence keep.
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


# ---- Rekor v1 ---------------------------------------------------------------


def _hashedrekord_1(spec: Fields) -> Logged:
    signature = spec.needed_object("signature")
    key = signature.needed_object("publicKey")
    return Logged(
        kind="hashedrekord",
        version="0.0.1",
        signer=signer_of_pem(key.needed_octets("content")),
        signature=signature.needed_octets("content"),
        signed=_hash(spec.needed_object("data").needed_object("hash")),
    )


def _dsse_1(spec: Fields) -> Logged:
    (signature,) = _exactly_one(spec.objects("signatures", 32))
    envelope = spec.object("envelopeHash")
    return Logged(
        kind="dsse",
        version="0.0.1",
        signer=signer_of_pem(signature.needed_octets("verifier")),
        signature=encodings.b64decode_either(signature.needed_text("signature")),
        payload=_hash(spec.needed_object("payloadHash")),
        envelope=None if envelope is None else _hash(envelope),
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
        signer=signer_of_pem(signature.needed_octets("publicKey")),
        signature=encodings.b64decode_either(text),
        payload=_hash(content.needed_object("payloadHash")),
    )


def _intoto_1(spec: Fields) -> Logged:
    content = spec.needed_object("content")
    payload = content.object("payloadHash")
    return Logged(
        kind="intoto",
        version="0.0.1",
        signer=signer_of_pem(spec.needed_octets("publicKey")),
        payload=None if payload is None else _hash(payload),
        envelope=_hash(content.needed_object("hash")),
    )


def _hash(fields: Fields) -> Digest:
    return encodings.digest(fields.needed_text("algorithm"), fields.needed_text("value"))


def signer_of_pem(pem: bytes) -> Signer:
    """Read one certificate or public key in PEM; raise :class:`MalformedError` for another text."""
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


READERS: dict[tuple[str, str], Callable[[Fields], Logged]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord_1,
    ("dsse", "0.0.1"): _dsse_1,
    ("intoto", "0.0.1"): _intoto_1,
    ("intoto", "0.0.2"): _intoto_2,
    ("hashedrekord", "0.0.2"): _hashedrekord_2,
    ("dsse", "0.0.2"): _dsse_2,
}
