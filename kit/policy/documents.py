"""What SBOMs and scans must show, and which exceptions a scan may have.

A claim is asked, never a file: that it is by the signer, and about the artifact, is for
:mod:`kit.policy.requirements` and the verifiers. What excepts a result is
:mod:`kit.policy.exceptions`' to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.formats.encodings import render_time
from kit.formats.rules import SbomRule, ScanRule
from kit.model import Claim
from kit.model.predicates import Sbom, Scan, Severity, Unreadable, Vulnerability
from kit.policy.exceptions import Weighed, weigh
from kit.policy.miss import Miss
from kit.policy.vex import CLOCK_SKEW

#: Of the results that fail a gate, how many a message names.
MAX_NAMED = 10
#: Of excepted results, how many are told of one by one.
MAX_NOTES = 32


def sbom_kind(rule: SbomRule, claim: Claim) -> tuple[Miss, ...]:
    """Return why a claim is no SBOM that a rule is about: another thing, file or format."""
    return tuple(_of_kind(rule.file, rule.format, claim, _SBOM))


def scan_kind(rule: ScanRule, claim: Claim) -> tuple[Miss, ...]:
    """Return why a claim is no scan that a rule is about: another thing, file or format.

    One that cannot be read is of the kind: of all scans that must hold, it does not.
    """
    return tuple(_of_kind(rule.file, rule.format, claim, _SCAN))


def sbom_misses(rule: SbomRule, claim: Claim) -> tuple[Miss, ...]:
    """Return why a claim does not show the SBOM that a rule demands; empty where it does."""
    other = sbom_kind(rule, claim)
    says = claim.predicate
    if other or not isinstance(says, Sbom):
        return other or _unreadable(claim)
    if says.components >= rule.minimum_components:
        return ()
    return (
        Miss(
            "policy.sbom-components",
            f"the SBOM lists {says.components} components, fewer than {rule.minimum_components}",
        ),
    )


def scan_misses(
    rule: ScanRule, claim: Claim, vex: Sequence[Claim], at: datetime
) -> tuple[Miss, ...]:
    """Return why a claim does not show a scan that passes a rule's gate; empty where it does.

    ``vex`` are claims about the same artifact that may except results, whoever signed them;
    ``at`` is the time of the check.
    """
    other = scan_kind(rule, claim)
    says = claim.predicate
    if other or not isinstance(says, Scan):
        return other or _unreadable(claim)
    return (*_ages(rule, claim, says, at), *_gate(rule, weigh(rule, claim, vex, at)))


def scan_notes(
    rule: ScanRule, claim: Claim, vex: Sequence[Claim], at: datetime
) -> tuple[Miss, ...]:
    """Return what an operator should know of a scan that passes: what did not count, and why."""
    weighed = weigh(rule, claim, vex, at)
    found = [
        Miss("scan.excepted", f"{', '.join(one.found.ids[:3])}: {one.why}; by {one.by}")
        for one in weighed.excepted[:MAX_NOTES]
    ]
    if len(weighed.excepted) > MAX_NOTES:
        more = len(weighed.excepted) - MAX_NOTES
        found.append(Miss("scan.excepted", f"and {more} more results"))
    if weighed.allowed:
        found.append(
            Miss("scan.unknown-allowed", f"{weighed.allowed} results have no known severity")
        )
    found += [
        Miss("scan.exception-idle", f"the exception for {one.id} matches no result of this scan")
        for one in weighed.idle
    ]
    return tuple(found)


# ---- what a claim is about ------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a rule is about: the word in codes, for people, and the type of what is said."""

    code: str
    words: str
    type: type[Sbom | Scan]


_SBOM = _Kind("sbom", "an SBOM", Sbom)
_SCAN = _Kind("scan", "a vulnerability scan", Scan)


def _unreadable(claim: Claim) -> tuple[Miss, ...]:
    says = claim.predicate
    return (Miss(says.code, says.message),) if isinstance(says, Unreadable) else ()


