"""kit.policy.requirements: one claim meets all of a requirement, or misses it for a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.formats.rules import Requirement
from kit.model import Claim, Digest
from kit.policy import requirements
from tests import claims
from tests.claims import PROVENANCE, claim
from tests.lab import IDENTITY, ISSUER

KNOWN = {"sha256": claims.sha256(b"artifact"), "sha512": Digest("sha512", "b" * 128)}
FILE = replace(claims.file(), digests=KNOWN)


def requirement(text: str, signers: str = "") -> Requirement:
    return claims.release(text, signers=signers).lines[0].requirements[0]


def codes(text: str, made: Claim, signers: str = "") -> list[str]:
    """Return the codes of what a claim misses."""
    found = requirements.misses(requirement(text, signers), made, FILE, claims.WHERE)
    return [miss.code for miss in found]


SIGNED = 'signer = "release"'
PEOPLE = """
[signers.people]
issuer = "https://accounts.example"
identity-regexp = '{}'
"""


def by_regexp(pattern: str, subject: str) -> list[str]:
    made = claim(subject=subject, issuer="https://accounts.example")
    return codes('signer = "people"', made, PEOPLE.format(pattern))


# ---- who signed ---------------------------------------------------------------------


def test_a_claim_of_the_signer_meets_it() -> None:
    assert codes(SIGNED, claim()) == []


# Rows C-126 and C-128 of the catalogue.
@pytest.mark.parametrize(
    "subject",
    [
        "",
        IDENTITY[:-1],
        IDENTITY[1:],
        IDENTITY + "0",
        IDENTITY + "\n",
        IDENTITY + "\0",
        " " + IDENTITY,
        IDENTITY.upper(),
        IDENTITY.replace("acme", "Acme"),
        IDENTITY.replace("/tool/", "/tool-evil/"),
        IDENTITY.replace("acme", "evil-acme"),
        IDENTITY.replace("v1.0", "v1x0"),
        IDENTITY.replace("refs/tags", "refs/heads"),
        IDENTITY.replace("release.yml", "other.yml"),
        IDENTITY.replace("https://", "http://"),
        "https://evil.test/?" + IDENTITY,
        IDENTITY + "?x=" + IDENTITY,
        # A letter that looks the same.
        IDENTITY.replace("acme", "\u0430cme"),
        # The same letters, composed otherwise.
        IDENTITY.replace("acme", "acme\u0301"),
    ],
)
def test_an_identity_is_compared_whole(subject: str) -> None:
    assert codes(SIGNED, claim(subject=subject)) == ["policy.identity"]


# Row C-125.
@pytest.mark.parametrize("issuer", ["", ISSUER + "/", ISSUER.upper(), "https://evil.test"])
def test_an_issuer_is_compared_whole(issuer: str) -> None:
    assert codes(SIGNED, claim(issuer=issuer)) == ["policy.issuer"]


@pytest.mark.parametrize("instance", ["github", "", "Sigstore"])
def test_a_claim_of_another_instance_misses(instance: str) -> None:
    assert codes(SIGNED, claim(instance=instance)) == ["policy.instance"]


def test_a_claim_of_the_public_good_instance_misses_where_another_must_vouch() -> None:
    signers = f'[signers.ours]\n{claims.RELEASE}\ntrusted-root = "github"\n'
    assert codes('signer = "ours"', claim(), signers) == ["policy.instance"]


def test_all_that_a_claim_misses_is_told() -> None:
    made = claim(subject="jo", issuer="i", instance="github")
    assert codes(SIGNED, made) == ["policy.instance", "policy.issuer", "policy.identity"]


def test_a_message_says_in_which_part_two_workflows_differ() -> None:
    made = claim(subject=IDENTITY.replace("v1.0", "v0.9"))
    (miss,) = requirements.misses(requirement(SIGNED), made, FILE, claims.WHERE)
    assert miss.message.endswith("(differs in: ref)")


@pytest.mark.parametrize("subject", ["jo@acme.test", "https://github.com/acme/tool"])
def test_a_message_about_what_is_no_workflow_says_no_part(subject: str) -> None:
    (miss,) = requirements.misses(requirement(SIGNED), claim(subject=subject), FILE, claims.WHERE)
    assert "differs in" not in miss.message


# ---- regexps ------------------------------------------------------------------------


@pytest.mark.parametrize("subject", ["jo@acme.test", "mo@acme.test"])
def test_a_regexp_that_matches_the_whole_identity_meets_it(subject: str) -> None:
    assert by_regexp("(jo|mo)@acme[.]test", subject) == []


# Row C-127: what would pass if it were searched for, or only anchored in front.
@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        ("jo@acme[.]test", "evil-jo@acme.test"),
        ("jo@acme[.]test", "jo@acme.test.evil"),
        ("jo@acme[.]test", "jo@acme.test\n"),
        ("^jo@acme[.]test$", "jo@acme.test\n"),
        ("jo|mo", "joanna"),
        ("jo|mo", "evilmo"),
        ("^jo|mo$", "jo@evil.test"),
        ("^jo|mo$", "evil-mo"),
        ("https://github.com/acme/tool/.+", "https://github.com/acme/tool-evil/x"),
        (".+@acme[.]test", "jo\n@acme.test"),
        ("jo@ACME[.]test", "jo@acme.test"),
        ("(?m)^jo$", "evil\njo"),
        ("(?m)^jo$", "jo\nevil"),
    ],
)
def test_a_regexp_that_matches_a_part_of_an_identity_misses(pattern: str, subject: str) -> None:
    assert by_regexp(pattern, subject) == ["policy.identity"]


# ---- what was signed ----------------------------------------------------------------

TYPED = f'{SIGNED}\npredicate-type = "{PROVENANCE}"'


def test_a_statement_of_the_type_meets_it() -> None:
    assert codes(TYPED, claims.statement()) == []


@pytest.mark.parametrize(
    "kind", [None, "", PROVENANCE + "/", PROVENANCE.upper(), "https://slsa.dev/provenance/v0.2"]
)
def test_a_statement_of_another_type_misses(kind: str | None) -> None:
    assert codes(TYPED, claims.statement(predicate_type=kind)) == ["policy.predicate-type"]


def test_a_statement_of_one_of_several_types_meets_it() -> None:
    text = f'{SIGNED}\npredicate-type = ["spdx", "slsa-provenance"]'
    assert codes(text, claims.statement()) == []


def test_a_statement_of_any_type_meets_a_requirement_without_one() -> None:
    assert codes(SIGNED, claims.statement(predicate_type="https://acme.test/any")) == []


LISTED = f'{SIGNED}\nlisted-in = "SHA256SUMS"'


def test_a_line_of_the_digest_manifest_meets_it() -> None:
    assert codes(LISTED, claims.line()) == []


@pytest.mark.parametrize("listed_in", [None, "", "SHA512SUMS", "sha256sums", "dist/SHA256SUMS"])
def test_a_line_of_another_manifest_or_of_none_misses(listed_in: str | None) -> None:
    assert codes(LISTED, claims.line(listed_in=listed_in)) == ["policy.listed-in"]


def test_a_line_of_a_manifest_is_no_signature_over_the_file() -> None:
    assert codes(SIGNED, claims.line()) == ["policy.listed-in"]


# ---- digests ------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_the_digest_of_the_file_meets_it(algorithm: str) -> None:
    assert codes(f'digest = "{KNOWN[algorithm]}"', claim()) == []


@pytest.mark.parametrize(
    "digest", ["sha256:" + "a" * 64, "sha512:" + "a" * 128, "sha384:" + "a" * 96]
)
def test_another_digest_misses_and_so_does_one_that_was_not_computed(digest: str) -> None:
    assert codes(f'{SIGNED}\ndigest = "{digest}"', claim()) == ["policy.digest"]


@pytest.mark.parametrize(
    "digest",
    [claims.sha256(b"another file"), Digest("sha384", "a" * 96), Digest("sha512", "a" * 128)],
)
def test_a_claim_about_another_file_meets_nothing(digest: Digest) -> None:
    assert codes(SIGNED, claim(digest=digest)) == ["policy.digest"]


def test_a_claim_may_speak_of_the_file_by_a_longer_digest() -> None:
    assert codes(SIGNED, claim(digest=KNOWN["sha512"])) == []
