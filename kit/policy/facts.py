"""What policy knows when it judges: a file, its claims, and the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.formats import oci_layout
from kit.formats.distribution import Named
from kit.formats.helm_chart import Chart
from kit.formats.npm_package import NpmPackage
from kit.formats.rules import Terms
from kit.model import Artifact, Claim, Contradiction, Digest, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an artifact is made of that is an image or an index of images.

    ``platforms`` are the images of an index, each with claims of its own; ``blobs`` the
    digests of everything below; ``chart`` what a Helm chart says it is.
    """

    is_index: bool
    platforms: tuple[FileFacts, ...]
    blobs: frozenset[Digest]
    chart: Chart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One artifact of the pack: what was hashed, what verifiers accepted, what they found.

    ``image`` is there where it lies in the pack's image layout.
    """

    artifact: Artifact
    size: int
    digests: Mapping[str, Digest]
    claims: tuple[Claim, ...]
    contradictions: tuple[Contradiction, ...]
    findings: tuple[Finding, ...]
    image: ImageFacts | None = None

    @property
    def members(self) -> tuple[str, ...]:
        """The members of the pack that it is made of, its own first."""
        own = self.artifact.member
        blobs = self.image.blobs if self.image is not None else ()
        return (own, *sorted({oci_layout.blob(digest) for digest in blobs} - {own}))

    @property
    def evidence(self) -> tuple[str, ...]:
        """The members of which something was accepted about it or a platform's image of it."""
        below = self.image.platforms if self.image is not None else ()
        claims = (claim for file in (self, *below) for claim in file.claims)
        # A label is a member's path, and after a space which part of it.
        return tuple(sorted({claim.evidence.partition(" ")[0] for claim in claims}))


@dataclass(frozen=True, slots=True)
class Inside:
    """What is in an artifact, read where a rule asks for it; each raises MalformedError.

    ``package`` reads the metadata of a wheel, an sdist or an npm tarball; ``document`` a JSON
    document, or the text of what is none.
    """

    package: Callable[[Artifact], Named | NpmPackage]
    document: Callable[[Artifact], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What holds whatever the claim: the terms of the release file, and the time of judging."""

    terms: Terms
    at: datetime
