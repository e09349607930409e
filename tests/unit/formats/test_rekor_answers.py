"""kit.formats.rekor_answers: what a Rekor v1 may answer, and what is no such answer."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import rekor_answers, sigstore_bundle
from kit.formats.rekor_answers import Answered
from tests.lab import Lab

ENTRY = sigstore_bundle.parse(Lab("acme").sign(b"artifact")).entries[0]
LEAF = hashlib.sha256(b"\x00" + ENTRY.body).hexdigest()
UUID = f"{7:016x}{LEAF}"
ANSWERED = Answered(uuid=UUID, leaf=LEAF, entry=ENTRY)
SAID = rekor_answers.render(ANSWERED)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("uuid", [UUID, LEAF])
@pytest.mark.parametrize("listed", [True, False])
def test_what_is_read_is_what_was_written(uuid: str, *, listed: bool) -> None:
    said = rekor_answers.render(replace(ANSWERED, uuid=uuid))
    found = rekor_answers.entries(encoded([said] if listed else said))
    assert found == (replace(ANSWERED, uuid=uuid),)


def test_an_entry_may_lack_promise_and_proof() -> None:
    bare = replace(ENTRY, promise=None, proof=None)
    said = rekor_answers.render(replace(ANSWERED, entry=bare))
    (found,) = rekor_answers.entries(encoded(said))
    assert found.entry == bare


def test_members_that_are_not_known_are_not_read() -> None:
    more = {"attestation": {"data": "e30="}, "new": 1}
    (found,) = rekor_answers.entries(encoded({UUID: SAID[UUID] | more}))
    assert found.entry == ENTRY


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.update(body="e30="),
        lambda it: it.update(body="eyJraW5kIjoiYSIsImFwaVZlcnNpb24iOiJiIn0="),
        lambda it: it.pop("body"),
        lambda it: it.update(logID=it["logID"].upper()),
        lambda it: it.update(logID="ab"),
        lambda it: it.update(logIndex="5"),
        lambda it: it.update(logIndex=-5),
        lambda it: it.update(integratedTime=True),
        lambda it: it.update(verification=[]),
        lambda it: it["verification"].update(signedEntryTimestamp="%"),
        lambda it: it["verification"]["inclusionProof"].update(rootHash="zz"),
        lambda it: it["verification"]["inclusionProof"].update(hashes=["00"]),
        lambda it: it["verification"]["inclusionProof"].update(hashes=["00" * 32] * 65),
        lambda it: it["verification"]["inclusionProof"].update(treeSize=None),
        lambda it: it["verification"]["inclusionProof"].update(checkpoint="x" * (65 << 10)),
    ],
)
def test_another_entry_is_malformed(change: Callable[[dict[str, Any]], object]) -> None:
    said: dict[str, Any] = json.loads(json.dumps(SAID))
    change(said[UUID])
    with pytest.raises(MalformedError):
        rekor_answers.entries(encoded(said))


@pytest.mark.parametrize("uuid", [LEAF[:-1], LEAF.upper(), f"00{LEAF}", "ab" * 32, "", f"0x{LEAF}"])
def test_an_entry_under_another_uuid_is_malformed(uuid: str) -> None:
    with pytest.raises(MalformedError):
        rekor_answers.entries(encoded({uuid: SAID[UUID]}))


def test_more_entries_than_were_asked_for_are_malformed() -> None:
    with pytest.raises(MalformedError):
        rekor_answers.entries(encoded([SAID] * 65))


def test_a_list_of_uuids_has_each_once() -> None:
    assert rekor_answers.uuids(encoded([UUID, LEAF, UUID])) == (UUID, LEAF)
    assert rekor_answers.uuids(b"[]") == ()


@pytest.mark.parametrize("value", [{}, [1], ["ab"], [None], "x", [[LEAF]]])
def test_another_list_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedError):
        rekor_answers.uuids(encoded(value))


RAW = encoded(SAID)
places = st.integers(0, len(RAW) - 1)
mutated = st.builds(lambda at, byte: RAW[:at] + byte + RAW[at + 1 :], places, st.binary(max_size=3))


@given(st.one_of(st.binary(), mutated))
def test_any_bytes_are_an_answer_or_malformed(raw: bytes) -> None:
    for read in (rekor_answers.entries, rekor_answers.uuids):
        try:
            read(raw)
        except MalformedError:
            continue


@given(mutated)
def test_what_parses_is_about_the_entry_that_its_uuid_names(raw: bytes) -> None:
    try:
        found = rekor_answers.entries(raw)
    except MalformedError:
        return
    for answered in found:
        assert hashlib.sha256(b"\x00" + answered.entry.body).hexdigest() == answered.leaf
