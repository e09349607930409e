"""SBOMs, scans and VEX through whole packs: what a rule on them is met by, and what misses it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kit.check import Options, check
from kit.collect import Request, collect
from kit.formats import release_file
from kit.model import Level, Report
from kit.pack.reader import Pack
from kit.report import json as json_report
from kit.report import text as text_report
from tests import documents
from tests.e2e.conftest import LINE, SIGNERS, STRANGER, WORKFLOW
from tests.lab import Lab
from tests.unit.check.test_walk import anchor

NAME = "tool-1.0.tar.gz"
CONTENT = b"what is listed and scanned\n"
HEX = hashlib.sha256(CONTENT).hexdigest()
SPDX = "https://spdx.dev/Document/v2.3"
CYCLONEDX = "https://cyclonedx.org/bom"
VULN = "https://cosign.sigstore.dev/attestation/vuln/v1"
OPENVEX = "https://openvex.dev/ns/v0.2.0"
SECURITY = "https://github.com/acme/security/.github/workflows/vex.yml@refs/heads/main"
VEX_SIGNER = f"""
[signers.security]
issuer = "https://token.actions.githubusercontent.com"
identity = "{SECURITY}"
trusted-root = "acme"
"""
OF_SECURITY: dict[str, Any] = {
    "identity": SECURITY,
    "extensions": {"source-repository-uri": "https://github.com/acme/security"},
}
POLICY = (SIGNERS + VEX_SIGNER + LINE).replace("file:downloads", "file:dl") + (
    "\n[[artifact.require]]"
)
#: The documents are of 30 December 2025.
SIGNED = datetime(2026, 1, 1, tzinfo=UTC)
SOON = datetime(2026, 1, 3, tzinfo=UTC)


@dataclass
class Evidence:
    """An artifact, and what lies beside it."""

    folder: Path
    lab: Lab = field(default_factory=lambda: Lab("acme"))
    made: list[bytes] = field(default_factory=list)

    def put(self, name: str, raw: bytes) -> None:
        """Put a file into the downloads."""
        (self.folder / "dl").mkdir(exist_ok=True)
        (self.folder / "dl" / name).write_bytes(raw)

    def attest(self, kind: str, predicate: Any, content: bytes = CONTENT, **changes: Any) -> None:
        """Attest to a predicate about the artifact, or about other bytes."""
        options: dict[str, Any] = {"identity": WORKFLOW, "at": SIGNED} | changes
        self.made.append(
            self.lab.attest({NAME: content}, predicate_type=kind, predicate=predicate, **options)
        )

    def document(self, name: str, value: Any, **changes: Any) -> None:
        """Put a document beside the artifact, signed."""
        raw = json.dumps(value).encode()
        options: dict[str, Any] = {"identity": WORKFLOW, "at": SIGNED} | changes
        self.put(name, raw)
        self.put(f"{name}.sigstore.json", self.lab.attest({name: raw}, **options))

    def check(self, rule: str, policy: str = POLICY) -> Report:
        """Collect what there is, and check it under a rule of the release's signer."""
        lines = b"".join(bundle.strip() + b"\n" for bundle in self.made)
        if lines:
            self.put(f"{NAME}.sigstore.jsonl", lines)
        # That the file has its name is for the line's other requirement.
        release = release_file.parse(f"{policy}\n{rule}\n".encode(), "release.toml")
        (self.folder / "working").mkdir()
        out = self.folder / "out.pack.tar"
        request = Request(release=release, base=self.folder, out=out, now=SOON)
        with Pack.open(collect(request, self.folder / "working").path) as pack:
            return check(pack, release, {"acme": anchor(self.lab)}, Options(at=SOON))


def codes(report: Report) -> set[str]:
    return {finding.code for verdict in report.verdicts for finding in verdict.findings}


@pytest.fixture
def beside(tmp_path: Path) -> Evidence:
    """Publish an artifact with its provenance, and nothing about what is in it."""
    made = Evidence(tmp_path)
    made.put(NAME, CONTENT)
    made.put(f"{NAME}.sigstore.json", made.lab.attest({NAME: CONTENT}, identity=WORKFLOW))
    return made


Give = Callable[[Evidence], None]
SBOM = 'signer = "release"\nsbom = true'
SCAN = 'signer = "release"\nscan = {fail-on = "high"}'


def excepting(name: str, until: str) -> str:
    exception = f'{{id = "{name}", reason = "not built in", expires = {until}}}'
    return f'signer = "release"\nscan = {{fail-on = "high", exceptions = [{exception}]}}'


