"""Sigstore bundles v0.1 to v0.3, read strictly (protobuf-specs, sigstore_bundle.proto).

The proto3 JSON form allows several spellings of one bundle (snake_case keys, numeric
enums, slack base64). Signers in the wild write one of them, so only that one is read.
Fields the kit does not know are reported in :attr:`Bundle.unknown`, and :func:`render`
writes only the known ones, so every verifier judges the same bundle.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kit.errors import MalformedError
from kit.formats import dsse, encodings, statement, strictjson
from kit.formats.fields import Fields
from kit.model import Digest

#: Room for the largest statement in base64, and for what proves it.
MAX_BYTES = statement.MAX_BYTES // 3 * 4 + (4 << 20)
#: A bundle is a few long strings: a statement's values are counted when it is read.
MAX_VALUES = 1 << 20
MAX_LINES = 1024
MAX_ENTRIES = 32
MAX_TIMESTAMPS = 32
MAX_CERTIFICATES = 8
MAX_PROOF_HASHES = 64
MAX_CHECKPOINT = 64 << 10

_PREFIX = "application/vnd.dev.sigstore.bundle"
VERSIONS = {
    f"{_PREFIX}+json;version=0.1": "0.1",
    f"{_PREFIX}+json;version=0.2": "0.2",
    f"{_PREFIX}+json;version=0.3": "0.3",  # the old spelling of the next one
    f"{_PREFIX}.v0.3+json": "0.3",
}
HASHES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
_HASH_NAMES = {algorithm: name for name, algorithm in HASHES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """A Merkle audit path (RFC 6962 section 2.1.1) and the checkpoint it leads to.

    ``index`` and ``tree_size`` are within the log's shard.
    """

    index: int
    root_hash: bytes
    tree_size: int
    hashes: tuple[bytes, ...]
    checkpoint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A transparency log entry as the bundle tells it; ``index`` is global and unproved."""

    index: int
    log_id: bytes
    kind: str
    version: str
    integrated_time: int | None
    promise: bytes | None
    proof: InclusionProof | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSignature:
    """A signature over an artifact's bytes. ``hint`` is an unauthenticated digest of them."""

    signature: bytes
    hint: Digest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A parsed bundle. Exactly one of ``certificates`` and ``key_hint`` is there.

    ``certificates`` are DER, the leaf first. ``unknown`` are the paths of fields the kit
    does not read.
    """

    media_type: str
    certificates: tuple[bytes, ...]
    as_chain: bool
    key_hint: str | None
    entries: tuple[LogEntry, ...]
    timestamps: tuple[bytes, ...]
    content: MessageSignature | dsse.Envelope
    unknown: tuple[str, ...]

    @property
    def version(self) -> str:
        """The bundle format's version, such as ``0.3``."""
        return VERSIONS[self.media_type]


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as a Sigstore bundle, of any version."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("mediaType"), str)
        and value["mediaType"].startswith(_PREFIX)
    )


def split(raw: bytes) -> tuple[bytes, ...]:
    """Return the bundles in a file: the whole of it, or its lines if it is JSON Lines.

    Blank lines are ignored. Nothing is parsed; a file of one line is one bundle.
    """
    lines: list[bytes] = []
    for line in io.BytesIO(raw):
        if not line.strip():
            continue
        # The second line of one object that is written over several never begins so.
        if line.lstrip()[:1] != b"{":
            return (raw,)
        if len(lines) == MAX_LINES:
            raise MalformedError(f"over {MAX_LINES} bundles in one file")
        lines.append(line.removesuffix(b"\n"))
    return tuple(lines) if len(lines) > 1 else (raw,)


