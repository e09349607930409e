"""kit.formats.tuf_record: what a host has written down, read one way."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kit.errors import MalformedError
from kit.formats import tuf_record
from kit.formats.memory_file import KnownChain
from kit.formats.tuf_record import Record

WHOLE = Record(
    repository="https://tuf.example.org/repository",
    target="acme.trusted_root.json",
    sha256="a" * 64,
    vouched_until=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    chain=KnownChain(
        root=3, root_sha256="b" * 64, timestamp=9, snapshot=7, targets=5, online_keys="c" * 64
    ),
)


@pytest.mark.parametrize("record", [WHOLE, Record(), Record(repository="https://x.example")])
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    assert tuf_record.parse(tuf_record.render(record)) == record


def test_it_vouches_for_the_file_of_its_digest_and_for_no_other() -> None:
    assert WHOLE.vouches("a" * 64) == WHOLE.vouched_until
    assert WHOLE.vouches("b" * 64) is None
    assert Record().vouches("a" * 64) is None


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        {"unknown": "x"},
        {"repository": 1},
        {"target": "../trusted_root.json"},
        {"target": ".hidden"},
        {"sha256": "a" * 64},
        {"vouched-until": "2026-01-01T00:00:00Z"},
        {"sha256": "A" * 64, "vouched-until": "2026-01-01T00:00:00Z"},
        {"sha256": "a" * 64, "vouched-until": "yesterday"},
        {"chain": {}},
        {"chain": json.loads(tuf_record.render(WHOLE))["chain"]},
        json.loads(tuf_record.render(WHOLE)) | {"chain": "1"},
    ],
)
def test_anything_else_is_malformed(value: object) -> None:
    with pytest.raises(MalformedError):
        tuf_record.parse(json.dumps(value).encode())
