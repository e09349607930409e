"""Text from outside reaches no terminal as it came."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.report.escape import MAX_LENGTH, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, even größer", "plain, even größer"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\r", "a\\nb\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud800", "\\ud800"),
        ("\x00\x07", "\\x00\\x07"),
        ("[red]markup[/red]", "[red]markup[/red]"),
    ],
)
def test_what_is_not_plainly_visible_is_escaped(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(alphabet=st.characters()))
def test_nothing_that_steers_a_terminal_gets_through(text: str) -> None:
    assert not any(unicodedata.category(c)[0] == "C" for c in plain(text))


def test_c183_a_long_text_is_cut_and_counted() -> None:
    assert plain("x" * 100_000) == "x" * MAX_LENGTH + "… (99000 more)"
