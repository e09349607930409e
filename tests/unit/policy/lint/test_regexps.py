"""What an identity-regexp matches: nobody, or more than is meant. Each with a text that matches."""

from __future__ import annotations

import re
import time

import pytest

from kit.model import Level
from tests.lab import ISSUER
from tests.lints import codes, found, regexp, release, the, warnings

OURS = r"https://github\.com/acme/"
FILES = r"/\.github/workflows/"
RELEASE = OURS + "tool" + FILES + r"release\.yml@"
AT_TAG = RELEASE + r"refs/tags/v1\.0"
GITLAB = "https://gitlab.com"
OTHER = "https://accounts.example"
GOOGLE = "https://accounts.google.com"


@pytest.mark.parametrize(
    ("pattern", "issuer"),
    [
        (AT_TAG, ISSUER),
        (f"^{AT_TAG}$", ISSUER),
        (RELEASE + r"refs/tags/(v1\.0|1\.0)", ISSUER),
        (OURS + r"(tool|lib)" + FILES + r"release\.yml@refs/tags/v1\.0", ISSUER),
        (r"https://gitlab\.com/acme/tool//\.gitlab-ci\.yml@refs/tags/v1\.0", GITLAB),
        (r"(jo|mo)@acme\.test", GOOGLE),
        (r"jo@acme[.]test", OTHER),
        (r"spiffe://acme\.test/ns/[a-z]+/sa/release", OTHER),
        (r"https://kubernetes\.io/namespaces/ci/serviceaccounts/release", OTHER),
        (r"release!acme\.test", OTHER),
    ],
)
def test_a_regexp_for_what_is_meant_is_clean(pattern: str, issuer: str) -> None:
    assert codes(regexp(pattern, issuer)) == set()


@pytest.mark.parametrize(
    ("pattern", "issuer", "expected"),
    [
        # only the beginning of an identity
        (OURS + r"tool", ISSUER, {"lint.regexp-prefix"}),
        (OURS + r"tool" + FILES + r"release\.yml", ISSUER, {"lint.regexp-prefix"}),
        (RELEASE[:-1] + "@refs/tags/", ISSUER, {"lint.regexp-prefix"}),
        (OURS + r"tool", OTHER, {"lint.regexp-prefix"}),
        (r"https://gitlab\.com/acme/tool", GITLAB, {"lint.regexp-prefix"}),
        (r"jo@acme", GOOGLE, {"lint.regexp-prefix"}),
        # nothing that the issuer vouches for
        (r"jo@acme\.test", ISSUER, {"lint.regexp-never"}),
        (AT_TAG, GOOGLE, {"lint.regexp-never"}),
        (AT_TAG.upper().replace("HTTPS", "https"), ISSUER, {"lint.regexp-never"}),
        # other owners, repositories, workflows, tags
        (r"https://github\.com/acme.*@refs/tags/v1\.0", ISSUER, {"lint.regexp-open"}),
        (
            r".*acme/tool/\.github/workflows/release\.yml@refs/tags/v1\.0",
            ISSUER,
            {"lint.regexp-open"},
        ),
        (OURS + r"tool.*/release\.yml@refs/tags/v1\.0", ISSUER, {"lint.regexp-open"}),
        (OURS + r"tool/.*/release\.yml@refs/tags/v1\.0", ISSUER, {"lint.regexp-open"}),
        (RELEASE[:-7] + r".*@refs/tags/v1\.0", ISSUER, {"lint.regexp-open"}),
        (AT_TAG + ".*", ISSUER, {"lint.regexp-open"}),
        (OURS + r"(a|b.*)" + FILES + r"release\.yml@refs/tags/v1\.0", ISSUER, {"lint.regexp-open"}),
        (r".*acme\.test", GOOGLE, {"lint.regexp-open"}),
        (r"jo@acme\.test.*", GOOGLE, {"lint.regexp-open"}),
        (r".*jo@acme\.test", GOOGLE, {"lint.regexp-open"}),
        (r"jo.?.?.?.?.?@acme\.test", GOOGLE, {"lint.regexp-open"}),
        (r"spiffe://acme\.test/.*", OTHER, {"lint.regexp-open"}),
        # everybody of an owner, any workflow
        (OURS + r"[^/]+" + FILES + r"release\.yml@refs/tags/v1\.0", ISSUER, {"lint.owner-wide"}),
        (OURS + r".+/release\.yml@refs/tags/v1\.0", ISSUER, {"lint.owner-wide"}),
        (r"[a-z-]+@acme\.test", GOOGLE, {"lint.owner-wide"}),
        (OURS + r"tool" + FILES + r"[^@]+@refs/tags/v1\.0", ISSUER, {"lint.any-workflow"}),
        # refs
        (RELEASE + r"refs/heads/main", ISSUER, {"lint.branch-ref"}),
        (RELEASE + r"refs/(tags|heads)/v1\.0", ISSUER, {"lint.branch-ref"}),
        (RELEASE + r"refs/pull/[0-9]+/merge", ISSUER, {"lint.pull-request"}),
        (RELEASE + r".*", ISSUER, {"lint.branch-ref", "lint.pull-request"}),
        (RELEASE + r"refs/tags/.*", ISSUER, {"lint.any-tag"}),
        (RELEASE + r"refs/tags/v[0-9]+\.[0-9]+\.[0-9]+", ISSUER, {"lint.any-tag"}),
        # how it is written
        (AT_TAG.replace(r"github\.com", "github.com"), ISSUER, {"lint.regexp-dot"}),
        (RELEASE + r"refs/tags/v1\.0([a-z]+)+", ISSUER, {"lint.regexp-slow"}),
        (AT_TAG + "(?=x)", ISSUER, {"lint.regexp-unread"}),
    ],
)
def test_a_regexp_for_more_or_nothing_is_told(
    pattern: str, issuer: str, expected: set[str]
) -> None:
    assert codes(regexp(pattern, issuer)) == expected


