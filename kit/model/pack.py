"""What a pack holds, as its manifest says: members, artifacts, and evidence that is unverified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EvidenceKind(StrEnum):
    """What a piece of carried evidence is, as ``formats.kinds`` recognised it."""

    SIGSTORE = "sigstore-bundle"
    DIGESTS = "digest-manifest"
    PEP740 = "pep740-attestation"
    NPM_ATTESTATIONS = "npm-attestations"
    NPM_PACKUMENT = "npm-packument"
    OPENPGP = "openpgp-signature"
    DSSE = "dsse-envelope"
    SIGN_BLOB = "sign-blob-bundle"
    SIGNATURE = "bare-signature"
    CERTIFICATE = "certificate"
    IMAGE_DIGESTS = "image-digests"
    SBOM = "sbom"
    SCAN = "scan"
    VEX = "vex"
    COSIGN_SIGNATURE = "cosign-signature"
    COSIGN_ATTESTATION = "cosign-attestation"
    BUILDKIT = "buildkit-attestation"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file in a pack: where, how long, and its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A release file in a pack, or the manifest or index of an image.

    ``name`` is the published name; ``source`` the text of the release file's line that
    brought it, which is the line's identity on both sides of the gap; ``member`` where
    its bytes are. All three are the collector's claims until ``check`` proves them.
    """

    name: str
    source: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """Carried bytes that claim something; unverified.

    ``about`` lists the member paths the collector says it speaks of.
    """

    kind: EvidenceKind
    name: str
    member: str
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a pack says it holds. ``members`` are all but the manifest and SHA256SUMS, in order."""

    release_name: str
    release_version: str
    collected_at: datetime
    kit: str
    artifacts: tuple[Artifact, ...]
    evidence: tuple[EvidenceFile, ...]
    members: tuple[Member, ...]
