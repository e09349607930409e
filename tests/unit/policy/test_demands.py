"""Policy that combines: any of, at least so many, every, optional; logs, terms, deny-lists."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kit.formats.release_file import ReleaseFile
from kit.model import Claim, EvidenceKind, Finding, Identity, Level
from kit.model.predicates import Sbom, Scan, Severity, Vex, VexStatement, Vulnerability
from kit.policy.judge import judge
from tests import claims
from tests.claims import UNREADABLE, WHEEL, claim, file, release, sha256, statement
from tests.lab import AT, IDENTITY, ISSUER

FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
SIGNERS = f"""
[signers.jo]
issuer = "{ISSUER}"
identity = "https://github.com/jo/tool/.github/workflows/sign.yml@refs/tags/v1.0"
[signers.also-jo]
issuer = "{ISSUER}"
identity-regexp = "https://github.com/jo/tool/[.]github/workflows/sign[.]yml@refs/tags/.*"
[signers.people]
issuer = "https://accounts.example"
identity-regexp = "(jo|mo)@acme[.]test"
[signers.key]
key = "keys/cosign.pub"
[signers.gpg]
openpgp = "{FINGERPRINT}"
"""
JO: dict[str, Any] = {
    "subject": "https://github.com/jo/tool/.github/workflows/sign.yml@refs/tags/v1.0"
}
ACCOUNTS: dict[str, Any] = {"issuer": "https://accounts.example"}
KEY = Identity(
    subject=f"sha256:{'c' * 64}",
    subject_type="key",
    issuer="",
    facts={"key": "keys/cosign.pub, keys/other.pub"},
)
GPG = Identity(subject=FINGERPRINT, subject_type="openpgp", issuer="")
LOGGED = {"index": "1"}


def policy(require: str, top: str = "") -> ReleaseFile:
    return release(require, signers=SIGNERS, top=top)


def findings(require: str | ReleaseFile, *made: Claim) -> tuple[Finding, ...]:
    wanted = policy(require) if isinstance(require, str) else require
    (verdict,), about = judge(wanted, [file(*made)], UNREADABLE, AT)
    return (*verdict.findings, *about)


def errors(require: str | ReleaseFile, *made: Claim) -> list[str]:
    """Return the codes of what fails the file, or the whole check."""
    found = findings(require, *made)
    return [finding.code for finding in found if finding.level is Level.ERROR]


def codes(require: str | ReleaseFile, *made: Claim) -> set[str]:
    return {finding.code for finding in findings(require, *made)}


ANY = 'any-of = [{signer = "release"}, {signer = "people"}]'


def test_one_of_several_ways_is_enough() -> None:
    assert errors(ANY, statement()) == []
    assert errors(ANY, statement(subject="jo@acme.test", **ACCOUNTS)) == []


def test_no_way_is_not() -> None:
    assert errors(ANY) == ["policy.unmet"]
    assert errors(ANY, statement(subject="jo@acme.test.evil", **ACCOUNTS)) == ["policy.unmet"]


BOTH = 'any-of = [{signer = "jo"}, {all-of = [{signer = "release"}, {signer = "gpg"}]}]'


def test_a_way_of_several_requirements_needs_them_all() -> None:
    by_gpg = claim(instance="openpgp", kind=EvidenceKind.OPENPGP)
    by_gpg = replace(by_gpg, identity=GPG)
    assert errors(BOTH, statement(), by_gpg) == []
    assert errors(BOTH, statement()) == ["policy.unmet"]
    assert errors(BOTH, by_gpg) == ["policy.unmet"]
    assert errors(BOTH, statement(**JO)) == []


TWO = 'at-least = 2\nany-of = [{signer = "jo"}, {signer = "release"}, {signer = "key"}]'


def test_what_several_claims_or_demands_miss_alike_is_told_once() -> None:
    two = 'signer = "release"\n[[artifact.require]]\nsigner = "release"\nlog = true'
    strangers = [statement(subject="evil", evidence=f"evidence/{name}.json") for name in "aab"]
    told = [f for f in findings(two, *strangers) if f.code == "policy.identity"]
    assert [f.message.partition(": ")[0] for f in told] == ["evidence/a.json, evidence/b.json"]


def test_at_least_two_distinct_signers_of_several() -> None:
    assert errors(TWO, statement(), statement(**JO)) == []


def test_one_signer_twice_counts_once() -> None:
    assert errors(TWO, statement(), statement()) == ["policy.too-few-signers"]


def test_two_signers_that_one_certificate_can_meet_count_once() -> None:
    same = 'at-least = 2\nany-of = [{signer = "jo"}, {signer = "also-jo"}]'
    assert errors(same, statement(**JO)) == ["policy.too-few-signers"]


def test_a_workflow_at_two_refs_is_one_signer() -> None:
    same = 'at-least = 2\nany-of = [{signer = "jo"}, {signer = "also-jo"}]'
    other = statement(subject=JO["subject"].replace("v1.0", "v1.1"))
    assert errors(same, statement(**JO), other) == ["policy.too-few-signers"]


def test_signers_are_matched_with_ways_so_that_most_are_met() -> None:
    """The first way could take the only signer of the second."""
    wide = 'at-least = 2\nany-of = [{signer = "people"}, {signer = "only-jo"}]'
    only = '\n[signers.only-jo]\nissuer = "https://accounts.example"\nidentity = "jo@acme.test"'
    wanted = release(wide, signers=SIGNERS + only)
    jo, mo = (statement(subject=f"{name}@acme.test", **ACCOUNTS) for name in ("jo", "mo"))
    assert errors(wanted, jo, mo) == []
    assert errors(wanted, jo) == ["policy.too-few-signers"]
    assert errors(wanted, mo) == ["policy.too-few-signers"]


def test_at_least_two_people_of_one_regexp() -> None:
    people = 'signer = "people"\nat-least = 2'
    jo, mo = (statement(subject=f"{name}@acme.test", **ACCOUNTS) for name in ("jo", "mo"))
    assert errors(people, jo, mo) == []
    assert errors(people, jo, jo) == ["policy.too-few-signers"]
    assert errors(people) == ["policy.too-few-signers"]


EVERY = 'signer = "release"\npredicate-type = "slsa-provenance"\nevery = true\nlog = true'


def test_every_claim_of_its_kind_must_hold() -> None:
    assert errors(EVERY, statement(log=LOGGED)) == []
    assert errors(EVERY, statement(log=LOGGED), statement()) == ["policy.unmet"]
    assert errors(EVERY) == ["policy.unmet"]


def test_claims_of_other_kinds_or_signers_do_not_count_against_it() -> None:
    other = (statement(predicate_type="https://spdx.dev/Document"), statement(**JO))
    assert errors(EVERY, statement(log=LOGGED), *other) == []


def test_an_optional_requirement_fails_nothing_and_says_why() -> None:
    wanted = 'signer = "release"\n[[artifact.require]]\nsigner = "jo"\noptional = "since 2.0"'
    assert errors(wanted, statement()) == []
    (note,) = [f for f in findings(wanted, statement()) if f.code == "policy.optional"]
    assert "since 2.0" in note.message


def test_a_line_where_all_is_optional_has_no_rule() -> None:
    assert errors('signer = "release"\noptional = "x"', statement()) == ["policy.no-rule"]


def test_a_digest_in_a_way_that_is_not_met_pins_no_name() -> None:
    pinned = f'any-of = [{{signer = "release"}}, {{digest = "{sha256(b"other")}"}}]'
    assert errors(pinned, claim()) == ["artifact.name-unproved"]
    assert errors(pinned, statement()) == []


# ---- keys -------------------------------------------------------------------------


def by_key(**changes: Any) -> Claim:
    return replace(statement(log=LOGGED), identity=KEY, **changes)


def test_a_key_signer_is_met_by_its_key() -> None:
    assert errors('signer = "key"', by_key()) == []


@pytest.mark.parametrize(
    "who",
    [
        Identity(subject=KEY.subject, subject_type="key", issuer="", facts={"key": "keys/x.pub"}),
        Identity(subject=KEY.subject, subject_type="key", issuer=""),
        Identity(subject=KEY.subject, subject_type="uri", issuer="", facts=KEY.facts),
        Identity(subject=IDENTITY, subject_type="uri", issuer=ISSUER),
        GPG,
    ],
)
def test_a_key_signer_is_met_by_no_other(who: Identity) -> None:
    found = codes('signer = "key"', replace(by_key(), identity=who))
    assert {"policy.unmet", "policy.identity"} <= found


def test_a_key_belongs_to_its_instance() -> None:
    found = codes('signer = "key"', by_key(instance="github"))
    assert {"policy.unmet", "policy.instance"} <= found


def test_a_keys_signature_must_be_logged_unless_the_rule_says_otherwise() -> None:
    assert {"policy.unmet", "policy.log"} <= codes('signer = "key"', by_key(log={}))
    assert errors('signer = "key"\nlog = false', by_key(log={})) == []


def test_a_key_never_meets_a_signer_by_certificate() -> None:
    named_so = Identity(subject=IDENTITY, subject_type="key", issuer=ISSUER, facts=KEY.facts)
    found = codes('signer = "release"', replace(by_key(), identity=named_so))
    assert {"policy.unmet", "policy.issuer"} <= found


def test_a_log_is_demanded_of_a_certificate_where_the_rule_says_so() -> None:
    assert {"policy.unmet", "policy.log"} <= codes('signer = "release"\nlog = true', statement())
    assert errors('signer = "release"\nlog = true', statement(log=LOGGED)) == []


def test_an_openpgp_signer_is_met_by_its_full_fingerprint_alone() -> None:
    right = replace(claim(), identity=GPG, names=(WHEEL,))
    assert errors('signer = "gpg"', right) == []
    wrong = replace(GPG, subject=FINGERPRINT[::-1])
    assert "policy.identity" in codes('signer = "gpg"', replace(right, identity=wrong))
    not_gpg = replace(GPG, subject_type="key")
    assert "policy.identity" in codes('signer = "gpg"', replace(right, identity=not_gpg))


# ---- predicates -------------------------------------------------------------------


def test_a_predicate_must_satisfy_the_policys_schema() -> None:
    text = b'{"type": "object", "required": ["a"]}'
    wanted = claims.release(
        'signer = "release"\npredicate-schema = "s.json"', beside={"s.json": text}
    )
    assert errors(wanted, statement(predicate_json='{"a": 1}')) == []
    assert "policy.predicate-schema" in codes(wanted, statement(predicate_json='{"b": 1}'))
    assert "policy.predicate-schema" in codes(wanted, claim())


def test_a_predicate_that_grew_when_it_was_written_again_is_read() -> None:
    wanted = claims.release(
        'signer = "release"\npredicate-schema = "s.json"', beside={"s.json": b"{}"}
    )
    many = json.dumps({"a": "," * (5 << 20)})  # signed as escapes, of which each counts for one
    assert errors(wanted, statement(predicate_json=many)) == []


# ---- terms ------------------------------------------------------------------------


def test_an_expired_policy_passes_nothing() -> None:
    expires = "expires = 2026-01-02T03:04:05Z"
    wanted = policy('signer = "release"', expires)
    assert wanted.terms.expires is not None
    (_,), found = judge(wanted, [file(statement())], UNREADABLE, wanted.terms.expires)
    assert [f.code for f in found if f.level is Level.ERROR] == ["policy.expired"]
    before = wanted.terms.expires - timedelta(seconds=1)
    (_,), found = judge(wanted, [file(statement())], UNREADABLE, before)
    assert found == ()


DAY = AT.date()


@pytest.mark.parametrize(
    ("top", "holds"),
    [
        (f"oldest-signature = {AT.isoformat()}", True),
        (f"oldest-signature = {(AT + timedelta(seconds=1)).isoformat()}", False),
        (f"newest-signature = {AT.isoformat()}", True),
        (f"newest-signature = {(AT - timedelta(seconds=1)).isoformat()}", False),
    ],
)
def test_signing_times_have_bounds(top: str, holds: bool) -> None:
    found = codes(policy('signer = "release"', top), statement())
    assert ("policy.signed-at" in found) is not holds
    assert ("policy.unmet" in found) is not holds


def test_a_claim_without_time_is_outside_any_bounds() -> None:
    top = f"oldest-signature = {(AT - timedelta(days=1)).isoformat()}"
    assert "policy.signed-at" in codes(policy('signer = "release"', top), statement(signed_at=None))


@pytest.mark.parametrize(
    ("floor", "failing"),
    [("1.0", []), ("0.9", []), ("1.0.1", ["policy.version-floor", "policy.version-floor"])],
)
def test_no_file_is_below_the_floor(floor: str, failing: list[str]) -> None:
    wanted = policy('signer = "release"', f'minimum-version = "{floor}"')
    assert errors(wanted, statement()) == failing


def test_denied_bytes_never_pass() -> None:
    wanted = policy('signer = "release"', f'deny = {{digests = ["{sha256(b"artifact")}"]}}')
    assert errors(wanted, statement()) == ["policy.denied"]


@pytest.mark.parametrize(
    ("denied", "who"),
    [
        (
            f'identities = ["{IDENTITY}"]',
            Identity(subject=IDENTITY, subject_type="uri", issuer="x"),
        ),
        (f'keys = ["sha256:{"c" * 64}"]', KEY),
        (f'keys = ["{FINGERPRINT.lower()}"]', GPG),
        (f'keys = ["{"AB" * 20}"]', replace(GPG, facts={"signing-key": "AB" * 20})),
    ],
)
def test_what_a_denied_signer_signed_never_passes_whoever_signed_it_too(
    denied: str, who: Identity
) -> None:
    wanted = policy('signer = "jo"', f"deny = {{{denied}}}")
    assert errors(wanted, statement(**JO)) == []
    assert errors(wanted, statement(**JO), replace(statement(), identity=who)) == ["policy.denied"]


def test_an_identity_is_not_denied_for_a_part_of_it() -> None:
    wanted = policy('signer = "release"', f'deny = {{identities = ["{IDENTITY[:-1]}"]}}')
    assert errors(wanted, statement()) == []


# ---- what documents say -----------------------------------------------------------

CVE = Vulnerability(ids=("CVE-2026-1",), severity=Severity.HIGH)
SCANNED = statement(predicate=Scan(format="grype", tool="grype", found=(CVE,)))
EXCEPTING = Vex(author="a", statements=(VexStatement(ids=CVE.ids, status="fixed", at=AT),))
VEXED = 'signer = "release"\nscan = {fail-on = "high", vex = "jo"}'
BY_KEY = VEXED.replace('"jo"', '"key"')


def vexed(**changes: Any) -> Claim:
    return statement(**JO | {"predicate": EXCEPTING, "predicate_type": "v"} | changes)


def keyed_vex(**changes: Any) -> Claim:
    return replace(vexed(**changes), identity=KEY)


@pytest.mark.parametrize(
    ("wanted", "excepting"),
    [
        (policy(VEXED), vexed()),
        (policy(VEXED, "oldest-signature = 2025-01-01"), vexed()),
        (policy(BY_KEY), keyed_vex(log=LOGGED)),
        (policy(f"{BY_KEY}\nlog = false"), keyed_vex()),
    ],
)
def test_vex_counts_on_the_terms_of_all_evidence(wanted: ReleaseFile, excepting: Claim) -> None:
    assert errors(wanted, SCANNED) == ["policy.unmet"]
    assert errors(wanted, SCANNED, excepting) == []


@pytest.mark.parametrize(
    ("wanted", "excepting"),
    [
        (policy(VEXED, "newest-signature = 2025-06-02"), vexed(signed_at=AT + timedelta(days=2))),
        (policy(VEXED, "oldest-signature = 2025-01-01"), vexed(signed_at=None)),
        (policy(f"{VEXED}\nlog = true"), vexed()),
        (policy(BY_KEY), keyed_vex()),
        # What is said of a digest manifest is not said of what it lists.
        (policy(VEXED), vexed(listed_in="SHA256SUMS")),
    ],
)
def test_vex_that_does_not_count_excepts_nothing(wanted: ReleaseFile, excepting: Claim) -> None:
    scanned = replace(SCANNED, log=LOGGED)
    assert errors(wanted, scanned, excepting) == ["policy.unmet"]


def test_many_copies_of_scans_and_statements_take_no_product_of_time() -> None:
    scans = [replace(SCANNED, evidence=f"s{n}") for n in range(3000)]
    statements = [vexed(evidence=f"v{n}") for n in range(3000)]
    started = time.process_time()
    assert errors(policy(VEXED), *scans, *statements) == []
    assert time.process_time() - started < 10


UNNAMED = "tool.bin"
UNNAMED_LINE = f"""\
[[artifact]]
source = "{claims.SOURCE}"
files = ["{UNNAMED}"]
[[artifact.require]]
signer = "jo"
[[artifact.require]]
signer = "release"
"""


@pytest.mark.parametrize("sbom", ['{file = "sbom.json"}', "true"])
def test_who_signed_an_sbom_does_not_say_the_files_version(sbom: str) -> None:
    lines = f"{UNNAMED_LINE}sbom = {sbom}\n"
    anybody = SIGNERS.replace(JO["subject"], "https://jo.test")
    wanted = release(None, signers=anybody, lines=lines)
    named = statement(name=UNNAMED, subject="https://jo.test")
    says = Sbom(format="spdx", version="2.3", components=3, about=(claim().digest,))
    beside = claim(document="sbom.json", predicate=says)
    judged = file(named, beside, name=UNNAMED)
    (verdict,), _ = judge(wanted, [judged], UNREADABLE, AT)
    assert [f.code for f in verdict.findings] == ["artifact.version-unproved"]
    tagged = release(None, signers=anybody, lines=f"{lines}source-tag = 'v1.0'\n")
    built = replace(beside.identity, facts={"source-repository-ref": "refs/tags/v1.0"})
    judged = file(named, replace(beside, identity=built), name=UNNAMED)
    (verdict,), _ = judge(tagged, [judged], UNREADABLE, AT)
    assert [f.code for f in verdict.findings] == ["artifact.version-unproved"]


def test_each_signer_says_for_itself_whether_an_expired_openpgp_key_counts() -> None:
    lenient = f'[signers.lenient]\nopenpgp = "{FINGERPRINT}"\naccept-expired = true\n'
    expired = replace(claim(), identity=replace(GPG, facts={"key-expired": "true"}), names=(WHEEL,))
    for require, fails in (
        ('signer = "gpg"', ["policy.unmet"]),
        (f'openpgp = "{FINGERPRINT}"', ["policy.unmet"]),
        ('signer = "lenient"', []),
    ):
        wanted = release(require, signers=SIGNERS + lenient)
        assert errors(wanted, expired) == fails
        assert ("openpgp.key-expired" in codes(wanted, expired)) == bool(fails)
