"""Whether one claim meets all of a requirement.

A claim meets a requirement or misses it for reasons, each with its own code; the facts of
two claims are never put together. First it is asked whether the claim is of the kind that
is wanted, signed by whom it must be; only such claims are put to the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kit.formats import npm_registry, provenance, strictjson
from kit.formats.encodings import render_time
from kit.formats.rules import Denied, PredicateType, Requirement, Signer
from kit.model import Claim, Digest, EvidenceKind
from kit.model.predicates import Vex
from kit.policy import builds, differing, documents
from kit.policy.facts import Circumstances, FileFacts
from kit.policy.miss import Miss


def misses(
    requirement: Requirement,
    claim: Claim,
    file: FileFacts,
    where: Circumstances,
    vex: Sequence[Claim] = (),
) -> tuple[Miss, ...]:
    """Return why a claim about a file does not meet a requirement; empty means that it does.

    Ordered from who signed to what was signed. ``vex`` is what :func:`vex_for` returns.
    """
    found = of_kind(requirement, claim, file)
    return found or (*_rest(requirement, claim, where, vex), *by_digest(requirement, file.digests))


def vex_for(requirement: Requirement, file: FileFacts, where: Circumstances) -> tuple[Claim, ...]:
    """Return the VEX claims that may except results of a requirement's scan of a file, once each.

    They count on the terms on which all evidence does: the times that the release file
    allows, and the log. A statement about a digest manifest says nothing of what it lists,
    and one about another artifact nothing of a copy of it.
    """
    if requirement.scan is None or not requirement.scan.vex:
        return ()
    found: dict[tuple[object, ...], Claim] = {}
    for claim in file.claims:
        if (
            isinstance(claim.predicate, Vex)
            and claim.listed_in is None
            and claim.predicate_of is None
            and not any(_by_circumstances(requirement, claim, where))
        ):
            who = claim.identity
            key = (claim.instance, who.subject_type, who.issuer, who.subject)
            about = (claim.digest, claim.names, claim.document is None, claim.predicate)
            # One statement carried a thousand times is one.
            found.setdefault((*key, *about, who.facts.get("key")), claim)
    return tuple(found.values())


def is_stated(signer: Signer, types: Sequence[PredicateType], claim: Claim) -> bool:
    """Say whether a claim is by a signer, and of one of some predicate types, if there are any."""
    typed = not types or any(kind.matches(claim.predicate_type) for kind in types)
    return typed and not by_signer(signer, claim)


def of_kind(requirement: Requirement, claim: Claim, file: FileFacts) -> tuple[Miss, ...]:
    """Return why a claim is not one that the requirement is about: file, signer, type."""
    return tuple(_of_kind(requirement, claim, file.digests))


def _of_kind(requirement: Requirement, claim: Claim, known: Mapping[str, Digest]) -> Iterator[Miss]:
    if known.get(claim.digest.algorithm) != claim.digest:
        yield Miss("policy.digest", f"it speaks of {claim.digest}, which is another file")
    if requirement.signer is not None:
        yield from by_signer(requirement.signer, claim)
    if claim.listed_in != requirement.listed_in:
        yield Miss(
            "policy.listed-in",
            f"it is a line of {claim.listed_in}, where the rule has no such listed-in"
            if claim.listed_in
            else f"it is not a line of {requirement.listed_in}",
        )
    if claim.predicate_of != requirement.predicate_of:
        yield Miss(
            "policy.predicate-of",
            f"it is about {claim.predicate_of}, and this file a copy of what it says of that"
            if claim.predicate_of
            else f"it is about this file, not about {requirement.predicate_of}",
        )
    yield from _of_document(requirement, claim)
    types = requirement.predicate_types
    if types and not any(kind.matches(claim.predicate_type) for kind in types):
        wanted = " or ".join(kind.written for kind in types)
        yield Miss(
            "policy.predicate-type", f"it is {claim.predicate_type or 'no statement'}, not {wanted}"
        )


def _of_document(requirement: Requirement, claim: Claim) -> Iterator[Miss]:
    """Yield why a claim is not the SBOM or scan of the rule, or is one where none is asked."""
    if requirement.sbom is not None:
        yield from documents.sbom_kind(requirement.sbom, claim)
    elif requirement.scan is not None:
        yield from documents.scan_kind(requirement.scan, claim)
    elif claim.document is not None:
        # Whoever signs an SBOM that lists a file has not signed the file.
        yield Miss("policy.document", "it is a document that speaks of the file, no more")


def _by_circumstances(
    requirement: Requirement, claim: Claim, where: Circumstances
) -> Iterator[Miss]:
    """Yield why a claim does not count, whatever it says: when it was signed, and the log."""
    yield from _by_time(claim, where)
    logged = requirement.log
    if logged is None:  # a certificate's was demanded by its instance; a key has none
        logged = claim.identity.subject_type == "key"
    if logged and not claim.log:
        hint = None
        if claim.kind is EvidenceKind.NPM_PACKUMENT:
            hint = "a registry's signature over a version is in no log: write log = false"
        missing = "it rests on no transparency log, and the rule demands one"
        yield Miss("policy.log", missing, hint)


def _rest(
    requirement: Requirement, claim: Claim, where: Circumstances, vex: Sequence[Claim]
) -> Iterator[Miss]:
    yield from _by_circumstances(requirement, claim, where)
    yield from _by_schema(requirement, claim)
    yield from _by_build(requirement, claim)
    if requirement.sbom is not None:
        yield from documents.sbom_misses(requirement.sbom, claim)
    if requirement.scan is not None:
        yield from documents.scan_misses(requirement.scan, claim, vex, where.at)


def _by_build(requirement: Requirement, claim: Claim) -> tuple[Miss, ...]:
    wanted = requirement.predicate_types
    of_build = any(kind.matches(uri) for kind in wanted for uri in provenance.TYPES)
    if of_build or builds.demands(requirement.build):
        return builds.misses(requirement.build, claim)
    return builds.shared(requirement.build, claim)


def _by_time(claim: Claim, where: Circumstances) -> Iterator[Miss]:
    oldest, newest = where.terms.oldest_signature, where.terms.newest_signature
    if oldest is None and newest is None:
        return
    if claim.signed_at is None:
        yield Miss("policy.signed-at", "nothing vouches for when it was signed")
        return
    when = render_time(claim.signed_at)
    if oldest is not None and claim.signed_at < oldest:
        yield Miss("policy.signed-at", f"it was signed at {when}, before {render_time(oldest)}")
    if newest is not None and claim.signed_at > newest:
        yield Miss("policy.signed-at", f"it was signed at {when}, after {render_time(newest)}")


def _by_schema(requirement: Requirement, claim: Claim) -> Iterator[Miss]:
    schema = requirement.predicate_schema
    if schema is None:
        return
    if claim.predicate_json is None:
        yield Miss("policy.predicate-schema", f"it has no predicate for {schema.name}")
        return
    # Bounded when it was read; written again, with escapes, it may be longer than that.
    raw = claim.predicate_json.encode()
    fault = schema.first_fault(strictjson.parse(raw, max_bytes=len(raw), max_values=len(raw)))
    if fault is not None:
        yield Miss("policy.predicate-schema", f"its predicate fails {schema.name}: {fault}")


def is_denied(denied: Denied, claim: Claim) -> bool:
    """Say whether a claim is by somebody who may never pass."""
    subject = claim.identity.subject
    # Of an OpenPGP key, any of its subkeys may have been the one that was stolen.
    signed_by = {subject, claim.identity.facts.get("signing-key", subject)}
    if claim.identity.subject_type != "openpgp":
        signed_by = {subject}
    return bool(signed_by & denied.keys) or (
        claim.identity.subject_type not in ("key", "openpgp") and subject in denied.identities
    )


def by_digest(requirement: Requirement, known: Mapping[str, Digest]) -> tuple[Miss, ...]:
    """Return the miss of a requirement's ``digest`` by the bytes themselves, if any."""
    wanted = requirement.digest
    if wanted is None or known.get(wanted.algorithm) == wanted:
        return ()
    is_now = known.get(wanted.algorithm, known.get("sha256"))
    return (
        Miss(
            "policy.digest",
            f"the file is {is_now}, not {wanted}",
            "it is another file, or another build of the same sources: that a rebuild differs is "
            "a reason to investigate, and no proof of tampering",
        ),
    )


