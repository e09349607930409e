"""kit.formats.snappy: one block, in full or not at all."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import snappy
from tests.lab.places.snappy import compress

LIMIT = 1 << 20


@given(st.binary(max_size=5000) | st.lists(st.sampled_from([b"ab", b"abc", b"x"])).map(b"".join))
def test_what_was_compressed_comes_back(raw: bytes) -> None:
    assert snappy.decompress(compress(raw), limit=LIMIT) == raw


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(MalformedError):
        assert len(snappy.decompress(raw, limit=LIMIT)) <= LIMIT


@pytest.mark.parametrize(
    ("block", "raw"),
    [
        ("00", b""),
        # as format_description.txt has them: 61 and 62 bytes of length, and a run of one letter
        ("0104" + "61", None),
        ("0100" + "61", b"a"),
        ("08" + "0061" + "0d01", b"a" * 8),
        ("0a" + "0061" + "22" + "0100", b"a" * 10),
        ("0a" + "0061" + "23" + "01000000", b"a" * 10),
        ("07" + "08616263" + "0103", b"abcabca"),
        ("3d" + "f03c" + "62" * 61, b"b" * 61),
        ("ac02" + "f42b01" + "63" * 300, b"c" * 300),
    ],
)
def test_every_kind_of_element(block: str, raw: bytes | None) -> None:
    if raw is None:
        with pytest.raises(MalformedError):
            snappy.decompress(bytes.fromhex(block), limit=LIMIT)
    else:
        assert snappy.decompress(bytes.fromhex(block), limit=LIMIT) == raw


#: As an independent implementation compressed it (BurntSushi's snap, through cramjam).
REFERENCE = (
    "d608687b226c696e65223a302c226f66223a22612062756e646c65227d0a111b0031661b000032661b000033"
    "661b000034661b000035661b000036661b000037661b000038661b000039661b0000316e0f016a100100316a"
    "110100316a120100316a130100316a140100316a150100316a160100316a170100316a180100326a18010032"
    "6a180100326a180100326a180100326a180100326a180100326a180100326a180100326a180100326a180100"
    "336a180100336a180100336a180100336a180100336a180100336a180100336a180100336a180100336a1801"
    "00334a1801"
)


def test_what_the_reference_compressed_is_read() -> None:
    expected = b"".join(b'{"line":%d,"of":"a bundle"}\n' % n for n in range(40))
    assert snappy.decompress(bytes.fromhex(REFERENCE), limit=LIMIT) == expected


@pytest.mark.parametrize(
    ("block", "rule"),
    [
        ("", "without a length"),
        ("ff", "without a length"),
        ("ffffffffff01", "without a length"),
        ("ffffffff1f", "without a length"),
        ("818040", "over the limit"),
        ("ffffffff0f", "over the limit"),
        ("02" + "0061", "announces 2 bytes and holds 1"),
        ("01" + "046162", "more than the 1 bytes"),
        ("05" + "1061", "within a literal"),
        ("05" + "f0", "within an element"),
        ("05" + "0061" + "02" + "01", "within an element"),
        ("05" + "0061" + "01" + "00", "copies from 0 bytes back"),
        ("05" + "0061" + "01" + "02", "copies from 2 bytes back"),
        ("05" + "01" + "01", "copies from 1 bytes back"),
        ("01" + "fcffffffff" + "61", "within a literal"),
    ],
)
def test_what_is_no_block_is_refused(block: str, rule: str) -> None:
    with pytest.raises(MalformedError, match=rule):
        snappy.decompress(bytes.fromhex(block), limit=LIMIT)


def test_a_block_of_nothing_but_copies_stays_bounded() -> None:
    bomb = bytes.fromhex("ffff3f" + "0061") + bytes.fromhex("fe0100") * 100_000
    with pytest.raises(MalformedError, match="more than the 1048575 bytes"):
        snappy.decompress(bomb, limit=LIMIT)
