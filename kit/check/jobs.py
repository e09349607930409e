"""Verify pieces of evidence, here or spread over workers.

One job is one bundle and the files it is said to be about. A worker is a spawned process
that seals its own air gap before it sets up its verifiers; nothing but plain values
crosses over, and both ways of running give the same outcomes in the same order.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from kit import airgap
from kit.errors import EvidenceError, RejectedError
from kit.formats.release_file import Stating
from kit.model import Claim, Contradiction, Digest, EvidenceKind
from kit.policy import requirements
from kit.trust.anchors import Anchor
from kit.trust.npm_keys import NpmKeyring
from kit.verifiers import cosign, npm, pep740, unlogged
from kit.verifiers.cosign import VerifiedPayload
from kit.verifiers.npm import RegistryKeys
from kit.verifiers.sigstore import SigstoreVerifier, Verified, VerifiedStatement

AnyVerified = Verified | VerifiedPayload

#: Kinds that are verified as bundles and told apart from them.
_OF_IMAGES = frozenset({EvidenceKind.COSIGN_SIGNATURE, EvidenceKind.COSIGN_ATTESTATION})

#: Below this, starting workers costs more than they save (a worker imports sigstore: ~1 s).
WORTH_WORKERS = 4096
_BATCH = 512
_BATCH_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A file that evidence is said to be about: its member path, and its digests by algorithm.

    ``name`` is an artifact's published name.
    """

    member: str
    name: str | None = None
    digests: Mapping[str, Digest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One Sigstore bundle, its label for people, and what it is said to be about.

    Of a signature or attestation that cosign attached to an image, ``raw`` is the layer's
    blob and ``annotations`` are what proves it.
    ``completed_from`` is the member that collecting made it of, by adding the log's proof.
    """

    label: str
    raw: bytes
    subjects: tuple[Subject, ...]
    kind: EvidenceKind = EvidenceKind.SIGSTORE
    annotations: Mapping[str, str] = field(default_factory=dict)
    completed_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a bundle makes no claim about a file."""

    label: str
    code: str
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one bundle for one file: claims by instance, or else the refusals.

    ``notes`` are remarks on bundles that claims came of. ``contradictions`` are signers who
    say, under the file's own name, that it is another.
    """

    member: str
    claims: tuple[Claim, ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[Refusal, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What evidence is verified by: the anchors, and as of when.

    ``npm_keys`` are those of npm registries, and ``npm_accept_expired`` the files among them
    whose ended keys count. ``whole_predicates`` say which claims must carry all of a
    predicate, by signer and types: no other does, since a stranger's may be as long.
    """

    anchors: tuple[Anchor, ...]
    at: datetime
    npm_keys: tuple[NpmKeyring, ...] = ()
    npm_accept_expired: frozenset[str] = frozenset()
    whole_predicates: tuple[Stating, ...] = ()


def run(jobs: Iterable[Job], basis: Basis, workers: int) -> Iterator[Outcome]:
    """Yield the outcome of every job for each of its subjects, in order.

    ``workers`` is the number of processes; 1 verifies in this one. At most a batch of
    jobs is in memory at a time.
    """
    if workers <= 1:
        verifiers = _Verifiers(basis)
        for job in jobs:
            yield from verifiers.outcomes(job)
        return
    pool = ProcessPoolExecutor(
        max_workers=workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(basis,),
    )
    with pool:
        for batch in _batches(jobs):
            for outcomes in pool.map(_work, batch, chunksize=32):
                yield from outcomes


def _batches(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    """Yield the jobs in lists that are short, and small in bytes."""
    batch: list[Job] = []
    size = 0
    for job in jobs:
        batch.append(job)
        size += len(job.raw)
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Verifiers:
    """One verifier an instance, never a union of them; set up when first needed."""

    def __init__(self, basis: Basis) -> None:
        self._bench = basis
        self._ready: list[SigstoreVerifier] | None = None
        self._files: dict[str, str] = {}
        self._registries = RegistryKeys(basis.npm_keys, basis.at)

    def outcomes(self, job: Job) -> list[Outcome]:
        if self._ready is None:
            # Whether a key's signature must be logged is for its requirement to say.
            self._ready = [
                SigstoreVerifier(
                    anchor,
                    self._bench.at,
                    public_keys=sorted(
                        {key.der for key in anchor.keys} | self._registries.for_attestations
                    ),
                    require_log=False,
                )
                for anchor in self._bench.anchors
            ]
            self._files = _files_of_keys(self._bench.anchors)
        claims: dict[str, list[Claim]] = {subject.member: [] for subject in job.subjects}
        refusals: dict[str, list[Refusal]] = {subject.member: [] for subject in job.subjects}
        against: dict[str, list[Contradiction]] = {subject.member: [] for subject in job.subjects}
        notes: list[Refusal] = []
        for verifier in self._ready:
            notes += self._ask(verifier, job, _Found(claims, refusals, against))
        return [
            Outcome(
                member=subject.member,
                claims=tuple(claims[subject.member]),
                # Another instance's refusal says nothing where one accepted.
                refusals=() if claims[subject.member] else tuple(refusals[subject.member]),
                notes=tuple(notes) if claims[subject.member] else (),
                contradictions=tuple(against[subject.member]),
            )
            for subject in job.subjects
        ]

    def _ask(self, verifier: SigstoreVerifier, job: Job, found: _Found) -> list[Refusal]:
        try:
            verified = _verified(verifier, job)
        except EvidenceError as error:
            refusal = _refusal(job, unlogged.explained(error, job.kind))
            for subject in job.subjects:
                found.refusals[subject.member].append(refusal)
            return []
        whole = _Whole(verified, self._bench.whole_predicates)
        for subject in job.subjects:
            try:
                claim = _claim(verified, job, subject)
                claim = replace(claim, completed_from=job.completed_from)
                found.claims[subject.member].append(whole.given(self._told(claim, verified)))
            except EvidenceError as error:
                found.refusals[subject.member].append(_refusal(job, error))
                if error.code == "digest.mismatch" and isinstance(verified, VerifiedStatement):
                    over = self._against(verified, job, subject)
                    found.against[subject.member] += [
                        Contradiction(over=claim, message=error.message) for claim in over
                    ]
        return [
            Refusal(label=job.label, code=note.code, message=note.message, hint=None)
            for note in verified.notes
        ]

    def _told(self, claim: Claim, verified: AnyVerified) -> Claim:
        """Add what only this host knows."""
        if claim.identity.subject_type == "key":
            facts = self._facts(claim, verified)
            claim = replace(claim, identity=replace(claim.identity, facts=facts))
        return claim

    def _facts(self, claim: Claim, verified: AnyVerified) -> Mapping[str, str]:
        """Return under which paths this host has a key, as its own and as a registry's."""
        own = self._files.get(claim.identity.subject)
        if isinstance(verified, VerifiedPayload):
            if own is None:
                raise RejectedError("a registry's key signs no images", code="npm.unknown-key")
            return {"key": own}
        try:
            facts = self._registries.vouching(claim, verified)
        except EvidenceError:
            if own is None:
                raise
            return {"key": own}
        return facts if own is None else {**facts, "key": f"{own}, {facts['key']}"}

    def _against(self, verified: VerifiedStatement, job: Job, subject: Subject) -> Iterator[Claim]:
        """Yield who signed that a file of this name has other bytes, if he may sign that."""
        over = verified.facts.claim(job.label, subject.digests["sha256"], verified.accepted_by)
        with suppress(EvidenceError):
            yield self._told(over, verified)


def _verified(verifier: SigstoreVerifier, job: Job) -> AnyVerified:
    if job.kind is EvidenceKind.COSIGN_SIGNATURE:
        return cosign.verify_signature(verifier, job.raw, job.annotations)
    if job.kind is EvidenceKind.COSIGN_ATTESTATION:
        return cosign.verify_attestation(verifier, job.raw, job.annotations)
    return verifier.verify(job.raw)


def _claim(verified: AnyVerified, job: Job, subject: Subject) -> Claim:
    if isinstance(verified, VerifiedPayload):
        return verified.claim_for(job.label, subject.digests)
    if job.kind is EvidenceKind.PEP740:
        return pep740.claim_for(verified, job.label, subject.digests, subject.name)
    if job.kind is EvidenceKind.NPM_ATTESTATIONS:
        return npm.claim_for(verified, job.label, subject.digests, subject.name)
    claim = verified.claim_for(job.label, subject.digests)
    return replace(claim, kind=job.kind) if job.kind in _OF_IMAGES else claim


@dataclass(slots=True)
class _Whole:
    """All of a statement's predicate, for the claims that must carry it."""

    verified: AnyVerified
    asking: Sequence[Stating]
    text: str | None = None

    def given(self, claim: Claim) -> Claim:
        asked = any(requirements.is_stated(who, types, claim) for who, types in self.asking)
        if not asked or not isinstance(self.verified, VerifiedStatement):
            return claim
        if self.text is None:
            # One text for all its subjects: it may be as long as a bundle.
            self.text = json.dumps(self.verified.statement.predicate)
        return replace(claim, predicate_json=self.text)


@dataclass(frozen=True, slots=True)
class _Found:
    """What came of one bundle, by the member it is about."""

    claims: dict[str, list[Claim]]
    refusals: dict[str, list[Refusal]]
    against: dict[str, list[Contradiction]]


def _files_of_keys(anchors: Sequence[Anchor]) -> dict[str, str]:
    """Return under which paths this host holds each key, by how claims name the key."""
    files: dict[str, list[str]] = {}
    for key in sorted({key for anchor in anchors for key in anchor.keys}, key=lambda k: k.path):
        files.setdefault(f"sha256:{key.sha256}", []).append(key.path)
    return {subject: ", ".join(paths) for subject, paths in files.items()}


def _refusal(job: Job, error: EvidenceError) -> Refusal:
    return Refusal(label=job.label, code=error.code, message=error.message, hint=error.hint)


_of_this_worker: list[_Verifiers] = []


def _start_worker(basis: Basis) -> None:
    airgap.seal()
    _of_this_worker[:] = [_Verifiers(basis)]


def _work(job: Job) -> list[Outcome]:
    return _of_this_worker[0].outcomes(job)
