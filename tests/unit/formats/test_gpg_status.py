"""gpg's status lines: every line counts, and each signature has one verdict."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import gpg_status
from kit.formats.gpg_status import Verdict

KEY = "946E905C" + "0" * 28 + "0774"
PRIMARY = "2E863763" + "0" * 28 + "E956"
NEW = "A" * 64
GOOD = f"GOODSIG {KEY[-16:]} Tool <tool@example.org>"
VALID = f"VALIDSIG {KEY} 2024-02-01 1706745600 0 4 0 22 8 00 {PRIMARY}"
BAD = f"BADSIG {KEY[-16:]} x"
UNKNOWN = f"ERRSIG {KEY[-16:]} 22 8 00 1706745600 9 {KEY}"


def lines(*texts: str) -> bytes:
    return "".join(f"[GNUPG:] {text}\n" for text in texts).encode()


def refuse(*texts: str) -> None:
    with pytest.raises(MalformedError) as caught:
        gpg_status.signatures(lines(*texts))
    assert caught.value.code == "openpgp.malformed"


def test_each_signature_is_told_from_the_next() -> None:
    raw = lines(
        "NEWSIG tool@example.org", "KEY_CONSIDERED x 0", "SOMETHING_NEW", GOOD, VALID,
        "NEWSIG", UNKNOWN, f"NO_PUBKEY {KEY[-16:]}",
        "NEWSIG", BAD, "FAILURE gpg-exit 33554433",
    )  # fmt: skip
    good, unknown, bad = gpg_status.signatures(raw)
    assert good.verdict is Verdict.GOOD
    assert good.valid == gpg_status.Valid(
        key=KEY, primary=PRIMARY, made=datetime(2024, 2, 1, tzinfo=UTC), digest=8, kind=0
    )
    assert unknown.unchecked is not None
    assert unknown.unchecked.key_is_unknown
    assert bad.verdict is Verdict.BAD
    assert (bad.valid, bad.unchecked) == (None, None)


def test_without_a_primary_the_key_is_its_own() -> None:
    (status,) = gpg_status.signatures(lines("NEWSIG", GOOD, VALID.rpartition(" ")[0]))
    assert status.valid is not None
    assert status.valid.primary == KEY


def test_newer_keys_are_named_by_their_start() -> None:
    detail = f"VALIDSIG {NEW} 2024-02-01 1706745600 0 6 0 27 10 00 {NEW}"
    (status,) = gpg_status.signatures(lines("NEWSIG", f"GOODSIG {NEW[:16]} x", detail))
    assert status.valid is not None
    assert status.valid.primary == NEW


@pytest.mark.parametrize("verdict", ["EXPSIG", "EXPKEYSIG", "REVKEYSIG"])
def test_what_holds_as_arithmetic_has_another_verdict(verdict: str) -> None:
    raw = lines("NEWSIG", f"{verdict} {KEY[-16:]} x", VALID)
    (status,) = gpg_status.signatures(raw)
    assert status.verdict == verdict
    assert status.valid


def test_no_signature_has_no_verdict() -> None:
    assert gpg_status.signatures(b"") == ()


@pytest.mark.parametrize(
    "texts",
    [
        (GOOD, VALID),
        (VALID, "NEWSIG"),
        ("NEWSIG",),
        ("NEWSIG", VALID),
        ("NEWSIG", GOOD),
        ("NEWSIG", GOOD, VALID, VALID),
        ("NEWSIG", GOOD, GOOD, VALID),
        ("NEWSIG", GOOD, BAD, VALID),
        ("NEWSIG", BAD, VALID),
        ("NEWSIG", UNKNOWN, VALID),
        ("NEWSIG", f"GOODSIG {'0' * 16} x", VALID),
        ("NEWSIG", "GOODSIG  x", VALID),
        ("NEWSIG", f"GOODSIG {KEY[-8:]} x", VALID),
        ("NEWSIG", GOOD, VALID + " more"),
        ("NEWSIG", GOOD, VALID.replace(KEY, KEY.lower())),
        ("NEWSIG", GOOD, VALID.replace(KEY, KEY[:-2])),
        ("NEWSIG", GOOD, VALID.replace("1706745600", "99999999999")),
        ("NEWSIG", GOOD, VALID.replace("1706745600", "0" * 5000)),
        ("NEWSIG", GOOD, VALID.replace("1706745600", "20240201T000000")),
        ("NEWSIG", "ERRSIG x"),
        ("NODATA 1",),
        ("NEWSIG", GOOD, VALID, "PLAINTEXT 62 0 "),
        ("NEWSIG", GOOD, VALID, "BEGIN_DECRYPTION"),
    ],
)
def test_anything_but_one_verdict_each_is_refused(texts: tuple[str, ...]) -> None:
    refuse(*texts)


@pytest.mark.parametrize(
    "raw",
    [
        b"gpg: Good signature\n",
        lines("NEWSIG", GOOD, VALID)[:-1],
        b"\n",
        lines("NEWSIG", GOOD, VALID).replace(b"\n", b"\r\n"),
        bytes(gpg_status.MAX_BYTES + 1),
    ],
)
def test_anything_but_status_lines_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        gpg_status.signatures(raw)


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "Å"])
def test_nothing_but_a_line_feed_ends_a_line(end: str) -> None:
    # As UTF-8, and as the single byte.
    for between in {end.encode(), end.encode("latin-1", "ignore")}:
        said = b"x" + between + lines(GOOD)[:-1] + between + lines(VALID)[:-1]
        raw = lines("NEWSIG") + b"[GNUPG:] BADSIG 0 " + said + b"\n"
        (status,) = gpg_status.signatures(raw)
        assert status.verdict is Verdict.BAD


@given(st.lists(st.sampled_from(["NEWSIG", GOOD, VALID, BAD, UNKNOWN, "X", "NODATA"]), max_size=8))
def test_good_is_never_more_than_signatures(texts: list[str]) -> None:
    try:
        found = gpg_status.signatures(lines(*texts))
    except MalformedError:
        return
    assert len(found) == texts.count("NEWSIG")
    assert sum(status.verdict is Verdict.GOOD for status in found) == texts.count(GOOD)


def test_an_import_says_what_came_in() -> None:
    raw = lines(f"IMPORTED {KEY} x", f"IMPORT_OK 1 {KEY}", "IMPORT_RES 1 0 1 0 0")
    assert gpg_status.imported(raw) == gpg_status.Imported(fingerprints=(KEY,), processed=1)
    for wrong in (b"", lines("IMPORT_RES x"), lines("IMPORT_RES 1", "IMPORT_RES 1")):
        with pytest.raises(MalformedError):
            gpg_status.imported(wrong)
