"""What came of a pack's evidence: claims and findings by the member they are about, bounded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kit.check.jobs import Refusal
from kit.errors import EvidenceError
from kit.model import Claim, Contradiction, Finding, Level
from kit.verifiers import unlogged

#: Findings kept of one member: a hostile pack could make them as many as the product of its
#: lines and its files.
MAX_FINDINGS = 32
#: Characters of one finding's message: what it quotes may be a bundle's whole content.
MAX_MESSAGE = 4096


@dataclass(slots=True)
class Weighed:
    """What came of the evidence, by the member it is about."""

    claims: dict[str, list[Claim]] = field(default_factory=dict)
    contradictions: dict[str, list[Contradiction]] = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    predicates: dict[str, str] = field(default_factory=dict)
    incomplete: list[tuple[str, str, EvidenceError | Refusal]] = field(default_factory=list)

    def accept(self, member: str, claim: Claim) -> None:
        """Keep a claim that a verifier made about a member.

        One long predicate is kept once, in however many pieces of evidence it was carried.
        """
        if claim.predicate_json is not None:
            kept = self.predicates.setdefault(claim.predicate_json, claim.predicate_json)
            claim = replace(claim, predicate_json=kept)
        self.claims.setdefault(member, []).append(claim)
        direct = claim.listed_in is None and claim.document is None  # else told of what it is over
        if claim.completed_from is not None and direct:
            what = f"{claim.evidence}: made of {claim.completed_from} while collecting, which "
            what += "added the log's proof; verified like any other"
            self.find(member, Level.NOTE, "evidence.completed", what)

    def refuse(self, member: str, label: str, error: EvidenceError | Refusal) -> None:
        """Keep why a piece of evidence makes no claim about a member.

        That it was published without a log entry waits for :meth:`settle`.
        """
        if error.code == unlogged.CODE:
            self.incomplete.append((member, label, error))
            return
        self.find(member, Level.WARNING, error.code, f"{label}: {error.message}", error.hint)

    def settle(self) -> None:
        """Tell what lacks its log entry, but for what was completed, and holds so."""
        completed = {
            (member, claim.completed_from)
            for member, claims in self.claims.items()
            for claim in claims
        }
        for member, label, error in self.incomplete:
            if (member, label.partition(" ")[0]) not in completed:  # a label may end ` line 2`
                message = f"{label}: {error.message}"
                self.find(member, Level.WARNING, error.code, message, error.hint)

    def find(
        self, member: str, level: Level, code: str, message: str, hint: str | None = None
    ) -> None:
        """Keep a finding about a member, its message cut where it is very long."""
        if len(message) > MAX_MESSAGE:
            message = f"{message[:MAX_MESSAGE]}… ({len(message) - MAX_MESSAGE} more characters)"
        self.keep(
            member, Finding(level=level, code=code, subject=member, message=message, hint=hint)
        )

    def keep(self, member: str, finding: Finding) -> None:
        """Keep a finding about a member, or count it where there are too many."""
        kept = self.findings.setdefault(member, [])
        if len(kept) < MAX_FINDINGS:
            kept.append(finding)
        else:
            self.left_out[member] = self.left_out.get(member, 0) + 1

    def close(self) -> None:
        """Say of each member how many findings were not kept."""
        for member, count in self.left_out.items():
            self.findings[member].append(
                Finding(
                    level=Level.NOTE,
                    code="evidence.more",
                    subject=member,
                    message=f"{count} more findings about evidence are left out",
                )
            )