def parse(raw: bytes) -> Bundle:
    """Read one bundle; raise :class:`MalformedError` for anything that is not one."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES, max_values=MAX_VALUES))
    media_type = top.needed_text("mediaType")
    if media_type not in VERSIONS:
        raise MalformedError(f"unknown bundle media type {media_type[:100]!r}")
    material = top.needed_object("verificationMaterial")
    read = [top, material]
    certificates, as_chain, key_hint = _signer(material, VERSIONS[media_type], read)
    entries = tuple(_entry(item, read) for item in material.objects("tlogEntries", MAX_ENTRIES))
    timestamps = _timestamps(material, read)
    content = _content(top, read)
    return Bundle(
        media_type=media_type,
        certificates=certificates,
        as_chain=as_chain,
        key_hint=key_hint,
        entries=entries,
        timestamps=timestamps,
        content=content,
        unknown=tuple(_unread(read)),
    )


def _signer(
    material: Fields, version: str, read: list[Fields]
) -> tuple[tuple[bytes, ...], bool, str | None]:
    """Read the one of three ways a bundle names its signing key."""
    ways = [k for k in ("certificate", "x509CertificateChain", "publicKey") if material.has(k)]
    if len(ways) != 1:
        raise MalformedError(
            f"{material.path} needs exactly one of certificate, x509CertificateChain, publicKey; "
            f"it has {len(ways)}"
        )
    way = material.needed_object(ways[0])
    read.append(way)
    if ways[0] == "publicKey":
        return (), False, way.text("hint") or ""
    if ways[0] == "certificate":
        return (way.needed_octets("rawBytes"),), False, None
    if version == "0.3":
        raise MalformedError("a v0.3 bundle carries a single certificate, not a chain")
    chain = way.objects("certificates", MAX_CERTIFICATES)
    if not chain:
        raise MalformedError(f"{way.where('certificates')} is empty")
    read.extend(chain)
    return tuple(item.needed_octets("rawBytes") for item in chain), True, None


def _entry(item: Fields, read: list[Fields]) -> LogEntry:
    log_id, kind = item.needed_object("logId"), item.needed_object("kindVersion")
    promise, proof = item.object("inclusionPromise"), item.object("inclusionProof")
    read.extend(found for found in (item, log_id, kind, promise) if found is not None)
    return LogEntry(
        index=item.integer("logIndex") or 0,
        log_id=log_id.needed_octets("keyId"),
        kind=kind.needed_text("kind"),
        version=kind.needed_text("version"),
        # proto3: an absent time and a time of zero are the same, and mean that there is none.
        integrated_time=item.integer("integratedTime") or None,
        promise=promise.needed_octets("signedEntryTimestamp") if promise else None,
        proof=_proof(proof, read) if proof else None,
        body=item.needed_octets("canonicalizedBody"),
    )


def _proof(proof: Fields, read: list[Fields]) -> InclusionProof:
    checkpoint = proof.object("checkpoint")
    read.extend(found for found in (proof, checkpoint) if found is not None)
    note = checkpoint.needed_text("envelope") if checkpoint else None
    if note is not None and len(note) > MAX_CHECKPOINT:
        raise MalformedError(f"{proof.path}.checkpoint is over {MAX_CHECKPOINT} characters")
    return InclusionProof(
        index=proof.integer("logIndex") or 0,
        root_hash=proof.needed_octets("rootHash"),
        tree_size=proof.integer("treeSize") or 0,
        hashes=proof.octets_array("hashes", MAX_PROOF_HASHES),
        checkpoint=note,
    )


def _timestamps(material: Fields, read: list[Fields]) -> tuple[bytes, ...]:
    data = material.object("timestampVerificationData")
    if data is None:
        return ()
    stamps = data.objects("rfc3161Timestamps", MAX_TIMESTAMPS)
    read.extend([data, *stamps])
    return tuple(stamp.needed_octets("signedTimestamp") for stamp in stamps)


def _content(top: Fields, read: list[Fields]) -> MessageSignature | dsse.Envelope:
    if top.has("messageSignature") == top.has("dsseEnvelope"):
        raise MalformedError("a bundle has exactly one of messageSignature and dsseEnvelope")
    if top.has("dsseEnvelope"):
        envelope = dsse.parse(top.need("dsseEnvelope"), "dsseEnvelope")
        if len(envelope.signatures) != 1:
            raise MalformedError(f"dsseEnvelope has {len(envelope.signatures)} signatures, not one")
        return envelope
    message = top.needed_object("messageSignature")
    read.append(message)
    return MessageSignature(signature=message.needed_octets("signature"), hint=_hint(message, read))


def _hint(message: Fields, read: list[Fields]) -> Digest | None:
    given = message.object("messageDigest")
    if given is None:
        return None
    read.append(given)
    name = given.needed_text("algorithm")
    if name not in HASHES:
        raise MalformedError(f"{given.where('algorithm')} is {name[:40]!r}")
    return encodings.digest(HASHES[name], given.needed_octets("digest").hex())


def _unread(read: Iterable[Fields]) -> list[str]:
    unknown = sorted(path for fields in read for path in fields.unread())
    for path in unknown:
        if "_" in path:
            # Other readers of proto3 JSON take `log_index` for `logIndex`; no field has this name.
            raise MalformedError(f"{path}: a field's name is written in lowerCamelCase")
    return unknown


def render(bundle: Bundle) -> bytes:
    """Write the bundle's known fields as proto3 JSON, the way Sigstore's signers do."""
    raw = [{"rawBytes": encodings.b64encode(der)} for der in bundle.certificates]
    material: dict[str, Any]
    if bundle.key_hint is not None:
        material = {"publicKey": {"hint": bundle.key_hint}}
    elif bundle.as_chain:
        material = {"x509CertificateChain": {"certificates": raw}}
    else:
        material = {"certificate": raw[0]}
    if bundle.entries:
        material["tlogEntries"] = [_render_entry(entry) for entry in bundle.entries]
    if bundle.timestamps:
        material["timestampVerificationData"] = {
            "rfc3161Timestamps": [
                {"signedTimestamp": encodings.b64encode(stamp)} for stamp in bundle.timestamps
            ]
        }
    top = {"mediaType": bundle.media_type, "verificationMaterial": material}
    return strictjson.canonical(top | _render_content(bundle.content))


def _render_content(content: MessageSignature | dsse.Envelope) -> dict[str, Any]:
    if isinstance(content, dsse.Envelope):
        return {"dsseEnvelope": dsse.render(content)}
    message: dict[str, Any] = {"signature": encodings.b64encode(content.signature)}
    if content.hint is not None:
        message["messageDigest"] = {
            "algorithm": _HASH_NAMES[content.hint.algorithm],
            "digest": encodings.b64encode(bytes.fromhex(content.hint.hex)),
        }
    return {"messageSignature": message}


def _render_entry(entry: LogEntry) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "logIndex": str(entry.index),
        "logId": {"keyId": encodings.b64encode(entry.log_id)},
        "kindVersion": {"kind": entry.kind, "version": entry.version},
        "canonicalizedBody": encodings.b64encode(entry.body),
    }
    if entry.integrated_time is not None:
        rendered["integratedTime"] = str(entry.integrated_time)
    if entry.promise is not None:
        rendered["inclusionPromise"] = {"signedEntryTimestamp": encodings.b64encode(entry.promise)}
    if entry.proof is not None:
        rendered["inclusionProof"] = {
            "logIndex": str(entry.proof.index),
            "rootHash": encodings.b64encode(entry.proof.root_hash),
            "treeSize": str(entry.proof.tree_size),
            "hashes": [encodings.b64encode(node) for node in entry.proof.hashes],
        }
        if entry.proof.checkpoint is not None:
            rendered["inclusionProof"]["checkpoint"] = {"envelope": entry.proof.checkpoint}
    return rendered
