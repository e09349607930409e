"""The Sigstore bundles that a file of evidence is, or holds in other words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from kit.formats import (
    bare_envelope,
    bare_signature,
    npm_attestations,
    pep740,
    sign_blob,
    sigstore_bundle,
)
from kit.model import EvidenceKind

_READERS: Mapping[EvidenceKind, Callable[[bytes], tuple[bytes, ...]]] = MappingProxyType(
    {
        EvidenceKind.SIGSTORE: sigstore_bundle.split,
        EvidenceKind.PEP740: pep740.bundles,
        EvidenceKind.NPM_ATTESTATIONS: npm_attestations.bundles,
        EvidenceKind.DSSE: bare_envelope.bundles,
        EvidenceKind.SIGN_BLOB: sign_blob.bundles,
        EvidenceKind.SIGNATURE: bare_signature.bundles,
    }
)
#: Kinds of evidence that are verified as Sigstore bundles.
KINDS = frozenset(_READERS)
#: Of those, the kinds whose form has no room for a log entry, or may do without.
UNLOGGED = frozenset({EvidenceKind.DSSE, EvidenceKind.SIGN_BLOB, EvidenceKind.SIGNATURE})


def split(kind: EvidenceKind, raw: bytes) -> tuple[bytes, ...]:
    """Return the bundles of a file of one of :data:`KINDS`.

    Lines of Sigstore bundles are not parsed; any other file is, and
    :class:`EvidenceError` raised if it is not of its kind.
    """
    return _READERS[kind](raw)


def part(kind: EvidenceKind) -> str:
    """Return what one of several bundles in a file is called."""
    return "line" if kind is EvidenceKind.SIGSTORE else "attestation"
