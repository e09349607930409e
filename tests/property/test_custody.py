"""The custody file's reader is the inverse of its writer, and takes nothing else."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kit.errors import EvidenceError
from kit.formats import custody
from kit.formats.custody import Record, Role
from kit.verifiers.custody import demand_chain
from tests import second_reader

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


SECOND = custody.render(
    Record(
        pack="1" * 64,
        previous=custody.line_sha256(LINE),
        role=Role.RECEIVED,
        at=datetime(2026, 1, 2, tzinfo=UTC),
    ),
    f"openpgp:{'A' * 40}",
    b"another",
)


def ours(raw: bytes) -> list[tuple[str, bytes, bytes]] | None:
    try:
        seals = custody.parse(raw)
        demand_chain(seals, "1" * 64)
    except EvidenceError:
        return None
    return [(seal.key, seal.signature, seal.signed) for seal in seals]


def theirs(raw: bytes) -> list[tuple[str, bytes, bytes]] | None:
    """Read as somebody does who has bundles/FORMAT.md alone."""
    try:
        return second_reader.custody(raw, "1" * 64)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def test_both_readers_take_what_is_written() -> None:
    assert ours(LINE + SECOND) == theirs(LINE + SECOND)
    assert ours(LINE + SECOND) is not None


@given(st.data())
def test_both_readers_agree_about_any_change(data: st.DataObject) -> None:
    raw = bytearray(LINE + SECOND)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    assert ours(bytes(raw)) == theirs(bytes(raw))


KEYS_OF_A_RECORD = ["schema", "pack", "previous", "role", "at", "note", "x"]
ODD = ["2026-01-02T24:00:00Z", "0000-01-01T00:00:00Z", "2026-02-29T00:00:00Z", "received", "1" * 64]
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(ODD)
)


@given(st.dictionaries(st.sampled_from(KEYS_OF_A_RECORD), VALUES))
def test_both_readers_agree_about_any_record(changes: dict[str, Any]) -> None:
    envelope = json.loads(LINE)
    said = json.loads(base64.b64decode(envelope["payload"])) | changes
    raw = canonical(said)
    envelope["payload"] = base64.b64encode(raw).decode()
    assert ours(canonical(envelope)) == theirs(canonical(envelope))


def canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"