def _of_kind(file: str | None, wanted: str | None, claim: Claim, kind: _Kind) -> Iterator[Miss]:
    says = claim.predicate
    unreadable = isinstance(says, Unreadable) and says.code.startswith(f"{kind.code}.")
    if not (unreadable or isinstance(says, kind.type)):
        given = claim.predicate_type or "a signature alone"
        yield Miss(f"policy.{kind.code}", f"it is {given}, not {kind.words}")
        return
    yield from _by_file(file, claim, kind)
    if isinstance(says, Sbom | Scan):
        if wanted is not None and says.format != wanted:
            yield Miss(
                f"policy.{kind.code}-format", f"it is {says.format}, where {wanted} is asked"
            )
        if file is None and claim.document is not None and claim.digest not in says.about:
            yield Miss(
                f"{kind.code}.about-unproved",
                f"{claim.document} does not give the digest of this file; the policy may name "
                f'it: {kind.code} = {{file = "{claim.document}"}}',
            )


def _by_file(file: str | None, claim: Claim, kind: _Kind) -> Iterator[Miss]:
    if file is None or claim.document == file:
        return
    given = {None: "an attestation", "": "a document whose name nothing signed proves"}
    is_now = given.get(claim.document, repr(claim.document))
    yield Miss(f"policy.{kind.code}", f"it is {is_now}, not the file {file!r}")


# ---- how old it is --------------------------------------------------------


def _ages(rule: ScanRule, claim: Claim, says: Scan, at: datetime) -> Iterator[Miss]:
    finished = says.finished_at
    if finished is not None:
        limit = at if claim.signed_at is None else min(at, claim.signed_at)
        if finished > limit + CLOCK_SKEW:
            # What is signed cannot end later; a date ahead would stay fresh for ever.
            yield Miss(
                "scan.time",
                f"the scan says that it ended at {render_time(finished)}, after "
                f"{render_time(limit)}, when it was signed or is checked",
            )
    if rule.max_age is not None:
        # A scan that states no time can be no younger than its signature, but it may be older.
        yield from _age(
            finished, rule.max_age, at, ("scan.no-time", "scan.too-old", "when the scan ended")
        )
    database = says.database_at
    if database is not None and database > at + CLOCK_SKEW:
        yield Miss("scan.time", f"its database is of {render_time(database)}, after this check")
    if rule.max_database_age is not None:
        words = ("scan.database-unknown", "scan.database-old", "how old its database is")
        yield from _age(database, rule.max_database_age, at, words)


def _age(
    moment: datetime | None, limit: timedelta, at: datetime, words: tuple[str, str, str]
) -> Iterator[Miss]:
    unknown, old, what = words
    if moment is None:
        yield Miss(unknown, f"it does not say {what}, and the policy bounds that")
    elif at - moment > limit:
        yield Miss(old, f"{render_time(moment)} is {_days(at - moment)} ago, over {_days(limit)}")


def _days(span: timedelta) -> str:
    days, hours = span.days, span.seconds // 3600
    return f"{days} days" if days and not hours else f"{days * 24 + hours} hours"


# ---- what it found --------------------------------------------------------


def _gate(rule: ScanRule, weighed: Weighed) -> Iterator[Miss]:
    unknown = [one for one in weighed.counted if one.severity is Severity.UNKNOWN]
    known = [one for one in weighed.counted if one.severity is not Severity.UNKNOWN]
    if known:
        worst = sorted(known, key=lambda one: (-one.severity, one.ids))
        yield Miss(
            "scan.severity",
            f"{len(known)} results are {rule.fail_on.name.lower()} or worse: {_named(worst)}",
        )
    if unknown:
        yield Miss(
            "scan.unknown-severity",
            f"{len(unknown)} results have no known severity, which may be the worst: "
            f"{_named(sorted(unknown, key=lambda one: one.ids))}",
        )
    for exception in weighed.expired:
        yield Miss(
            "scan.exception-expired",
            f"the exception for {exception.id} ended at {render_time(exception.expires)}",
        )


def _named(found: Sequence[Vulnerability]) -> str:
    said = [f"{one.ids[0][:80]} ({one.severity.name.lower()})" for one in found[:MAX_NAMED]]
    more = len(found) - len(said)
    return ", ".join(said) + (f" and {more} more" if more > 0 else "")
