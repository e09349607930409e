"""Which predicate types the kit reads, and by what: facts for policy out of signed JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kit.errors import EvidenceError
from kit.formats import cyclonedx, enclosed, openvex, provenance, spdx, vuln
from kit.model.predicates import Predicate, Unreadable


def _enclosed(parse: Callable[[Any], Predicate], code: str) -> Callable[[str, Any], Predicate]:
    """Return a reader of a document that a predicate is, or encloses in one of its ways."""

    def read_enclosed(_: str, predicate: Any) -> Predicate:
        try:
            value = enclosed.document(predicate)
        except EvidenceError as error:
            return Unreadable(code=code, message=error.message)
        return parse(value)

    return read_enclosed


_SPDX = _enclosed(spdx.parse, "sbom.malformed")
_CYCLONEDX = _enclosed(cyclonedx.parse, "sbom.malformed")
_OPENVEX = _enclosed(openvex.parse, "vex.malformed")

#: The reader of each predicate type; it raises an `EvidenceError` with a code of its own.
READERS: Mapping[str, Callable[[str, Any], Predicate]] = {
    **dict.fromkeys(provenance.TYPES, provenance.parse),
    "https://spdx.dev/Document": _SPDX,
    "https://cyclonedx.org/bom": _CYCLONEDX,
    "https://openvex.dev/ns": _OPENVEX,
    "https://cosign.sigstore.dev/attestation/vuln/v1": _enclosed(vuln.parse, "scan.malformed"),
}
#: Types whose last part may be a version (formats.md 8): `https://spdx.dev/Document/v2.3`.
_VERSIONED = ("https://spdx.dev/Document", "https://cyclonedx.org/bom", "https://openvex.dev/ns")
_VERSION = re.compile(r"/v[0-9]+(\.[0-9]+)*")


def read(predicate_type: str | None, predicate: Any) -> Predicate | None:
    """Return what a predicate says; ``None`` for a type that the kit does not know.

    One of a known type that cannot be read is `Unreadable`, never unknown: it must not
    pass for one that says nothing.
    """
    reader = _reader(predicate_type or "")
    if reader is None:
        return None
    try:
        return reader(predicate_type or "", predicate)
    except EvidenceError as error:
        return Unreadable(code=error.code, message=error.message)


def _reader(predicate_type: str) -> Callable[[str, Any], Predicate] | None:
    for base in _VERSIONED:
        rest = predicate_type.removeprefix(base)
        if rest != predicate_type and _VERSION.fullmatch(rest):
            return READERS[base]
    return READERS.get(predicate_type)