def test_notes_are_only_what_is_open_on_purpose_or_unknown() -> None:
    assert the("lint.any-tag", regexp(RELEASE + "refs/tags/.*")).level is Level.NOTE
    assert the("lint.regexp-unread", regexp(AT_TAG + "(?=x)")).level is Level.NOTE
    assert warnings(regexp(RELEASE + "refs/tags/.*")) == set()


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://github\.com/acme.*",
        OURS + r"tool.*",
        AT_TAG + ".*",
        RELEASE + ".*",
        r"https://github\.com/(acme|lib.*)/tool/\.github/workflows/a\.yml@refs/tags/v1",
    ],
)
def test_what_is_said_to_match_does_match(pattern: str) -> None:
    told = [
        one.message.rpartition(": ")[2] for one in found(regexp(pattern)) if "https" in one.message
    ]
    assert told
    assert all(re.fullmatch(pattern, text) for text in told)


def test_the_hint_has_the_escaped_pattern() -> None:
    hint = the("lint.regexp-dot", regexp(RELEASE.replace("\\", "") + "refs/tags/v1.0")).hint
    assert hint == f"identity-regexp = '{AT_TAG}'"


def test_the_hint_completes_a_prefix() -> None:
    hint = the("lint.regexp-prefix", regexp(r"^https://github.com/acme/tool/")).hint or ""
    written = hint.split("'")[1].replace("WORKFLOW", "release")
    assert re.fullmatch(
        written, "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1.0"
    )
    assert codes(regexp(written)) == {"lint.any-tag"}


def test_the_hint_shows_what_is_open_in_capitals() -> None:
    hint = the("lint.owner-wide", regexp(OURS + r".*")).hint or ""
    assert (
        '"https://github.com/acme/REPOSITORY/.github/workflows/WORKFLOW.yml@refs/tags/v1.0"' in hint
    )


@pytest.mark.parametrize(
    ("pattern", "require"),
    [
        (RELEASE + ".*", 'source-tag = "v1.0"'),
        (RELEASE + "refs/tags/.*", 'source-ref = "refs/tags/v1.0"'),
        (OURS + r".*@refs/tags/v1\.0", 'signer-workflow = "acme/tool/.github/workflows/a.yml"'),
        (OURS + r".*@refs/tags/v1\.0", 'source-repository = "https://github.com/acme/tool"'),
        (
            OURS + r"tool" + FILES + r".*@refs/tags/v1\.0",
            'signer-workflow = "acme/tool/.github/workflows/a.yml"',
        ),
    ],
)
def test_a_requirement_that_narrows_it_is_enough(pattern: str, require: str) -> None:
    signer = f"issuer = \"{ISSUER}\"\nidentity-regexp = '{pattern}'"
    wide = {"lint.branch-ref", "lint.any-tag", "lint.owner-wide", "lint.any-workflow"}
    assert codes(release(signer=signer)) & wide
    assert not codes(release(signer=signer, require=f'signer = "release"\n{require}')) & wide


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+" * 100,
        ".*" * 500,
        "(a|b|c)*" * 200,
        "[a-z]+" * 300,
        "(.|a){90}(.|b){90}",
        "((((a?)?)?)?)*" * 80,
        "|".join(f"https://github.com/{n}/.*" for n in range(60)),
    ],
)
def test_no_pattern_keeps_the_lint_busy(pattern: str) -> None:
    began = time.monotonic()
    found(regexp(f"https://{pattern}x"))
    assert time.monotonic() - began < 5
