"""Documents inside attestations, as signers enclose them (formats.md 8).

A predicate is the document itself as a rule. Some tools write it as a JSON string that
holds the document's text; early ones wrapped either of the two as ``{"Data": …}``.
"""

from __future__ import annotations

from typing import Any

from kit.errors import MalformedError
from kit.formats import strictjson

#: Of one document, as a file or inside an attestation.
MAX_BYTES = 64 << 20

_WRAPPING = frozenset({"Data", "Timestamp"})


def document(value: Any) -> Any:
    """Return the document in a predicate: parsed JSON, or a string that is no JSON.

    Raises :class:`MalformedError` for a string that begins as JSON and is none, or is none
    that a second reader must read alike.
    """
    if isinstance(value, dict) and "Data" in value and value.keys() <= _WRAPPING:
        value = value["Data"]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return strictjson.parse(value.encode("utf-8"), max_bytes=MAX_BYTES)
    return value


def of_file(raw: bytes) -> Any:
    """Return the document in a file as :func:`document` returns the one in a predicate.

    Raises :class:`MalformedError` for bytes that are no UTF-8, or begin as JSON and are none
    that a second reader must read alike.
    """
    try:
        return document(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 at byte {error.start}") from error


def read(raw: bytes, code: str) -> Any:
    """Return the JSON document in a file; raise :class:`MalformedError` under ``code.malformed``.

    One that is too large is refused before it is decoded, as ``code.oversized``.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedError(
            f"the document has {len(raw)} bytes, over the limit of {MAX_BYTES}",
            code=f"{code}.oversized",
        )
    try:
        return strictjson.parse(raw, max_bytes=MAX_BYTES)
    except MalformedError as error:
        raise MalformedError(error.message, code=f"{code}.malformed") from error
