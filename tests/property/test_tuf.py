"""Any bytes are TUF metadata or malformed; whatever is changed in a chain, it does not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import AnchorError, MalformedError
from kit.formats import tuf_metadata
from kit.trust import tuf_chain
from kit.trust.tuf_files import Held
from tests.lab.tuf import REGISTRY, Repository

many = settings(max_examples=150, deadline=None, database=None)

REPOSITORY = Repository(
    "acme", {"trusted_root.json": b"root", f"{REGISTRY}/keys.json": b"keys"}, shape="public-good"
)
REPOSITORY.rotate(retire="person-1")
REPOSITORY.publish()
FILES = REPOSITORY.copy()
PINNED = FILES["1.root.json"]
WHOLE = tuf_chain.walk("acme", PINNED, Held(FILES))
READ = ("2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", f"2.{REGISTRY}.json")

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
)


def readers() -> list[Callable[[bytes], object]]:
    return [
        tuf_metadata.root,
        tuf_metadata.timestamp,
        tuf_metadata.snapshot,
        tuf_metadata.targets,
        tuf_metadata.glance,
    ]


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a document."""
    found = [before] if before else []
    if not isinstance(value, dict | list):
        return found
    items = value if isinstance(value, dict) else dict(enumerate(value))
    for key, inner in items.items():
        found += paths(inner, (*before, key))
    return found


def put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


@many
@given(st.binary(max_size=200))
@pytest.mark.parametrize("read", readers(), ids=lambda read: read.__name__)
def test_any_bytes_are_metadata_or_malformed(read: Callable[[bytes], object], raw: bytes) -> None:
    with pytest.raises(MalformedError):
        read(raw)


@many
@given(st.data())
def test_metadata_with_any_value_changed_is_read_or_malformed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(READ))
    document = json.loads(FILES[name])
    put(document, data.draw(st.sampled_from(paths(document))), data.draw(odd))
    raw = json.dumps(document).encode()
    for read in readers():
        try:
            read(raw)
        except MalformedError:
            continue


@many
@given(st.data())
def test_a_signed_value_that_is_changed_is_refused_or_changes_nothing(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(READ))
    document = json.loads(FILES[name])
    put(document, data.draw(st.sampled_from(paths(document))), data.draw(odd))
    files = FILES | {name: json.dumps(document).encode()}
    try:
        found = tuf_chain.walk("acme", PINNED, Held(files))
    except AnchorError:
        return
    assert found == WHOLE  # such as one signature less where enough are left


@many
@given(st.data())
def test_a_chain_with_any_byte_flipped_is_refused_or_says_the_same(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    raw = bytearray(FILES[name])
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = tuf_chain.walk("acme", PINNED, Held(FILES | {name: bytes(raw)}))
    except AnchorError:
        return
    assert found == WHOLE
