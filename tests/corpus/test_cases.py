"""Real bundles from the fixtures of Sigstore's client libraries: their verdicts, and our codes."""

from __future__ import annotations

import pytest

from kit.errors import EvidenceError
from tests.corpus import cases
from tests.corpus.places import PRESENT, WHY_ABSENT

pytestmark = pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)

#: Rows that say nothing of this verifier, each with the reason.
SKIPPED = {
    "blob-004": "no verdict: its identity is an otherName that no flag can name",
    "blob-005": "its key and its trusted root are not in the corpus",
    "dsse-other-002": "its subjects have no digest of an accepted algorithm",
    "dsse-other-020": "no verdict: its timestamp authority's root is not in the corpus",
    "dsse-other-021": "no verdict: its timestamp authority's root is not in the corpus",
    "github-private-007": "no verdict: its root is not in the corpus",
    "npm-publish-005": "it has no digest; its payload was altered for a test of npm's",
}

#: Rows whose verdict is that of a reader that cannot read them, against design sections 6 and 13.
READ_BY_US = {
    "blob-034": "a v0.1 bundle whose promise holds, with a proof without a checkpoint",
    "blob-043": "a v0.1 bundle whose promise holds, with a proof without a checkpoint",
}

#: Why each row fails.
CODES = {
    "blob-003": "sigstore.time",
    "blob-026": "sigstore.chain",
    "blob-028": "sigstore.chain",
    "blob-030": "evidence.malformed",
    "blob-031": "evidence.malformed",
    "blob-033": "sigstore.chain",
    "blob-036": "sigstore.entry",
    "blob-037": "evidence.malformed",
    "blob-038": "sigstore.inclusion",
    "blob-039": "sigstore.no-log",
    "blob-042": "sigstore.time",
    "blob-045": "sigstore.timestamp",
    "blob-046": "evidence.malformed",
    "blob-047": "sigstore.chain",
    "dsse-other-003": "statement.subject",
    "dsse-other-004": "evidence.malformed",
    "dsse-other-005": "evidence.malformed",
    "dsse-other-006": "evidence.malformed",
    "dsse-other-007": "evidence.malformed",
    "dsse-other-008": "evidence.malformed",
    "dsse-other-009": "evidence.malformed",
    "dsse-other-012": "sigstore.entry",
    "dsse-other-014": "sigstore.entry",
    "dsse-other-016": "sigstore.entry",
    "dsse-other-019": "evidence.unsupported",
    "dsse-other-022": "evidence.malformed",
    "dsse-other-037": "sigstore.no-log",
    "dsse-other-038": "sigstore.no-log",
    "npm-provenance-010": "sigstore.entry",
    "npm-publish-004": "evidence.malformed",
    "npm-publish-007": "sigstore.entry",
    "npm-publish-008": "sigstore.entry",
    "npm-publish-010": "sigstore.signature",
}

CASES = cases.load() if PRESENT else []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_row_has_its_verdict(case: cases.Case) -> None:
    if case.id in SKIPPED:
        pytest.skip(SKIPPED[case.id])
    if case.expected == "pass" or case.id in READ_BY_US:
        made = case.claims()
        assert made
        assert all("airgap-kit" in claim.accepted_by for claim in made)
        return
    with pytest.raises(EvidenceError) as refused:
        case.claims()
    assert refused.value.code == CODES[case.id]


def test_every_row_is_accounted_for() -> None:
    for case in CASES:
        if case.expected in ("skip", "unknown"):
            assert case.id in SKIPPED
    assert set(CODES) == {
        case.id for case in CASES if case.expected == "fail" and case.id not in READ_BY_US
    }
