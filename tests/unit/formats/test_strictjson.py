"""kit.formats.strictjson: one meaning for every byte, within bounds."""

from __future__ import annotations

from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import strictjson

MEGABYTE = 1 << 20


def parse(raw: bytes, *, max_bytes: int = MEGABYTE, max_depth: int = 64) -> Any:
    return strictjson.parse(raw, max_bytes=max_bytes, max_depth=max_depth)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"null", None),
        (b"true", True),
        (b" [1, -2.5e3 ] \n", [1, -2500.0]),
        (b'{"a":{"b":[]}}', {"a": {"b": []}}),
        (b'"\\u00e9\xc3\xa9"', "éé"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
        (b"9" * 4300, int("9" * 4300)),
    ],
)
def test_a_document_of_rfc_8259_is_read(raw: bytes, value: object) -> None:
    assert parse(raw) == value


# RFC 8259, and the rows C-037 to C-044 of the catalogue.
NOT_JSON = {
    "nothing": (b"", "not JSON"),
    "blanks": (b"  \n", "not JSON"),
    "trailing data": (b"{} {}", "not JSON"),
    "trailing NUL": (b"{}\0", "not JSON"),
    "trailing comma": (b"[1,]", "not JSON"),
    "comment": (b"[1] // one", "not JSON"),
    "single quotes": (b"{'a':1}", "not JSON"),
    "bare key": (b"{a:1}", "not JSON"),
    "leading zero": (b"[01]", "not JSON"),
    "plus sign": (b"[+1]", "not JSON"),
    "hexadecimal": (b"[0x1]", "not JSON"),
    "other digits": ("[\u0661]".encode(), "not JSON"),
    "raw newline in a string": (b'"a\nb"', "not JSON"),
    "raw NUL in a string": (b'"a\0b"', "not JSON"),
    "unknown escape": (b'"\\x41"', "not JSON"),
    "too many digits": (b"9" * 4301, "not JSON"),
    "byte order mark": (b"\xef\xbb\xbf{}", "not JSON"),
    "UTF-16": ("{}".encode("utf-16"), "not UTF-8"),
    "overlong": (b'"\xc0\xaf"', "not UTF-8"),
    "latin-1": (b'"\xe9"', "not UTF-8"),
    "encoded surrogate": (b'"\xed\xa0\x80"', "not UTF-8"),
    "NaN": (b"NaN", "NaN is not JSON"),
    "Infinity": (b"[Infinity]", "Infinity is not JSON"),
    "-Infinity": (b"[-Infinity]", "-Infinity is not JSON"),
    "a number beyond floats": (b"[1e400]", "out of range"),
    "key twice, equal": (b'{"a":1,"a":1}', "appears twice"),
    "key twice, other": (b'{"a":1,"b":2,"a":3}', "appears twice"),
    "key twice, escaped": (b'{"a":1,"\\u0061":1}', "appears twice"),
    "key twice, deep": (b'[{"b":{"a":1,"a":2}}]', "appears twice"),
    "lone surrogate": (b'"\\ud800"', "lone surrogate"),
    "lone surrogate in a key": (b'{"\\udc00":1}', "lone surrogate"),
    "lone surrogate, deep": (b'[[["x\\udfff"]]]', "lone surrogate"),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_anything_else_is_malformed(name: str) -> None:
    raw, rule = NOT_JSON[name]
    with pytest.raises(MalformedError, match=rule):
        parse(raw)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_the_deepest_allowed_nesting_is_read(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    assert parse(opening * 8 + b"1" + closing * 8, max_depth=8)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("depth", [9, 200, 5000, 100_000])
def test_deeper_nesting_is_malformed(opening: bytes, depth: int) -> None:
    closing = b"]" if opening == b"[" else b"}"
    with pytest.raises(MalformedError, match=r"nested deeper than 8|too many values"):
        parse(opening * depth + b"1" + closing * depth, max_depth=8)


def test_as_many_bytes_as_allowed_are_read() -> None:
    assert parse(b'"123"', max_bytes=5) == "123"


def test_one_byte_more_is_refused_before_anything_is_decoded() -> None:
    with pytest.raises(MalformedError, match="6 bytes, over the limit of 5"):
        parse(b"\xff23456", max_bytes=5)


@pytest.mark.parametrize("item", [b"[]", b"{}", b"0", b"[[]]"])
def test_a_document_of_nothing_but_tiny_values_is_refused_before_it_is_decoded(
    item: bytes,
) -> None:
    # Decoded, 16 MiB of these are half a gigabyte.
    raw = b"[" + b",".join([item] * 1_500_000) + b"]"
    with pytest.raises(MalformedError, match="too many values"):
        parse(raw, max_bytes=16 * MEGABYTE)


def test_a_dense_document_of_moderate_size_is_read() -> None:
    assert len(parse(b"[" + b",".join([b"0"] * 60_000) + b"]")) == 60_000


def test_a_message_about_a_key_is_short_however_long_the_key_is() -> None:
    key = b'"' + b"k" * 100_000 + b'":1'
    with pytest.raises(MalformedError) as caught:
        parse(b"{" + key + b"," + key + b"}")
    assert len(str(caught.value)) < 200


def test_canonical_sorts_keys_and_leaves_no_room_for_taste() -> None:
    assert strictjson.canonical({"b": [1, 2], "a": "é/"}) == '{"a":"é/","b":[1,2]}\n'.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_canonical_never_writes_what_parse_refuses(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        strictjson.canonical([number])
