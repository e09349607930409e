"""Signed lists of image digests: a claim over the list becomes claims over images it names.

As with digest manifests, the list's own bytes must already be vouched for, and a line is a
claim of *that* signer, marked with the list it came through. What names an image there is a
reference, so a line binds a repository and, where it has one, a tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kit.errors import MalformedError, RejectedError
from kit.formats import oci_reference
from kit.formats.oci_reference import Reference
from kit.model import Claim, Digest, EvidenceKind
from kit.verifiers import digests

_MAX_TOLD = 3


def claim_for(
    listed: Mapping[str, Digest], over: Claim, *, image: Reference, digest: Digest, listed_in: str
) -> Claim:
    """Return the claim that the list's signer makes about an image with this digest.

    ``image`` is what its line asks for, ``over`` the accepted claim over the list, whose name
    is ``listed_in``. Raises :class:`RejectedError`: ``digest.mismatch`` where a line gives
    this very reference another digest, ``digest.unlisted`` where no line has the digest,
    ``statement.subject`` where the statement over the list names it otherwise.
    """
    digests.demand_signed_as(over, listed_in)
    names = tuple(reference for reference, given in listed.items() if given == digest)
    others = [
        given
        for reference, given in listed.items()
        if given.algorithm == digest.algorithm
        and given != digest
        and image.tag is not None
        and _same(reference, image)
    ]
    if others:
        raise RejectedError(
            f"{listed_in} lists {image.repository}:{image.tag} as {others[0]}, this image is "
            f"{digest}",
            code="digest.mismatch",
            hint="the image is not the one its publisher listed",
        )
    if not names:
        told = ", ".join(list(listed)[:_MAX_TOLD])
        raise RejectedError(
            f"{listed_in} does not list {digest}; it lists {told}", code="digest.unlisted"
        )
    return replace(
        over,
        kind=EvidenceKind.IMAGE_DIGESTS,
        digest=digest,
        names=names,
        # What a statement over the list says is about the list.
        predicate_type=None,
        predicate=None,
        predicate_json=None,
        listed_in=listed_in,
    )


def _same(text: str, image: Reference) -> bool:
    """Say whether a reference of the list is the line's, tag and all."""
    try:
        found = oci_reference.parse(text)
    except MalformedError:
        return False
    return (found.repository, found.tag) == (image.repository, image.tag)
