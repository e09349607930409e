"""What a verified bundle says: facts that hold whatever file, and claims about files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kit.errors import RejectedError
from kit.formats import predicate
from kit.formats.statement import Statement
from kit.model import Claim, Digest, EvidenceKind, Identity
from kit.model.predicates import Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something about a bundle that holds, which the operator should know."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What holds of a verified bundle whatever file it is about."""

    instance: str
    identity: Identity
    signed_at: datetime | None
    log: Mapping[str, str]
    notes: tuple[Note, ...] = ()

    def claim(
        self,
        evidence: str,
        digest: Digest,
        accepted_by: tuple[str, ...],
        names: tuple[str, ...] = (),
        predicate_type: str | None = None,
        said: Predicate | None = None,
    ) -> Claim:
        """Return the claim that these facts make about a file."""
        return Claim(
            kind=EvidenceKind.SIGSTORE,
            evidence=evidence,
            instance=self.instance,
            digest=digest,
            identity=self.identity,
            signed_at=self.signed_at,
            accepted_by=accepted_by,
            names=names,
            predicate_type=predicate_type,
            log=self.log,
            predicate=said,
        )


@dataclass(frozen=True, slots=True)
class VerifiedStatement:
    """An in-toto statement whose signature holds; it makes claims about its subjects.

    ``said`` is what its predicate says, read once however many its subjects are.
    """

    statement: Statement
    facts: Facts
    accepted_by: tuple[str, ...]
    said: Predicate | None = field(init=False)

    def __post_init__(self) -> None:
        """Read the predicate."""
        said = predicate.read(self.statement.predicate_type, self.statement.predicate)
        object.__setattr__(self, "said", said)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the operator should know of the bundle."""
        return self.facts.notes

    def claim_for(self, evidence: str, known: Mapping[str, Digest]) -> Claim:
        """Return the claim about the file with these digests, or raise `RejectedError`."""
        names = self.statement.names_of(known)
        if names is None:
            subjects = [(s.name or "(no name)")[:200] for s in self.statement.subjects[:6]]
            raise RejectedError(
                f"the statement is about other files: {', '.join(subjects[:5])}"
                f"{' …' if len(subjects) > 5 else ''}",
                code="statement.subject",
            )
        return self.facts.claim(
            evidence,
            subject_of(known),
            self.accepted_by,
            names,
            self.statement.predicate_type,
            self.said,
        )


@dataclass(frozen=True, slots=True)
class VerifiedLater:
    """A message signature by a verified signer: it holds only over some file's digest.

    ``verify`` raises unless it is this file's; it returns the facts, and who accepted it.
    """

    notes: tuple[Note, ...]
    verify: Callable[[Mapping[str, Digest]], tuple[Facts, tuple[str, ...]]]

    def claim_for(self, evidence: str, known: Mapping[str, Digest]) -> Claim:
        """Verify over the file with these digests; return the claim or raise `RejectedError`."""
        facts, accepted_by = self.verify(known)
        return facts.claim(evidence, subject_of(known), accepted_by)


Verified = VerifiedStatement | VerifiedLater


def subject_of(known: Mapping[str, Digest]) -> Digest:
    """Return the digest that a claim names a file by: its SHA-256 where that is known."""
    return known.get("sha256") or next(iter(known.values()))
