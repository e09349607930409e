"""What Rekor v1's API answers: lists of entry UUIDs, and entries (rekor, openapi.yaml).

An entry's UUID is the hash of its leaf in the log's tree (RFC 6962), before which the id of
the tree may stand; so an answer that is about another entry than the one that was asked for
shows by itself. Nothing else in it is believed: what is made of it is verified as any other
evidence. Members that are not known are not read; an API may add some.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kit.errors import MalformedError
from kit.formats import encodings, log_entry, sigstore_bundle, strictjson
from kit.formats.fields import Fields
from kit.formats.sigstore_bundle import InclusionProof, LogEntry

MEDIA_TYPE = "application/json"
#: Of a list of UUIDs; one that is longer is of no use to anybody.
MAX_LIST = 1 << 20
#: Of entries, each with its body and perhaps the attestation that was uploaded.
MAX_ENTRIES = 64 << 20
#: How many entries one question may be about (rekor, openapi.yaml).
AT_ONCE = 10
#: How many may answer: a log that has one leaf in several of its trees answers with each.
MAX_ANSWERED = 64

_UUID = re.compile(r"([0-9a-f]{16})?(?P<leaf>[0-9a-f]{64})")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An entry and its UUID; ``leaf`` is the part of that which is the leaf's hash, in hex."""

    uuid: str
    leaf: str
    entry: LogEntry


def uuids(raw: bytes) -> tuple[str, ...]:
    """Read a list of UUIDs, each once; raise :class:`MalformedError` for anything else."""
    value = strictjson.parse(raw, max_bytes=MAX_LIST)
    if not isinstance(value, list):
        raise MalformedError("not a list of UUIDs")
    for item in value:
        leaf_of(item)
    return tuple(dict.fromkeys(value))


def leaf_of(uuid: Any) -> str:
    """Return the leaf's hash in a UUID."""
    match = _UUID.fullmatch(uuid) if isinstance(uuid, str) else None
    if match is None:
        raise MalformedError(f"{str(uuid)[:100]!r} is no UUID of an entry")
    return match["leaf"]


def entries(raw: bytes) -> tuple[Answered, ...]:
    """Read entries, one object of several or a list of such; raise :class:`MalformedError`."""
    value = strictjson.parse(raw, max_bytes=MAX_ENTRIES)
    groups = value if isinstance(value, list) else [value]
    found = tuple(answered for group in groups for answered in _entries(group))
    if len(found) > MAX_ANSWERED:
        raise MalformedError(f"{len(found)} entries, and {AT_ONCE} at most were asked for")
    return found


def _entries(group: Any) -> Iterator[Answered]:
    if not isinstance(group, dict):
        raise MalformedError("not entries by their UUIDs")
    for uuid, item in group.items():
        leaf, entry = leaf_of(uuid), _entry(Fields(item, uuid))
        if hashlib.sha256(b"\x00" + entry.body).hexdigest() != leaf:
            raise MalformedError(f"{uuid} is the UUID of another entry than the one that came")
        yield Answered(uuid=uuid, leaf=leaf, entry=entry)


def _entry(item: Fields) -> LogEntry:
    body = item.needed_octets("body")
    kind, version = log_entry.named(body)
    verification = item.object("verification")
    promise = verification.octets("signedEntryTimestamp") if verification else None
    proof = verification.object("inclusionProof") if verification else None
    return LogEntry(
        index=_number(item, "logIndex"),
        log_id=_hash(item.need("logID"), item.where("logID")),
        kind=kind,
        version=version,
        integrated_time=_number(item, "integratedTime") or None,
        promise=promise or None,
        proof=None if proof is None else _proof(proof),
        body=body,
    )


def _proof(proof: Fields) -> InclusionProof:
    checkpoint = proof.text("checkpoint") or None
    if checkpoint is not None and len(checkpoint) > sigstore_bundle.MAX_CHECKPOINT:
        raise MalformedError(f"{proof.where('checkpoint')} is too long")
    hashes = proof.array("hashes", sigstore_bundle.MAX_PROOF_HASHES)
    return InclusionProof(
        index=_number(proof, "logIndex"),
        root_hash=_hash(proof.need("rootHash"), proof.where("rootHash")),
        tree_size=_number(proof, "treeSize"),
        hashes=tuple(_hash(item, proof.where("hashes")) for item in hashes),
        checkpoint=checkpoint,
    )


def _number(fields: Fields, key: str) -> int:
    value = fields.need(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedError(f"{fields.where(key)} is not a number")
    return fields.integer(key) or 0


def _hash(value: Any, where: str) -> bytes:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise MalformedError(f"{where} is not 64 lower-case hex digits")
    return bytes.fromhex(value)


def render(answered: Answered) -> dict[str, Any]:
    """Return an entry as the JSON value that :func:`entries` reads it from."""
    entry, verification = answered.entry, dict[str, Any]()
    if entry.promise is not None:
        verification["signedEntryTimestamp"] = encodings.b64encode(entry.promise)
    if entry.proof is not None:
        verification["inclusionProof"] = {
            "logIndex": entry.proof.index,
            "rootHash": entry.proof.root_hash.hex(),
            "treeSize": entry.proof.tree_size,
            "hashes": [node.hex() for node in entry.proof.hashes],
            "checkpoint": entry.proof.checkpoint or "",
        }
    said = {
        "body": encodings.b64encode(entry.body),
        "integratedTime": entry.integrated_time or 0,
        "logID": entry.log_id.hex(),
        "logIndex": entry.index,
        "verification": verification,
    }
    return {answered.uuid: said}