def attested(kind: str, predicate: Any, **options: Any) -> Give:
    return lambda beside: beside.attest(kind, predicate, **options)


def filed(name: str, value: Any, **options: Any) -> Give:
    return lambda beside: beside.document(name, value, **options)


def both(*given: Give) -> Give:
    def give(beside: Evidence) -> None:
        for each in given:
            each(beside)

    return give


MET: dict[str, tuple[str, Give]] = {
    "an SPDX predicate": (SBOM, attested(SPDX, documents.spdx())),
    "a CycloneDX predicate": (SBOM, attested(CYCLONEDX, documents.cyclonedx())),
    "an SPDX file that gives the digest": (
        SBOM,
        filed("tool-1.0.spdx.json", documents.spdx(2, HEX)),
    ),
    "a file that the policy names": (
        'signer = "release"\nsbom = {file = "tool-1.0.cdx.json"}',
        filed("tool-1.0.cdx.json", documents.cyclonedx(2, None)),
    ),
    "enough components": (
        'signer = "release"\nsbom = {format = "spdx", minimum-components = 7}',
        attested(SPDX, documents.spdx(7)),
    ),
    "a scan that found little": (SCAN, attested(VULN, documents.vuln(documents.sarif("3.9")))),
    "a scan by grype": (SCAN, attested(VULN, documents.vuln(documents.grype("Medium")))),
    "a scan that is young enough": (
        'signer = "release"\nscan = {fail-on = "high", max-age = "5d", max-database-age = "6d"}',
        attested(VULN, documents.vuln(documents.grype())),
    ),
    "a result that is excepted": (
        excepting("CVE-2026-0", "2027-01-01"),
        attested(VULN, documents.vuln(documents.sarif("9.8"))),
    ),
    "a result that a VEX statement excepts": (
        'signer = "release"\nscan = {fail-on = "high", vex = "security"}',
        both(
            attested(VULN, documents.vuln(documents.sarif("9.8"))),
            attested(OPENVEX, documents.openvex(documents.not_affected()), **OF_SECURITY),
        ),
    ),
}


@pytest.mark.parametrize("name", MET)
def test_a_rule_on_contents_is_met(beside: Evidence, name: str) -> None:
    rule, give = MET[name]
    give(beside)
    report = beside.check(rule)
    assert report.passed, report.verdicts


OTHER = b"another file"
MISSED: dict[str, tuple[str, Give, str]] = {
    "no SBOM": (SBOM, both(), "policy.unmet"),
    "provenance only": (SBOM, both(), "policy.sbom"),
    "an SBOM by a stranger": (
        SBOM,
        attested(SPDX, documents.spdx(), identity=STRANGER),
        "policy.identity",
    ),
    "an SBOM of another file": (
        SBOM,
        attested(SPDX, documents.spdx(), content=OTHER),
        "statement.subject",
    ),
    "an SBOM file of another file": (
        SBOM,
        filed("tool-1.0.spdx.json", documents.spdx(2, "cd" * 32)),
        "sbom.other-artifact",
    ),
    "an SBOM file that says nothing of the file": (
        SBOM,
        filed("tool-1.0.cdx.json", documents.cyclonedx(2, None)),
        "sbom.about-unproved",
    ),
    "an SBOM file under another name than the policy's": (
        'signer = "release"\nsbom = {file = "tool.cdx.json"}',
        filed("tool-1.0.cdx.json", documents.cyclonedx(2, HEX)),
        "policy.sbom",
    ),
    "another format": (
        'signer = "release"\nsbom = {format = "cyclonedx"}',
        attested(SPDX, documents.spdx()),
        "policy.sbom-format",
    ),
    "too few components": (
        'signer = "release"\nsbom = {minimum-components = 3}',
        attested(SPDX, documents.spdx(2)),
        "policy.sbom-components",
    ),
    "an SBOM in name only": (SBOM, attested(SPDX, {"spdxVersion": "SPDX-2.3"}), "sbom.malformed"),
    "no scan": (SCAN, both(), "policy.scan"),
    "a high result": (
        SCAN,
        attested(VULN, documents.vuln(documents.sarif("7.0"))),
        "scan.severity",
    ),
    "a result of unknown severity": (
        SCAN,
        attested(VULN, documents.vuln(documents.sarif(None))),
        "scan.unknown-severity",
    ),
    "one of two scans": (
        SCAN,
        both(
            attested(VULN, documents.vuln(documents.sarif("3.9"))),
            attested(VULN, documents.vuln(documents.sarif("9.8"))),
        ),
        "scan.severity",
    ),
    "a scan of long ago": (
        'signer = "release"\nscan = {fail-on = "high", max-age = "3d"}',
        attested(VULN, documents.vuln(documents.grype())),
        "scan.too-old",
    ),
    "a scan by an old database": (
        'signer = "release"\nscan = {fail-on = "high", max-database-age = "4d"}',
        attested(VULN, documents.vuln(documents.grype())),
        "scan.database-old",
    ),
    "an exception that has ended": (
        excepting("CVE-2026-0", "2026-01-02"),
        attested(VULN, documents.vuln(documents.sarif("9.8"))),
        "scan.exception-expired",
    ),
    "an exception for another id": (
        excepting("CVE-2026-00", "2027-01-01"),
        attested(VULN, documents.vuln(documents.sarif("9.8"))),
        "scan.severity",
    ),
    "a VEX statement by a stranger": (
        'signer = "release"\nscan = {fail-on = "high", vex = "security"}',
        both(
            attested(VULN, documents.vuln(documents.sarif("9.8"))),
            attested(OPENVEX, documents.openvex(documents.not_affected()), identity=STRANGER),
        ),
        "scan.severity",
    ),
    "a VEX statement that the policy does not ask for": (
        SCAN,
        both(
            attested(VULN, documents.vuln(documents.sarif("9.8"))),
            attested(OPENVEX, documents.openvex(documents.not_affected()), **OF_SECURITY),
        ),
        "scan.severity",
    ),
    "a VEX statement about another file": (
        'signer = "release"\nscan = {fail-on = "high", vex = "security"}',
        both(
            attested(VULN, documents.vuln(documents.sarif("9.8"))),
            attested(
                OPENVEX,
                documents.openvex(documents.not_affected()),
                content=OTHER,
                **OF_SECURITY,
            ),
        ),
        "scan.severity",
    ),
}


