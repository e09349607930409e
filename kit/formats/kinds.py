"""Which files are evidence, told by their names and, for JSON, by what they hold.

The table is design section 6's. A kind says only which verifier to ask; recognising a
file as evidence believes nothing in it.
"""

from __future__ import annotations

import re

from kit.errors import MalformedError
from kit.formats import pep740, sigstore_bundle, strictjson
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
    for suffix, kind in SIDECARS:
        if name.endswith(suffix) and len(name) > len(suffix):
            return kind
    return EvidenceKind.DIGESTS if _DIGEST_MANIFEST.fullmatch(name) else None


def by_content(name: str, raw: bytes) -> EvidenceKind | None:
    """Return what a file is, now that its bytes are known.

    A JSON file that presents itself as a Sigstore bundle is one, whatever its name:
    signers write ``attestation.json``, ``bundle.json``, ``NAME.intoto.jsonl`` or
    ``NAME.provenance``. So is one of PEP 740, which some tools save as ``provenance.json``.
    """
    named = by_name(name)
    json_like = named in (None, EvidenceKind.DSSE) and name.endswith((".json", ".jsonl"))
    if json_like or named is EvidenceKind.PEP740:
        try:
            first = sigstore_bundle.split(raw)[0]
            value = strictjson.parse(first, max_bytes=sigstore_bundle.MAX_BYTES)
        except MalformedError:
            return named
        if sigstore_bundle.looks_like(value):
            return EvidenceKind.SIGSTORE
        if pep740.looks_like(value):
            return EvidenceKind.PEP740
    return named


def is_pep740(raw: bytes) -> bool:
    """Say whether a file presents itself as PEP 740's, whatever its name."""
    if b'"attestation_bundles"' not in raw and b'"verification_material"' not in raw:
        return False  # without decoding what is a Sigstore bundle
    try:
        return pep740.looks_like(strictjson.parse(raw, max_bytes=pep740.MAX_BYTES))
    except MalformedError:
        return False


def named_after(name: str) -> str | None:
    """Return the name of the file that a sidecar is about, by its own name alone."""
    for suffix, _ in SIDECARS:
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix)
    return None
