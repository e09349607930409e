"""kit.formats.rekor_bundle: cosign's promised log entries, as entries of our model."""

import json
from dataclasses import replace
from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import rekor_bundle, sigstore_bundle
from tests.lab import Lab

LAB = Lab("acme")
PROVED = sigstore_bundle.parse(LAB.sign(b"artifact")).entries[0]
ENTRY = replace(PROVED, proof=None)
VALUE = rekor_bundle.render(ENTRY)


def changed(path: str, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(VALUE))
    *parents, last = path.split(".")
    at = document
    for name in parents:
        at = at[name]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return document


def test_what_is_read_is_what_was_written() -> None:
    assert rekor_bundle.parse(VALUE) == ENTRY
    assert rekor_bundle.read(json.dumps(VALUE).encode()) == ENTRY


def test_the_payload_is_what_the_promise_signs() -> None:
    payload = VALUE["Payload"]
    assert set(payload) == {"body", "integratedTime", "logIndex", "logID"}
    assert (payload["logIndex"], payload["integratedTime"]) == (ENTRY.index, ENTRY.integrated_time)
    assert bytes.fromhex(payload["logID"]) == ENTRY.log_id


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("SignedEntryTimestamp", ...),
        ("SignedEntryTimestamp", "AA"),
        ("Payload", ...),
        ("Payload", []),
        ("Payload.body", ...),
        ("Payload.body", "e30="),
        ("Payload.body", {"kind": "hashedrekord"}),
        ("Payload.integratedTime", "1700000000"),
        ("Payload.integratedTime", 1.5),
        ("Payload.integratedTime", -1),
        ("Payload.logIndex", ...),
        ("Payload.logIndex", True),
        ("Payload.logIndex", 1 << 63),
        ("Payload.logID", "ab" * 31),
        ("Payload.logID", "AB" * 32),
        ("payload", {}),
        ("Payload.logIndexes", 1),
    ],
)
def test_any_other_spelling_is_malformed(path: str, value: Any) -> None:
    with pytest.raises(MalformedError):
        rekor_bundle.parse(changed(path, value))


def test_a_key_that_stands_twice_is_malformed() -> None:
    raw = json.dumps(VALUE).encode()
    with pytest.raises(MalformedError, match="twice"):
        rekor_bundle.read(raw[:-1] + b',"Payload":{}}')


def test_an_entry_that_nothing_promises_is_not_written() -> None:
    with pytest.raises(MalformedError):
        rekor_bundle.render(replace(ENTRY, promise=None))
