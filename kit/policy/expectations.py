"""What the flags of ``verify`` ask of one claim: who signed, from which source, and what.

The flags that a release file has as well mean the same here: ``kit.policy.builds`` judges
both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kit.formats import provenance
from kit.formats.rules import BuildRule
from kit.model import Claim
from kit.policy import builds
from kit.policy.builds import GITHUB
from kit.policy.miss import Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What must hold of one claim; ``None`` asks nothing. ``by_key`` asks for a key's claim."""

    by_key: bool = False
    identity: str | None = None
    identity_regexp: re.Pattern[str] | None = None
    issuer: str | None = None
    signer_workflow: str | None = None
    source_repository: str | None = None
    source_ref: str | None = None
    source_digest: str | None = None
    predicate_type: str | None = None
    builder_id: str | None = None
    deny_self_hosted: bool = False

    @property
    def build(self) -> BuildRule:
        """The rule that the flags about the build make together."""
        return BuildRule(
            builder_id=self.builder_id,
            source_repository=_url(self.source_repository),
            source_ref=self.source_ref,
            source_digest=self.source_digest,
            signer_workflow=self.signer_workflow,
            runner_environment="github-hosted" if self.deny_self_hosted else None,
        )


def misses(wanted: Expectations, claim: Claim) -> tuple[Miss, ...]:
    """Return why a claim is not what is asked for; empty means that it is."""
    return tuple(_misses(wanted, claim))


def _misses(wanted: Expectations, claim: Claim) -> Iterator[Miss]:
    if wanted.by_key != (claim.identity.subject_type == "key"):
        asked, found = ("key", "certificate") if wanted.by_key else ("certificate", "key")
        yield Miss("policy.identity", f"it is signed with a {found}, and a {asked} is asked for")
        return
    if not wanted.by_key:
        yield from _by_identity(wanted, claim)
    if builds.demands(wanted.build) or wanted.predicate_type in provenance.TYPES:
        yield from builds.misses(wanted.build, claim)
    if wanted.predicate_type is not None and claim.predicate_type != wanted.predicate_type:
        found = claim.predicate_type or "no statement"
        yield Miss("policy.predicate-type", f"it is {found}, not {wanted.predicate_type}")


def _by_identity(wanted: Expectations, claim: Claim) -> Iterator[Miss]:
    subject, pattern = claim.identity.subject, wanted.identity_regexp
    if wanted.issuer is not None and claim.identity.issuer != wanted.issuer:
        issuer = claim.identity.issuer or "not told"
        yield Miss("policy.issuer", f"its issuer is {issuer}, not {wanted.issuer}")
    if wanted.identity is not None and subject != wanted.identity:
        yield Miss("policy.identity", f"it was signed by {subject}, not by {wanted.identity}")
    if pattern is not None and not pattern.fullmatch(subject):
        yield Miss("policy.identity", f"it was signed by {subject}, not by {pattern.pattern}")


def _url(repository: str | None) -> str | None:
    """Return a repository's URL; ``OWNER/REPO`` is GitHub's."""
    if repository is None or "://" in repository:
        return repository
    return f"{GITHUB}/{repository}"
