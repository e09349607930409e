"""Turn claims into verdicts: one for every file of the pack, and one for every file missing.

Deny by default. A file passes only if a line of the release file names it, every
requirement of that line is met by one claim, and its name and version are proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from packaging.version import InvalidVersion, Version

from kit.formats import distribution
from kit.formats.encodings import render_time
from kit.formats.npm_package import NpmPackage
from kit.formats.release_file import ReleaseFile
from kit.formats.release_line import Line, matches
from kit.formats.rules import Requirement, Signer
from kit.model import Claim, Digest, Finding, Level, Verdict
from kit.policy import binding, copies, demands, images, requirements
from kit.policy.facts import Circumstances, FileFacts, Inside

#: Findings of one kind that fail a file: one would do, and a hostile pack could have thousands.
MAX_AGAINST = 32


def judge(
    release: ReleaseFile, files: Sequence[FileFacts], inside: Inside, at: datetime
) -> tuple[tuple[Verdict, ...], tuple[Finding, ...]]:
    """Return a verdict for every file, in the order of the lines, and findings about lines.

    ``at`` is the time of judging. ``inside`` reads what is in a file; it is asked only about
    files whose bytes a claim of the policy's signers covers, and those that must be copies.
    """
    by_source: dict[str, list[FileFacts]] = {}
    names_of: dict[Digest, list[str]] = {}
    for file in sorted(files, key=lambda file: file.artifact.name):
        by_source.setdefault(file.artifact.source, []).append(file)
        names = names_of.setdefault(file.digests["sha256"], [])
        if file.artifact.name not in names[-1:]:
            names.append(file.artifact.name)
    where = Circumstances(terms=release.terms, at=at)
    notes: list[Finding] = list(_about_the_policy(release, where))
    by_line = [(line, by_source.pop(line.source.text, [])) for line in release.lines]

    def judged(line: Line, file: FileFacts) -> Verdict:
        verdict = _judge_file(release, line, file, where, inside)
        return _once(verdict, names_of[file.digests["sha256"]])

    made = _by_file(release, by_line, judged, inside)
    verdicts: list[Verdict] = []
    for line, mine in by_line:
        verdicts += [made[id(file)] for file in mine]
        present = [file.artifact.name for file in mine]
        verdicts += _missing(line, present)
        notes += _as_collected(line, present)
    verdicts += [_stray(file) for strays in by_source.values() for file in strays]
    return tuple(verdicts), tuple(notes)


def _by_file(
    release: ReleaseFile,
    by_line: Sequence[tuple[Line, Sequence[FileFacts]]],
    judged: Callable[[Line, FileFacts], Verdict],
    inside: Inside,
) -> dict[int, Verdict]:
    """Return the verdict on each file; on copies last, as they rest on what became of others."""
    made: dict[int, Verdict] = {}
    passed: dict[str, list[copies.Original]] = {}
    waiting: list[tuple[Line, FileFacts]] = []
    parts = (part for line in release.lines for part in line.requirements)
    meant = {name: release.lines_of(name) for part in parts if (name := part.predicate_of)}
    for line, file in ((line, file) for line, mine in by_line for file in mine):
        if copies.asked(line.demands_of(file.artifact.name)):
            waiting.append((line, file))
            continue
        made[id(file)] = verdict = judged(line, file)
        if verdict.passed:
            unproved = tuple(f for f in verdict.findings if f.code in copies.DOUBTS)
            for name, lines in meant.items():
                if line in lines and (file.artifact.name == name or line.is_named(name)):
                    passed.setdefault(name, []).append(copies.Original(file, unproved))
    for line, file in waiting:
        wanted = copies.asked(line.demands_of(file.artifact.name))
        made[id(file)] = judged(line, copies.seen(file, wanted, passed, inside))
    return made


def _about_the_policy(release: ReleaseFile, where: Circumstances) -> Iterator[Finding]:
    expires = release.terms.expires
    if expires is not None and where.at >= expires:
        yield _error(
            "policy.expired",
            "expires",
            f"the policy counts until {render_time(expires)}, and it is {render_time(where.at)}",
            hint="somebody must look at it again and set a new date",
        )
    floor = release.terms.minimum_version
    if floor is not None and _below(release.version, floor):
        yield _error(
            "policy.version-floor",
            "version",
            f"the policy is for {release.version}, and its minimum-version is {floor}",
        )


def _judge_file(
    release: ReleaseFile, line: Line, file: FileFacts, where: Circumstances, inside: Inside
) -> Verdict:
    name = file.artifact.name
    findings: list[Finding] = []
    if not line.takes(name):
        findings.append(_unnamed(file, f"the line {line.source.text!r} does not name it"))
    other = binding.of_other_package(name, line.source)
    if other is not None:
        findings.append(other)
    findings += images.is_other(line, file)
    wanted = line.demands_of(name)
    if all(demand.optional is not None for demand in wanted):
        findings.append(_no_rule(line, name))
    claims: list[Claim] = []
    parts: list[Requirement] = []
    for demand in wanted:
        outcome = demands.meet(demand, file, where)
        claims += outcome.claims
        parts += outcome.parts
        findings += outcome.findings
    met = demands.once_each(claims)
    findings += _denied(file, where)
    findings += _named_otherwise(release, line, file)
    findings += _contradicted(release, file)
    if not any(finding.level is Level.ERROR for finding in findings):
        findings += _bound(release, line, file, met, parts, partial(inside.package, file.artifact))
    return Verdict(
        name=name,
        source=file.artifact.source,
        digest=file.digests["sha256"],
        size=file.size,
        claims=met,
        # Several demands may miss the same: what is told once is read.
        findings=tuple(dict.fromkeys((*findings, *images.by_index(file), *file.findings))),
        members=file.members,
        evidence=file.evidence,
    )


def _no_rule(line: Line, name: str) -> Finding:
    return _error(
        "policy.no-rule",
        name,
        f"the line {line.source.text!r} has no require"
        + (" about it that is not optional" if line.require else ""),
        hint="say what must hold: add [[artifact.require]] with a signer or a digest",
    )


def _denied(file: FileFacts, where: Circumstances) -> Iterator[Finding]:
    """Yield what may never pass: these bytes, or a file that somebody signed."""
    denied = where.terms.denied
    name = file.artifact.name
    blobs, below = (file.image.blobs, file.image.platforms) if file.image else (frozenset(), ())
    for digest in sorted(denied.digests & (blobs | frozenset(file.digests.values()))):
        yield _error("policy.denied", name, f"the policy denies the digest {digest}")
    claims = (claim for one in (file, *below) for claim in one.claims)
    subjects = {c.identity.subject for c in claims if requirements.is_denied(denied, c)}
    for subject in sorted(subjects):
        yield _error("policy.denied", name, f"it is signed by {subject}, whom the policy denies")


def _below(version: str, floor: str) -> bool:
    """Say whether a version is below the floor; what cannot be ordered is."""
    try:
        return Version(version) < Version(floor)
    except InvalidVersion:
        return True


def _contradicted(release: ReleaseFile, file: FileFacts) -> list[Finding]:
    """Fail a file that a signer of the policy lists under another digest."""
    # Who they are is asked of all lines: not for every file of many.
    signers = _signers(release) if file.contradictions else ()
    found = [
        _error(
            "digest.mismatch",
            file.artifact.name,
            contradiction.message,
            hint="the file is not the one its publisher listed",
        )
        for contradiction in file.contradictions
        if any(not requirements.by_signer(signer, contradiction.over) for signer in signers)
    ]
    return found[:MAX_AGAINST]


def _named_otherwise(release: ReleaseFile, line: Line, file: FileFacts) -> list[Finding]:
    """Fail an npm package that a signer of the policy signed as another one."""
    others = [
        (claim, other)
        for claim in file.claims
        if (other := binding.other_npm_package(file.artifact.name, line.source, claim)) is not None
    ]
    signers = _signers(release) if others else ()
    found = [
        other
        for claim, other in others
        if any(not requirements.by_signer(signer, claim) for signer in signers)
    ]
    return found[:MAX_AGAINST]


def _signers(release: ReleaseFile) -> tuple[Signer, ...]:
    # Also one that no [signers] table names: `openpgp` in a requirement.
    return tuple(dict.fromkeys((*release.signers.values(), *release.used_signers)))


def _bound(
    release: ReleaseFile,
    line: Line,
    file: FileFacts,
    met: Sequence[Claim],
    parts: Sequence[Requirement],
    inside: binding.Inside,
) -> list[Finding]:
    name = file.artifact.name
    found: list[Finding | None]
    if line.source.image is not None:
        found = list(images.unproved(line, file, met, parts))
    elif isinstance(line.source.package, NpmPackage):
        found = [binding.unproved_package(name, line.source.package, met, parts, inside)]
    else:
        found = [binding.unproved_name(name, met, parts, inside)]
        # A package's line says its own version, and the name was held against that already.
        if line.source.package is None:
            found.append(binding.unproved_version(name, release.version, met, parts))
    told = [_as_strict(finding, release) for finding in found if finding is not None]
    floor = release.terms.minimum_version
    written = distribution.parse_name(name)
    if floor is not None and written is not None and _below(written.version, floor):
        told.append(
            _error(
                "policy.version-floor",
                name,
                f"it is of version {written.version}, below minimum-version {floor}",
            )
        )
    return told


def _as_strict(finding: Finding, release: ReleaseFile) -> Finding:
    """Return a finding as an error only where the release file is strict about names."""
    if finding.level is Level.ERROR and not release.strict_names:
        return replace(finding, level=Level.WARNING)
    return finding


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
