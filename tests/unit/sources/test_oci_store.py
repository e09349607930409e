"""Blobs on disk: what an earlier run left counts only if it is still what its name says."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from kit.errors import MachineError
from kit.formats.oci_manifest import Descriptor
from kit.model import Digest
from kit.sources.oci_store import Store


def described(raw: bytes) -> Descriptor:
    digest = Digest("sha256", hashlib.sha256(raw).hexdigest())
    return Descriptor(media_type="x/y", size=len(raw), digest=digest)


def test_what_was_left_whole_counts_and_what_was_damaged_does_not(tmp_path: Path) -> None:
    Store(tmp_path / "oci").keep(b"whole")
    Store(tmp_path / "oci").keep(b"damaged")
    store = Store(tmp_path / "oci")
    store.path(described(b"damaged").digest.hex).write_bytes(b"damagee")
    assert store.has(described(b"whole"))
    assert not store.has(described(b"damaged"))
    assert not store.has(described(b"never here"))


def test_a_blob_of_another_size_than_is_wanted_is_not_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "oci")
    store.keep(b"blob")
    assert not store.has(replace(described(b"blob"), size=5))


def test_room_is_asked_for_before_the_first_byte(tmp_path: Path) -> None:
    store = Store(tmp_path / "oci")
    store.demand_room([described(b"small")])
    with pytest.raises(MachineError) as caught:
        store.demand_room([replace(described(b"vast"), size=1 << 60)])
    assert caught.value.code == "machine.disk-full"
