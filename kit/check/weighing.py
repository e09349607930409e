"""Put every piece of evidence to its verifier; keep claims, and say what was refused.

Everything that can be wrong with evidence becomes a finding here and nowhere else:
verifiers only raise. A refused piece of evidence is a warning. It never fails a file by
itself, and it never helps one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kit.check import attached, detached, documents, hashing, jobs, listings, packuments
from kit.check.beside import Beside
from kit.check.hashing import Known
from kit.check.jobs import Basis, Job, Outcome, Subject
from kit.check.listings import Lines
from kit.check.weighed import Weighed
from kit.errors import EvidenceError, RejectedError, UnsupportedError
from kit.formats import bundled, kinds, pep740
from kit.model import (
    Artifact,
    Claim,
    Contradiction,
    EvidenceFile,
    EvidenceKind,
    Finding,
    Level,
)
from kit.pack.reader import Pack
from kit.verifiers.openpgp import OpenPgpVerifier

#: Signers of one digest manifest or document: a hostile pack could make the claims they
#: give as many as the product of its lines and its files.
MAX_SIGNERS = 32

#: Bundles, each times the files it is said to be about, in one pack: one file of evidence may hold
#: a thousand and name every artifact.
MAX_QUESTIONS = 4_000_000

#: What proves nothing by itself, and waits for claims over it.
_WAITING = frozenset({*listings.KINDS, *kinds.OF_DOCUMENTS})


def weigh(
    pack: Pack,
    known: Known,
    basis: Basis,
    workers: int | None,
    openpgp: OpenPgpVerifier | None = None,
) -> Weighed:
    """Verify all evidence of a pack whose members' digests are ``known``.

    ``workers`` is the number of processes; ``None`` decides by how much there is to do.
    ``openpgp`` is ``None`` where the policy pins no OpenPGP key.
    """
    weighed = Weighed()
    if workers is None:
        many = len(pack.manifest.evidence) >= jobs.WORTH_WORKERS
        workers = (os.cpu_count() or 1) if many else 1
    signed = [piece for piece in pack.manifest.evidence if detached.concerns(pack, piece)]
    versions = [piece for piece in pack.manifest.evidence if packuments.concerns(piece)]
    bundles = _jobs(pack, known, weighed, frozenset((*signed, *versions)))
    _keep(jobs.run(bundles, basis, workers), weighed)
    _keep(packuments.run(pack, known, versions, basis), weighed)
    _keep(detached.run(pack, known, signed, openpgp), weighed)
    weighed.settle()
    _weigh_manifests(pack, known, weighed)
    _weigh_documents(pack, known, weighed)
    weighed.close()
    return weighed


def _keep(outcomes: Iterable[Outcome], weighed: Weighed) -> None:
    for outcome in outcomes:
        for claim in outcome.claims:
            weighed.accept(outcome.member, claim)
        for refusal in outcome.refusals:
            weighed.refuse(outcome.member, refusal.label, refusal)
        for contradiction in outcome.contradictions:
            weighed.contradictions.setdefault(outcome.member, []).append(contradiction)
        for note in outcome.notes:
            weighed.find(outcome.member, Level.NOTE, note.code, f"{note.label}: {note.message}")


def _jobs(
    pack: Pack, known: Known, weighed: Weighed, others: frozenset[EvidenceFile]
) -> Iterator[Job]:
    """Yield a job for every bundle; whatever cannot be one is refused by name.

    ``others`` have a verifier of their own.
    """
    names = {artifact.member: artifact.name for artifact in pack.manifest.artifacts}
    beside = Beside(pack.manifest.evidence)
    questions, reading = 0, attached.Reading()
    for evidence in pack.manifest.evidence:
        if evidence.kind in _WAITING or evidence in others or beside.speaks_for_another(evidence):
            continue
        if evidence.kind in attached.KINDS:
            yield from attached.jobs(pack, known, evidence, weighed, reading)
            continue
        try:
            beside.demand_logged(evidence)
            if evidence.kind not in bundled.KINDS:
                raise UnsupportedError(f"this version does not verify a {evidence.kind.value}")
            raw = hashing.read(pack, evidence)
            # One line twice is one piece of evidence.
            parts = tuple(dict.fromkeys(bundled.split(evidence.kind, raw)))
            questions += len(parts) * len(evidence.about)
            if questions > MAX_QUESTIONS:
                raise RejectedError(
                    "the pack has more bundles about more files than are looked at",
                    code="evidence.too-many",
                )
        except EvidenceError as error:
            for member in evidence.about:
                weighed.refuse(member, evidence.member, error)
            continue
        if evidence.kind is EvidenceKind.PEP740:
            _tell_publishers(evidence, raw, weighed)
        subjects = tuple(
            Subject(member=m, name=names.get(m), digests=known[m]) for m in evidence.about
        )
        for number, part in enumerate(parts, start=1):
            which = f" {bundled.part(evidence.kind)} {number}" if len(parts) > 1 else ""
            yield Job(
                label=evidence.member + which,
                raw=part,
                subjects=subjects,
                kind=evidence.kind,
                completed_from=beside.completed_from(evidence),
            )


def _tell_publishers(evidence: EvidenceFile, raw: bytes, weighed: Weighed) -> None:
    """Say whom the index names as publisher: that is its word, which nobody signed."""
    for publisher in pep740.publishers(pep740.parse(raw)):
        for member in evidence.about:
            weighed.find(
                member,
                Level.NOTE,
                "pypi.publisher",
                f"{evidence.member}: the index says that {publisher} published it; nothing "
                "signed says so, and it counts for nothing",
            )


def _weigh_manifests(pack: Pack, known: Known, weighed: Weighed) -> None:
    """Turn the claims over digest manifests into claims over the files they list.

    Only what bundles and signatures say of a manifest counts: a manifest vouches for no
    other manifest.
    """
    by_others = {member: tuple(claims) for member, claims in weighed.claims.items()}
    # What is wrong with a manifest's own evidence is why its files get no claim by it.
    refused = {member: tuple(findings) for member, findings in weighed.findings.items()}
    artifacts: dict[str, list[Artifact]] = {}
    for artifact in pack.manifest.artifacts:
        artifacts.setdefault(artifact.member, []).append(artifact)
    for item in documents.of(pack):
        # A manifest lists documents like any other file; no line of a policy brought them.
        listed = Artifact(name=item.name, source="", member=item.member)
        if all(item.name != other.name for other in artifacts.get(item.member, ())):
            artifacts.setdefault(item.member, []).append(listed)
    for evidence in pack.manifest.evidence:
        if evidence.kind in listings.KINDS:
            about = [
                artifact
                for member in evidence.about
                if member != evidence.member
                for artifact in artifacts.get(member, ())
            ]
            vouched = _Vouched(
                evidence=evidence,
                over=_signers(by_others.get(evidence.member, ())),
                refused=refused.get(evidence.member, ()),
            )
            _weigh_manifest(pack, known, vouched, about, weighed)


def _weigh_documents(pack: Pack, known: Known, weighed: Weighed) -> None:
    """Turn the claims over documents into claims over the files they are about.

    A document vouches for no other document: only what it came with from bundles and
    signed digest manifests counts.
    """
    # Copies: what is accepted below is over the same members, and must not be found here.
    over = {item.member: tuple(weighed.claims.get(item.member, ())) for item in documents.of(pack)}
    refused = {member: tuple(weighed.findings.get(member, ())) for member in over}
    for evidence in documents.of(pack):
        about = [member for member in evidence.about if member != evidence.member]
        for member in about:
            for finding in refused[evidence.member]:
                weighed.keep(member, finding)
        signers = _signers(over[evidence.member])
        if signers:
            _weigh_document(pack, evidence, signers, (about, known), weighed)
            continue
        for member in about:
            weighed.find(
                member,
                Level.NOTE,
                "evidence.unsigned",
                f"{evidence.member}: nothing that was verified vouches for this document",
            )


def _weigh_document(
    pack: Pack,
    evidence: EvidenceFile,
    signers: tuple[Claim, ...],
    files: tuple[Sequence[str], Known],
    weighed: Weighed,
) -> None:
    about, known = files
    try:
        says = documents.read(pack, evidence)
    except EvidenceError as error:
        for member in about:
            weighed.refuse(member, evidence.member, error)
        return
    vouched = documents.Vouched(evidence=evidence, over=signers, says=says)
    for member in about:
        try:
            for claim in vouched.claims_for(known[member]):
                weighed.accept(member, claim)
        except RejectedError as error:
            weighed.refuse(member, evidence.member, error)


def _signers(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Return one claim of each signer of a manifest or document, whose content is the same."""
    found: dict[tuple[object, ...], Claim] = {}
    for claim in claims:
        who = claim.identity
        facts = tuple(sorted(who.facts.items()))
        key = (claim.instance, who.subject, who.subject_type, who.issuer, facts, claim.names)
        if len(found) < MAX_SIGNERS:
            found.setdefault(key, claim)
    return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vouched:
    """A digest manifest, the claims over it, and what was refused about it."""

    evidence: EvidenceFile
    over: tuple[Claim, ...]
    refused: tuple[Finding, ...]


