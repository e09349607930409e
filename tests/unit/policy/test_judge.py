"""kit.policy.judge: a file passes only by claims of the policy's signers, and none is forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kit.formats import distribution
from kit.formats.distribution import Named
from kit.formats.release_file import ReleaseFile
from kit.model import Artifact, Claim, Contradiction, Digest, Finding, Identity, Level, Verdict
from kit.policy.demands import MAX_NEAREST
from kit.policy.facts import FileFacts
from kit.policy.judge import judge
from tests import claims
from tests.claims import (
    SOURCE,
    UNREADABLE,
    WHEEL,
    claim,
    file,
    reading,
    release,
    sha256,
    statement,
    unreadable,
)
from tests.lab import AT, IDENTITY, ISSUER

SDIST = "tool-1.0.tar.gz"
Inside = Callable[[Artifact], Named]


def judged(
    policy: ReleaseFile, *files: FileFacts, inside: Inside = unreadable
) -> dict[str, Verdict]:
    """Return the verdicts by name."""
    verdicts, _ = judge(policy, files, reading(inside), AT)
    assert len({verdict.name for verdict in verdicts}) == len(verdicts)
    return {verdict.name: verdict for verdict in verdicts}


def verdict(
    one: FileFacts, policy: ReleaseFile | None = None, inside: Inside = unreadable
) -> Verdict:
    return judged(policy or release(), one, inside=inside)[one.artifact.name]


def errors(found: Verdict) -> list[str]:
    """Return the codes of what fails a verdict, which does so exactly if there are any."""
    codes = [finding.code for finding in found.findings if finding.level is Level.ERROR]
    assert found.passed == (not codes and found.digest is not None)
    return codes


def noted(found: Verdict) -> list[str]:
    return [finding.code for finding in found.findings if finding.level is not Level.ERROR]


def by_metadata(artifact: Artifact) -> Named:
    """Stand in for files that say inside what their name says."""
    found = distribution.parse_name(artifact.name)
    assert found is not None
    return found


def never(_: Artifact) -> Named:
    raise AssertionError("a file was opened that no signer of the policy vouches for")


# ---- passing ------------------------------------------------------------------------


def test_a_file_with_a_claim_that_meets_its_requirement_passes() -> None:
    made = statement()
    found = verdict(file(made))
    assert errors(found) == []
    assert found.claims == (made,)
    assert (found.digest, found.size, found.source) == (sha256(b"artifact"), 8, SOURCE)


def test_a_pinned_digest_alone_is_met_by_the_bytes() -> None:
    found = verdict(file(), release(f'digest = "{sha256(b"artifact")}"'))
    assert (errors(found), found.claims) == ([], ())


def test_every_claim_that_meets_a_requirement_is_told() -> None:
    one, two = statement(evidence="one"), statement(evidence="two")
    assert verdict(file(one, claim(subject="jo"), two)).claims == (one, two)


def test_a_claim_that_meets_two_requirements_is_told_once() -> None:
    made = statement()
    two = 'signer = "release"\n[[artifact.require]]\nsigner = "release"'
    policy = release(f'{two}\npredicate-type = "slsa-provenance"')
    assert verdict(file(made), policy).claims == (made,)


def test_a_bare_signature_and_the_metadata_inside_are_enough() -> None:
    assert errors(verdict(file(claim()), inside=by_metadata)) == []


def test_a_line_of_a_signed_digest_manifest_is_enough_where_the_policy_asks_for_it() -> None:
    policy = release('signer = "release"\nlisted-in = "SHA256SUMS"')
    assert errors(verdict(file(claims.line()), policy)) == []


# ---- policy.unmet and its reasons ---------------------------------------------------


def test_a_file_without_claims_never_passes() -> None:
    assert errors(verdict(file(), inside=never)) == ["policy.unmet"]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (statement(subject="jo@acme.test"), "policy.identity"),
        (statement(issuer="https://evil.test"), "policy.issuer"),
        (statement(instance="github"), "policy.instance"),
        (claims.line(), "policy.listed-in"),
        (statement(digest=Digest("sha256", "0" * 64)), "policy.digest"),
    ],
)
def test_a_claim_that_misses_one_fact_is_unmet_for_that_reason(made: Claim, reason: str) -> None:
    found = verdict(file(made), inside=never)
    assert (errors(found), noted(found)) == (["policy.unmet"], [reason])


def test_a_statement_of_another_type_is_unmet_for_that_reason() -> None:
    policy = release('signer = "release"\npredicate-type = "spdx"')
    found = verdict(file(statement()), policy, inside=never)
    assert (errors(found), noted(found)) == (["policy.unmet"], ["policy.predicate-type"])


def test_another_digest_than_the_pinned_one_fails() -> None:
    policy = release(f'digest = "sha256:{"0" * 64}"')
    assert errors(verdict(file(), policy, inside=never)) == ["policy.digest"]


def test_another_digest_than_the_pinned_one_fails_whoever_signed_it() -> None:
    policy = release(f'signer = "release"\ndigest = "sha256:{"0" * 64}"')
    assert errors(verdict(file(statement()), policy, inside=never)) == ["policy.unmet"]


def test_the_nearest_claim_is_told_first() -> None:
    far = statement(subject="jo", issuer="i", instance="github", evidence="far")
    near = statement(subject="jo", evidence="near")
    (finding,) = [f for f in verdict(file(far, near)).findings if f.level is Level.ERROR]
    assert "near: it was signed by jo" in finding.message


# Row C-132 of the catalogue: facts of two claims are never mixed.
@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"subject": "jo"}, {"issuer": "https://evil.test"}),
        ({"subject": "jo"}, {"instance": "github"}),
        ({"issuer": "https://evil.test"}, {"predicate_type": "https://spdx.dev/Document"}),
        ({"instance": "github"}, {"predicate_type": None}),
        ({"subject": "jo"}, {"digest": Digest("sha256", "0" * 64)}),
        ({"subject": "jo"}, {"listed_in": "SHA256SUMS"}),
    ],
)
def test_two_claims_that_miss_different_facts_do_not_meet_together(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    policy = release('signer = "release"\npredicate-type = "slsa-provenance"')
    found = verdict(file(statement(**one), statement(**two)), policy, inside=never)
    assert errors(found) == ["policy.unmet"]


TWO = """
[signers.sbom]
issuer = "https://sbom.test"
identity = "sbom@acme.test"
"""
BOTH = """signer = "release"
[[artifact.require]]
signer = "sbom"
predicate-type = "spdx"
"""
SBOM: dict[str, Any] = {"subject": "sbom@acme.test", "issuer": "https://sbom.test"}
SPDX = "https://spdx.dev/Document/v2.3"


def test_every_requirement_must_be_met() -> None:
    policy = release(BOTH, signers=TWO)
    assert errors(verdict(file(statement()), policy, inside=never)) == ["policy.unmet"]


def test_requirements_may_be_met_by_different_claims() -> None:
    policy = release(BOTH, signers=TWO)
    sbom = statement(predicate_type=SPDX, names=(), **SBOM)
    assert errors(verdict(file(statement(), sbom), policy)) == []


def test_each_unmet_requirement_is_told() -> None:
    policy = release(BOTH, signers=TWO)
    assert errors(verdict(file(), policy)) == ["policy.unmet", "policy.unmet"]


def test_claims_of_strangers_are_no_error_beside_one_that_holds() -> None:
    found = verdict(file(claim(subject="evil"), statement(), claim(issuer="evil")))
    assert (errors(found), noted(found)) == ([], [])


def test_what_was_found_about_the_evidence_is_told_and_fails_nothing() -> None:
    warning = Finding(level=Level.WARNING, code="sigstore.chain", subject=WHEEL, message="m")
    found = verdict(file(statement(), findings=(warning,)))
    assert (errors(found), noted(found)) == ([], ["sigstore.chain"])


def test_only_the_nearest_of_thousands_of_claims_are_told() -> None:
    strangers = [claim(subject=f"evil{n}", evidence=f"e{n}") for n in range(5000)]
    found = verdict(file(*strangers))
    assert len(found.findings) == 1 + MAX_NEAREST


# ---- lines without rules, and files without lines -----------------------------------


# Row C-130 of the catalogue.
@pytest.mark.parametrize("made", [(), (statement(),)])
def test_a_line_without_a_requirement_fails(made: tuple[Claim, ...]) -> None:
    assert errors(verdict(file(*made), release(None), inside=never)) == ["policy.no-rule"]


def test_a_file_of_no_line_fails() -> None:
    stray = file(statement(), source="file:other/")
    found = judged(release(), file(statement(raw=b"x"), raw=b"x"), replace_name(stray, "stray"))
    assert errors(found["stray"]) == ["artifact.unnamed"]
    assert found["stray"].claims == ()


def replace_name(facts: FileFacts, name: str) -> FileFacts:
    return replace(facts, artifact=replace(facts.artifact, name=name))


def test_a_file_that_its_line_does_not_name_fails() -> None:
    other = file(statement(raw=b"x", name=SDIST), raw=b"x", name=SDIST)
    found = judged(release(), file(statement()), other)
    assert errors(found[SDIST]) == ["artifact.unnamed"]


def test_a_file_that_no_line_names_does_not_fail_the_others() -> None:
    other = file(statement(raw=b"x", name=SDIST), raw=b"x", name=SDIST)
    assert errors(judged(release(), file(statement()), other)[WHEEL]) == []


PATTERN = f'[[artifact]]\nsource = "{SOURCE}"\nfiles = ["*"]\nrequire = [{{signer = "release"}}]\n'


@pytest.mark.parametrize("name", ["SHA256SUMS", f"{WHEEL}.asc", f"{WHEEL}.sigstore.json"])
def test_a_pattern_takes_no_evidence_however_well_it_is_signed(name: str) -> None:
    policy = release(lines=PATTERN)
    signed = file(statement(raw=b"x", name=name), raw=b"x", name=name)
    found = judged(policy, file(statement()), signed)
    assert errors(found[name]) == ["artifact.unnamed"]


# ---- what is missing ----------------------------------------------------------------


def test_a_name_that_is_absent_fails() -> None:
    found = judged(release())[WHEEL]
    assert (errors(found), found.digest, found.passed) == (["artifact.missing"], None, False)


def test_a_name_that_is_there_under_another_source_is_absent() -> None:
    elsewhere = file(statement(), source="file:elsewhere/")
    verdicts, _ = judge(release(), [elsewhere], UNREADABLE, AT)
    assert [errors(found) for found in verdicts] == [["artifact.missing"], ["artifact.unnamed"]]


@pytest.mark.parametrize("name", [WHEEL.upper(), WHEEL + " ", "x" + WHEEL])
def test_a_name_that_is_almost_there_is_absent(name: str) -> None:
    found = judged(release(), file(statement(name=name), name=name))
    assert errors(found[WHEEL]) == ["artifact.missing"]


def test_a_pattern_that_matches_nothing_fails() -> None:
    policy = release(lines=PATTERN.replace('"*"', '"*.whl", "*.zip"'))
    found = judged(policy, file(statement()))
    assert (errors(found[WHEEL]), errors(found["*.zip"])) == ([], ["artifact.missing"])


def test_an_empty_folder_fails() -> None:
    policy = release(lines=PATTERN.replace('files = ["*"]\n', ""))
    assert errors(judged(policy)["*"]) == ["artifact.missing"]


def test_a_folder_of_evidence_alone_is_empty() -> None:
    policy = release(lines=PATTERN)
    found = judged(policy, file(statement(name="SHA256SUMS"), name="SHA256SUMS"))
    assert errors(found["*"]) == ["artifact.missing"]


def test_the_file_of_a_url_that_is_absent_fails() -> None:
    lines = '[[artifact]]\nsource = "https://acme.test/tool.exe"\nrequire = [{signer = "release"}]'
    assert errors(judged(release(lines=lines))["tool.exe"]) == ["artifact.missing"]


# ---- artifact.as-collected ----------------------------------------------------------


def notes(policy: ReleaseFile, *files: FileFacts) -> list[str]:
    return [finding.code for finding in judge(policy, files, UNREADABLE, AT)[1]]


@pytest.mark.parametrize("files", ['files = ["*"]\n', 'files = ["*.whl"]\n', ""])
def test_what_a_pattern_or_a_folder_took_is_the_collectors_word(files: str) -> None:
    policy = release(lines=PATTERN.replace('files = ["*"]\n', files))
    assert notes(policy, file(statement())) == ["artifact.as-collected"]


def test_names_that_are_written_out_are_the_policys() -> None:
    assert notes(release(), file(statement())) == []


def test_nothing_at_all_was_collected_by_nobody() -> None:
    assert notes(release(lines=PATTERN)) == []


# ---- names and versions -------------------------------------------------------------


def test_a_name_that_nothing_proves_fails() -> None:
    assert errors(verdict(file(statement(name="other.whl")))) == ["artifact.name-unproved"]


# Row C-111: a stranger may name any bytes as he likes.
@pytest.mark.parametrize(
    "change", [{"subject": "evil"}, {"issuer": "evil"}, {"instance": "github"}]
)
def test_a_claim_of_a_stranger_proves_no_name(change: dict[str, Any]) -> None:
    found = verdict(file(claim(), statement(**change)))
    assert errors(found) == ["artifact.name-unproved"]


def test_a_claim_of_another_type_than_required_proves_no_name() -> None:
    policy = release('signer = "release"\npredicate-type = "spdx"')
    spdx = statement(predicate_type=SPDX, name="other.whl")
    assert errors(verdict(file(statement(), spdx), policy)) == ["artifact.name-unproved"]


RUNNER = """
[signers.runner]
issuer = "https://accounts.example"
identity = "runner@acme.test"
"""
BY_RUNNER: dict[str, Any] = {"subject": "runner@acme.test", "issuer": "https://accounts.example"}


def old(name: str) -> FileFacts:
    return file(statement(name=name, **BY_RUNNER), name=name)


def policy_for(name: str, *, strict: bool = True) -> ReleaseFile:
    lines = f'[[artifact]]\nsource = "{SOURCE}"\nfiles = ["{name}"]\n'
    return release(lines=lines + 'require = [{signer = "runner"}]\n', signers=RUNNER, strict=strict)


@pytest.mark.parametrize("name", ["tool.exe", "tool-0.9.zip", "tool-1.0rc1.zip", "tool-1.0.1.zip"])
def test_a_version_that_nothing_proves_fails(name: str) -> None:
    assert errors(verdict(old(name), policy_for(name))) == ["artifact.version-unproved"]


def test_a_version_in_the_proved_name_is_proved() -> None:
    assert errors(verdict(old("tool-1.0.zip"), policy_for("tool-1.0.zip"))) == []


def test_a_version_in_the_exact_identity_of_a_signer_is_proved() -> None:
    policy = release(lines=PATTERN)
    assert errors(verdict(file(statement(name="tool.exe"), name="tool.exe"), policy)) == []


def test_with_lenient_names_what_is_not_proved_is_a_warning() -> None:
    found = verdict(file(claim(**BY_RUNNER), name="tool.exe"), policy_for("tool.exe", strict=False))
    assert (errors(found), found.passed) == ([], True)
    assert noted(found) == ["artifact.name-unproved", "artifact.version-unproved"]


def test_lenient_names_lift_no_requirement() -> None:
    found = verdict(file(name="tool.exe"), policy_for("tool.exe", strict=False))
    assert errors(found) == ["policy.unmet"]


def test_nothing_is_opened_for_a_claim_that_meets_no_requirement() -> None:
    assert errors(verdict(file(claim(subject="evil")), inside=never)) == ["policy.unmet"]


# ---- one digest, two names ----------------------------------------------------------

BOTH_FILES = PATTERN.replace('"*"', f'"{WHEEL}", "{SDIST}"')


def test_one_digest_does_not_satisfy_two_names() -> None:
    # A statement may give one digest both names.
    made = statement(names=(WHEEL, SDIST))
    found = judged(release(lines=BOTH_FILES), file(made), file(made, name=SDIST))
    assert errors(found[WHEEL]) == errors(found[SDIST]) == ["artifact.same-digest"]


def test_one_digest_does_not_satisfy_two_names_of_different_lines() -> None:
    lines = PATTERN + PATTERN.replace(SOURCE, "file:other/")
    made = statement(names=(WHEEL, SDIST))
    found = judged(release(lines=lines), file(made), file(made, name=SDIST, source="file:other/"))
    assert errors(found[WHEEL]) == errors(found[SDIST]) == ["artifact.same-digest"]


def test_one_digest_does_not_satisfy_a_name_and_a_stray() -> None:
    stray = file(name="stray", source="file:stray/")
    assert errors(judged(release(), file(statement()), stray)[WHEEL]) == ["artifact.same-digest"]


def test_one_name_may_be_in_two_lines() -> None:
    lines = PATTERN + PATTERN.replace(SOURCE, "file:other/")
    twins = [file(statement()), file(statement(), source="file:other/")]
    verdicts, _ = judge(release(lines=lines), twins, UNREADABLE, AT)
    assert [errors(found) for found in verdicts] == [[], []]


# Row C-138: the strictest of two rules must hold.
def test_a_name_in_two_lines_is_judged_by_each() -> None:
    strict = PATTERN.replace(SOURCE, "file:other/").replace("}]", ', predicate-type = "spdx"}]')
    twins = [file(statement()), file(statement(), source="file:other/")]
    verdicts, _ = judge(release(lines=PATTERN + strict), twins, UNREADABLE, AT)
    assert [errors(found) for found in verdicts] == [[], ["policy.unmet"]]


@pytest.mark.parametrize("count", [2, 3, 4, 5, 50])
def test_a_few_of_the_other_names_are_told(count: int) -> None:
    twins = [file(name=f"n{n:02}") for n in range(count)]
    found = judged(release(lines=PATTERN), *twins)["n01"]
    (same,) = [f for f in found.findings if f.code == "artifact.same-digest"]
    others = ["n00", "n02", "n03", "n04"][: min(count - 1, 3)]
    more = f" and {count - 4} more" if count > 4 else ""
    assert same.message == f"has the same bytes as {', '.join(others)}{more}"


def test_ten_thousand_names_of_one_digest_take_neither_time_nor_room() -> None:
    twins = [file(name=f"n{n}") for n in range(10_000)]
    started = time.process_time()
    verdicts, _ = judge(release(lines=PATTERN), twins, UNREADABLE, AT)
    assert sum(len(f.message) for v in verdicts for f in v.findings) < 10_000 * 500
    assert time.process_time() - started < 10


def test_thousands_of_copies_of_one_claim_take_no_time() -> None:
    copies = [statement(evidence=f"e{n}") for n in range(20_000)]
    started = time.process_time()
    assert len(verdict(file(*copies)).claims) == 20_000
    assert time.process_time() - started < 5


def test_thousands_of_files_that_many_requirements_do_not_name_take_no_time() -> None:
    names = ", ".join(f'"n{number}.zip"' for number in range(1000))
    one = f'[[artifact.require]]\nfiles = [{names}]\nsigner = "release"\n'
    several = release(lines=f'[[artifact]]\nsource = "{SOURCE}"\nfiles = [{names}]\n' + one * 16)
    strays = [file(raw=str(number).encode(), name=f"x{number}") for number in range(1000)]
    started = time.process_time()
    verdicts, _ = judge(several, strays, UNREADABLE, AT)
    assert not any(verdict.passed for verdict in verdicts)
    assert time.process_time() - started < 8


# ---- contradictions -----------------------------------------------------------------


def contradicted(**changes: Any) -> FileFacts:
    over = claim(raw=b"SHA256SUMS", **changes)
    return file(statement(), contradictions=(Contradiction(over=over, message="lists another"),))


def test_a_manifest_of_a_signer_that_lists_another_digest_fails_the_file() -> None:
    found = verdict(contradicted(), inside=never)
    assert errors(found) == ["digest.mismatch"]


def test_a_manifest_of_a_signer_of_another_line_fails_the_file() -> None:
    policy = release(signers=TWO)
    assert errors(verdict(contradicted(**SBOM), policy)) == ["digest.mismatch"]


# Anybody can sign a list that names our file.
@pytest.mark.parametrize(
    "change", [{"subject": "evil"}, {"issuer": "evil"}, {"instance": "github"}]
)
def test_a_manifest_of_a_stranger_contradicts_nothing(change: dict[str, Any]) -> None:
    assert errors(verdict(contradicted(**change))) == []


def test_a_manifest_that_lists_another_digest_fails_a_pinned_file_too() -> None:
    policy = release(f'digest = "{sha256(b"artifact")}"')
    assert errors(verdict(contradicted(), policy)) == ["digest.mismatch"]


def test_a_manifest_of_an_openpgp_key_that_only_a_requirement_names_fails_the_file() -> None:
    key = "AB" * 20
    gpg = Identity(subject=key, subject_type="openpgp", issuer="")
    over = replace(claim(raw=b"SHA256SUMS", instance="openpgp"), identity=gpg)
    lists = Contradiction(over=over, message="lists another")
    detached = replace(over, digest=sha256(b"artifact"))
    policy = release(f'openpgp = "{key}"\n[[artifact.require]]\nsigner = "release"')
    good = file(detached, statement())
    assert errors(verdict(good, policy)) == []
    contradicting = replace(good, contradictions=(lists,))
    assert errors(verdict(contradicting, policy)) == ["digest.mismatch"]


# ---- order --------------------------------------------------------------------------


def test_verdicts_are_in_the_order_of_the_lines_and_then_of_the_names() -> None:
    lines = PATTERN.replace(SOURCE, "file:z/") + PATTERN
    files = [
        file(raw=b"1", name="b"),
        file(raw=b"2", name="stray", source="file:stray/"),
        file(raw=b"3", name="c", source="file:z/"),
        file(raw=b"4", name="a"),
    ]
    for order in (files, files[::-1]):
        verdicts, _ = judge(release(lines=lines), order, UNREADABLE, AT)
        assert [found.name for found in verdicts] == ["c", "a", "b", "stray"]


def test_the_identity_in_these_tests_is_the_policys() -> None:
    signer = release().signers["release"]
    assert (signer.identity, signer.issuer) == (IDENTITY, ISSUER)
