"""Requirements that ask too little, or what can never be."""

from __future__ import annotations

import pytest

from kit.model import Level
from tests.lab import IDENTITY, ISSUER
from tests.lints import COMMIT, LINE, codes, release, the

REPOSITORY = 'source-repository = "https://github.com/acme/tool"'
GENERATOR = (
    "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
    "generator_generic_slsa3.yml@refs/tags/v2.1.0"
)
SHARED = f'issuer = "{ISSUER}"\nidentity = "{GENERATOR}"'
BY_REGEXP = (
    f'issuer = "{ISSUER}"\n'
    f"identity-regexp = '{GENERATOR.replace('.', chr(92) + '.').replace('v2', 'v[0-9]')}'"
)
KEY = 'key = "keys/cosign.pub"'
DIGEST = f'digest = "sha256:{"a" * 64}"'


def require(*keys: str) -> str:
    return "\n".join(['signer = "release"', *keys])


def of(*keys: str) -> set[str]:
    return codes(release(require=require(*keys)))


@pytest.mark.parametrize(
    "keys",
    [
        ('predicate-type = "slsa-provenance"',),
        ('predicate-type = ["spdx", "https://slsa.dev/provenance/v1"]', 'source-tag = "v1.0"'),
        (f'builder-id = "{IDENTITY}"',),
        ("external-parameters = {a = 1}",),
    ],
)
def test_provenance_without_a_commit_is_told(keys: tuple[str, ...]) -> None:
    assert of(*keys) == {"lint.no-source-digest"}
    assert of(*keys, f'source-digest = "{COMMIT}"') == set()
    assert of(*keys, DIGEST) == set()


def test_a_tag_without_a_commit_is_advice_where_no_provenance_is_demanded() -> None:
    one = the("lint.tag-only", release(require=require('source-tag = "v1.0"')))
    assert one.level is Level.NOTE
    assert of('source-tag = "v1.0"', f'source-digest = "{COMMIT}"') == set()
    assert of('predicate-type = "spdx"') == set()


@pytest.mark.parametrize("signer", [SHARED, BY_REGEXP])
def test_a_shared_builder_needs_repository_and_ref(signer: str) -> None:
    def shared(*keys: str) -> bool:
        return "lint.shared-builder" in codes(release(signer=signer, require=require(*keys)))

    assert shared()
    assert shared(REPOSITORY)
    assert shared('source-tag = "v1.0"')
    assert not shared(REPOSITORY, 'source-tag = "v1.0"')
    assert not shared(REPOSITORY, 'source-ref = "refs/tags/v1.0"')


def test_a_workflow_of_another_repository_is_a_shared_builder() -> None:
    other = 'source-repository = "https://github.com/other/lib"'
    assert of(other) == {"lint.shared-builder"}
    assert "lint.shared-builder" not in of(other, 'source-tag = "v2"')


@pytest.mark.parametrize("repository", ["acme/tools", "Acme/tool", "mallory/tool"])
def test_a_misspelt_repository_is_told(repository: str) -> None:
    key = f'source-repository = "https://github.com/{repository}"'
    one = the("lint.source-mismatch", release(require=require(key, 'source-tag = "v1.0"')))
    assert one.hint == REPOSITORY


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ('source-tag = "v1.1"', "source-tag"),
        ('source-ref = "refs/tags/1.0"', "source-ref"),
        ('source-branch = "main"', "source-branch"),
    ],
)
def test_a_ref_that_is_not_the_identitys_is_told(key: str, name: str) -> None:
    one = the("lint.source-mismatch", release(require=require(REPOSITORY, key)))
    assert one.subject == f"artifact[0].require[0].{name}"
    assert "lint.source-mismatch" not in of(REPOSITORY, 'source-tag = "v1.0"')


def test_a_branch_is_told_unless_the_commit_is_named() -> None:
    assert "lint.branch-ref" in of('source-branch = "main"')
    assert "lint.branch-ref" in of('source-ref = "refs/heads/main"')
    assert "lint.branch-ref" not in of('source-branch = "main"', f'source-digest = "{COMMIT}"')


@pytest.mark.parametrize(
    "key",
    [
        'build-trigger = "pull_request"',
        'build-trigger = ["push", "pull_request_target"]',
        'source-ref = "refs/pull/1/merge"',
    ],
)
def test_what_a_pull_request_built_is_told(key: str) -> None:
    assert "lint.pull-request" in of(key)
    assert of('build-trigger = ["push", "release"]') == set()


def test_a_key_without_a_log_is_told() -> None:
    assert codes(release(signer=KEY, require=require("log = false"))) == {"lint.key-unlogged"}
    assert codes(release(signer=KEY)) == set()
    assert of("log = false") == set()  # an identity's instance says whether


@pytest.mark.parametrize(("signer", "keys"), [(KEY, ()), (KEY, ("log = true",))])
def test_a_log_that_the_instance_does_not_have_is_told(signer: str, keys: tuple[str, ...]) -> None:
    given = release(signer=signer, require=require(*keys))
    assert codes(given, {"sigstore"}) == {"lint.no-log"}
    assert codes(given, {"github"}) == set()


def test_an_identitys_log_is_told_only_where_it_is_demanded() -> None:
    assert codes(release(require=require("log = true")), {"sigstore"}) == {"lint.no-log"}
    assert codes(release(), {"sigstore"}) == set()


def test_an_openpgp_key_is_in_no_log_and_that_is_known() -> None:
    given = release(signer=f'openpgp = "{"A" * 40}"')
    assert codes(given, {"sigstore"}) == set()


def test_a_denied_digest_is_told() -> None:
    top = f'[deny]\ndigests = ["sha256:{"a" * 64}"]'
    assert codes(release(top=top, require=require(DIGEST))) == {"lint.denied-digest"}
    assert codes(release(top=top)) == set()


def test_one_digest_for_several_files_is_told() -> None:
    two = LINE.replace("]", ', "tool-1.0.zip"]')
    assert codes(release(line=two, require=require(DIGEST))) == {"lint.one-digest"}
    one = require(DIGEST, 'files = ["tool-1.0.zip"]')
    assert "lint.one-digest" not in codes(release(line=two, require=one))
    assert of(DIGEST) == set()


def test_an_sbom_of_nothing_is_told() -> None:
    assert of("sbom = {minimum-components = 0}") == {"lint.no-components"}
    assert of("sbom = true") == set()


@pytest.mark.parametrize(
    ("scan", "more", "expected"),
    [
        ('fail-on = "high", max-age = "30d"', "", set()),
        ('fail-on = "high"', "", {"lint.scan-age"}),
        ('fail-on = "high", max-age = "30d", allow-unknown = true', "", {"lint.allow-unknown"}),
        ('fail-on = "high", max-age = "30d"', "every = false", {"lint.not-every-scan"}),
        (
            (
                'fail-on = "high", max-age = "30d", exceptions = [{id = "CVE-1", reason = "r", '
                "expires = 2025-06-01}]"
            ),
            "",
            {"lint.exception-expired"},
        ),
        (
            (
                'fail-on = "high", max-age = "30d", exceptions = [{id = "CVE-1", reason = "r", '
                "expires = 2026-06-03}]"
            ),
            "",
            {"lint.exception-long"},
        ),
        (
            (
                'fail-on = "high", max-age = "30d", exceptions = [{id = "CVE-1", reason = "r", '
                "expires = 2026-05-31}]"
            ),
            "",
            set(),
        ),
    ],
)
def test_scans(scan: str, more: str, expected: set[str]) -> None:
    assert of(f"scan = {{{scan}}}", more) == expected
