"""What SBOMs and scans must show, and which exceptions a scan may have.

A claim is asked, never a file: that it is by the signer, and about the artifact, is for
:mod:`kit.policy.requirements` and the verifiers. What excepts a result is
:mod:`kit.policy.exceptions`' to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from kit.formats.encodings import render_time
from kit.formats.rules import SbomRule, ScanRule
from kit.model import Claim
from kit.model.predicates import Sbom, Scan, Severity, Unreadable, Vulnerability
from kit.policy.exceptions import Weighed, weigh
from kit.policy.requirements import Miss
from kit.policy.vex import CLOCK_SKEW

#: Of the results that fail a gate, how many a message names.
MAX_NAMED = 10
#: Of excepted results, how many are told of one by one.
MAX_NOTES = 32


def sbom_misses(rule: SbomRule, claim: Claim) -> tuple[Miss, ...]:
    """Return why a claim does not show the SBOM that a rule demands; empty where it does."""
    says = claim.predicate
    if not isinstance(says, Sbom):
        return (_other("policy.sbom", "an SBOM", claim, "sbom."),)
    found = list(_bound(rule.file, claim, says, "sbom"))
    if rule.format is not None and says.format != rule.format:
        found.append(
            Miss("policy.sbom-format", f"the SBOM is {says.format}, where {rule.format} is asked")
        )
    if says.components < rule.minimum_components:
        found.append(
            Miss(
                "policy.sbom-components",
                f"the SBOM lists {says.components} components, fewer than "
                f"{rule.minimum_components}",
            )
        )
    return tuple(found)


def scan_misses(
    rule: ScanRule, claim: Claim, vex: Sequence[Claim], at: datetime
) -> tuple[Miss, ...]:
    """Return why a claim does not show a scan that passes a rule's gate; empty where it does.

    ``vex`` are the claims about the same artifact, whoever signed them; ``at`` is the time of
    the check.
    """
    says = claim.predicate
    if not isinstance(says, Scan):
        return (_other("policy.scan", "a vulnerability scan", claim, "scan."),)
    found = list(_bound(rule.file, claim, says, "scan"))
    if rule.format is not None and says.format != rule.format:
        found.append(
            Miss("policy.scan", f"the scan is {says.format}, where {rule.format} is asked")
        )
    found += _ages(rule, claim, says, at)
    found += _gate(rule, weigh(rule, claim, vex, at))
    return tuple(found)


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


def _other(code: str, wanted: str, claim: Claim, family: str) -> Miss:
    says = claim.predicate
    if isinstance(says, Unreadable):
        return Miss(says.code if says.code.startswith(family) else code, says.message)
    return Miss(code, f"it is {claim.predicate_type or 'a signature alone'}, not {wanted}")


def _bound(file: str | None, claim: Claim, says: Sbom | Scan, code: str) -> Iterator[Miss]:
    """Yield a miss unless the document is about the artifact, and is the file that is asked."""
    if file is not None:
        if claim.document != file:
            given = "an attestation" if claim.document is None else repr(claim.document)
            if claim.document == "":
                given = "a document whose name nothing signed proves"
            yield Miss(f"policy.{code}", f"it is {given}, not the file {file!r}")
    elif claim.document is not None and claim.digest not in says.about:
        yield Miss(
            f"{code}.about-unproved",
            f"{claim.document} does not give the digest of this file; the policy may name it: "
            f'{code} = {{file = "{claim.document}"}}',
        )


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
