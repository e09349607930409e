"""Which manifests in a registry are evidence, and of what kind: cosign's and OCI's ways.

By media types alone: a kind says which verifier to ask and believes nothing. What cosign
keeps in its own way (several signatures to a manifest, half of each in annotations) is
evidence as a manifest; of all else it is the layer.
"""

from __future__ import annotations

from collections.abc import Iterator

from kit.formats import oci_manifest
from kit.formats.oci_manifest import Descriptor, ImageManifest
from kit.model import Attached, Digest, EvidenceKind

#: cosign's legacy tags: what follows the digest, and the kind of what is there.
LEGACY = {
    "sig": EvidenceKind.COSIGN_SIGNATURE,
    "att": EvidenceKind.COSIGN_ATTESTATION,
    "sbom": EvidenceKind.SBOM,
}

BUNDLE = "application/vnd.dev.sigstore.bundle"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
HELM_PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
_SIGNATURE = "dev.cosignproject.cosign/signature"
# Words in the media types of documents, and what their files are called.
_DOCUMENTS = {
    "spdx": (EvidenceKind.SBOM, "spdx.json"),
    "cyclonedx": (EvidenceKind.SBOM, "cdx.json"),
    "syft": (EvidenceKind.SBOM, "syft.json"),
    "sarif": (EvidenceKind.SCAN, "sarif"),
    "openvex": (EvidenceKind.VEX, "openvex.json"),
}


def legacy(manifest: ImageManifest, digest: Digest, about: Digest, suffix: str) -> list[Attached]:
    """Return the evidence in a manifest of one of cosign's legacy tags."""
    kind, name = LEGACY[suffix], f"{about.algorithm}-{about.hex}.{suffix}"
    if kind is not EvidenceKind.SBOM:
        return [Attached(kind=kind, name=name, sha256=digest.hex, about=(about.hex,))]
    return [
        Attached(kind=kind, name=name, sha256=layer.digest.hex, about=(about.hex,))
        for layer in manifest.layers
    ]


def referrer(manifest: ImageManifest, digest: Digest, about: Digest) -> list[Attached]:
    """Return the evidence in a manifest that says which other it is about."""
    layers = [layer for layer in manifest.layers if layer.media_type != oci_manifest.EMPTY]
    if any(layer.media_type == SIMPLE_SIGNING for layer in layers):
        return [_whole(EvidenceKind.COSIGN_SIGNATURE, "sig", digest, about)]
    if any(layer.media_type == DSSE and _SIGNATURE in layer.annotations for layer in layers):
        return [_whole(EvidenceKind.COSIGN_ATTESTATION, "att", digest, about)]
    if not layers:
        return [_whole(EvidenceKind.UNKNOWN, "json", digest, about)]
    return list(_layers(manifest, layers, digest, about))


def _whole(kind: EvidenceKind, suffix: str, digest: Digest, about: Digest) -> Attached:
    name = f"{digest.hex[:12]}.{suffix}"
    return Attached(kind=kind, name=name, sha256=digest.hex, about=(about.hex,))


def _layers(
    manifest: ImageManifest, layers: list[Descriptor], digest: Digest, about: Digest
) -> Iterator[Attached]:
    for layer in layers:
        kind, suffix = _kind(layer.media_type, manifest.artifact_type or "")
        yield Attached(
            kind=kind,
            name=f"{digest.hex[:12]}.{suffix}",
            sha256=layer.digest.hex,
            about=(about.hex,),
        )


def _kind(media_type: str, artifact_type: str) -> tuple[EvidenceKind, str]:
    if media_type.startswith(BUNDLE) or artifact_type.startswith(BUNDLE):
        return EvidenceKind.SIGSTORE, "sigstore.json"
    if media_type == DSSE:
        return EvidenceKind.DSSE, "intoto.jsonl"
    for called in (media_type, artifact_type):
        for word, (kind, suffix) in _DOCUMENTS.items():
            if word in called:
                return kind, suffix if "json" in called else kind.value
    return EvidenceKind.UNKNOWN, "blob"
