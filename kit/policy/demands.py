"""Whether the claims about a file meet what a line demands, however it is combined.

One requirement is met by one claim, or by as many distinct signers as it says; several
ways to meet a demand by the first ones that hold. What is not met says how near the
claims came, each miss under its own code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kit.formats.rules import Alternatives, Demand, Requirement
from kit.model import Claim, Finding, Level
from kit.policy import documents, requirements
from kit.policy.facts import Circumstances, FileFacts
from kit.policy.miss import Miss

#: Of claims that do not meet a requirement, how many are told of: a pack may hold thousands.
MAX_NEAREST = 8

#: Refusals that say that evidence about a file of this name is about other bytes.
_OTHER_BYTES = frozenset(
    {"sigstore.digest", "statement.subject", "digest.mismatch", "openpgp.signature"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether a demand is met: by which claims, which requirements of it, and what was found.

    ``parts`` are the requirements that bind the file: those that documents alone met do not.
    """

    met: bool
    claims: tuple[Claim, ...] = ()
    parts: tuple[Requirement, ...] = ()
    findings: tuple[Finding, ...] = ()


def meet(demand: Demand, file: FileFacts, where: Circumstances) -> Outcome:
    """Put the claims about a file to one demand.

    An optional demand is always met; what it lacks is then told as a note.
    """
    outcome = (
        _meet_requirement(demand, file, where)
        if isinstance(demand, Requirement)
        else _meet_alternatives(demand, file, where)
    )
    if outcome.met or demand.optional is None:
        return outcome
    return Outcome(met=True, findings=(_optional(demand, demand.optional, file),))


def _optional(demand: Demand, reason: str, file: FileFacts) -> Finding:
    return Finding(
        level=Level.NOTE,
        code="policy.optional",
        subject=file.artifact.name,
        message=f"not shown, and not demanded ({reason}): {demand.describe()}",
    )


# ---- one requirement --------------------------------------------------------------


def _meet_requirement(requirement: Requirement, file: FileFacts, where: Circumstances) -> Outcome:
    if requirement.each_platform and file.image is not None and file.image.is_index:
        return _meet_each(
            replace(requirement, each_platform=False), file.image.platforms, file, where
        )
    if requirement.signer is None:
        missing = requirements.by_digest(requirement, file.digests)
        found = tuple(_error(miss.code, file.artifact.name, miss.message) for miss in missing)
        return Outcome(met=not missing, parts=() if missing else (requirement,), findings=found)
    vex = requirements.vex_for(requirement, file, where)
    judged = [
        (claim, requirements.misses(requirement, claim, file, where, vex)) for claim in file.claims
    ]
    if requirement.every:
        failing = [
            (claim, missing)
            for claim, missing in judged
            if missing and not requirements.of_kind(requirement, claim, file)
        ]
        if failing:
            return _unmet(
                requirement, file, failing, "one of its kind does not hold, of which all must"
            )
    met = tuple(claim for claim, missing in judged if not missing)
    signers = len({signer_of(claim) for claim in met})
    if signers >= requirement.at_least:
        notes = _of_scans(requirement, met, file, (vex, where))
        binds = requirement.names_content or any(claim.document is None for claim in met)
        parts = (requirement,) if binds else ()
        return Outcome(met=True, claims=met, parts=parts, findings=tuple(notes))
    if met:
        return _unmet(requirement, file, [], f"{signers} distinct signers show it")
    return _unmet(requirement, file, judged, None)


def _meet_each(
    requirement: Requirement,
    platforms: Sequence[FileFacts],
    file: FileFacts,
    where: Circumstances,
) -> Outcome:
    """Put the claims about each image of an index to a requirement; of none, none shows it.

    What is signed on a platform's image does not bind the index: there are no ``parts``.
    """
    if not platforms:
        because = "its index has no image of any platform"
        return _unmet(requirement, file, [], because)
    outcomes = [_meet_requirement(requirement, platform, where) for platform in platforms]
    return Outcome(
        met=all(outcome.met for outcome in outcomes),
        claims=tuple(claim for outcome in outcomes for claim in outcome.claims),
        findings=tuple(
            # The subject is the platform's image, which a report for people does not repeat.
            replace(finding, message=f"{finding.subject}: {finding.message}")
            for outcome in outcomes
            for finding in outcome.findings
        ),
    )


def _of_scans(
    requirement: Requirement,
    met: Iterable[Claim],
    file: FileFacts,
    weighed_by: tuple[Sequence[Claim], Circumstances],
) -> Iterator[Finding]:
    """Yield what did not count against a scan that passes, and why."""
    if requirement.scan is None:
        return
    vex, where = weighed_by
    for claim in met:
        for note in documents.scan_notes(requirement.scan, claim, vex, where.at):
            yield Finding(
                level=Level.NOTE,
                code=note.code,
                subject=file.artifact.name,
                message=f"{claim.evidence}: {note.message}",
            )


def signer_of(claim: Claim) -> tuple[str, ...]:
    """Return what makes a signer distinct: a key, or an issuer's identity.

    A workflow is one signer at whatever ref it ran.
    """
    who = claim.identity
    subject = who.subject
    if who.subject_type not in ("key", "openpgp") and subject.startswith("https://"):
        subject = subject.partition("@")[0]
    return (who.subject_type, who.issuer, subject)


