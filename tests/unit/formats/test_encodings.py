"""kit.formats.encodings: one spelling of bytes, digests and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kit.errors import MalformedError
from kit.formats import encodings
from kit.model import Digest


@pytest.mark.parametrize(
    ("text", "raw"),
    [("", b""), ("QQ==", b"A"), ("QUI=", b"AB"), ("QUJD", b"ABC"), ("+/+/", b"\xfb\xff\xbf")],
)
def test_base64_is_decoded(text: str, raw: bytes) -> None:
    assert encodings.b64decode(text) == raw


SLACK = {
    "no padding": "QQ",
    "half the padding": "QQ=",
    "too much padding": "QQ===",
    "only padding": "====",
    "stray bits": "QR==",
    "stray bits in a group of two": "QUJ=",
    "blank": "QQ ==",
    "newline": "QUJD\n",
    "URL-safe": "-_-_",
    "junk": "Q!UJD",
    "padding within": "QQ==QQ==",
    "one character": "A",
    "full-width": "\uff31\uff31==",
    "surrogate": "\udc41A==",
}


@pytest.mark.parametrize("name", SLACK)
def test_base64_with_any_slack_is_malformed(name: str) -> None:
    with pytest.raises(MalformedError, match="base64"):
        encodings.b64decode(SLACK[name])


@pytest.mark.parametrize("text", ["+/+/", "-_-_", "-_8", "-_8=", "QQ", "QQ=="])
def test_either_alphabet_is_decoded_with_or_without_padding(text: str) -> None:
    standard = text.replace("-", "+").replace("_", "/")
    padded = standard + "=" * (-len(standard) % 4)
    assert encodings.b64decode_either(text) == encodings.b64decode(padded)


@pytest.mark.parametrize("text", ["+_+_", "-/-/", "-_-+", "Q", "QQ=", "-_ -", "QR", "-_9", "=QQ="])
def test_two_alphabets_or_junk_are_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match="base64"):
        encodings.b64decode_either(text)


@pytest.mark.parametrize(("algorithm", "size"), [("sha256", 64), ("sha384", 96), ("sha512", 128)])
def test_a_digest_is_lower_case_hex_of_its_length(algorithm: str, size: int) -> None:
    assert encodings.parse_digest(f"{algorithm}:{'0a' * (size // 2)}") == Digest(
        algorithm, "0a" * (size // 2)
    )


# Rows C-045, C-049, C-050 and C-060 of the catalogue.
NOT_DIGESTS = {
    "no algorithm": "a" * 64,
    "empty": "",
    "md5": "md5:" + "a" * 32,
    "sha1": "sha1:" + "a" * 40,
    "sha224": "sha224:" + "a" * 56,
    "upper-case algorithm": "SHA256:" + "a" * 64,
    "dash": "sha-256:" + "a" * 64,
    "blank": "sha256 :" + "a" * 64,
    "path": "sha256:../../x",
    "upper-case hex": "sha256:" + "A" * 64,
    "too short": "sha256:" + "a" * 63,
    "too long": "sha256:" + "a" * 65,
    "of another algorithm": "sha256:" + "a" * 96,
    "leading blank": "sha256: " + "a" * 63,
    "inner blank": "sha256:" + "a" * 31 + "  " + "a" * 31,
    "trailing newline": "sha256:" + "a" * 63 + "\n",
    "other digits": "sha256:" + "\u0663" * 64,
    "not hex": "sha256:" + "g" * 64,
    "prefix": "evil sha256:" + "a" * 64,
}


@pytest.mark.parametrize("name", NOT_DIGESTS)
def test_anything_else_is_no_digest(name: str) -> None:
    with pytest.raises(MalformedError, match=r"digest|is not one of"):
        encodings.parse_digest(NOT_DIGESTS[name])


@pytest.mark.parametrize(
    ("text", "second", "microsecond"),
    [
        ("2024-02-29T23:59:59Z", 59, 0),
        ("2024-02-29T23:59:59.5Z", 59, 500_000),
        ("2024-02-29T23:59:59.123456789Z", 59, 123_456),
        ("2024-03-01T00:59:59+01:00", 59, 0),
        ("2024-02-29T23:59:59-00:00", 59, 0),
    ],
)
def test_an_rfc_3339_time_is_read_as_utc(text: str, second: int, microsecond: int) -> None:
    expected = datetime(2024, 2, 29, 23, 59, second, microsecond, tzinfo=UTC)
    assert encodings.parse_time(text) == expected


# Rows C-044 and R-013 of the catalogue.
@pytest.mark.parametrize(
    "text",
    [
        "", "inf", "2024", "2024-02-29", "2024-02-29T23:59:59", "2024-02-29 23:59:59Z",
        "2024-02-29t23:59:59z", "2024-02-29T23:59Z", "2024-02-29T23:59:59.Z", "20240229T235959Z",
        "2024-02-29T23:59:59+0100", "2024-02-29T23:59:59.1234567890Z", "2024-W09-4T00:00:00Z",
        "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-06-30T23:59:60Z",
        "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+00:60",
        "\u0662\u0660\u0662\u0664-02-29T23:59:59Z", "2024-02-29T23:59:59Z\n",
        "+2024-02-29T23:59:59Z",
    ],
)  # fmt: skip
def test_another_form_of_time_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match="not an RFC 3339 time"):
        encodings.parse_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
    ],
)  # fmt: skip
def test_a_time_that_no_calendar_has_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match="no such time"):
        encodings.parse_time(text)


def test_a_time_is_written_in_utc_to_the_second() -> None:
    moment = datetime(2024, 3, 1, 0, 30, 1, 999, tzinfo=timezone(timedelta(hours=1)))
    assert encodings.render_time(moment) == "2024-02-29T23:30:01Z"
