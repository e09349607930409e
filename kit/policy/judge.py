"""Turn claims into verdicts: one for every file of the pack, and one for every file missing.

Deny by default. A file passes only if a line of the release file names it, every
requirement of that line is met by one claim, and its name and version are proved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from kit.formats.distribution import Named
from kit.formats.release_file import Line, ReleaseFile, Requirement, matches
from kit.model import Artifact, Claim, Contradiction, Digest, Finding, Level, Verdict
from kit.policy import binding, requirements

#: Of claims that do not meet a requirement, how many are told of: a pack may hold thousands.
MAX_NEAREST = 8

#: Reads the metadata inside a wheel or sdist; raises MalformedError where it cannot.
Inside = Callable[[Artifact], Named]


#: Refusals that say that evidence about a file of this name is about other bytes.
_OTHER_BYTES = frozenset({"sigstore.digest", "statement.subject", "digest.mismatch"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One artifact of the pack: what was hashed, what verifiers accepted, what they found."""

    artifact: Artifact
    size: int
    digests: Mapping[str, Digest]
    claims: tuple[Claim, ...]
    contradictions: tuple[Contradiction, ...]
    findings: tuple[Finding, ...]


def judge(
    release: ReleaseFile, files: Sequence[FileFacts], inside: Inside
) -> tuple[tuple[Verdict, ...], tuple[Finding, ...]]:
    """Return a verdict for every file, in the order of the lines, and findings about lines.

    ``inside`` reads the metadata inside a file; it is asked only about files whose bytes a
    claim of the policy's signers covers.
    """
    by_source: dict[str, list[FileFacts]] = {}
    names_of: dict[Digest, list[str]] = {}
    for file in sorted(files, key=lambda file: file.artifact.name):
        by_source.setdefault(file.artifact.source, []).append(file)
        names = names_of.setdefault(file.digests["sha256"], [])
        if file.artifact.name not in names[-1:]:
            names.append(file.artifact.name)
    verdicts: list[Verdict] = []
    notes: list[Finding] = []
    for line in release.lines:
        mine = by_source.pop(line.source.text, [])
        for file in mine:
            verdict = _judge_file(release, line, file, inside)
            verdicts.append(_once(verdict, names_of[file.digests["sha256"]]))
        present = [file.artifact.name for file in mine]
        verdicts += _missing(line, present)
        notes += _as_collected(line, present)
    verdicts += [_stray(file) for strays in by_source.values() for file in strays]
    return tuple(verdicts), tuple(notes)


def _judge_file(release: ReleaseFile, line: Line, file: FileFacts, inside: Inside) -> Verdict:
    name = file.artifact.name
    findings: list[Finding] = []
    if not line.takes(name):
        findings.append(_unnamed(file, f"the line {line.source.text!r} does not name it"))
    if not line.require:
        findings.append(
            _error(
                "policy.no-rule",
                name,
                f"the line {line.source.text!r} has no require",
                hint="say what must hold: add [[artifact.require]] with a signer or a digest",
            )
        )
    met_by_id: dict[int, Claim] = {}  # the same few objects: comparing thousands would be slow
    for requirement in line.require:
        claims, unmet = _meet(requirement, file)
        met_by_id |= {id(claim): claim for claim in claims}
        findings += unmet
    met = tuple(met_by_id.values())
    findings += _contradicted(release, file)
    if not any(finding.level is Level.ERROR for finding in findings):
        findings += _bound(release, line, name, met, partial(inside, file.artifact))
    return Verdict(
        name=name,
        source=file.artifact.source,
        digest=file.digests["sha256"],
        size=file.size,
        claims=met,
        findings=(*findings, *file.findings),
    )


