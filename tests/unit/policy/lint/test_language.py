"""Patterns compared as languages: what they match, and what they have in common."""

from __future__ import annotations

import re

import pytest

from kit.policy.lint import language, slowness
from kit.policy.lint.expression import Unread, read

ODD = [
    "a(?=b)",
    "a(?!b)",
    "(?<=a)b",
    r"(a)\1",
    "a++",
    "(?i:a)",
    "(?x)a",
    r"a\bb",
    "a^b",
    "a$b",
    "(?>a)",
    "a" * 1500,
    "(a{40}){40}",
    "(" * 50 + "a" + ")" * 50,
    "((){999}){999}",
]


def common(one: str, other: str) -> str | None:
    return language.of(one).common(language.of(other))


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("ab?c", ["ac", "abc", "abbc", "b"]),
        ("(a|bc)*d", ["d", "abcd", "bd", "ad"]),
        ("a{2}", ["a", "aa", "aaa"]),
        ("a{2,}", ["a", "aa", "aaaa"]),
        ("a{,2}", ["", "a", "aa", "aaa"]),
        ("a{1,2}b", ["b", "ab", "aab", "aaab"]),
        ("a{b}", ["a{b}", "ab"]),
        ("x{}", ["x{}", "x"]),
        ("a*?b+?", ["b", "aabb", "a"]),
        (r"[a-c][^a-c]", ["ad", "aa", "dd"]),
        (r"[]a]", ["]", "a", "b"]),
        (r"[^]a]", ["]", "a", "b"]),
        (r"[\]x]", ["]", "x", "\\"]),
        (r"\d\w\s", ["1a ", "aa ", "1a"]),
        (r"\x41\u0042\.", ["AB.", "ABx"]),
        ("(?:a)(?P<name>b)", ["ab", "a"]),
        ("(?i)AcMe[a-b]", ["acmeA", "ACMEb", "acmec"]),
        ("^(a|b)$", ["a", "b", "ab"]),
        ("^a$|^b$", ["a", "b", "ab"]),
        (r"\Aa\Z", ["a", "aa"]),
        ("gr.ße", ["größe", "grxße", "groe"]),
        ("()a", ["a", ""]),
        (".", ["a", "é", ""]),
    ],
)
def test_a_language_has_what_re_matches_whole(pattern: str, texts: list[str]) -> None:
    whole = language.of(pattern)
    assert [whole.has(text) for text in texts] == [
        re.fullmatch(pattern, text) is not None for text in texts
    ]


@pytest.mark.parametrize("pattern", ODD, ids=lambda pattern: pattern[:12])
def test_what_is_not_understood_is_unread_and_never_guessed(pattern: str) -> None:
    with pytest.raises(Unread):
        language.of_node(read(pattern).node)


def test_a_text_of_both_is_found_where_there_is_one() -> None:
    assert common("a.*", ".*b") == "ab"
    assert common("a+", "b+") is None
    assert common("(ab|cd)e", "c[a-z]*") == "cde"


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*b",
        r"(\w+\s?)+",
        "(.*x)+",
        "(a|ab)*",
        "(a|a)+",
        ".*.*.*.*x",
        "([a-z]+){1,99}",
        "((ab)*c?)*",
    ],
)
def test_repetition_within_repetition_is_slow(pattern: str) -> None:
    assert slowness.is_slow(read(pattern).node)


@pytest.mark.parametrize(
    "pattern",
    [
        "([^/]+/)+x",
        "(foo|bar)+",
        "(foo|far)+",
        "a+b+c+",
        ".*@.*",
        "([a-z0-9]+-)*end",
        "(a{1,3}){2}",
        r"v[0-9]+(\.[0-9]+)*",
        "(ab?c)+",
    ],
)
def test_repetition_that_can_be_told_apart_is_not(pattern: str) -> None:
    assert not slowness.is_slow(read(pattern).node)


def test_a_choice_of_very_many_is_let_be() -> None:
    assert not slowness.is_slow(read(f"({'|'.join(f'a{n}' for n in range(30))})+").node)


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        ("github.com", [6]),
        (r"github\.com", []),
        ("github[.]com", []),
        ("a.*b", []),
        ("a.?b", []),
        (".a", []),
        ("a.", []),
        ("/.github/", [1]),
        ("v1.0.2", [2, 4]),
        ("(a).b", []),
    ],
)
def test_a_dot_among_letters_is_noted(pattern: str, places: list[int]) -> None:
    assert list(read(pattern).bare_dots) == places
