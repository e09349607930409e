"""Evidence that lists: digest manifests of files, and lists of image digests.

Once its own bytes are vouched for, a line of either is its signer's claim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kit.check import hashing
from kit.errors import RejectedError
from kit.formats import digest_manifest
from kit.formats import image_digests as image_formats
from kit.formats.source_text import parse_source
from kit.model import Artifact, Claim, Digest, EvidenceFile, EvidenceKind
from kit.pack.reader import Pack
from kit.verifiers import digests, image_digests

KINDS = frozenset({EvidenceKind.DIGESTS, EvidenceKind.IMAGE_DIGESTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What a list says, read once.

    ``claim_for`` returns the claim that a signer of the list makes about an artifact with these
    digests, or raises :class:`RejectedError`; ``other_digest`` the one that the list gives a file
    in place of its own, whoever wrote it, if it does.
    """

    claim_for: Callable[[Claim, Artifact, Mapping[str, Digest]], Claim]
    other_digest: Callable[[Artifact, Mapping[str, Digest]], Digest | None]


def read(pack: Pack, evidence: EvidenceFile) -> Lines:
    """Read a list of one of :data:`KINDS`; raise :class:`EvidenceError` for what is none."""
    raw = hashing.read(pack, evidence)
    if evidence.kind is EvidenceKind.IMAGE_DIGESTS:
        return _of_images(raw, evidence.name)
    manifest = digest_manifest.parse(raw, evidence.name)

    def claim_for(over: Claim, artifact: Artifact, known: Mapping[str, Digest]) -> Claim:
        return digests.claim_for(
            manifest, over, name=artifact.name, known=known, listed_in=evidence.name
        )

    def other_digest(artifact: Artifact, known: Mapping[str, Digest]) -> Digest | None:
        listed = manifest.lookup(artifact.name)
        return next((d for d in listed if known.get(d.algorithm, d) != d), None)

    return Lines(claim_for=claim_for, other_digest=other_digest)


def _of_images(raw: bytes, name: str) -> Lines:
    listed = image_formats.parse(raw)

    def claim_for(over: Claim, artifact: Artifact, known: Mapping[str, Digest]) -> Claim:
        image = parse_source(artifact.source, "source").image if artifact.source else None
        if image is None:
            raise RejectedError(f"{name} lists images, and this is a file", code="digest.unlisted")
        return image_digests.claim_for(
            listed, over, image=image, digest=known["sha256"], listed_in=name
        )

    return Lines(claim_for=claim_for, other_digest=lambda _, __: None)