def _meet(requirement: Requirement, file: FileFacts) -> tuple[list[Claim], list[Finding]]:
    """Return the claims that meet a requirement; without any, the findings that say why not."""
    if requirement.signer is None:
        missing = requirements.by_digest(requirement, file.digests)
        return [], [_error(miss.code, file.artifact.name, miss.message) for miss in missing]
    judged = [
        (claim, requirements.misses(requirement, claim, file.digests)) for claim in file.claims
    ]
    met = [claim for claim, missing in judged if not missing]
    if met:
        return met, []
    nearest = sorted(judged, key=lambda item: len(item[1]))[:MAX_NEAREST]
    why = (
        f"{nearest[0][0].evidence}: {nearest[0][1][0].message}"
        if nearest
        else "no evidence about it was accepted"
    )
    unmet = _error(
        "policy.unmet",
        file.artifact.name,
        f"no evidence shows: {requirement.describe()}; {why}",
        hint=_what_it_means(file),
    )
    near = [
        Finding(
            level=Level.NOTE,
            code=miss.code,
            subject=file.artifact.name,
            message=f"{claim.evidence}: {miss.message}",
        )
        for claim, missing in nearest
        for miss in missing
    ]
    return [], [unmet, *near]


def _what_it_means(file: FileFacts) -> str:
    if any(finding.code in _OTHER_BYTES for finding in file.findings):
        return "this is not the file that was signed; it was changed or swapped since"
    return "the pack is whole; what is missing is proof of who made this file"


def _contradicted(release: ReleaseFile, file: FileFacts) -> list[Finding]:
    """Fail a file that a signer of the policy lists under another digest."""
    return [
        _error(
            "digest.mismatch",
            file.artifact.name,
            contradiction.message,
            hint="the file is not the one its publisher listed",
        )
        for contradiction in file.contradictions
        if any(
            not requirements.by_signer(signer, contradiction.over)
            for signer in release.signers.values()
        )
    ]


def _bound(
    release: ReleaseFile, line: Line, name: str, met: Sequence[Claim], inside: binding.Inside
) -> list[Finding]:
    found = [
        binding.unproved_name(name, met, line, inside),
        binding.unproved_version(name, release.version, met, line),
    ]
    level = Level.ERROR if release.strict_names else Level.WARNING
    return [replace(finding, level=level) for finding in found if finding is not None]


def _once(verdict: Verdict, names: Sequence[str]) -> Verdict:
    """Fail a digest that is presented under two names: it can be only one of them."""
    if len(names) == 1:
        return verdict
    others = ", ".join([name for name in names[:4] if name != verdict.name][:3])
    if len(names) > 4:
        others += f" and {len(names) - 4} more"
    same = _error("artifact.same-digest", verdict.name, f"has the same bytes as {others}")
    return replace(verdict, findings=(same, *verdict.findings))


def _missing(line: Line, present: Sequence[str]) -> list[Verdict]:
    """Return a failed verdict for every name, and every pattern, that nothing answers."""
    there = frozenset(present)
    absent = [name for name in line.names if name not in there]
    absent += [
        pattern
        for pattern in line.patterns
        if not any(matches(pattern, name) and line.takes(name) for name in present)
    ]
    return [
        Verdict(
            name=name,
            source=line.source.text,
            digest=None,
            size=None,
            claims=(),
            findings=(
                _error(
                    "artifact.missing",
                    name,
                    f"the line {line.source.text!r} names it; the pack has no such file",
                    hint="collect again; the ledger in the pack says what its source answered",
                ),
            ),
        )
        for name in absent
    ]


def _as_collected(line: Line, present: Sequence[str]) -> list[Finding]:
    if not line.patterns or not present:
        return []
    return [
        Finding(
            level=Level.NOTE,
            code="artifact.as-collected",
            subject=line.source.text,
            message=f"{len(present)} files, as the collector saw it: a pattern or a folder cannot "
            "show what was withheld",
            hint="write the file names out in `files`",
        )
    ]


def _stray(file: FileFacts) -> Verdict:
    why = f"no line of the policy has the source {file.artifact.source!r}"
    return Verdict(
        name=file.artifact.name,
        source=file.artifact.source,
        digest=file.digests["sha256"],
        size=file.size,
        claims=(),
        findings=(_unnamed(file, why), *file.findings),
    )


def _unnamed(file: FileFacts, why: str) -> Finding:
    return _error(
        "artifact.unnamed",
        file.artifact.name,
        why,
        hint="the pack holds a file that the policy does not ask for; name it or collect again",
    )


def _error(code: str, subject: str, message: str, hint: str | None = None) -> Finding:
    return Finding(level=Level.ERROR, code=code, subject=subject, message=message, hint=hint)
