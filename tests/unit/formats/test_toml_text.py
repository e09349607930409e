"""kit.formats.toml_text: whatever is written is read back, and nothing leaves its place."""

from __future__ import annotations

import tomllib

import hypothesis.strategies as st
import pytest
from hypothesis import given

from kit.errors import MalformedError
from kit.formats import toml_text


@given(st.text())
def test_a_string_is_read_back(text: str) -> None:
    written = toml_text.string(text)
    assert tomllib.loads(f"a = {written}\nb = 1") == {"a": text, "b": 1}
    assert written.isascii()
    assert written.isprintable()


@given(st.text())
def test_a_comment_stays_one_line_and_says_nothing(text: str) -> None:
    written = toml_text.comment(text)
    assert tomllib.loads(f"a = 1  {written}\nb = 1") == {"a": 1, "b": 1}
    assert written.startswith("# ")
    assert written.isascii()
    assert written.isprintable()


def test_half_of_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(MalformedError):
        toml_text.string("a\ud800")


def test_a_long_comment_is_cut() -> None:
    assert toml_text.comment("a" * 1000) == f"# {'a' * 300}..."


def test_what_looks_like_another_letter_is_seen() -> None:
    assert toml_text.string("g\u0456thub") == '"g\\u0456thub"'
    assert toml_text.string("\U0001f600\x1b") == '"\\U0001f600\\u001b"'
