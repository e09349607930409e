"""Which files are evidence, told by their names and, for JSON, by what they hold.

The table is design section 6's. A kind says only which verifier to ask; recognising a
file as evidence believes nothing in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kit.errors import MalformedError
from kit.formats import (
    cyclonedx,
    grype,
    npm_attestations,
    npm_packument,
    openpgp,
    openvex,
    pep740,
    sarif,
    sigstore_bundle,
    spdx,
    strictjson,
)
from kit.model import EvidenceKind

#: Suffixes that a piece of evidence adds to the name of what it is about.
SIDECARS: tuple[tuple[str, EvidenceKind], ...] = (
    (".sigstore.json", EvidenceKind.SIGSTORE),
    (".sigstore.jsonl", EvidenceKind.SIGSTORE),
    (".sigstore", EvidenceKind.SIGSTORE),
    (".publish.attestation", EvidenceKind.PEP740),
    (".slsa.attestation", EvidenceKind.PEP740),
    (".attestation", EvidenceKind.PEP740),
    (".provenance", EvidenceKind.PEP740),
    (".npm-attestations.json", EvidenceKind.NPM_ATTESTATIONS),
    (".npm-packument.json", EvidenceKind.NPM_PACKUMENT),
    (".intoto.jsonl", EvidenceKind.DSSE),
    (".asc", EvidenceKind.OPENPGP),
    (".gpg", EvidenceKind.OPENPGP),
    (".sig", EvidenceKind.SIGNATURE),
    (".sha256", EvidenceKind.DIGESTS),
    (".sha384", EvidenceKind.DIGESTS),
    (".sha512", EvidenceKind.DIGESTS),
    (".sha256sum", EvidenceKind.DIGESTS),
    (".sha384sum", EvidenceKind.DIGESTS),
    (".sha512sum", EvidenceKind.DIGESTS),
)

#: The largest piece of evidence: a bundle over the largest document that is read.
MAX_BYTES = sigstore_bundle.MAX_BYTES

#: Suffixes of documents that say something of the files beside them.
DOCUMENTS: tuple[tuple[str, EvidenceKind], ...] = (
    (".spdx.json", EvidenceKind.SBOM),
    (".cdx.json", EvidenceKind.SBOM),
    (".cyclonedx.json", EvidenceKind.SBOM),
    (".sarif", EvidenceKind.SCAN),
    (".sarif.json", EvidenceKind.SCAN),
    (".grype.json", EvidenceKind.SCAN),
    (".openvex.json", EvidenceKind.VEX),
)
#: The kinds that are documents: they speak of files, and somebody else signs them.
OF_DOCUMENTS = frozenset({EvidenceKind.SBOM, EvidenceKind.SCAN, EvidenceKind.VEX})

_DOCUMENT_NAMES = {
    "sbom.json": EvidenceKind.SBOM,
    "bom.json": EvidenceKind.SBOM,
    "spdx.json": EvidenceKind.SBOM,
    "cdx.json": EvidenceKind.SBOM,
    "grype.json": EvidenceKind.SCAN,
    "openvex.json": EvidenceKind.VEX,
}
_BY_CONTENT: tuple[tuple[Callable[[Any], bool], EvidenceKind], ...] = (
    (npm_attestations.looks_like, EvidenceKind.NPM_ATTESTATIONS),
    (npm_packument.looks_like, EvidenceKind.NPM_PACKUMENT),
    (spdx.looks_like, EvidenceKind.SBOM),
    (cyclonedx.looks_like, EvidenceKind.SBOM),
    (sarif.looks_like, EvidenceKind.SCAN),
    (grype.looks_like, EvidenceKind.SCAN),
    (openvex.looks_like, EvidenceKind.VEX),
)
_DIGEST_MANIFEST = re.compile(
    r"(sha(256|384|512)(sums?)?|(?:.+[._-])?checksums?(?:[._-]sha(?:256|384|512))?)(\.txt)?"
    r"|.+[._-]sha(256|384|512)sums?(\.txt)?",
    re.IGNORECASE,
)
# `gh attestation download` names its file after the digest; `:` becomes `-` on Windows.
_GH_DOWNLOAD = re.compile(r"sha(256|384|512)[:-][0-9a-f]{64,128}\.jsonl")


def by_name(name: str) -> EvidenceKind | None:
    """Return the kind of evidence a file of this name would be; ``None`` for an artifact."""
    if _GH_DOWNLOAD.fullmatch(name):
        return EvidenceKind.SIGSTORE
    for suffix, kind in (*SIDECARS, *DOCUMENTS):
        if name.endswith(suffix) and len(name) > len(suffix):
            return kind
    if name in _DOCUMENT_NAMES:
        return _DOCUMENT_NAMES[name]
    return EvidenceKind.DIGESTS if _DIGEST_MANIFEST.fullmatch(name) else None


def by_content(name: str, raw: bytes) -> EvidenceKind | None:
    """Return what a file is, now that its bytes are known.

    A JSON file that presents itself as a Sigstore bundle is one, whatever its name:
    signers write ``attestation.json``, ``bundle.json``, ``NAME.intoto.jsonl`` or
    ``NAME.provenance``. So is one of PEP 740, which some tools save as ``provenance.json``,
    what an npm registry answered, and one that presents itself as an SBOM, a scan or a VEX
    document. A ``.sig`` may be OpenPGP's, or another's.
    """
    named = by_name(name)
    if named is EvidenceKind.SIGNATURE and openpgp.looks_like(raw):
        return EvidenceKind.OPENPGP
    json_like = named in (None, EvidenceKind.DSSE) and name.endswith((".json", ".jsonl"))
    if json_like or named is EvidenceKind.PEP740:
        try:
            first = sigstore_bundle.split(raw)[0]
            value = strictjson.parse(first, max_bytes=MAX_BYTES)
        except MalformedError:
            return named
        if sigstore_bundle.looks_like(value):
            return EvidenceKind.SIGSTORE
        if pep740.looks_like(value):
            return EvidenceKind.PEP740
        if named is None:
            return next((kind for looks_like, kind in _BY_CONTENT if looks_like(value)), None)
    return named


def of_bundles(raw: bytes) -> EvidenceKind:
    """Return which of the kinds that hold Sigstore bundles a file presents itself as."""
    marks = (b'"attestation_bundles"', b'"verification_material"', b'"predicateType"')
    if any(mark in raw for mark in marks):  # a Sigstore bundle is told without decoding it
        try:
            value = strictjson.parse(raw, max_bytes=pep740.MAX_BYTES)
        except MalformedError:
            return EvidenceKind.SIGSTORE
        if pep740.looks_like(value):
            return EvidenceKind.PEP740
        if npm_attestations.looks_like(value):
            return EvidenceKind.NPM_ATTESTATIONS
    return EvidenceKind.SIGSTORE


def named_after(name: str) -> str | None:
    """Return the name of the file that a sidecar is about, by its own name alone.

    Of a document, that may also be the name without the suffix of the file's own kind.
    """
    for suffix, _ in (*SIDECARS, *DOCUMENTS):
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix)
    return None
