"""SBOMs, scans and VEX documents as files: read by the kind they are carried as."""

from __future__ import annotations

from collections.abc import Iterator

from kit.errors import UnsupportedError
from kit.formats import cyclonedx, enclosed, openvex, spdx, vuln
from kit.model import Digest, EvidenceKind
from kit.model.predicates import Sbom, Scan, Vex

Document = Sbom | Scan | Vex

#: The first part of the codes about a document of each kind.
CODES = {EvidenceKind.SBOM: "sbom", EvidenceKind.SCAN: "scan", EvidenceKind.VEX: "vex"}


def read(kind: EvidenceKind, raw: bytes) -> Document:
    """Return what a document says.

    Raises :class:`MalformedError` or :class:`UnsupportedError` under codes of its kind.
    """
    value = enclosed.read(raw, CODES[kind])
    if kind is EvidenceKind.SCAN:
        return vuln.read_output(value)
    if kind is EvidenceKind.VEX:
        return openvex.parse(value)
    if spdx.looks_like(value):
        return spdx.parse(value)
    if cyclonedx.looks_like(value):
        return cyclonedx.parse(value)
    raise UnsupportedError("it is neither SPDX nor CycloneDX", code="sbom.unsupported")


def about(document: Document) -> tuple[Digest, ...]:
    """Return the digests that a document itself gives what it is about."""
    if isinstance(document, Vex):
        return tuple(dict.fromkeys(_of_products(document)))
    return document.about


def _of_products(vex: Vex) -> Iterator[Digest]:
    for statement in vex.statements:
        for product in statement.products:
            algorithm, colon, value = product.partition(":")
            if colon and algorithm in ("sha256", "sha384", "sha512"):
                yield Digest(algorithm, value)
