"""Signers that cannot exist, cannot count, or stand for more than is meant."""

from __future__ import annotations

import pytest

from kit.policy.lint import identities
from tests.lab import IDENTITY, ISSUER
from tests.lints import SIGNER, codes, release, the

MAIN = IDENTITY.replace("refs/tags/v1.0", "refs/heads/main")
GENERATOR = (
    "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
    "generator_generic_slsa3.yml@refs/tags/v2.1.0"
)


def signer(identity: str = IDENTITY, issuer: str = ISSUER) -> str:
    return f'issuer = "{issuer}"\nidentity = "{identity}"'


def test_an_exact_identity_at_a_tag_is_clean() -> None:
    assert codes(release()) == set()


def test_a_signer_that_nothing_names_is_told() -> None:
    more = f"[signers.other]\n{SIGNER}"
    assert the("lint.unused-signer", release(more=more)).subject == "signers.other"


def test_a_signer_of_vex_is_used() -> None:
    more = '[signers.vex]\nkey = "keys/vex.pub"'
    require = 'signer = "release"\nscan = {fail-on = "high", max-age = "30d", vex = "vex"}'
    assert codes(release(more=more, require=require)) == set()


@pytest.mark.parametrize(
    ("issuer", "meant"),
    [
        (f"{ISSUER}/", ISSUER),
        (ISSUER.replace("https", "http"), ISSUER),
        (ISSUER.removeprefix("https://"), ISSUER),
        (ISSUER.upper(), ISSUER),
        (ISSUER.replace("githubusercontent", "githubusercontents"), ISSUER),
        ("https://gitlab.com/", "https://gitlab.com"),
        ("http://accounts.google.com", "https://accounts.google.com"),
    ],
)
def test_a_misspelt_issuer_is_told_with_the_right_one(issuer: str, meant: str) -> None:
    one = the("lint.issuer", release(signer=signer(issuer=issuer)))
    assert (one.subject, one.hint) == ("signers.release.issuer", f'issuer = "{meant}"')


@pytest.mark.parametrize(
    "issuer",
    [ISSUER, f"{ISSUER}/acme-enterprise", "https://gitlab.acme.test", "https://accounts.example",
     "https://oidc.circleci.com/org/0"],
)  # fmt: skip
def test_another_issuer_is_let_be(issuer: str) -> None:
    assert codes(release(signer=signer(issuer=issuer))) == set()


@pytest.mark.parametrize(
    ("identity", "issuer"),
    [
        (f"{IDENTITY} ", ISSUER),
        ("acme tool", "https://accounts.example"),
        (IDENTITY.replace("v1.0", "*"), ISSUER),
        ("jo@acme.test", ISSUER),
        ("https://github.com/acme/tool", ISSUER),
        ("https://github.com/acme/tool", "https://accounts.example"),
        (IDENTITY.partition("@")[0], ISSUER),
        ("https://gitlab.com/acme/tool", "https://gitlab.com"),
        (IDENTITY, "https://accounts.google.com"),
        (IDENTITY, "https://gitlab.com"),
        ("repo:acme/tool:ref:refs/tags/v1.0", ISSUER),
    ],
)
def test_an_identity_that_nobody_is_vouched_for_is_told(identity: str, issuer: str) -> None:
    assert codes(release(signer=signer(identity, issuer))) == {"lint.identity-shape"}


@pytest.mark.parametrize(
    ("identity", "issuer"),
    [
        ("jo@acme.test", "https://accounts.google.com"),
        ("https://gitlab.com/acme/group/tool//.gitlab-ci.yml@refs/tags/v1.0", "https://gitlab.com"),
        ("spiffe://acme.test/ns/ci", "https://accounts.example"),
        ("release!acme.test", "https://accounts.example"),
        ("https://github.com/acme/tool/.github/workflows/r.yaml@" + "a" * 40, ISSUER),
    ],
)
def test_every_form_that_is_issued_is_let_be(identity: str, issuer: str) -> None:
    assert codes(release(signer=signer(identity, issuer))) == set()


def test_a_branch_is_told_unless_a_ref_is_demanded() -> None:
    assert codes(release(signer=signer(MAIN))) == {"lint.branch-ref"}
    require = (
        'signer = "release"\nsource-repository = "https://github.com/acme/lib"\nsource-tag = "v1.0"'
    )
    assert "lint.branch-ref" not in codes(release(signer=signer(MAIN), require=require))


def test_a_shared_builder_at_a_branch_is_told_anyway() -> None:
    identity = GENERATOR.replace("refs/tags/v2.1.0", "refs/heads/main")
    require = 'signer = "release"\nsource-tag = "v1.0"'
    assert "lint.branch-ref" in codes(release(signer=signer(identity), require=require))


def test_a_pull_request_is_told() -> None:
    identity = IDENTITY.replace("refs/tags/v1.0", "refs/pull/7/merge")
    assert codes(release(signer=signer(identity))) == {"lint.pull-request"}


@pytest.mark.parametrize(
    ("given", "deny"),
    [
        (SIGNER, f'identities = ["{IDENTITY}"]'),
        (f"issuer = \"{ISSUER}\"\nidentity-regexp = '{IDENTITY.replace('.', '[.]')}'", ""),
        ('openpgp = "' + "A" * 40 + '"', f'keys = ["{"A" * 40}"]'),
    ],
)
def test_a_signer_on_the_deny_list_is_told(given: str, deny: str) -> None:
    top = f"[deny]\n{deny}"
    assert ("lint.denied-signer" in codes(release(top=top, signer=given))) == bool(deny)
    assert codes(release(signer=given)) == set()


def test_a_plain_regexp_on_the_deny_list_is_told() -> None:
    given = f"issuer = \"{ISSUER}\"\nidentity-regexp = '{IDENTITY.replace('.', chr(92) + '.')}'"
    top = f'[deny]\nidentities = ["{IDENTITY}"]'
    assert codes(release(top=top, signer=given)) == {"lint.denied-signer"}


def test_the_parts_of_a_workflow_are_told_apart() -> None:
    parts = identities.workflow(IDENTITY)
    assert parts is not None
    assert (parts.repository, parts.file, parts.ref) == (
        "https://github.com/acme/tool", "release.yml", "refs/tags/v1.0"
    )  # fmt: skip
    assert str(parts) == IDENTITY
    assert identities.workflow("jo@acme.test") is None


@pytest.mark.parametrize(
    "issuer",
    [ISSUER, "https://gitlab.com", "https://accounts.google.com", "https://accounts.example"],
)
def test_every_issuers_identities_are_described(issuer: str) -> None:
    assert identities.described(issuer)
