"""The custody file's reader is the inverse of its writer, and takes nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import custody
from kit.formats.custody import Record, Role

HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
KEYS = st.one_of(HEX.map("sha256:{}".format), HEX.map(lambda h: f"openpgp:{h.upper()[:40]}"))
NOTES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=custody.MAX_NOTE)
RECORDS = st.builds(
    Record,
    pack=HEX,
    previous=st.none() | HEX,
    role=st.sampled_from(Role),
    at=st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(  # noqa: DTZ001 - made aware
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
    ),
    note=NOTES,
)


@given(st.lists(st.tuples(RECORDS, KEYS, st.binary(min_size=1, max_size=200)), min_size=1))
def test_what_is_written_reads_back(lines: list[tuple[Record, str, bytes]]) -> None:
    raw = b"".join(custody.render(*line) for line in lines)
    found = custody.parse(raw)
    assert [(seal.record, seal.key, seal.signature) for seal in found] == lines


LINE = custody.render(
    Record(
        pack="1" * 64,
        previous=None,
        role=Role.COLLECTED,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        note="a note",
    ),
    f"sha256:{'a' * 64}",
    b"signature",
)


@given(st.integers(0, len(LINE) - 1), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_says_something_else(at: int, byte: int) -> None:
    raw = LINE[:at] + bytes([byte]) + LINE[at + 1 :]
    try:
        (seal,) = custody.parse(raw)
    except MalformedError:
        return
    assert custody.render(seal.record, seal.key, seal.signature) == raw
