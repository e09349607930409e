"""A bundle under another file's name: told where that file fails, by what was verified alone."""

from __future__ import annotations

from kit.check import misplaced
from kit.model import Claim, Finding, Level, Verdict
from tests import packs
from tests.claims import claim, sha256

WHEEL, SDIST = "tool-1.0-py3-none-any.whl", "tool-1.0.tar.gz"
BESIDE = f"evidence/{WHEEL}.sigstore.json"
MANIFEST = packs.manifest(
    {
        "README.txt": b"",
        "release.toml": b"",
        "ledger.json": b"",
        f"artifacts/{SDIST}": b"sdist",
        f"artifacts/{WHEEL}": b"wheel",
        BESIDE: b"{}",
    }
)
UNMET = Finding(level=Level.ERROR, code="policy.unmet", subject=WHEEL, message="no evidence")


def verdict(
    name: str, *claims: Claim, failed: bool = False, evidence: tuple[str, ...] = ()
) -> Verdict:
    return Verdict(
        name=name,
        source="file:dist",
        digest=sha256(name.encode()),
        size=5,
        claims=claims,
        findings=(UNMET,) if failed else (),
        evidence=evidence,
    )


def told(*verdicts: Verdict) -> list[list[str]]:
    """Return the codes of each verdict's findings, none of whose verdicts may change."""
    after = misplaced.told(verdicts, MANIFEST)
    assert [one.passed for one in after] == [one.passed for one in verdicts]
    return [[finding.code for finding in one.findings] for one in after]


def test_the_file_that_it_is_about_is_named() -> None:
    mine = claim(evidence=f"{BESIDE} line 2")
    found = told(verdict(SDIST, mine), verdict(WHEEL, failed=True))
    assert found == [[], ["policy.unmet", "evidence.other-file"]]
    (_, wheel) = misplaced.told((verdict(SDIST, mine), verdict(WHEEL, failed=True)), MANIFEST)
    assert f"{WHEEL}.sigstore.json is named after this file" in wheel.findings[1].message
    assert f"is about {SDIST}" in wheel.findings[1].message


def test_nothing_is_told_of_a_file_that_passes() -> None:
    mine = claim(evidence=BESIDE)
    assert told(verdict(SDIST, mine), verdict(WHEEL, claim())) == [[], []]


def test_nothing_is_told_of_evidence_that_nobody_accepted() -> None:
    assert told(verdict(SDIST), verdict(WHEEL, failed=True)) == [[], ["policy.unmet"]]


def test_a_bundle_under_its_own_files_name_is_no_finding() -> None:
    other = claim(evidence=BESIDE)
    assert told(verdict(WHEEL, other, failed=True)) == [["policy.unmet"]]


def test_a_statement_about_several_files_is_under_the_right_name() -> None:
    both = claim(evidence=BESIDE)
    found = told(verdict(SDIST, both), verdict(WHEEL, failed=True, evidence=(BESIDE,)))
    assert found == [[], ["policy.unmet"]]


def test_a_copy_is_not_what_a_statement_is_about() -> None:
    about = claim(evidence=BESIDE)
    copy = verdict("sbom.json", claim(evidence=BESIDE, predicate_of=SDIST))
    judged = (verdict(SDIST, about), copy, verdict(WHEEL, failed=True))
    (*_, wheel) = misplaced.told(judged, MANIFEST)
    assert f"is about {SDIST}" in wheel.findings[1].message
