"""Files that are copies of what was attested of another artifact.

A release publishes an SBOM beside its image, and attests it to the image: only the second is
signed. Where the policy says that a file is a copy of that predicate, and the two are equal as
JSON values, the signed statement vouches for the file's content too. It does so only where its
own artifact passed: else it may be the true statement of another release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kit.errors import MalformedError
from kit.formats import enclosed, json_values, strictjson
from kit.formats.rules import Demand, Requirement, parts_of
from kit.model import Claim, Finding, Level
from kit.policy import requirements
from kit.policy.binding import UNPROVED
from kit.policy.facts import FileFacts, Inside

#: Characters of a path that are told: a name in a document may be as long as that.
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Original:
    """An artifact that passed, and what its verdict says that nothing proves of it."""

    file: FileFacts
    unproved: tuple[Finding, ...] = ()


#: What an original may leave open and pass: who made it is proved, which of his it is is not.
DOUBTS = UNPROVED | {"oci.tag-unproved"}

#: What passed, by name.
Passed = Mapping[str, Sequence[Original]]


def asked(demands: Sequence[Demand]) -> tuple[Requirement, ...]:
    """Return the requirements among demands that are about copies."""
    parts = (part for demand in demands for part in parts_of(demand))
    return tuple(part for part in parts if part.predicate_of is not None)


def seen(
    file: FileFacts, wanted: Sequence[Requirement], passed: Passed, inside: Inside
) -> FileFacts:
    """Return the facts of a file with what was signed of its content, and where it differs.

    ``wanted`` are the requirements about copies that its line has of it.
    """
    comparing = _Comparing(file, inside.document)
    for requirement in wanted:
        comparing.put_to(requirement, passed)
    return replace(
        file,
        claims=(*file.claims, *comparing.claims),
        findings=(*comparing.findings, *file.findings),
    )


@dataclass(slots=True)
class _Comparing:
    """One file, held against what was attested of others; read once, if at all."""

    file: FileFacts
    read: Callable[[Any], Any]
    claims: list[Claim] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    content: list[Any] = field(default_factory=list)
    #: Where it differs from a predicate, by that: one may be attested of many, many times.
    compared: dict[str, str | None] = field(default_factory=dict)

    def put_to(self, requirement: Requirement, passed: Passed) -> None:
        original = str(requirement.predicate_of)
        originals = passed.get(original, ())
        if not originals:
            self._find(
                "copy.original",
                f"{original}, of which it should be attested, did not pass, is not in the pack, "
                "or is itself a copy",
                "see what its own verdict says; the copy follows it",
            )
            return
        attested = [c for one in originals for c in _attested(requirement, one.file)]
        if not attested:
            self._find(
                "copy.original",
                f"no such statement about {original} was accepted: nothing to compare",
                "collect again with all evidence of it, or look at signer and predicate-type",
            )
            return
        try:
            same = [claim for claim in attested if self._differs_at(claim) is None]
        except MalformedError as error:
            self._find(
                "copy.malformed",
                f"its content cannot be compared: {error.message}",
                "get the file again, or ask its publisher",
            )
            return
        if not same:
            place = self._differs_at(attested[0]) or "$"
            self._find(
                "copy.differs",
                f"it is not what {attested[0].evidence} says, signed, of {original}: they first "
                f"differ at {place[:_SHOWN]}",
                "take the signed one, out of that evidence, or ask the publisher which is right",
            )
            return
        self.claims += [
            replace(
                claim,
                digest=self.file.digests["sha256"],
                names=(),
                predicate_of=original,
            )
            for claim in same
        ]
        for finding in (finding for one in originals for finding in one.unproved):
            self._find(finding.code, f"of {original}, of which it is a copy: {finding.message}")

    def _differs_at(self, claim: Claim) -> str | None:
        said = claim.predicate_json or ""
        if not self.content:
            self.content.append(self.read(self.file.artifact))
        if said not in self.compared:
            self.compared[said] = _difference(said, self.content[0])
        return self.compared[said]

    def _find(self, code: str, message: str, hint: str | None = None) -> None:
        name = self.file.artifact.name
        self.findings.append(
            Finding(level=Level.WARNING, code=code, subject=name, message=message, hint=hint)
        )


def _attested(requirement: Requirement, original: FileFacts) -> Iterator[Claim]:
    """Yield what the requirement's signer states, in its type, of an artifact or its images."""
    below = original.image.platforms if original.image is not None else ()
    signer, types = requirement.signer, requirement.predicate_types
    if signer is None:
        return
    for claim in (claim for one in (original, *below) for claim in one.claims):
        if claim.predicate_json is not None and requirements.is_stated(signer, types, claim):
            yield claim


def _difference(predicate: str, content: Any) -> str | None:
    """Return where a predicate differs from a document; ``None`` where nowhere."""
    raw = predicate.encode()
    # Bounded when it was read; written again, with escapes, it may be longer than that.
    said = strictjson.parse(raw, max_bytes=len(raw), max_values=len(raw))
    if json_values.first_difference(said, content) is None:
        return None
    try:
        return json_values.first_difference(enclosed.document(said), content)
    except MalformedError:
        return "$"
