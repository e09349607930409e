"""The Sigstore bundles that a file of evidence is, or holds in other words."""

from __future__ import annotations

from kit.formats import npm_attestations, pep740, sigstore_bundle
from kit.model import EvidenceKind

#: Kinds of evidence that are verified as Sigstore bundles.
KINDS = frozenset({EvidenceKind.SIGSTORE, EvidenceKind.PEP740, EvidenceKind.NPM_ATTESTATIONS})


def split(kind: EvidenceKind, raw: bytes) -> tuple[bytes, ...]:
    """Return the bundles of a file of one of :data:`KINDS`.

    Lines are not parsed; a file of PEP 740 or of npm is, and :class:`MalformedError` raised if
    it is none.
    """
    if kind is EvidenceKind.PEP740:
        return pep740.bundles(raw)
    if kind is EvidenceKind.NPM_ATTESTATIONS:
        return npm_attestations.bundles(raw)
    return sigstore_bundle.split(raw)


def part(kind: EvidenceKind) -> str:
    """Return what one of several bundles in a file is called."""
    return "line" if kind is EvidenceKind.SIGSTORE else "attestation"
