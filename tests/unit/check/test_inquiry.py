"""kit.check.inquiry: what a hostile ledger can cost."""

from kit.check import inquiry
from kit.formats.ledger import Inquiry
from kit.model import Answer, Asked, Finding, Level, Verdict

FAILED = Verdict(
    name="tool",
    source="file:x",
    digest=None,
    size=None,
    claims=(),
    findings=(Finding(level=Level.ERROR, code="policy.unmet", subject="tool", message="none"),),
)


def told(wanted: str) -> list[str]:
    row = Asked(place="p" * 10_000, wanted=wanted, answer=Answer.ABSENT)
    (verdict,) = inquiry.explained([FAILED], [Inquiry(source="file:x", asked=(row,))])
    return [finding.message for finding in verdict.findings if finding.code == "ledger.absent"]


def test_what_was_absent_explains_the_file_it_is_about() -> None:
    (message,) = told("tool.sig.rekor.sigstore.json")
    assert "tool.sig.rekor.sigstore.json" in message


def test_a_very_long_name_is_no_files_and_is_cut() -> None:
    # Taking one suffix after the other off 16 million characters would take hours.
    (message,) = told("tool" + ".asc" * 4_000_000)
    assert len(message) < 2000
