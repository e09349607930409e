"""kit.policy.documents: an SBOM or scan is met, or narrowly missed for its own reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.formats.rules import SbomRule, ScanException, ScanRule, Signer
from kit.model import Claim, EvidenceKind
from kit.model.predicates import (
    Sbom,
    Scan,
    Severity,
    Unreadable,
    Vex,
    VexStatement,
    Vulnerability,
)
from kit.policy import documents
from tests.claims import claim, sha256
from tests.lab import AT, IDENTITY, ISSUER

RAW = b"artifact"
NOW = AT + timedelta(days=2)
CVE = Vulnerability(ids=("CVE-2026-1-libx", "CVE-2026-1"), severity=Severity.HIGH, package="libx")
VEXER = Signer(name="vexer", issuer=ISSUER, identity="https://vex.example/signer")


def sbom(document: str | None = None, **changes: Any) -> Claim:
    says = Sbom(format="spdx", version="2.3", components=3)
    return claim(RAW, predicate=replace(says, **changes), document=document)


def scan(*found: Vulnerability, **changes: Any) -> Claim:
    usual = Scan(format="grype", tool="grype 1", found=found, finished_at=AT - timedelta(hours=1))
    outer = {key: changes.pop(key) for key in ("document", "signed_at") if key in changes}
    return claim(RAW, predicate=replace(usual, **changes), **outer)


def vex(*statements: VexStatement, **changes: Any) -> Claim:
    says = Vex(author="Acme", statements=statements)
    return claim(RAW, **{"subject": VEXER.identity, "predicate": says} | changes)


def stated(status: str = "not_affected", **changes: Any) -> VexStatement:
    usual = VexStatement(ids=("CVE-2026-1",), status=status, justification="unused", at=AT)
    return replace(usual, **changes)


def sbom_codes(rule: SbomRule, judged: Claim) -> list[str]:
    return [miss.code for miss in documents.sbom_misses(rule, judged)]


def codes(rule: ScanRule, judged: Claim, *others: Claim, at: datetime = NOW) -> list[str]:
    return [miss.code for miss in documents.scan_misses(rule, judged, others, at)]


def notes(rule: ScanRule, judged: Claim, *others: Claim) -> list[str]:
    return [miss.code for miss in documents.scan_notes(rule, judged, others, NOW)]


# ---- SBOMs ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "judged"),
    [
        (SbomRule(), sbom()),
        (SbomRule(format="spdx"), sbom()),
        (SbomRule(minimum_components=3), sbom()),
        (SbomRule(minimum_components=0), sbom(components=0)),
        (SbomRule(file="sbom.json"), sbom(document="sbom.json")),
        (SbomRule(), sbom(document="sbom.json", about=(sha256(RAW),))),
        (SbomRule(), sbom(document="", about=(sha256(RAW),))),
    ],
)
def test_an_sbom_that_meets_its_rule(rule: SbomRule, judged: Claim) -> None:
    assert sbom_codes(rule, judged) == []


@pytest.mark.parametrize(
    ("rule", "judged", "code"),
    [
        (SbomRule(), claim(RAW), "policy.sbom"),
        (SbomRule(), scan(), "policy.sbom"),
        (SbomRule(format="cyclonedx"), sbom(), "policy.sbom-format"),
        (SbomRule(minimum_components=4), sbom(), "policy.sbom-components"),
        (SbomRule(), sbom(components=0), "policy.sbom-components"),
        (SbomRule(file="sbom.json"), sbom(), "policy.sbom"),
        (SbomRule(file="sbom.json"), sbom(document="sbom.json.old"), "policy.sbom"),
        (SbomRule(file="sbom.json"), sbom(document="", about=(sha256(RAW),)), "policy.sbom"),
        (SbomRule(), sbom(document="sbom.json"), "sbom.about-unproved"),
        (SbomRule(), sbom(document="a", about=(sha256(b"other"),)), "sbom.about-unproved"),
        (
            SbomRule(),
            claim(RAW, predicate=Unreadable(code="sbom.malformed", message="m")),
            "sbom.malformed",
        ),
        (
            SbomRule(),
            claim(RAW, predicate=Unreadable(code="scan.malformed", message="m")),
            "policy.sbom",
        ),
    ],
)
def test_an_sbom_that_misses_its_rule(rule: SbomRule, judged: Claim, code: str) -> None:
    assert sbom_codes(rule, judged) == [code]


# ---- severities -------------------------------------------------------------------

RULE = ScanRule(fail_on=Severity.HIGH)


def of(severity: Severity) -> Vulnerability:
    return replace(CVE, severity=severity)


@pytest.mark.parametrize(
    ("fail_on", "severity", "code"),
    [
        (Severity.CRITICAL, Severity.HIGH, None),
        (Severity.CRITICAL, Severity.CRITICAL, "scan.severity"),
        (Severity.HIGH, Severity.MEDIUM, None),
        (Severity.HIGH, Severity.HIGH, "scan.severity"),
        (Severity.LOW, Severity.NONE, None),
        (Severity.LOW, Severity.LOW, "scan.severity"),
        (Severity.CRITICAL, Severity.UNKNOWN, "scan.unknown-severity"),
    ],
)
def test_the_gate_is_at_its_severity(
    fail_on: Severity, severity: Severity, code: str | None
) -> None:
    found = codes(ScanRule(fail_on=fail_on), scan(of(severity)))
    assert found == ([code] if code else [])


def test_unknown_severities_pass_only_where_the_rule_says_so() -> None:
    rule = replace(RULE, allow_unknown=True)
    assert codes(rule, scan(of(Severity.UNKNOWN))) == []
    assert notes(rule, scan(of(Severity.UNKNOWN))) == ["scan.unknown-allowed"]
    assert codes(rule, scan(of(Severity.CRITICAL))) == ["scan.severity"]


def test_the_worst_are_named_and_the_rest_counted() -> None:
    many = [replace(CVE, ids=(f"CVE-1-{n:03}",)) for n in range(100)]
    worst = Vulnerability(ids=("CVE-9",), severity=Severity.CRITICAL)
    (miss,) = documents.scan_misses(RULE, scan(*many, worst), (), NOW)
    assert "101 results are high or worse: CVE-9 (critical), CVE-1-000 (high)" in miss.message
    assert miss.message.endswith("and 91 more")


@pytest.mark.parametrize(
    ("rule", "judged", "code"),
    [
        (RULE, claim(RAW), "policy.scan"),
        (RULE, sbom(), "policy.scan"),
        (replace(RULE, format="sarif"), scan(), "policy.scan-format"),
        (replace(RULE, file="scan.sarif"), scan(), "policy.scan"),
        (RULE, scan(document="scan.sarif"), "scan.about-unproved"),
        (
            RULE,
            claim(RAW, predicate=Unreadable(code="scan.malformed", message="m")),
            "scan.malformed",
        ),
    ],
)
def test_a_scan_that_is_not_the_one_asked_for(rule: ScanRule, judged: Claim, code: str) -> None:
    assert codes(rule, judged) == [code]


def test_an_unreadable_scan_is_of_the_kind_and_another_thing_is_not() -> None:
    unreadable = claim(RAW, predicate=Unreadable(code="scan.unsupported", message="m"))
    assert documents.scan_kind(RULE, unreadable) == ()
    assert documents.scan_kind(RULE, scan(CVE)) == ()
    for other in (sbom(), claim(RAW), scan(document="a")):
        assert documents.scan_kind(RULE, other)


# ---- ages -------------------------------------------------------------------------

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("rule", "changes", "code"),
    [
        ({"max_age": 3 * DAY}, {}, None),
        ({"max_age": DAY}, {}, "scan.too-old"),
        ({"max_age": NOW - AT}, {"finished_at": AT}, None),
        ({"max_age": NOW - AT}, {"finished_at": AT - timedelta(seconds=1)}, "scan.too-old"),
        ({"max_age": DAY}, {"finished_at": None}, "scan.no-time"),
        ({}, {"finished_at": None}, None),
        ({"max_database_age": DAY}, {}, "scan.database-unknown"),
        ({"max_database_age": DAY}, {"database_at": AT}, "scan.database-old"),
        ({"max_database_age": 3 * DAY}, {"database_at": AT}, None),
        ({}, {"database_at": NOW + DAY}, "scan.time"),
        ({}, {"finished_at": AT + timedelta(minutes=4)}, None),
        ({}, {"finished_at": AT + timedelta(minutes=6)}, "scan.time"),
        ({}, {"finished_at": NOW + DAY, "signed_at": None}, "scan.time"),
        ({}, {"finished_at": NOW, "signed_at": None}, None),
    ],
)
def test_ages(rule: dict[str, Any], changes: dict[str, Any], code: str | None) -> None:
    assert codes(replace(RULE, **rule), scan(**changes)) == ([code] if code else [])


# ---- exceptions -------------------------------------------------------------------


def excepting(name: str, expires: datetime = NOW + DAY) -> ScanRule:
    return replace(
        RULE, exceptions=(ScanException(id=name, reason="not reachable", expires=expires),)
    )


@pytest.mark.parametrize("name", ["CVE-2026-1", "cve-2026-1", "CVE-2026-1-libx"])
def test_an_exception_is_by_any_id(name: str) -> None:
    assert codes(excepting(name), scan(CVE)) == []
    assert notes(excepting(name), scan(CVE)) == ["scan.excepted"]


@pytest.mark.parametrize("name", ["CVE-2026-11", "CVE-2026", "CVE-2026-1-lib"])
def test_an_exception_for_another_id_excepts_nothing(name: str) -> None:
    assert codes(excepting(name), scan(CVE)) == ["scan.severity"]
    assert notes(excepting(name), scan(CVE)) == ["scan.exception-idle"]


@pytest.mark.parametrize("expires", [NOW, NOW - DAY])
def test_an_expired_exception_is_told_by_name(expires: datetime) -> None:
    missing = documents.scan_misses(excepting("CVE-2026-1", expires), scan(CVE), (), NOW)
    assert [miss.code for miss in missing] == ["scan.severity", "scan.exception-expired"]
    assert "CVE-2026-1" in missing[1].message


def test_an_expired_exception_that_nothing_needs_fails_nothing() -> None:
    assert codes(excepting("CVE-2026-1", NOW), scan(of(Severity.LOW))) == []


# ---- VEX --------------------------------------------------------------------------

VEXED = replace(RULE, vex=(VEXER,))
MINE = str(sha256(RAW))


@pytest.mark.parametrize(
    "statement",
    [
        stated(),
        stated("fixed", justification=""),
        stated(products=(MINE,)),
        stated(products=("pkg:oci/app@sha256%3Aab", MINE)),
        stated(components=("libx",)),
        stated(ids=("GHSA-1", "cve-2026-1")),
        stated(at=None),
    ],
)
def test_a_named_signers_statement_is_an_exception(statement: VexStatement) -> None:
    assert codes(VEXED, scan(CVE), vex(statement)) == []
    assert notes(VEXED, scan(CVE), vex(statement)) == ["scan.excepted"]


@pytest.mark.parametrize(
    "statement",
    [
        stated("affected"),
        stated("under_investigation"),
        stated(ids=("CVE-2026-11",)),
        stated(products=(str(sha256(b"other")),)),
        stated(products=("pkg:generic/app@1.0",)),
        stated(components=("libY",)),
        stated(at=NOW + DAY),
    ],
)
def test_other_statements_except_nothing(statement: VexStatement) -> None:
    assert codes(VEXED, scan(CVE), vex(statement)) == ["scan.severity"]


@pytest.mark.parametrize(
    ("rule", "judged"),
    [
        (RULE, vex(stated())),
        (VEXED, vex(stated(), subject=IDENTITY)),
        (VEXED, vex(stated(), instance="github")),
        (VEXED, vex(stated(), digest=sha256(b"other"))),
        (VEXED, vex(stated(), document="app.openvex.json", kind=EvidenceKind.VEX)),
        (VEXED, vex(predicate=Unreadable(code="vex.malformed", message="m"))),
    ],
)
def test_vex_counts_only_signed_by_a_named_signer_about_this_file(
    rule: ScanRule, judged: Claim
) -> None:
    assert codes(rule, scan(CVE), judged) == ["scan.severity"]


def test_a_vex_document_counts_by_the_digest_it_gives() -> None:
    judged = vex(stated(products=(MINE,)), document="", kind=EvidenceKind.VEX)
    assert codes(VEXED, scan(CVE), judged) == []


def test_a_product_may_be_named_as_the_signed_subject() -> None:
    judged = vex(stated(products=("registry.example/app",)), names=("registry.example/app",))
    assert codes(VEXED, scan(CVE), judged) == []


@pytest.mark.parametrize(
    ("older", "newer", "excepted"),
    [
        (stated("affected"), stated(), True),
        (stated(), stated("affected"), False),
        (stated(), stated("affected", products=("pkg:generic/app",)), False),
        (stated(), stated("affected", products=(str(sha256(b"other")),)), True),
        (stated(), stated("affected", ids=("CVE-2",)), True),
        (stated(), stated("affected", components=("pkg:npm/liby",)), False),
    ],
)
def test_the_newest_statement_on_a_result_decides(
    older: VexStatement, newer: VexStatement, excepted: bool
) -> None:
    newer = replace(newer, at=AT + DAY)
    for claims in ([vex(older, newer)], [vex(newer), vex(older)]):
        assert (codes(VEXED, scan(CVE), *claims) == []) is excepted
    same_time = vex(stated(), stated("affected"))
    assert codes(VEXED, scan(CVE), same_time) == ["scan.severity"]


def test_a_statement_by_a_digest_that_cannot_be_compared_stands_in_the_way() -> None:
    newer = stated("affected", products=(f"sha512:{'a' * 128}",), at=AT + timedelta(hours=1))
    assert codes(VEXED, scan(CVE), vex(stated(products=(MINE,)), newer)) == ["scan.severity"]
    elsewhere = replace(newer, products=(str(sha256(b"other")), f"sha512:{'a' * 128}"))
    assert codes(VEXED, scan(CVE), vex(stated(products=(MINE,)), elsewhere)) == []


def test_another_packages_statement_stands_in_nobodys_way() -> None:
    here = replace(CVE, package="pkg:npm/libx@1.0?arch=all")
    other = stated("affected", components=("pkg:npm/liby@1.0",), at=AT + DAY)
    mine = stated(components=("pkg:npm/libx@1.0",))
    assert codes(VEXED, scan(here), vex(mine, other)) == []
    there = replace(here, package="pkg:npm/liby@1.0")
    assert codes(VEXED, scan(there), vex(mine)) == ["scan.severity"]


def test_times_are_aware() -> None:
    assert NOW.tzinfo is UTC
