"""cosign's ``rekorBundle``: a Rekor v1 entry with the log's promise, without a proof.

::

    {"SignedEntryTimestamp": BASE64,
     "Payload": {"body": BASE64, "integratedTime": 1, "logIndex": 1, "logID": HEX}}

It stands in the files of ``cosign sign-blob --bundle``, and as JSON text in the annotation
``dev.sigstore.cosign/bundle`` of legacy signatures (cosign, pkg/cosign/bundle). The payload
is what the promise signs, member for member, so another spelling of it would be another
payload: keys, numbers and hex are taken in the one form that Rekor writes.
"""

from __future__ import annotations

import re
from typing import Any

from kit.errors import MalformedError
from kit.formats import encodings, log_entry, strictjson
from kit.formats.fields import Fields
from kit.formats.sigstore_bundle import LogEntry

#: Of the JSON text: the largest body that is read, in base64, and what stands around it.
MAX_BYTES = log_entry.MAX_BYTES // 3 * 4 + (64 << 10)

_LOG_ID = re.compile(r"[0-9a-f]{64}")
_INT64_MAX = 0x7FFF_FFFF_FFFF_FFFF


def read(raw: bytes) -> LogEntry:
    """Read the JSON text of one, as an annotation has it; raise :class:`MalformedError`."""
    return parse(strictjson.parse(raw, max_bytes=MAX_BYTES))


def parse(value: Any, path: str = "") -> LogEntry:
    """Return the entry in a parsed JSON value; raise :class:`MalformedError` for any other."""
    top = Fields(value, path)
    payload = top.needed_object("Payload")
    body = payload.needed_octets("body")
    kind, version = log_entry.named(body)
    entry = LogEntry(
        index=_number(payload, "logIndex"),
        log_id=_log_id(payload),
        kind=kind,
        version=version,
        integrated_time=_number(payload, "integratedTime") or None,
        promise=top.needed_octets("SignedEntryTimestamp"),
        proof=None,
        body=body,
    )
    for fields in (top, payload):
        for unknown in fields.unread():
            # Go's reader ignores case: it would take `payload` too, and perhaps instead.
            raise MalformedError(f"{unknown}: unknown field")
    return entry


def render(entry: LogEntry) -> dict[str, Any]:
    """Return a promised entry as the JSON value that :func:`parse` reads it from."""
    if entry.promise is None:
        raise MalformedError("a rekorBundle has a promise, and this entry has none")
    return {
        "SignedEntryTimestamp": encodings.b64encode(entry.promise),
        "Payload": {
            "body": encodings.b64encode(entry.body),
            "integratedTime": entry.integrated_time or 0,
            "logIndex": entry.index,
            "logID": entry.log_id.hex(),
        },
    }


def _log_id(payload: Fields) -> bytes:
    text = payload.needed_text("logID")
    if not _LOG_ID.fullmatch(text):
        raise MalformedError(f"{payload.where('logID')} is not 64 lower-case hex digits")
    return bytes.fromhex(text)


def _number(payload: Fields, key: str) -> int:
    value = payload.need(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _INT64_MAX:
        raise MalformedError(f"{payload.where(key)} is not a non-negative 64-bit number")
    return value
