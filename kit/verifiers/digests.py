"""Digest manifests: a claim over the manifest becomes claims over what it lists.

The manifest's own bytes must already be vouched for: its claims come from another
verifier. A line is a claim of *that* signer, marked with the manifest it came through, so
that policy can tell "signed" from "listed in something signed".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kit.errors import RejectedError
from kit.formats.digest_manifest import DigestManifest
from kit.model import Claim, Digest, EvidenceKind


def claim_for(
    manifest: DigestManifest, over: Claim, *, name: str, known: Mapping[str, Digest], listed_in: str
) -> Claim:
    """Return the claim that the manifest's signer makes about the file called ``name``.

    ``over`` is the accepted claim over the manifest, ``listed_in`` the manifest's name.
    Raises :class:`RejectedError`: ``digest.unlisted`` where no line is about that name,
    ``digest.mismatch`` where one lists it with another digest, ``statement.subject`` where
    the statement over the manifest names it otherwise.
    """
    demand_signed_as(over, listed_in)
    listed = manifest.lookup(name)
    comparable = [digest for digest in listed if digest.algorithm in known]
    if not comparable:
        raise RejectedError(f"{listed_in} does not list {name}", code="digest.unlisted")
    for digest in comparable:
        if known[digest.algorithm] != digest:
            raise RejectedError(
                f"{listed_in} lists {name} as {digest}, this file is {known[digest.algorithm]}",
                code="digest.mismatch",
                hint="the file is not the one its publisher listed",
            )
    return replace(
        over,
        kind=EvidenceKind.DIGESTS,
        digest=known["sha256"],
        names=(name,) if manifest.names_files else (),
        # What a statement over the manifest says is about the manifest.
        predicate_type=None,
        predicate=None,
        predicate_json=None,
        listed_in=listed_in,
    )


def demand_signed_as(over: Claim, name: str) -> None:
    """Raise ``statement.subject`` where the statement over a manifest gives it another name.

    A signature over bare bytes names nothing: it cannot tell one of a signer's manifests from
    another.
    """
    if over.names and name not in {given.rpartition("/")[2] for given in over.names}:
        raise RejectedError(
            f"what is carried as {name} was signed as {', '.join(over.names[:3])}",
            code="statement.subject",
        )
