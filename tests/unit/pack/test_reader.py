"""kit.pack.reader: what a pack whose framing holds gives its callers."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import socket
import tarfile
import threading
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from kit.errors import KitError, MachineError, MalformedError, PackError, UsageError
from kit.pack import hashing
from kit.pack.medium import Medium
from kit.pack.reader import Pack
from tests import packs

TOOL = "artifacts/tool-1.0.tar.gz"
needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc")
EVERY = {path: frozenset[str]() for path in packs.FILES}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return packs.build(tmp_path / "a.pack.tar")


def large(folder: Path, size: int = 20 << 20) -> Path:
    """Build a pack with a large artifact and an empty one."""
    more = {"artifacts/large": bytes(range(256)) * (size // 256), "artifacts/empty": b""}
    return packs.build(folder / "large.pack.tar", dict(packs.FILES) | more)


# ---- opening ------------------------------------------------------------------


def test_a_pack_tells_what_it_is(path: Path) -> None:
    with Pack.open(path) as pack:
        assert pack.manifest == packs.manifest()
        raw = packs.encode(packs.value(packs.manifest()))
        assert pack.manifest_sha256 == hashlib.sha256(raw).hexdigest()
        assert pack.size == path.stat().st_size
        assert pack.member(TOOL) == packs.member(TOOL, packs.FILES[TOOL])


@pytest.mark.parametrize("name", ["absent", "a.pack.tar/x", ".", "x" * 300, "a\0b"])
def test_a_path_that_is_no_file_is_a_wrong_argument(path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        Pack.open(path.parent / name)


def test_a_fifo_is_a_wrong_argument_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError):
        Pack.open(tmp_path / "fifo")


def test_a_device_or_a_socket_is_a_wrong_argument(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Pack.open(Path("/dev/zero"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(UsageError):
            Pack.open(tmp_path / "s")


def test_a_link_to_a_pack_is_followed_as_any_path_is(path: Path) -> None:
    link = path.parent / "link"
    link.symlink_to(path)
    Pack.open(link).close()


@needs_proc
def test_a_refused_pack_leaves_no_file_open(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("x", ".", "absent"):
        with pytest.raises(KitError):
            Pack.open(tmp_path / name)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# ---- the machine ----------------------------------------------------------------


@needs_proc
def test_an_unreadable_medium_is_told_with_file_and_offset() -> None:
    # The kernel answers EIO where this process has no memory, which is so at 0.
    with Medium.open(Path("/proc/self/mem")) as medium, pytest.raises(MachineError) as raised:
        medium.read_at(0, 10)
    assert raised.value.code == "machine.unreadable"
    assert "/proc/self/mem" in raised.value.message
    assert "byte 0" in raised.value.message


def test_an_unreadable_path_is_the_machine_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(MachineError) as raised:
        Pack.open(path)
    assert raised.value.code == "machine.unreadable"


@pytest.mark.parametrize("threads", [1, 4])
def test_an_unreadable_block_ends_hashing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    pread = os.pread

    def fail(descriptor: int, length: int, offset: int) -> bytes:
        if offset > 5 << 20:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pread(descriptor, length, offset)

    with Pack.open(large(tmp_path)) as pack:
        monkeypatch.setattr(os, "pread", fail)
        wanted = EVERY | {"artifacts/large": frozenset(), "artifacts/empty": frozenset()}
        with pytest.raises(MachineError) as raised:
            pack.hash_members(wanted, threads=threads)
        assert raised.value.code == "machine.unreadable"
        with pytest.raises(MachineError):
            pack.copy("artifacts/large", io.BytesIO())
        with pytest.raises(MachineError):
            pack.member_file("artifacts/large").read()


def test_a_closed_pack_is_not_read(path: Path) -> None:
    with Pack.open(path) as pack:
        view = pack.member_file(TOOL)
    pack.close()
    with pytest.raises(MachineError):
        pack.read(TOOL, 10_000)
    with pytest.raises(MachineError):
        view.read(1)


def test_short_reads_are_continued(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, n, at: pread(fd, min(n, 100), at))
    with Pack.open(path) as pack:
        assert pack.read(TOOL, 10_000) == packs.FILES[TOOL]
        pack.hash_members(EVERY)


# ---- changed while open -----------------------------------------------------------


def test_a_file_put_in_its_place_changes_nothing(path: Path) -> None:
    with Pack.open(path) as pack:
        (path.parent / "b").write_bytes(b"other")
        (path.parent / "b").replace(path)
        assert pack.read(TOOL, 10_000) == packs.FILES[TOOL]
        pack.hash_members(EVERY)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_pack_cut_while_open_was_changed(tmp_path: Path, threads: int) -> None:
    path = large(tmp_path)
    with Pack.open(path) as pack:
        view = pack.member_file("artifacts/large")
        os.truncate(path, 10 << 20)
        for use in (
            lambda: pack.hash_members(EVERY | {"artifacts/large": frozenset()}, threads=threads),
            lambda: pack.copy("artifacts/large", io.BytesIO()),
            lambda: pack.read("artifacts/large", 1 << 30),
            view.read,
        ):
            with pytest.raises(PackError) as raised:
                use()
            assert raised.value.code == "pack.rewritten"


def test_a_pack_written_to_while_open_was_changed(path: Path) -> None:
    with Pack.open(path) as pack:
        with path.open("rb+") as file:
            file.seek(path.read_bytes().index(b"tarball"))
            file.write(b"TARBALL")
        for use in (lambda: pack.hash_members(EVERY), lambda: pack.read(TOOL, 10_000)):
            with pytest.raises(PackError) as raised:
                use()
            assert raised.value.code == "pack.rewritten"


def test_framing_written_to_while_open_is_noticed_though_no_digest_differs(path: Path) -> None:
    with Pack.open(path) as pack:
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(PackError) as raised:
            pack.hash_members(EVERY)
        assert raised.value.code == "pack.rewritten"


# ---- reading ------------------------------------------------------------------------


def test_a_member_is_read_within_a_limit(path: Path) -> None:
    with Pack.open(path) as pack:
        assert pack.read(TOOL, 700) == packs.FILES[TOOL]
        with pytest.raises(MalformedError):
            pack.read(TOOL, 699)


def test_a_damaged_member_is_not_read(path: Path) -> None:
    raw = path.read_bytes().replace(b"tarball", b"TARBALL")
    path.write_bytes(raw)
    with Pack.open(path) as pack, pytest.raises(PackError) as raised:
        pack.read(TOOL, 10_000)
    assert [(f.code, f.subject) for f in raised.value.faults] == [("pack.digest", TOOL)]


def test_a_member_is_copied_with_the_digest_of_what_was_copied(tmp_path: Path) -> None:
    with Pack.open(large(tmp_path)) as pack:
        for path in ("artifacts/large", "artifacts/empty", TOOL):
            out = io.BytesIO()
            assert pack.copy(path, out) == hashlib.sha256(out.getvalue()).hexdigest()
            assert out.getvalue() == pack.read(path, 1 << 30)


def test_a_member_is_a_file_for_zipfile_and_tarfile(tmp_path: Path) -> None:
    wheel, sdist = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("METADATA", b"Name: tool")
    with tarfile.open(fileobj=sdist, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("PKG-INFO"))
    files = {"artifacts/a.whl": wheel.getvalue(), "artifacts/b.tar.gz": sdist.getvalue()}
    with Pack.open(packs.build(tmp_path / "x", dict(packs.FILES) | files)) as pack:
        with zipfile.ZipFile(pack.member_file("artifacts/a.whl")) as archive:
            assert archive.read("METADATA") == b"Name: tool"
        with tarfile.open(fileobj=pack.member_file("artifacts/b.tar.gz")) as tar:
            assert tar.getnames() == ["PKG-INFO"]


def test_a_view_ends_where_its_member_ends(path: Path) -> None:
    with Pack.open(path) as pack:
        view = pack.member_file(TOOL)
        assert view.readable()
        assert view.seekable()
        assert not view.writable()
        assert view.seek(-3, os.SEEK_END) == 697
        assert view.read() == b"all"
        assert view.read() == b""
        assert view.seek(-700, os.SEEK_CUR) == 0
        assert view.read(7) == b"tarball"
        assert view.seek(10_000) == 10_000
        assert view.read() == b""
        with pytest.raises(ValueError, match="negative"):
            view.seek(-1)


def test_a_path_that_no_member_has_is_a_mistake_of_the_caller(path: Path) -> None:
    with Pack.open(path) as pack, pytest.raises(KeyError):
        pack.read("manifest.json", 100)


# ---- hashing ------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [None, 1, 2, 5, 100])
def test_members_are_hashed_by_the_algorithms_wanted(tmp_path: Path, threads: int | None) -> None:
    algorithms = frozenset({"sha384", "sha512"})
    wanted = EVERY | {"artifacts/large": algorithms, TOOL: frozenset({"sha256"})}
    with Pack.open(large(tmp_path)) as pack:
        found = pack.hash_members(wanted, threads=threads)
        assert found.keys() == wanted.keys()
        for path, digests in found.items():
            assert digests.keys() == wanted[path] | {"sha256"}
            for algorithm, digest in digests.items():
                raw = pack.read(path, 1 << 30)
                assert digest.algorithm == algorithm
                assert digest.hex == hashlib.new(algorithm, raw).hexdigest()


def test_nothing_wanted_is_nothing_hashed(path: Path) -> None:
    with Pack.open(path) as pack:
        assert pack.hash_members({}) == {}


def test_progress_counts_every_byte_once_and_by_one_thread_at_a_time(tmp_path: Path) -> None:
    counted, inside = [0], threading.Lock()

    def progress(count: int) -> None:
        assert inside.acquire(blocking=False)
        counted[0] += count
        inside.release()

    with Pack.open(large(tmp_path)) as pack:
        wanted = {m.path: frozenset[str]() for m in pack.manifest.members}
        pack.hash_members(wanted, threads=4, progress=progress)
        assert counted[0] == sum(m.size for m in pack.manifest.members)


def test_an_error_in_progress_ends_hashing(tmp_path: Path) -> None:
    def cancel(_: int) -> None:
        raise InterruptedError

    with Pack.open(large(tmp_path)) as pack, pytest.raises(InterruptedError):
        pack.hash_members(EVERY | {"artifacts/large": frozenset()}, threads=2, progress=cancel)


def test_as_many_threads_as_processors_but_not_without_bound() -> None:
    assert 1 <= hashing.default_threads() <= hashing.MAX_THREADS


def test_where_affinity_is_unknown_all_processors_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert hashing.default_threads() == 1


def test_memory_does_not_grow_with_the_size_of_members(tmp_path: Path) -> None:
    with Pack.open(large(tmp_path, 64 << 20)) as pack, Path(os.devnull).open("wb") as nowhere:
        tracemalloc.start()
        try:
            pack.hash_members(EVERY | {"artifacts/large": frozenset({"sha512"})}, threads=4)
            pack.copy("artifacts/large", nowhere)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 8 << 20
