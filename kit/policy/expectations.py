"""What the flags of ``verify`` ask of one claim: who signed, from which source, and what.

Each flag is compared with what the certificate authority vouched for. Only ``--builder-id``
is read from the signed predicate, because that is where a builder names itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kit.model import Claim
from kit.policy.miss import Miss

GITHUB = "https://github.com"
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"


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


def misses(wanted: Expectations, claim: Claim, predicate: Any) -> tuple[Miss, ...]:
    """Return why a claim is not what is asked for; empty means that it is."""
    return tuple(_misses(wanted, claim, predicate))


def _misses(wanted: Expectations, claim: Claim, predicate: Any) -> Iterator[Miss]:
    if wanted.by_key != (claim.identity.subject_type == "key"):
        asked, found = ("key", "certificate") if wanted.by_key else ("certificate", "key")
        yield Miss("policy.identity", f"it is signed with a {found}, and a {asked} is asked for")
        return
    if not wanted.by_key:
        yield from _by_identity(wanted, claim)
    for flag, expected, fact in (
        ("source-repository", _url(wanted.source_repository), "source-repository-uri"),
        ("source-ref", wanted.source_ref, "source-repository-ref"),
        ("source-digest", wanted.source_digest, "source-repository-digest"),
        (
            "runner",
            "github-hosted" if wanted.deny_self_hosted else None,
            "runner-environment",
        ),
    ):
        found_fact = claim.identity.facts.get(fact)
        if expected is not None and found_fact != expected:
            yield Miss(
                f"policy.{flag}", f"its {fact} is {found_fact or 'not told'}, not {expected}"
            )
    if wanted.predicate_type is not None and claim.predicate_type != wanted.predicate_type:
        found = claim.predicate_type or "no statement"
        yield Miss("policy.predicate-type", f"it is {found}, not {wanted.predicate_type}")
    if wanted.builder_id is not None and _builder(predicate) != wanted.builder_id:
        builder = _builder(predicate) or "not told"
        yield Miss("policy.builder-id", f"its builder is {builder}, not {wanted.builder_id}")


def _by_identity(wanted: Expectations, claim: Claim) -> Iterator[Miss]:
    subject, pattern = claim.identity.subject, wanted.identity_regexp
    if wanted.issuer is not None and claim.identity.issuer != wanted.issuer:
        issuer = claim.identity.issuer or "not told"
        yield Miss("policy.issuer", f"its issuer is {issuer}, not {wanted.issuer}")
    if wanted.identity is not None and subject != wanted.identity:
        yield Miss("policy.identity", f"it was signed by {subject}, not by {wanted.identity}")
    if pattern is not None and not pattern.fullmatch(subject):
        yield Miss("policy.identity", f"it was signed by {subject}, not by {pattern.pattern}")
    if wanted.signer_workflow is not None and not _is_workflow(wanted.signer_workflow, subject):
        yield Miss(
            "policy.signer-workflow", f"it was signed by {subject}, not by {wanted.signer_workflow}"
        )


def _is_workflow(wanted: str, subject: str) -> bool:
    """Compare ``[HOST/]OWNER/REPO/PATH[@REF]`` with a workflow's URL, up to its whole ref."""
    workflow, at, ref = wanted.partition("@")
    if "." not in workflow.split("/")[0]:
        workflow = f"github.com/{workflow}"
    actual, _, actual_ref = subject.removeprefix("https://").partition("@")
    return (
        subject.startswith("https://")
        and actual == workflow
        and bool(actual_ref)
        and (not at or actual_ref == ref)
    )


def _url(repository: str | None) -> str | None:
    """Return a repository's URL; ``OWNER/REPO`` is GitHub's."""
    if repository is None or "://" in repository:
        return repository
    return f"{GITHUB}/{repository}"


def _builder(predicate: Any) -> str | None:
    """Return the builder's id of an SLSA predicate: v1 in ``runDetails``, before it at the top."""
    for path in (("runDetails", "builder", "id"), ("builder", "id")):
        value = predicate
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value
    return None