def by_signer(signer: Signer, claim: Claim) -> tuple[Miss, ...]:
    """Return why a claim is not this signer's."""
    if signer.openpgp is not None:
        return tuple(_by_openpgp(signer, claim))
    if signer.npm_keys is not None:
        return tuple(_by_registry(signer, claim))
    if signer.key is not None:
        return tuple(_by_key(signer, claim))
    return tuple(_by_certificate(signer, claim))


def _by_openpgp(signer: Signer, claim: Claim) -> Iterator[Miss]:
    who = claim.identity
    if who.subject_type != "openpgp" or who.subject != signer.openpgp:
        yield Miss("policy.identity", f"it was signed by {who.subject}, not by {signer.describe()}")
    elif "key-expired" in who.facts and not signer.accept_expired:
        # Another signer of the policy, of the same key, accepts it.
        yield Miss("openpgp.key-expired", "the key that signed it has expired")


def _by_key(signer: Signer, claim: Claim) -> Iterator[Miss]:
    yield from _by_instance(signer, claim)
    who = claim.identity
    files = who.facts.get("key", "").split(", ")
    if who.subject_type != "key" or signer.key not in files:
        yield Miss("policy.identity", f"it was signed by {who.subject}, not by {signer.describe()}")


def _by_registry(signer: Signer, claim: Claim) -> Iterator[Miss]:
    """Yield what is another's: instance, keys, registry; and a key whose time was over."""
    if claim.kind is not EvidenceKind.NPM_PACKUMENT:  # that rests on no instance
        yield from _by_instance(signer, claim)
    who = claim.identity
    if who.subject_type != "key" or signer.npm_keys not in who.facts.get("key", "").split(", "):
        yield Miss("policy.identity", f"it was signed by {who.subject}, not by {signer.describe()}")
        return
    if "key-expired" in who.facts and not signer.accept_expired:
        yield Miss("npm.key-expired", "the time of the key that signed it is over")
    named = who.facts.get("registry")
    wanted = signer.registry or npm_registry.public()
    if named is not None and named.rstrip("/") != wanted.rstrip("/"):
        yield Miss("policy.registry", f"it was published to {named}, not to {wanted}")


