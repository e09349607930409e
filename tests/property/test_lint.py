"""A lint never fails on a release file that parses, and its languages are those of `re`."""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from kit.errors import UsageError
from kit.formats import release_file
from kit.formats.toml_text import string
from kit.policy.lint import language
from kit.policy.lint.expression import Unread, read
from tests.lab import IDENTITY, ISSUER
from tests.lints import COMMIT, found

many = settings(max_examples=300, deadline=None)

# ---- patterns -----------------------------------------------------------------------

ATOMS = ["a", "b", "ab", ".", "[ab]", "[^a]", r"\.", r"\w", "c", "(a|b)", "(?:ab)"]
MARKS = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "{,1}", "*?", "{"]


@st.composite
def pattern(draw: st.DrawFn) -> str:
    """Return a small regular expression, mostly one that compiles."""

    def piece(depth: int) -> str:
        atom = draw(st.sampled_from(ATOMS))
        if depth and draw(st.booleans()):
            inner = "|".join(piece(depth - 1) for _ in range(draw(st.integers(1, 2))))
            atom = f"({inner})"
        return atom + draw(st.sampled_from(MARKS))

    return "".join(piece(2) for _ in range(draw(st.integers(1, 3))))


@many
@given(pattern(), st.lists(st.text("abc.{", max_size=6), max_size=8))
def test_a_language_is_what_re_matches_whole(written: str, texts: list[str]) -> None:
    try:
        compiled = re.compile(written)
        whole = language.of_node(read(written).node)
    except (re.error, Unread):
        return
    for text in texts:
        assert whole.has(text) == (compiled.fullmatch(text) is not None), (written, text)


@many
@given(pattern(), pattern())
def test_a_common_text_is_matched_by_both(one: str, other: str) -> None:
    try:
        compiled = re.compile(one), re.compile(other)
        found_text = language.of_node(read(one).node).common(language.of_node(read(other).node))
    except (re.error, Unread):
        return
    if found_text is not None:
        assert all(each.fullmatch(found_text) for each in compiled)


@many
@given(st.text(r"ab.*+?|()[]{}^$\\,-19wdsAZi:=!<>P#é", max_size=30))
def test_any_pattern_that_compiles_is_read_or_unread(written: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(written)
        except (re.error, Warning, OverflowError):
            return
    try:
        language.of_node(read(written).node)
    except Unread:
        return


# ---- release files --------------------------------------------------------------------

REGEXPS = st.one_of(
    pattern(),
    st.text(r"ab.*+?|()[]{}^$\\/@:x", min_size=1, max_size=30),
    st.builds(
        lambda tail: r"https://github\.com/acme/" + tail,
        st.sampled_from([".*", "tool", "[^/]+/.*", "tool/.github/workflows/.*@.*", "(a|b)+/c@d"]),
    ),
)
SIGNERS = st.one_of(
    st.fixed_dictionaries(
        {
            "issuer": st.sampled_from(
                [ISSUER, "https://gitlab.com", "https://x.test", f"{ISSUER}/"]
            ),
            "identity": st.sampled_from([IDENTITY, "jo@acme.test", "a b", IDENTITY[:-4], "x"]),
        }
    ),
    st.fixed_dictionaries({"issuer": st.sampled_from([ISSUER, "i"]), "identity-regexp": REGEXPS}),
    st.fixed_dictionaries({"key": st.just("keys/a.pub")}),
    st.fixed_dictionaries({"openpgp": st.just("A" * 40)}),
)
KEYS: dict[str, list[Any]] = {
    "predicate-type": ["slsa-provenance", ["spdx", "https://slsa.dev/provenance/v1"]],
    "digest": ["sha256:" + "a" * 64],
    "source-repository": ["https://github.com/acme/tool", "https://github.com/acme/tols"],
    "source-tag": ["v1.0", "v2"],
    "source-branch": ["main"],
    "source-digest": [COMMIT],
    "signer-workflow": ["acme/tool/.github/workflows/release.yml"],
    "build-trigger": ["push", ["pull_request", "push"]],
    "builder-id": [IDENTITY],
    "log": [True, False],
    "every": [True, False],
    "at-least": [2],
    "listed-in": ["SHA256SUMS"],
    "sbom": [True, {"minimum-components": 0}],
    "scan": [{"fail-on": "high", "allow-unknown": True}],
    "optional": ["why not"],
}
NAMES = st.sampled_from(["one", "two"])
REQUIREMENTS = st.builds(
    lambda name, keys: {"signer": name} | {key: values[0] for key, values in keys.items()},
    NAMES,
    st.dictionaries(st.sampled_from(sorted(KEYS)), st.just([0]), max_size=3).flatmap(
        lambda keys: st.fixed_dictionaries(
            {key: st.tuples(st.sampled_from(KEYS[key])) for key in keys}
        )
    ),
)
DEMANDS = st.one_of(
    REQUIREMENTS,
    st.fixed_dictionaries({"digest": st.just("sha256:" + "a" * 64)}),
    st.fixed_dictionaries({"any-of": st.lists(REQUIREMENTS, min_size=2, max_size=3)}),
    st.fixed_dictionaries(
        {"any-of": st.lists(REQUIREMENTS, min_size=2, max_size=3), "at-least": st.just(2)}
    ),
)
TOPS = st.fixed_dictionaries(
    {},
    optional={
        "strict-names": st.booleans(),
        "expires": st.sampled_from(["1970-01-01", "2030-01-01"]),
        "minimum-version": st.sampled_from(["1.0", "3", "0.1"]),
        "oldest-signature": st.sampled_from(["2020-01-01", "2030-01-01"]),
        "newest-signature": st.sampled_from(["2020-01-01", "2030-01-01"]),
    },
)
LINES = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["file:downloads", "file:a.zip", "https://acme.test/a-1.zip"]),
        "require": st.lists(DEMANDS, max_size=3),
    },
    optional={"files": st.sampled_from([["*"], ["a.zip", "b.zip"], ["a?"]])},
)


def toml(value: Any) -> str:
    """Write a value inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return string(value) if isinstance(value, str) else str(value).lower()


@many
@given(
    TOPS,
    st.dictionaries(NAMES, SIGNERS, min_size=2),
    st.lists(LINES, min_size=1, max_size=2),
    st.sampled_from(["1.0", "odd~version"]),
)
def test_a_lint_never_fails_on_a_release_file_that_parses(
    top: dict[str, Any], signers: dict[str, Any], lines: list[Any], version: str
) -> None:
    whole = {"schema": 1, "name": "tool", "version": version, **top}
    whole |= {"signers": signers, "artifact": lines}
    text = "".join(f"{key} = {toml(value)}\n" for key, value in whole.items())
    with contextlib.suppress(UsageError):
        found(release_file.parse(text.encode(), "release.toml"), {"sigstore"})