def _weigh_manifest(
    pack: Pack, known: Known, vouched: _Vouched, about: Sequence[Artifact], weighed: Weighed
) -> None:
    evidence = vouched.evidence
    try:
        lines = listings.read(pack, evidence)
    except EvidenceError as error:
        for artifact in about:
            weighed.refuse(artifact.member, evidence.member, error)
        return
    for artifact in about:
        for finding in vouched.refused:
            weighed.keep(artifact.member, finding)
        for claim in vouched.over:
            _weigh_line(evidence, lines, claim, artifact, known, weighed)
        if not vouched.over:
            _tell_unsigned(evidence, lines, artifact, known, weighed)


def _tell_unsigned(
    evidence: EvidenceFile, lines: Lines, artifact: Artifact, known: Known, weighed: Weighed
) -> None:
    """Say that a list counts for nothing; and, for what accidents are worth, where it differs."""
    member, label = artifact.member, evidence.member
    told = f"{label}: nothing that was verified vouches for this digest manifest"
    weighed.find(member, Level.NOTE, "evidence.unsigned", told)
    listed = lines.other_digest(artifact, known[member])
    if listed is not None:
        weighed.find(
            member,
            Level.WARNING,
            "digest.differs",
            f"{label}, which nothing vouches for, lists {artifact.name} as {listed}, this file is "
            f"{known[member][listed.algorithm]}",
            "the file was damaged or changed since the list was made, or the list is of another "
            "release: get both again. Such a list finds accidents; only signatures find attackers",
        )


def _weigh_line(
    evidence: EvidenceFile,
    lines: Lines,
    over: Claim,
    artifact: Artifact,
    known: Known,
    weighed: Weighed,
) -> None:
    member = artifact.member
    try:
        claim = lines.claim_for(over, artifact, known[member])
    except EvidenceError as error:
        weighed.refuse(member, evidence.member, error)
        if error.code == "digest.mismatch":
            contradiction = Contradiction(over=over, message=error.message)
            weighed.contradictions.setdefault(member, []).append(contradiction)
    else:
        weighed.accept(member, claim)
