"""Whether one claim meets all of a requirement.

A claim meets a requirement or misses it for reasons, each with its own code; the facts of
two claims are never put together.
"""

from __future__ import annotations

from collections.abc import Mapping

from kit.formats.release_file import Requirement, Signer
from kit.model import Claim, Digest
from kit.policy.miss import Miss


def misses(requirement: Requirement, claim: Claim, known: Mapping[str, Digest]) -> tuple[Miss, ...]:
    """Return why a claim about the file with digests ``known`` does not meet a requirement.

    Empty means that it does. Ordered from who signed to what was signed.
    """
    found: list[Miss] = []
    if known.get(claim.digest.algorithm) != claim.digest:
        found.append(Miss("policy.digest", f"it speaks of {claim.digest}, which is another file"))
    if requirement.signer is not None:
        found += by_signer(requirement.signer, claim)
    if claim.listed_in != requirement.listed_in:
        found.append(
            Miss(
                "policy.listed-in",
                f"it is a line of {claim.listed_in}, where the rule has no such listed-in"
                if claim.listed_in
                else f"it is not a line of {requirement.listed_in}",
            )
        )
    types = requirement.predicate_types
    if types and not any(kind.matches(claim.predicate_type) for kind in types):
        wanted = " or ".join(kind.written for kind in types)
        found.append(
            Miss(
                "policy.predicate-type",
                f"it is {claim.predicate_type or 'no statement'}, not {wanted}",
            )
        )
    return (*found, *by_digest(requirement, known))


def by_digest(requirement: Requirement, known: Mapping[str, Digest]) -> tuple[Miss, ...]:
    """Return the miss of a requirement's ``digest`` by the bytes themselves, if any."""
    wanted = requirement.digest
    if wanted is None or known.get(wanted.algorithm) == wanted:
        return ()
    is_now = known.get(wanted.algorithm, known.get("sha256"))
    return (Miss("policy.digest", f"the file is {is_now}, not {wanted}"),)


def by_signer(signer: Signer, claim: Claim) -> tuple[Miss, ...]:
    """Return why a claim is not this signer's: instance, issuer, whole identity."""
    found: list[Miss] = []
    if claim.instance != signer.trusted_root:
        found.append(
            Miss(
                "policy.instance",
                f"the instance {claim.instance!r} vouches for it, not {signer.trusted_root!r}",
            )
        )
    if claim.identity.subject_type == "key" or claim.identity.issuer != signer.issuer:
        found.append(
            Miss("policy.issuer", f"its issuer is {claim.identity.issuer}, not {signer.issuer}")
        )
    if not _is(signer, claim.identity.subject):
        found.append(
            Miss(
                "policy.identity",
                f"it was signed by {claim.identity.subject}, not by {signer.describe()}"
                + _difference(signer.identity, claim.identity.subject),
            )
        )
    return tuple(found)


def _is(signer: Signer, subject: str) -> bool:
    if signer.identity is not None:
        return subject == signer.identity
    # The whole identity, always: `…/acme/tool` must not match `…/acme/tool-evil/…`.
    pattern = signer.identity_regexp
    return pattern is not None and pattern.fullmatch(subject) is not None


def _difference(wanted: str | None, found: str) -> str:
    """Say in which part two workflow identities differ, where both are such."""
    if wanted is None:
        return ""
    one, other = _parts(wanted), _parts(found)
    if one is None or other is None:
        return ""
    differing = [part for part in one if one[part] != other[part]]
    return f" (differs in: {', '.join(differing)})" if differing else ""


def _parts(identity: str) -> dict[str, str] | None:
    repository, marker, rest = identity.partition("/.github/workflows/")
    workflow, at, ref = rest.partition("@")
    if not marker or not at:
        return None
    return {"repository": repository, "workflow": workflow, "ref": ref}