def _by_certificate(signer: Signer, claim: Claim) -> Iterator[Miss]:
    """Yield what is another's: instance, issuer, whole identity."""
    yield from _by_instance(signer, claim)
    who = claim.identity
    keyed = who.subject_type in ("key", "openpgp")
    if keyed or who.issuer != signer.issuer:
        yield Miss(
            "policy.issuer",
            f"it was signed by a key, not by {signer.describe()}"
            if keyed
            else f"its issuer is {who.issuer}, not {signer.issuer}",
        )
    if not _is(signer, who.subject):
        yield Miss(
            "policy.identity",
            f"it was signed by {who.subject}, not by {signer.describe()}"
            + differing.words(signer.identity, who.subject),
            differing.hint(signer.identity, who.subject),
        )


def _by_instance(signer: Signer, claim: Claim) -> Iterator[Miss]:
    if claim.instance != signer.trusted_root:
        yield Miss(
            "policy.instance",
            f"the instance {claim.instance!r} vouches for it, not {signer.trusted_root!r}",
        )


def _is(signer: Signer, subject: str) -> bool:
    if signer.identity is not None:
        return subject == signer.identity
    # The whole identity, always: `…/acme/tool` must not match `…/acme/tool-evil/…`.
    pattern = signer.identity_regexp
    return pattern is not None and pattern.fullmatch(subject) is not None
