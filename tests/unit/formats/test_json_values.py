"""kit.formats.json_values: what two documents must have alike to say the same."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.formats.json_values import first_difference

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": [true, null]}', '{"b":[true,null],"a":1}'),
        ('{"a": 1}', '{"a": 1.0}'),
        ('"\\u003c"', '"<"'),
        ("[1e2, 0.10]", "[100, 0.1]"),
        ("{}", "{}"),
    ],
)
def test_other_spelling_is_no_difference(one: str, other: str) -> None:
    assert first_difference(json.loads(one), json.loads(other)) is None


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        ({"a": 1}, {"a": 2}, "$.a"),
        ({"a": 1}, {"a": 1, "b": 2}, "$.b"),
        ({"a": 1, "c": 3}, {"a": 1, "b": 3}, "$.b"),
        ([1, 2], [2, 1], "$[0]"),
        ([1], [1, 2], "$"),
        ({"b": [{"x": "1"}], "a": 0}, {"b": [{"x": 1}], "a": 0}, "$.b[0].x"),
        # What Python takes for equal, and JSON does not.
        ([True], [1], "$[0]"),
        ([0], [False], "$[0]"),
        ({"a": None}, {}, "$.a"),
        ({}, [], "$"),
        ("", None, "$"),
        ([], "", "$"),
        (2**53 + 1, float(2**53), "$"),
        ({"z": 1, "a": 1}, {"z": 2, "a": 2}, "$.a"),
    ],
)
def test_the_first_difference_is_named(one: Any, other: Any, where: str) -> None:
    assert first_difference(one, other) == where
    assert first_difference(other, one) == where


@given(VALUES, VALUES)
def test_only_what_is_written_alike_is_equal(one: Any, other: Any) -> None:
    assert first_difference(one, json.loads(json.dumps(one, indent=3, sort_keys=True))) is None
    assert (first_difference(one, other) is None) == (_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    """Return a value whose equality in Python is that of JSON."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return (type(value).__name__ if isinstance(value, bool) else "", value)


def test_deep_and_wide_documents_are_compared_without_recursion() -> None:
    deep: Any = 1
    for _ in range(10_000):
        deep = [deep]
    assert first_difference(deep, deep) is None


def test_a_long_name_is_not_kept_once_an_element() -> None:
    wide = {"n" * (1 << 20): [0] * 300}
    again = json.loads(json.dumps(wide))
    tracemalloc.start()
    try:
        assert first_difference(wide, again) is None
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
