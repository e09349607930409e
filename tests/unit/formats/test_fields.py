"""kit.formats.fields: what is read of an object, and how its errors name the key."""

from __future__ import annotations

from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats.fields import Fields


@pytest.mark.parametrize("value", [None, True, 0, "", "text", [], [{}]])
def test_what_is_no_object_is_named(value: Any) -> None:
    with pytest.raises(MalformedError, match=r"^outer\.inner is not an object"):
        Fields(value, "outer.inner")


@pytest.mark.parametrize("value", [True, 0, "", "text", [], [{}]])
@pytest.mark.parametrize("reader", ["object", "needed_object"])
def test_a_nested_value_that_is_no_object_is_named(reader: str, value: Any) -> None:
    with pytest.raises(MalformedError, match=r"^outer\.inner is not an object"):
        getattr(Fields({"inner": value}, "outer"), reader)("inner")


def test_the_outermost_value_is_called_the_document() -> None:
    with pytest.raises(MalformedError, match=r"^the document is not an object"):
        Fields([])


@pytest.mark.parametrize("value", [{}, {"key": None}])
@pytest.mark.parametrize(
    ("reader", "empty"),
    [("get", None), ("text", None), ("octets", None), ("integer", None), ("object", None)],
)
def test_absent_and_null_are_the_same(value: dict[str, Any], reader: str, empty: object) -> None:
    assert getattr(Fields(value), reader)("key") is empty


@pytest.mark.parametrize("value", [{}, {"key": None}])
def test_an_absent_array_is_empty(value: dict[str, Any]) -> None:
    assert Fields(value).array("key", 1) == []


@pytest.mark.parametrize("value", [{}, {"key": None}])
@pytest.mark.parametrize("reader", ["need", "needed_text", "needed_octets", "needed_object"])
def test_what_is_needed_and_absent_is_named(value: dict[str, Any], reader: str) -> None:
    with pytest.raises(MalformedError, match=r"^outer\.key is missing"):
        getattr(Fields(value, "outer"), reader)("key")


@pytest.mark.parametrize("reader", ["needed_text", "needed_octets"])
def test_what_is_needed_and_empty_is_named(reader: str) -> None:
    with pytest.raises(MalformedError, match=r"^outer\.key is empty"):
        getattr(Fields({"key": ""}, "outer"), reader)("key")


@pytest.mark.parametrize("reader", ["text", "needed_text", "octets", "needed_octets"])
@pytest.mark.parametrize("value", [False, 0, 1.5, [], {}])
def test_a_text_that_is_none_is_named(reader: str, value: Any) -> None:
    with pytest.raises(MalformedError, match=r"^outer\.key is not a string"):
        getattr(Fields({"key": value}, "outer"), reader)("key")


def test_octets_that_are_no_base64_are_named() -> None:
    with pytest.raises(MalformedError, match=r"^outer\.key: not base64"):
        Fields({"key": "!"}, "outer").octets("key")


def test_octets_in_an_array_are_named_by_number() -> None:
    with pytest.raises(MalformedError, match=r"^key\[1\]: not canonical base64"):
        Fields({"key": ["QQ==", "QR=="]}).octets_array("key", 2)


@pytest.mark.parametrize("value", [None, 7])
def test_an_item_of_octets_that_is_no_text_is_named_by_number(value: Any) -> None:
    with pytest.raises(MalformedError, match=r"^key\[0\] is not a string"):
        Fields({"key": [value]}).octets_array("key", 2)


@pytest.mark.parametrize(
    ("value", "number"),
    [("0", 0), (0, 0), ("7", 7), (7, 7), (str(2**63 - 1), 2**63 - 1), (2**63 - 1, 2**63 - 1)],
)
def test_an_int64_is_a_text_or_a_number(value: Any, number: int) -> None:
    assert Fields({"key": value}).integer("key") == number


# Row C-044 of the catalogue.
@pytest.mark.parametrize(
    "value",
    [
        True, False, 1.0, -1, "-1", "", "01", "1.0", "1e3", " 1", "1\n", "1_0", "0x1", "\u0663",
        str(2**63), 2**63, "9" * 5000, 10**30, [], {},
    ],
)  # fmt: skip
def test_any_other_number_is_named(value: Any) -> None:
    with pytest.raises(MalformedError, match=r"^outer\.key is not a non-negative 64-bit integer"):
        Fields({"key": value}, "outer").integer("key")


@pytest.mark.parametrize("value", ["text", {}, 0])
def test_an_array_that_is_none_is_named(value: Any) -> None:
    with pytest.raises(MalformedError, match=r"^key is not an array"):
        Fields({"key": value}).array("key", 1)


def test_an_array_may_be_as_long_as_its_limit() -> None:
    assert Fields({"key": [1, 2]}).array("key", 2) == [1, 2]


def test_a_longer_array_is_named() -> None:
    with pytest.raises(MalformedError, match=r"^key has 3 items, over 2"):
        Fields({"key": [1, 2, 3]}).array("key", 2)


@pytest.mark.parametrize("value", [None, "text", []])
def test_an_item_that_is_no_object_is_named_by_number(value: Any) -> None:
    with pytest.raises(MalformedError, match=r"^outer\.key\[1\] is not an object"):
        Fields({"key": [{}, value]}, "outer").objects("key", 2)


def test_a_nested_error_names_the_whole_path() -> None:
    items = Fields({"items": [{}, {"inner": {}}]}, "outer").objects("items", 2)
    with pytest.raises(MalformedError, match=r"^outer\.items\[1\]\.inner\.key is missing"):
        items[1].needed_object("inner").need("key")


def test_keys_that_nobody_asked_for_are_told_in_order() -> None:
    fields = Fields({"b": 1, "read": 2, "a": None}, "outer")
    fields.get("read")
    fields.get("absent")
    assert fields.unread() == ["outer.a", "outer.b"]


def test_looking_whether_a_key_is_there_does_not_read_it() -> None:
    fields = Fields({"a": 1, "b": None})
    assert fields.has("a")
    assert not fields.has("b")
    assert fields.unread() == ["a", "b"]


def test_the_name_of_an_unknown_key_is_cut_where_it_is_long() -> None:
    assert Fields({"k" * 100_000: 1}).unread() == ["k" * 80]
