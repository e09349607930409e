"""The report for people: a line a verdict, then what was found, then what it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from kit.formats.encodings import render_time
from kit.model import AnchorRecord, Claim, Finding, Level, Report, SealRecord, Verdict
from kit.model.predicates import Provenance, Sbom, Scan
from kit.policy.binding import UNPROVED
from kit.report.escape import plain

#: What a PASS never says (security.md 3.5): printed with every report that has one.
NOT_PROVED = (
    "Not proved: that the files are free of malice or bugs; that nothing newer exists; "
    "that no identity or key was revoked after the trusted root's date; "
    "that this host, its clock and its anchors are sound."
)


def render(report: Report) -> str:
    """Return the report as lines of text, without a clock, a host name or a path in it."""
    return "".join(f"{line}\n" for line in _lines(report))


def render_findings(findings: Iterable[Finding]) -> str:
    """Return findings as lines of text, each with what it is about."""
    return "".join(f"{line}\n" for finding in findings for line in _finding(finding, ""))


def _lines(report: Report) -> Iterator[str]:
    clock = [finding for finding in report.findings if finding.code == _CLOCK]
    for finding in clock:  # before all that it makes doubtful
        yield from _finding(finding, "")
    width = max((len(verdict.name) for verdict in report.verdicts), default=0)
    for verdict in report.verdicts:
        yield from _verdict(verdict, min(width, 60))
    for finding in report.findings:
        if finding not in clock:
            yield from _finding(finding, "")
    yield ""
    yield _sum(report)
    yield from seals(report.custody)
    for anchor in report.anchors:
        yield from _anchor(anchor, report)
    if any(verdict.passed for verdict in report.verdicts):
        yield NOT_PROVED


def _verdict(verdict: Verdict, width: int) -> Iterator[str]:
    name = plain(verdict.name).ljust(width)
    if verdict.passed:
        yield f"{_passed(verdict)}  {name}  {_by(verdict.claims)}"
        yield from builds(verdict.claims)
        yield from _contents(verdict.claims)
    else:
        first = next(f for f in verdict.findings if f.level is Level.ERROR)
        yield f"FAIL  {name}  {first.code}: {plain(first.message)}"
        if first.hint:
            yield f"        {plain(first.hint)}"
    shown = False
    for finding in verdict.findings:
        if finding.level is Level.ERROR and not shown:
            shown = True  # stands on the verdict's own line
            continue
        yield from _finding(finding, "      ")


_CLOCK = "clock.impossible"


def _passed(verdict: Verdict) -> str:
    unproved = sum(f.code in UNPROVED for f in verdict.findings)
    return f"PASS, name not proved: {unproved}" if unproved else "PASS"


def _by(claims: Sequence[Claim]) -> str:
    if not claims:
        return "the digest that the policy pins"
    claim = claims[0]
    through = f" through {plain(claim.listed_in)}" if claim.listed_in else ""
    if claim.predicate_of:
        through = f" as attested of {plain(claim.predicate_of)}"
    kind = f" ({plain(claim.predicate_type)})" if claim.predicate_type else ""
    more = f", and {len(claims) - 1} more" if len(claims) > 1 else ""
    when = "" if claim.signed_at is None else f"  signed {render_time(claim.signed_at)}"
    # The time in an OpenPGP signature is its signer's word; the document has it.
    by = "openpgp" if claim.identity.subject_type == "openpgp" else "sigstore"
    added = ", its log entry added while collecting" if claim.completed_from else ""
    return f"{by}{through}  {plain(claim.identity.subject)}{kind}{when}{added}{more}"


def builds(claims: Sequence[Claim]) -> Iterator[str]:
    """Yield who says what of the first build with provenance: a line for each side."""
    claim = next((claim for claim in claims if isinstance(claim.predicate, Provenance)), None)
    if claim is None or not isinstance(claim.predicate, Provenance):
        return
    said, facts = claim.predicate, claim.identity.facts
    sides = {
        "provenance ": (
            said.source_repository,
            said.source_ref,
            said.source_digest,
            said.builder_id,
        ),
        "certificate": (
            facts.get("source-repository-uri"),
            facts.get("source-repository-ref"),
            facts.get("source-repository-digest"),
            facts.get("build-signer-uri"),
        ),
    }
    for by, (repository, ref, commit, builder) in sides.items():
        told = {"source": repository, "at": ref, "commit": commit, "built by": builder}
        if any(told.values()):
            words = "  ".join(f"{word} {plain(value)}" for word, value in told.items() if value)
            yield f"      {by}  {words}"


def _contents(claims: Sequence[Claim]) -> Iterator[str]:
    """Yield what SBOMs list and scans found, a line each."""
    for claim in claims:
        said = claim.predicate
        if isinstance(said, Sbom):
            yield f"      SBOM         {plain(said.format)}  {said.components} components"
        elif isinstance(said, Scan):
            when = f"  of {render_time(said.finished_at)}" if said.finished_at else ""
            counts = Counter(one.severity for one in said.found)
            told = ", ".join(f"{counts[s]} {s.name.lower()}" for s in sorted(counts, reverse=True))
            yield f"      scan         {plain(said.tool)}{when}  {told or 'no results'}"


def _finding(finding: Finding, indent: str) -> Iterator[str]:
    about = "" if indent else f"{plain(finding.subject)}: "
    yield f"{indent}{finding.level.value}: {finding.code}: {about}{plain(finding.message)}"
    if finding.hint:
        yield f"{indent}  {plain(finding.hint)}"


def _sum(report: Report) -> str:
    passed = sum(verdict.passed for verdict in report.verdicts)
    failed = len(report.verdicts) - passed
    if not report.verdicts:
        outcome = "nothing was verified"
    elif report.passed:
        outcome = f"PASS: {passed} passed, 0 failed"
    else:
        outcome = f"FAIL: {passed} passed, {failed} failed"
    beside = "".join(
        f"schema sha256:{sha256} ({plain(name)})\n"
        for name, sha256 in report.predicate_schemas.items()
    )
    return (
        f"{outcome}, {report.release_name} {report.release_version} as of "
        f"{render_time(report.at)}{' by the clock of this host' if report.by_clock else ''}\n"
        f"policy sha256:{report.policy_sha256}\n{beside}"
        f"pack   sha256:{report.manifest_sha256} (manifest.json), collected "
        f"{render_time(report.collected_at)} as it says itself"
    )


def seals(custody: Iterable[SealRecord]) -> Iterator[str]:
    """Yield a line for each seal beside the pack, in their order."""
    for seal in custody:
        who = plain(seal.signer or seal.key)
        note = f": {plain(seal.note)}" if seal.note else ""
        held = "" if seal.verified else " (NOT VERIFIED)"
        yield f"custody {seal.role} {render_time(seal.at)} by {who}{held}{note}"


def _anchor(anchor: AnchorRecord, report: Report) -> Iterator[str]:
    """Yield what an anchor is; and, of one that ages, how old it is."""
    yield f"anchor {anchor.instance}: sha256:{anchor.sha256} ({plain(anchor.origin)})"
    age = anchor.age(report.at)
    if age is None:
        return
    told = []
    if anchor.root_version is not None and anchor.root_expires is not None:
        told.append(f"TUF root {anchor.root_version} until {render_time(anchor.root_expires)}")
    if anchor.vouched_until is not None:
        told.append(f"vouched for until {render_time(anchor.vouched_until)}")
    elif anchor.newest is not None:
        told.append(f"newest entry {render_time(anchor.newest)}")
    since = f"{age.days} days old; what was revoked since is unknown"
    yield f"       {', '.join(told)}, {since}"
