"""The custody file beside a pack: who sealed it, and each hand-over after that.

``PACK.custody.jsonl`` has one DSSE envelope a line, each in the kit's canonical JSON, whose
payload is a record in the same encoding. A record names the pack by the SHA-256 of its
manifest and the line before it by the SHA-256 of that line, without its newline.
``bundles/FORMAT.md`` section 10 specifies it. Nothing here verifies a signature.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from kit.errors import MalformedError
from kit.formats import dsse, encodings, strictjson
from kit.formats.fields import Fields
from kit.formats.manifest import HIDDEN

SUFFIX = ".custody.jsonl"
PAYLOAD_TYPE = "application/vnd.airgap-kit.custody+json"
SCHEMA = 1

#: Bytes of a custody file, lines in it, characters of a note.
MAX_BYTES = 4 << 20
MAX_LINES = 1000
MAX_NOTE = 500
_MAX_LINE = 32 << 10

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NOTE = re.compile(rf"[^{HIDDEN}]*")
_KEY_ID = re.compile(r"sha256:[0-9a-f]{64}|openpgp:([0-9A-F]{40}|[0-9A-F]{64})")


class Role(StrEnum):
    """What the one who signed a line did with the pack."""

    COLLECTED = "collected"
    HANDED_OVER = "handed-over"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one line says: of which pack, after which line, who did what and when.

    ``pack`` and ``previous`` are SHA-256 in hex; ``previous`` of the first line is ``None``.
    """

    pack: str
    previous: str | None
    role: Role
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One line: its record, the bytes that are signed, the signature, and by which key.

    ``key`` is ``sha256:`` and the SHA-256 of a SubjectPublicKeyInfo, or ``openpgp:`` and a
    fingerprint. ``sha256`` is the line's own, by which the next one names it.
    """

    record: Record
    signed: bytes
    key: str
    signature: bytes
    sha256: str


def to_sign(record: Record) -> bytes:
    """Return the bytes that a seal's signature is over: DSSE's encoding of the record."""
    return dsse.pae(PAYLOAD_TYPE, _payload(record))


def render(record: Record, key: str, signature: bytes) -> bytes:
    """Return the line, with its newline; :func:`parse` reads it back."""
    envelope = dsse.Envelope(
        payload=_payload(record),
        payload_type=PAYLOAD_TYPE,
        signatures=(dsse.EnvelopeSignature(sig=signature, keyid=key),),
    )
    return strictjson.canonical(dsse.render(envelope))


def parse(raw: bytes) -> tuple[Seal, ...]:
    """Read a custody file.

    Raises :class:`MalformedError` (``custody.malformed``), naming the line, for any byte
    that the kit would not have written, and where nothing is in it.
    """
    if len(raw) > MAX_BYTES:
        raise _malformed(f"over {MAX_BYTES} bytes")
    if not raw:
        raise _malformed("it is empty")
    lines = raw.split(b"\n")
    if lines.pop():
        raise _malformed(f"line {len(lines) + 1} is cut short")
    if len(lines) > MAX_LINES:
        raise _malformed(f"over {MAX_LINES} lines")
    return tuple(_seals(lines))


def line_sha256(line: bytes) -> str:
    """Return what the next line names this one by: its SHA-256, without the newline."""
    return hashlib.sha256(line.removesuffix(b"\n")).hexdigest()


def note(text: str) -> str:
    """Return a note as it may stand in a record; raise :class:`MalformedError` for another."""
    if len(text) > MAX_NOTE:
        raise MalformedError(f"a note has at most {MAX_NOTE} characters")
    if not _NOTE.fullmatch(text):
        raise MalformedError("a note is one line of text, without hidden characters")
    return text


def _seals(lines: list[bytes]) -> Iterator[Seal]:
    for number, line in enumerate(lines, start=1):
        try:
            yield _seal(line)
        except MalformedError as error:
            raise _malformed(f"line {number}: {error.message}") from error


def _seal(line: bytes) -> Seal:
    envelope = dsse.parse(strictjson.parse(line, max_bytes=_MAX_LINE, max_depth=4))
    if envelope.payload_type != PAYLOAD_TYPE:
        raise MalformedError(f"its payload is {envelope.payload_type[:80]!r}")
    if len(envelope.signatures) != 1:
        raise MalformedError("it has not exactly one signature")
    (signature,) = envelope.signatures
    if not _KEY_ID.fullmatch(signature.keyid):
        raise MalformedError(f"{signature.keyid[:80]!r} names no key")
    record = _record(envelope.payload)
    if render(record, signature.keyid, signature.sig) != line + b"\n":
        raise MalformedError("it is not in its one encoding")
    return Seal(
        record=record,
        signed=to_sign(record),
        key=signature.keyid,
        signature=signature.sig,
        sha256=line_sha256(line),
    )


def _record(payload: bytes) -> Record:
    fields = Fields(strictjson.parse(payload, max_bytes=_MAX_LINE, max_depth=2), "payload")
    if fields.need("schema") != SCHEMA:
        raise MalformedError("payload.schema is not 1")
    at = fields.needed_text("at")
    if not _TIME.fullmatch(at):
        raise MalformedError("payload.at is not YYYY-MM-DDTHH:MM:SSZ")
    previous = fields.text("previous")
    return Record(
        pack=encodings.digest("sha256", fields.needed_text("pack")).hex,
        previous=None if previous is None else encodings.digest("sha256", previous).hex,
        role=_role(fields.needed_text("role")),
        at=encodings.parse_time(at),
        note=note(fields.text("note") or ""),
    )


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise MalformedError(f"payload.role is {text[:40]!r}") from error


def _payload(record: Record) -> bytes:
    value: dict[str, Any] = {
        "schema": SCHEMA,
        "pack": record.pack,
        "previous": record.previous,
        "role": record.role.value,
        "at": encodings.render_time(record.at),
        "note": record.note,
    }
    return strictjson.canonical(value)


def _malformed(message: str) -> MalformedError:
    return MalformedError(f"the custody file: {message}", code="custody.malformed")
