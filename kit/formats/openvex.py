"""OpenVEX documents, 0.0.1 to 0.2.0 (openvex/spec, OPENVEX-SPEC.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from kit.errors import KitError, MalformedError
from kit.formats import encodings, severity
from kit.formats.fields import Fields
from kit.model.predicates import Vex, VexStatement

MAX_STATEMENTS = 100_000
MAX_PRODUCTS = 10_000
CONTEXT = "https://openvex.dev/ns"

STATUSES = frozenset({"not_affected", "affected", "fixed", "under_investigation"})
_JUSTIFICATIONS = frozenset(
    {
        "component_not_present",
        "vulnerable_code_not_present",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "inline_mitigations_already_exist",
    }
)
_HASHES = {"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
_PURL_DIGEST = re.compile(r"@(sha256)(?::|%3A)([0-9a-f]{64})(?![0-9a-f])", re.IGNORECASE)


def parse(value: Any) -> Vex:
    """Read a document; raise :class:`MalformedError` for anything that is not one."""
    try:
        return _document(Fields(value))
    except KitError as error:
        raise MalformedError(error.message, code="vex.malformed") from error


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as an OpenVEX document."""
    context = value.get("@context") if isinstance(value, dict) else None
    return isinstance(context, str) and _is_context(context)


def _is_context(text: str) -> bool:
    return text == CONTEXT or text.startswith(f"{CONTEXT}/")


def _document(top: Fields) -> Vex:
    if not _is_context(top.needed_text("@context")):
        raise MalformedError(f"@context is not {CONTEXT}")
    top.needed_text("@id")
    author = top.needed_text("author")
    of_document = _time(top)
    if of_document is None:
        raise MalformedError("timestamp is missing")
    top.need("statements")
    statements = [
        statement
        for item in top.each("statements", MAX_STATEMENTS)
        for statement in _statements(item, of_document)
    ]
    if not statements:
        raise MalformedError("it has no statement")
    # Sorting is stable: of equal times, the later one in the document is the newer.
    in_time = sorted(statements, key=lambda statement: statement.at or of_document)
    return Vex(author=author, statements=tuple(in_time))


def _time(fields: Fields) -> datetime | None:
    text = fields.text("last_updated") or fields.text("timestamp")
    return encodings.parse_time(text) if text else None


def _statements(fields: Fields, of_document: datetime) -> Iterator[VexStatement]:
    """Yield a statement for each product: its parts are parts of no other."""
    status = fields.needed_text("status")
    if status not in STATUSES:
        raise MalformedError(f"{fields.where('status')} is {status[:40]!r}")
    usual = VexStatement(
        ids=_ids(fields),
        status=status,
        justification=_justification(fields, status),
        at=_time(fields) or of_document,
    )
    products = list(_products(fields))
    for names, parts in products:
        yield replace(usual, products=names, components=parts)
    if not products:
        yield usual


def _justification(fields: Fields, status: str) -> str:
    justification = fields.text("justification") or ""
    if justification and justification not in _JUSTIFICATIONS:
        raise MalformedError(f"{fields.where('justification')} is {justification[:60]!r}")
    impact = fields.text("impact_statement") or ""
    if status == "not_affected" and not (justification or impact):
        # OPENVEX-SPEC, status justifications: one of the two is a MUST.
        raise MalformedError(f"{fields.path}: not_affected without justification or impact")
    return justification or impact[:200]


def _ids(fields: Fields) -> tuple[str, ...]:
    """Return the ids of the vulnerability: a string until 0.0.2, an object since."""
    value = fields.need("vulnerability")
    if isinstance(value, str):
        return (fields.needed_text("vulnerability"),)
    named = Fields(value, fields.where("vulnerability"))
    aliases = named.array("aliases", 1024)
    if not all(isinstance(alias, str) and alias for alias in aliases):
        raise MalformedError(f"{named.where('aliases')} is not an array of strings")
    return tuple(
        dict.fromkeys(
            (named.needed_text("name"), *aliases, *severity.ids_in(named.text("@id") or ""))
        )
    )


def _products(fields: Fields) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield what names each product, and what names the parts of it that are meant."""
    for number, item in enumerate(fields.array("products", MAX_PRODUCTS)):
        if isinstance(item, str):  # until 0.0.2
            yield tuple(_with_digest(item)), ()
            continue
        product = Fields(item, f"{fields.where('products')}[{number}]")
        parts = product.objects("subcomponents", MAX_PRODUCTS)
        named = tuple(dict.fromkeys(name for part in parts for name in _names(part)))
        yield tuple(dict.fromkeys(_names(product))), named


def _names(component: Fields) -> list[str]:
    """Return the ids and digests of a product or a part of one; there must be some."""
    found: list[str] = list(_with_digest(component.text("@id") or ""))
    identifiers = component.object("identifiers")
    for key in ("purl", "cpe22", "cpe23"):
        found += _with_digest((identifiers.text(key) if identifiers else None) or "")
    hashes = component.object("hashes")
    for written, algorithm in _HASHES.items():
        text = hashes.text(written) if hashes else None
        if text:
            found.append(str(encodings.digest(algorithm, text.lower())))
    if not found:
        raise MalformedError(f"{component.path} names nothing")
    return found


def _with_digest(text: str) -> Iterator[str]:
    """Yield an id, and after it the digest that an image's purl has for its version."""
    if text:
        yield text
    match = _PURL_DIGEST.search(text)
    if match:
        yield f"sha256:{match[2].lower()}"