# ---- several ways -----------------------------------------------------------------


def _meet_alternatives(
    alternatives: Alternatives, file: FileFacts, where: Circumstances
) -> Outcome:
    outcomes = [_meet_all(parts, file, where) for parts in alternatives.of]
    met = [outcome for outcome in outcomes if outcome.met]
    count = len(met) if alternatives.at_least == 1 else _signers_met_by(met, file)
    if count >= alternatives.at_least:
        return Outcome(
            met=True,
            claims=tuple(claim for outcome in met for claim in outcome.claims),
            parts=tuple(part for outcome in met for part in outcome.parts),
            findings=tuple(finding for outcome in met for finding in outcome.findings),
        )
    said = f"{count} of {alternatives.at_least} distinct signers show it"
    unmet = _error(
        "policy.too-few-signers" if count else "policy.unmet",
        file.artifact.name,
        f"no evidence shows {alternatives.describe()}" + (f"; {said}" if count else ""),
        hint=_what_it_means(file),
    )
    near = [_note(finding) for outcome in outcomes for finding in outcome.findings]
    return Outcome(met=False, findings=(unmet, *near[: 2 * MAX_NEAREST]))


def _meet_all(parts: Sequence[Requirement], file: FileFacts, where: Circumstances) -> Outcome:
    outcomes = [_meet_requirement(part, file, where) for part in parts]
    return Outcome(
        met=all(outcome.met for outcome in outcomes),
        claims=tuple(claim for outcome in outcomes for claim in outcome.claims),
        parts=tuple(part for outcome in outcomes for part in outcome.parts),
        findings=tuple(finding for outcome in outcomes for finding in outcome.findings),
    )


def _signers_met_by(met: Sequence[Outcome], file: FileFacts) -> int:
    """Return by how many distinct signers ways are met; of an index, for each of its images.

    Who signed the image of one platform has not signed another's.
    """
    platforms = file.image.platforms if file.image is not None else ()
    return min(
        _distinct(
            [{signer_of(c) for c in way.claims if _is_about(c, file, one)} for way in met],
        )
        for one in platforms or (file,)
    )


def _is_about(claim: Claim, *files: FileFacts) -> bool:
    return any(file.digests.get(claim.digest.algorithm) == claim.digest for file in files)


def _distinct(signers: Sequence[set[tuple[str, ...]]]) -> int:
    """Return how many of the ways can be given a signer of their own (Kuhn's matching).

    Two signers of the policy that one certificate can meet count once.
    """
    way_of: dict[tuple[str, ...], int] = {}

    def place(way: int, tried: set[tuple[str, ...]]) -> bool:
        for signer in sorted(signers[way] - tried):
            tried.add(signer)
            if signer not in way_of or place(way_of[signer], tried):
                way_of[signer] = way
                return True
        return False

    return sum(place(way, set()) for way in range(len(signers)))


# ---- what is told -----------------------------------------------------------------


def _unmet(
    requirement: Requirement,
    file: FileFacts,
    judged: Iterable[tuple[Claim, tuple[Miss, ...]]],
    because: str | None,
) -> Outcome:
    nearest = sorted(judged, key=lambda item: len(item[1]))[:MAX_NEAREST]
    if because is None:
        because = "no evidence about it was accepted"
        if nearest:
            because = f"{nearest[0][0].evidence}: {nearest[0][1][0].message}"
    unmet = _error(
        "policy.unmet" if requirement.at_least == 1 or nearest else "policy.too-few-signers",
        file.artifact.name,
        f"no evidence shows: {requirement.describe()}; {because}",
        hint=_what_it_means(file),
    )
    return Outcome(met=False, findings=(unmet, *_near(nearest, file)))


def _near(nearest: Iterable[tuple[Claim, tuple[Miss, ...]]], file: FileFacts) -> Iterator[Finding]:
    """Yield each reason why claims are not what is demanded, once, with all evidence it is of."""
    by_reason: dict[Miss, list[str]] = {}
    for claim, missing in nearest:
        for miss in missing:
            by_reason.setdefault(miss, []).append(claim.evidence)
    for miss, evidence in by_reason.items():
        yield Finding(
            level=Level.NOTE,
            code=miss.code,
            subject=file.artifact.name,
            message=f"{', '.join(dict.fromkeys(evidence))}: {miss.message}",
            hint=miss.hint,
        )


def _what_it_means(file: FileFacts) -> str:
    if any(finding.code in _OTHER_BYTES for finding in file.findings):
        return "this is not the file that was signed; it was changed or swapped since"
    return "the pack is whole; what is missing is proof of who made this file"


def _note(finding: Finding) -> Finding:
    return Finding(
        level=Level.NOTE, code=finding.code, subject=finding.subject, message=finding.message
    )


def _error(code: str, subject: str, message: str, hint: str | None = None) -> Finding:
    return Finding(level=Level.ERROR, code=code, subject=subject, message=message, hint=hint)


def once_each(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return the claims without repetition, in order.

    They are the same few objects: comparing thousands by value would be slow.
    """
    by_id: Mapping[int, Claim] = {id(claim): claim for claim in claims}
    return tuple(by_id.values())
