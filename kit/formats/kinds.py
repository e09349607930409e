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
    bare_envelope,
    completion,
    cyclonedx,
    grype,
    npm_attestations,
    npm_packument,
    openpgp,
    openvex,
    pep740,
    sarif,
    sign_blob,
    sigstore_bundle,
    spdx,
    strictjson,
)
from kit.model import EvidenceKind

#: Suffixes of the certificate beside a bare signature.
CERTIFICATES = (".pem", ".crt", ".cert")

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
    (".build.slsa", EvidenceKind.DSSE),
    (".cosign.bundle", EvidenceKind.SIGN_BLOB),
    (".asc", EvidenceKind.OPENPGP),
    (".gpg", EvidenceKind.OPENPGP),
    (".sig", EvidenceKind.SIGNATURE),
    *((suffix, EvidenceKind.CERTIFICATE) for suffix in CERTIFICATES),
    (".sha256", EvidenceKind.DIGESTS),
    (".sha384", EvidenceKind.DIGESTS),
    (".sha512", EvidenceKind.DIGESTS),
    (".sha256sum", EvidenceKind.DIGESTS),
    (".sha384sum", EvidenceKind.DIGESTS),
    (".sha512sum", EvidenceKind.DIGESTS),
)

#: Suffixes of JSON that is evidence where its content says so, and else is a file like any other.
LOOKED_INTO = (".json", ".jsonl", ".bundle")

#: The largest piece of evidence: a bundle over the largest document that is read.
MAX_BYTES = sigstore_bundle.MAX_BYTES

#: Suffixes of documents that say something of the files beside them.
DOCUMENTS: tuple[tuple[str, EvidenceKind], ...] = (
    (".spdx.json", EvidenceKind.SBOM),
    (".cdx.json", EvidenceKind.SBOM),
    (".cyclonedx.json", EvidenceKind.SBOM),
    (".sbom.json", EvidenceKind.SBOM),
    (".sbom", EvidenceKind.SBOM),
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
_OF_SEVERAL_FORMS = frozenset({EvidenceKind.DSSE, EvidenceKind.PEP740, EvidenceKind.SIGN_BLOB})
#: How a signature in JSON presents itself.
_FORMS: tuple[tuple[Callable[[Any], bool], EvidenceKind], ...] = (
    (sigstore_bundle.looks_like, EvidenceKind.SIGSTORE),
    (pep740.looks_like, EvidenceKind.PEP740),
    (npm_attestations.looks_like, EvidenceKind.NPM_ATTESTATIONS),
    (sign_blob.looks_like, EvidenceKind.SIGN_BLOB),
    (bare_envelope.looks_like, EvidenceKind.DSSE),
)
# One of these is in every file of another form than a Sigstore bundle, but for bare envelopes.
_MARKS = (
    b'"attestation_bundles"',
    b'"verification_material"',
    b'"predicateType"',
    b'"base64Signature"',
)
_BY_CONTENT: tuple[tuple[Callable[[Any], bool], EvidenceKind], ...] = (
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
# Which digests image references had: `DIGEST  REPOSITORY@DIGEST` lines.
_IMAGE_DIGESTS = re.compile(r"(.+[._-])?image[_-]digests?\.txt")
# What `gh attestation trusted-root` and cosign write, by the names their manuals give it.
_TRUSTED_ROOT = re.compile(r"(.+[._-])?trusted[_-]root\.jsonl?")


def by_name(name: str) -> EvidenceKind | None:
    """Return the kind of evidence a file of this name would be; ``None`` for an artifact."""
    if _GH_DOWNLOAD.fullmatch(name):
        return EvidenceKind.SIGSTORE
    if _IMAGE_DIGESTS.fullmatch(name):
        return EvidenceKind.IMAGE_DIGESTS
    for suffix, kind in (*SIDECARS, *DOCUMENTS):
        if name.endswith(suffix) and len(name) > len(suffix):
            return kind
    if name in _DOCUMENT_NAMES:
        return _DOCUMENT_NAMES[name]
    return EvidenceKind.DIGESTS if _DIGEST_MANIFEST.fullmatch(name) else None


def is_anchor(name: str) -> bool:
    """Say whether a file of this name would be a trusted root: no evidence, and no artifact.

    Whoever brings the artifacts does not choose what vouches for them.
    """
    return _TRUSTED_ROOT.fullmatch(name) is not None


def by_content(name: str, raw: bytes) -> EvidenceKind | None:
    """Return what a file is, now that its bytes are known.

    A JSON file that presents itself as a Sigstore bundle is one, whatever its name:
    signers write ``attestation.json``, ``bundle.json``, ``NAME.intoto.jsonl`` or
    ``NAME.provenance``. So is one of PEP 740, which some tools save as ``provenance.json``,
    what an npm registry answered, and one that presents itself as an SBOM, a scan or a VEX
    document. What cosign wrote before bundles may be called ``NAME.sigstore.json`` or
    ``NAME.bundle``, and a ``.sig`` may be OpenPGP's, or another's.
    """
    named = by_name(name)
    if named is EvidenceKind.SIGNATURE and openpgp.looks_like(raw):
        return EvidenceKind.OPENPGP
    if named is EvidenceKind.SIGSTORE and b'"base64Signature"' in raw:
        return of_bundle(raw)
    json_like = named is None and name.endswith(LOOKED_INTO)
    if json_like or named in _OF_SEVERAL_FORMS:
        try:
            first = sigstore_bundle.split(raw)[0]
            value = strictjson.parse(first, max_bytes=MAX_BYTES)
        except MalformedError:
            return named
        for looks_like, kind in _FORMS:
            if looks_like(value):
                return kind
        if named is None:
            return next((kind for looks_like, kind in _BY_CONTENT if looks_like(value)), None)
    return named


def of_bundle(raw: bytes) -> EvidenceKind:
    """Return as which form of a signature a file presents itself, whatever its name.

    Only what may be another form is parsed; all else is left to the reader of bundles.
    """
    bare = b'"payloadType"' in raw and b'"verificationMaterial"' not in raw
    if not bare and not any(mark in raw for mark in _MARKS):
        return EvidenceKind.SIGSTORE
    try:
        first = sigstore_bundle.split(raw)[0]
        value = strictjson.parse(first, max_bytes=MAX_BYTES)
    except MalformedError:
        return EvidenceKind.SIGSTORE
    return next((kind for looks_like, kind in _FORMS if looks_like(value)), EvidenceKind.SIGSTORE)


def named_after(name: str) -> str | None:
    """Return the name of the file that a sidecar is about, by its own name alone.

    Of a document, that may also be the name without the suffix of the file's own kind.
    """
    name = completion.original_of(name) or name
    for suffix in (*(suffix for suffix, _ in (*SIDECARS, *DOCUMENTS)), ".bundle"):
        if name.endswith(suffix) and len(name) > len(suffix):
            return name.removesuffix(suffix)
    return None
