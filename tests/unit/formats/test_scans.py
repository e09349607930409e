"""SARIF, grype's JSON and cosign's predicate: nothing that hides a result hides it here."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from kit.errors import EvidenceError, MalformedError, UnsupportedError
from kit.formats import grype, sarif, severity, vuln
from kit.model import Digest
from kit.model.predicates import Scan, Severity
from tests import documents

LOW, MEDIUM, HIGH, CRITICAL = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL
UNKNOWN = Severity.UNKNOWN


def severities(scan: Scan) -> list[Severity]:
    return [found.severity for found in scan.found]


# ---- severities -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("10.0", CRITICAL), ("10", CRITICAL), ("9.0", CRITICAL), ("8.9", HIGH), ("7.0", HIGH),
        ("6.9", MEDIUM), ("4.0", MEDIUM), ("3.9", LOW), ("0.1", LOW), (7.5, HIGH), (10, CRITICAL),
        ("0.0", UNKNOWN), ("0", UNKNOWN), ("10.1", UNKNOWN), ("11", UNKNOWN), ("-1", UNKNOWN),
        ("", UNKNOWN), ("high", UNKNOWN), ("9,8", UNKNOWN), ("NaN", UNKNOWN), (None, UNKNOWN),
        (True, UNKNOWN), (["9.8"], UNKNOWN), ("\u0669.\u0668", UNKNOWN), ("9.8\n", UNKNOWN),
    ],
)  # fmt: skip
def test_a_score_has_a_band_or_is_unknown(score: Any, expected: Severity) -> None:
    assert severity.of_score(score) is expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Critical", CRITICAL), ("HIGH", HIGH), ("medium", MEDIUM), ("Low", LOW),
        ("Negligible", Severity.NONE), ("Unknown", UNKNOWN), ("", UNKNOWN), ("severe", UNKNOWN),
        (None, UNKNOWN), (9, UNKNOWN),
    ],
)  # fmt: skip
def test_a_word_is_a_severity_or_unknown(word: Any, expected: Severity) -> None:
    assert severity.of_word(word) is expected


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("CVE-2026-1-libx", ("CVE-2026-1",)),
        ("GHSA-xxxx-yyyy-zzzz-libx", ("GHSA-xxxx-yyyy-zzzz",)),
        ("https://nvd.example/CVE-2026-12345", ("CVE-2026-12345",)),
        ("XCVE-2026-1", ()),
        ("CVE-2026-1a", ()),
        ("ELSA-2026-1-libx", ()),
    ],
)
def test_ids_are_found_in_texts(text: str, ids: tuple[str, ...]) -> None:
    assert severity.ids_in(text) == ids


# ---- SARIF ------------------------------------------------------------------------


def test_sarif_as_grype_writes_it() -> None:
    scan = sarif.parse(documents.sarif("9.8", "5.0", None))
    assert severities(scan) == [CRITICAL, MEDIUM, UNKNOWN]
    assert scan.found[0].ids == ("CVE-2026-0-libx", "CVE-2026-0")
    assert scan.found[0].package == "libx"
    assert (scan.format, scan.tool) == ("sarif", "Grype 0.90.0")
    assert scan.finished_at == datetime(2025, 12, 30, tzinfo=UTC)
    assert scan.database_at is None


def run(**changes: Any) -> Scan:
    return sarif.parse(documents.sarif("9.8", "5.0", **changes))


@pytest.mark.parametrize(
    "result",
    [
        {"ruleId": "CVE-2026-0-libx"},
        {"ruleId": "CVE-2026-0-libx/more"},
        {"ruleIndex": 0},
        {"ruleId": "CVE-2026-0-libx", "ruleIndex": 0},
        {"ruleId": "CVE-2026-0-libx", "ruleIndex": -1},
        {"rule": {"id": "CVE-2026-0-libx"}},
        {"rule": {"index": 0}},
        {"ruleIndex": 0, "suppressions": [{"kind": "external", "status": "accepted"}]},
        {"ruleIndex": 0, "kind": "fail"},
        {"ruleIndex": 0, "kind": "open"},
        {"ruleIndex": 0, "kind": "review"},
        {"ruleIndex": 0, "level": "none"},
        {"ruleIndex": 0, "baselineState": "absent"},
        {"ruleIndex": 1, "properties": {"security-severity": "9.8"}},
    ],
)
def test_a_results_severity_is_its_rules_whatever_else_it_says(result: dict[str, Any]) -> None:
    assert severities(run(results=[result])) == [CRITICAL]


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"ruleId": "CVE-2026-77"},
        {"ruleId": "CVE-2026-1-libx", "ruleIndex": 0},
        {"ruleId": "CVE-2026-77", "properties": {"security-severity": "1.0"}},
    ],
)
def test_a_result_without_its_rule_is_of_unknown_severity(result: dict[str, Any]) -> None:
    assert severities(run(results=[result])) == [UNKNOWN]


@pytest.mark.parametrize("kind", ["pass", "notApplicable", "informational"])
def test_a_result_that_says_that_all_is_well_is_none(kind: str) -> None:
    assert run(results=[{"ruleIndex": 0, "kind": kind}]).found == ()


@pytest.mark.parametrize(
    "reference",
    [
        {"index": 0, "toolComponent": {"index": 0}},
        {"id": "CVE-2026-9", "toolComponent": {"name": "more"}},
        {"id": "CVE-2026-9"},
    ],
)
def test_a_rule_may_be_an_extensions(reference: dict[str, Any]) -> None:
    rules = [{"id": "CVE-2026-9", "properties": {"security-severity": "7.5", "purls": ["pkg:a/b"]}}]
    tool = {"driver": {"name": "t"}, "extensions": [{"name": "more", "rules": rules}]}
    scan = run(tool=tool, results=[{"rule": reference}])
    assert severities(scan) == [HIGH]
    assert scan.found[0].package == "pkg:a/b"


def test_of_two_rules_of_one_id_the_worse_counts() -> None:
    tool = {
        "driver": {"name": "t", "rules": [{"id": "A", "properties": {"security-severity": "1.0"}}]},
        "extensions": [
            {"name": "e", "rules": [{"id": "A", "properties": {"security-severity": "9.9"}}]}
        ],
    }
    assert severities(run(tool=tool, results=[{"ruleId": "A"}])) == [CRITICAL]


@pytest.mark.parametrize(
    "changes",
    [
        {"results": None},
        {"results": {}},
        {"results": [{"ruleIndex": 5}]},
        {"results": [{"ruleIndex": "0"}]},
        {"results": [{"ruleIndex": 0, "kind": "fine"}]},
        {"tool": {}},
        {"tool": {"driver": {}}},
        {"tool": {"driver": {"name": "t", "rules": [{}]}}},
        {"invocations": [{"executionSuccessful": False}]},
        {"invocations": [{"executionSuccessful": True, "endTimeUtc": "late"}]},
    ],
)
def test_a_run_that_does_not_say_what_it_found_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        run(**changes)
    assert refused.value.code == "scan.malformed"


def test_results_left_out_are_not_none_found() -> None:
    value = documents.sarif()
    del value["runs"][0]["results"]
    with pytest.raises(MalformedError):
        sarif.parse(value)
    nothing: tuple[Any, ...] = ([], None)
    for runs in nothing:
        with pytest.raises(MalformedError):
            sarif.parse({"version": "2.1.0", "runs": runs})


def test_results_kept_elsewhere_are_unsupported() -> None:
    with pytest.raises(UnsupportedError) as refused:
        run(externalPropertyFileReferences={"results": [{"location": {"uri": "r.json"}}]})
    assert refused.value.code == "scan.unsupported"
    inline = documents.sarif() | {"inlineExternalProperties": [{"results": []}]}
    with pytest.raises(UnsupportedError):
        sarif.parse(inline)


def test_another_version_is_unsupported() -> None:
    with pytest.raises(UnsupportedError) as refused:
        sarif.parse(documents.sarif() | {"version": "2.0.0"})
    assert refused.value.code == "scan.unsupported"


def test_a_scan_of_several_runs_is_as_old_as_the_oldest() -> None:
    one, other = documents.sarif("9.8"), documents.sarif("1.0")
    other["runs"][0]["invocations"][0]["endTimeUtc"] = "2024-01-01T00:00:00Z"
    both = {"version": "2.1.0", "runs": one["runs"] + other["runs"]}
    assert sarif.parse(both).finished_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert severities(sarif.parse(both)) == [CRITICAL, LOW]
    del other["runs"][0]["invocations"]
    assert sarif.parse(both).finished_at is None


# ---- grype ------------------------------------------------------------------------


def test_grypes_own_json() -> None:
    scan = grype.parse(documents.grype("Critical", "Negligible", None))
    assert severities(scan) == [CRITICAL, Severity.NONE, UNKNOWN]
    assert scan.found[0].ids == ("GHSA-aaaa-bbbb-0000", "CVE-2026-0")
    assert scan.found[0].package == "pkg:npm/libx@1.0?arch=all"
    assert scan.finished_at == datetime(2025, 12, 30, 0, 0, 0, 123456, tzinfo=UTC)
    assert scan.database_at == datetime(2025, 12, 29, tzinfo=UTC)
    assert (scan.tool, scan.about) == ("grype 0.90.0", ())


def test_the_newer_place_of_the_databases_date_is_read() -> None:
    value = documents.grype()
    value["descriptor"]["db"] = {"status": {"built": "2025-12-28T00:00:00Z"}, "providers": {}}
    assert grype.parse(value).database_at == datetime(2025, 12, 28, tzinfo=UTC)


def test_what_grype_was_told_to_ignore_counts() -> None:
    ignored = [documents.match(7, "High") | {"appliedIgnoreRules": [{"vulnerability": "x"}]}]
    assert severities(grype.parse(documents.grype(ignoredMatches=ignored))) == [HIGH]


def test_an_image_is_known_by_its_digests() -> None:
    hexes = "cd" * 32, "ef" * 32
    target = {"manifestDigest": f"sha256:{hexes[0]}", "repoDigests": [f"a/b@sha256:{hexes[1]}"]}
    scan = grype.parse(documents.grype(source={"type": "image", "target": target}))
    assert scan.about == tuple(Digest("sha256", value) for value in hexes)


@pytest.mark.parametrize(
    "changes",
    [
        {"matches": None},
        {"matches": {}},
        {"matches": [{}]},
        {"descriptor": {"name": "trivy"}},
        {"descriptor": None},
        {"source": {"type": "image", "target": {"manifestDigest": "sha256:short"}}},
    ],
)
def test_other_json_is_not_grypes(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        grype.parse(documents.grype(**changes))
    assert refused.value.code == "scan.malformed"


# ---- cosign's predicate -----------------------------------------------------------


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("inner", [documents.sarif("9.8"), documents.grype("Critical")])
def test_cosigns_predicate_encloses_a_scanners_output(inner: Any, as_text: bool) -> None:
    result = json.dumps(inner) if as_text else inner
    scan = vuln.parse(documents.vuln(result))
    assert severities(scan) == [CRITICAL]
    assert scan.finished_at is not None
    # The older of the two times, the wrapper's and the output's.
    assert scan.finished_at < datetime(2025, 12, 30, 0, 1, tzinfo=UTC)
    assert scan.database_at is not None


@pytest.mark.parametrize("result", [{}, {"Results": [], "SchemaVersion": 2}, [], "text", 1])
def test_another_scanners_output_is_refused_by_name(result: Any) -> None:
    with pytest.raises(UnsupportedError) as refused:
        vuln.parse(documents.vuln(result))
    assert refused.value.code == "scan.unsupported"


@pytest.mark.parametrize(
    "value",
    [
        {},
        documents.vuln(None),
        documents.vuln(documents.grype(), metadata={}),
        documents.vuln(documents.grype(), metadata={"scanFinishedOn": "today"}),
        documents.vuln(documents.grype(), scanner={}),
        documents.vuln('{"a":1,"a":2}'),
        None,
        "text",
    ],
)
def test_another_predicate_is_malformed(value: Any) -> None:
    with pytest.raises(EvidenceError) as refused:
        vuln.parse(value)
    assert refused.value.code == "scan.malformed"


def test_a_database_version_that_is_no_time_is_none() -> None:
    value = documents.vuln(documents.sarif())
    value["scanner"]["db"]["version"] = "5"
    assert vuln.parse(value).database_at is None


# ---- what takes no time -----------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"results": [{"ruleId": "/" * 1_000_000}]},
        {"results": [{"rule": {"id": "/" * 1_000_000}}]},
        {"tool": {"driver": {"name": "x", "rules": [{"id": "a" * 1_000_000}]}}},
    ],
)
def test_an_id_that_every_result_would_repeat_is_bounded(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="over 1024 characters") as refused:
        sarif.parse(documents.sarif("9.8", **changes))
    assert refused.value.code == "scan.malformed"


def test_many_results_of_many_rules_of_one_id_take_no_product_of_time() -> None:
    rules = [{"id": "a", "properties": {"security-severity": "5.0"}}] * 20_000
    tool = {"driver": {"name": "x", "rules": [*rules, {"id": "a"}]}}
    started = time.process_time()
    found = sarif.parse(documents.sarif(tool=tool, results=[{"ruleId": "a"}] * 20_000)).found
    assert time.process_time() - started < 10  # was over twenty minutes
    assert {one.severity for one in found} == {MEDIUM}


def test_a_rule_is_not_looked_up_through_endless_parts() -> None:
    run = {"results": [{"ruleId": "CVE-2026-0-libx" + "/a" * 200}]}
    assert severities(sarif.parse(documents.sarif("9.8", **run))) == [UNKNOWN]