@pytest.mark.parametrize("name", MISSED)
def test_a_rule_on_contents_is_missed_for_its_own_reason(beside: Evidence, name: str) -> None:
    rule, give, code = MISSED[name]
    give(beside)
    report = beside.check(rule)
    assert not report.passed
    assert code in codes(report)
    (verdict,) = report.verdicts
    errors = {found.code for found in verdict.findings if found.level is Level.ERROR}
    assert errors == {"policy.unmet"}


def test_an_sbom_that_lists_a_file_is_no_signature_over_it(tmp_path: Path) -> None:
    beside = Evidence(tmp_path)
    beside.put(NAME, CONTENT)
    beside.document("tool-1.0.spdx.json", documents.spdx(2, HEX))
    report = beside.check('signer = "release"')
    assert not report.passed
    assert "policy.document" in codes(report)


def test_an_sbom_for_one_file_of_a_line_is_put_to_no_other(beside: Evidence) -> None:
    more, raw = "more-1.0.tar.gz", b"more of it\n"
    beside.put(more, raw)
    beside.put(f"{more}.sigstore.json", beside.lab.attest({more: raw}, identity=WORKFLOW))
    beside.document("first.spdx.json", documents.spdx(2, HEX))
    beside.document("second.spdx.json", documents.spdx(2, hashlib.sha256(raw).hexdigest()))
    rules = "".join(
        f'\n[[artifact.require]]\nfiles = ["{name}"]\nsigner = "release"\n'
        f'sbom = {{file = "{sbom}"}}\n'
        for name, sbom in ((NAME, "first.spdx.json"), (more, "second.spdx.json"))
    )
    both_files = POLICY.replace(f'["{NAME}"]', f'["{NAME}", "{more}"]').removesuffix(
        "[[artifact.require]]"
    )
    report = beside.check(rules, both_files)
    assert report.passed
    assert "sbom.other-artifact" not in codes(report)


def test_the_report_tells_what_an_sbom_lists_and_a_scan_found(beside: Evidence) -> None:
    beside.attest(SPDX, documents.spdx(5))
    beside.attest(VULN, documents.vuln(documents.sarif("3.9", "0.5")))
    report = beside.check(f"{SBOM}\n[[artifact.require]]\n{SCAN}")
    assert report.passed
    claims = json_report.succeeded(report, 0, "x")["report"]["artifacts"][0]["claims"]
    said = {claim["predicate"]["kind"]: claim["predicate"] for claim in claims}
    assert said["sbom"]["components"] == 5
    assert said["scan"]["results"]["low"] == 2
    text = text_report.render(report)
    assert "spdx  5 components" in text
    assert "2 low" in text
