"""No byte of a pack may be other than it is, none may be absent, and none may be added."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit.errors import PackError
from kit.pack.reader import Pack
from tests import packs

FILES = {
    "README.txt": b"",
    "release.toml": b"",
    "ledger.json": b"",
    "artifacts/a": b"a",
    "evidence/a.asc": b"b",
}


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    # In memory where there is such a place: these tests open the file 40 000 times.
    memory = Path("/dev/shm")  # noqa: S108
    folder = memory if os.access(memory, os.W_OK) else tmp_path
    path = packs.build(folder / f"airgap-kit-{os.getpid()}-{tmp_path.name}.pack.tar", FILES)
    try:
        yield path
    finally:
        path.unlink()


def refused(path: Path) -> bool:
    try:
        with Pack.open(path) as pack:
            pack.hash_members({m.path: frozenset() for m in pack.manifest.members}, threads=1)
    except PackError:
        return True
    return False


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@pytest.mark.slow
def test_every_changed_byte_is_noticed(path: Path) -> None:
    raw = path.read_bytes()
    assert 6_000 < len(raw) < 8_192
    passed = []
    with opened(path) as file:
        for offset, right in enumerate(raw):
            for wrong in {right ^ 0x01, right ^ 0x80, 0x00, 0xFF} - {right}:
                os.pwrite(file, bytes([wrong]), offset)
                if not refused(path):
                    passed.append((offset, wrong))
            os.pwrite(file, bytes([right]), offset)
    assert passed == []
    assert not refused(path)


def test_every_cut_is_noticed(path: Path) -> None:
    size = path.stat().st_size
    with opened(path) as file:
        passed = []
        for length in range(size - 1, -1, -1):
            os.ftruncate(file, length)
            if not refused(path):
                passed.append(length)
    assert passed == []


@pytest.mark.parametrize("what", ["zeros", "garbage", "itself"])
def test_every_growth_is_noticed(path: Path, what: str) -> None:
    raw = path.read_bytes()
    more = {"zeros": bytes(1024), "garbage": b"\xa5\x5a" * 512, "itself": raw[:1024]}[what]
    passed = []
    with opened(path) as file:
        for length in range(1024):
            os.pwrite(file, more[length : length + 1], len(raw) + length)
            if not refused(path):
                passed.append(length)
    assert passed == []
