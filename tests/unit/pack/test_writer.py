"""kit.pack.writer: the predicted bytes, or nothing."""

from __future__ import annotations

import errno
import io
import os
import resource
import shutil
import stat
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.errors import MachineError, PackError
from kit.model import Manifest, Member
from kit.pack import layout, writer
from kit.pack.layout import Fixed
from kit.pack.reader import Pack
from tests import packs

SPARSE = "artifacts/sparse.img"
GIB = 1 << 30


def sizes(*members: tuple[str, int]) -> Manifest:
    """Describe members whose digests nobody looks at."""
    head = [packs.member(path, b"") for path in ("README.txt", "release.toml", "ledger.json")]
    more = [Member(path=path, size=size, sha256="0" * 64) for path, size in members]
    return packs.from_members([*head, *more])


def contents(described: Manifest, **files: Path | bytes) -> dict[str, Path | bytes]:
    given = {SPARSE: files["sparse"]} if "sparse" in files else {}
    return {m.path: b"" for m in described.members} | given


def test_a_written_pack_is_the_predicted_bytes(tmp_path: Path) -> None:
    described = packs.manifest()
    path = packs.build(tmp_path / "a.pack.tar")
    due = layout.of(described, packs.encode(packs.value(described)))
    expected = b"".join(
        p.raw if isinstance(p, Fixed) else packs.FILES[p.member.path] for p in due.pieces()
    )
    assert path.read_bytes() == expected


def test_contents_may_be_files(tmp_path: Path) -> None:
    files: dict[str, Path | bytes] = {}
    for number, (path, content) in enumerate(packs.FILES.items()):
        files[path] = tmp_path / str(number)
        (tmp_path / str(number)).write_bytes(content)
    writer.write(tmp_path / "a", packs.manifest(), files)
    assert (tmp_path / "a").read_bytes() == packs.build(tmp_path / "b").read_bytes()


@pytest.fixture
def _another_host() -> Iterator[None]:
    umask, zone = os.umask(0o077), os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Kathmandu"
    time.tzset()
    yield
    os.umask(umask)
    os.environ.pop("TZ")
    if zone is not None:
        os.environ["TZ"] = zone
    time.tzset()


@pytest.mark.usefixtures("_another_host")
def test_neither_umask_nor_time_zone_change_a_pack(tmp_path: Path) -> None:
    path = packs.build(tmp_path / "a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    os.umask(0)
    os.environ["TZ"] = "UTC"
    time.tzset()
    os.utime(path, (0, 0))
    again = packs.build(tmp_path / "b")
    assert stat.S_IMODE(again.stat().st_mode) == 0o644
    assert path.read_bytes() == again.read_bytes()


def failure(path: Path, described: Manifest, files: dict[str, Path | bytes]) -> MachineError:
    with pytest.raises(MachineError) as raised:
        writer.write(path, described, files)
    return raised.value


def test_a_file_that_is_there_is_neither_written_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"precious")
    error = failure(tmp_path / "a", packs.manifest(), dict(packs.FILES))
    assert error.subject == str(tmp_path / "a")
    assert error.hint is not None
    assert (tmp_path / "a").read_bytes() == b"precious"


def test_a_link_is_not_followed_even_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    failure(tmp_path / "a", packs.manifest(), dict(packs.FILES))
    assert not (tmp_path / "b").exists()


def test_a_manifest_that_no_pack_can_have_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PackError) as raised:
        writer.write(tmp_path / "a", sizes(("artifacts/../x", 0)), {})
    assert raised.value.code == "pack.name-climbs"
    assert list(tmp_path.iterdir()) == []


def test_contents_must_be_those_of_the_members(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ledger"):
        writer.write(tmp_path / "a", sizes(), {"README.txt": b"", "release.toml": b""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [9, 11])
def test_a_source_of_another_size_was_changed(tmp_path: Path, size: int) -> None:
    described = sizes((SPARSE, 10))
    (tmp_path / "source").write_bytes(b"x" * size)
    for source in (tmp_path / "source", b"x" * size):
        error = failure(tmp_path / "a", described, contents(described, sparse=source))
        assert error.code == "machine.changed"
        assert not (tmp_path / "a").exists()


def test_a_source_that_went_away_was_changed(tmp_path: Path) -> None:
    described = sizes((SPARSE, 10))
    for source in (tmp_path / "absent", tmp_path):
        error = failure(tmp_path / "a", described, contents(described, sparse=source))
        assert (error.code, error.subject) == ("machine.changed", str(source))
        assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("size", [3 << 20, (3 << 20) - 1, (3 << 20) + 1])
def test_a_source_that_is_written_to_meanwhile_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    described = sizes((SPARSE, 3 << 20))
    source = tmp_path / "source"
    source.write_bytes(b"x" * (3 << 20))
    pwrite = os.pwrite

    def meanwhile(descriptor: int, raw: bytes, offset: int) -> int:
        if len(raw) == 1 << 20:
            with source.open("rb+") as file:
                file.truncate(size)
                file.write(b"y")
        return pwrite(descriptor, raw, offset)

    monkeypatch.setattr(os, "pwrite", meanwhile)
    error = failure(tmp_path / "a", described, contents(described, sparse=source))
    assert (error.code, error.subject) == ("machine.changed", str(source))
    assert not (tmp_path / "a").exists()


def test_a_file_system_with_a_size_limit_says_so_and_keeps_nothing(tmp_path: Path) -> None:
    described = sizes((SPARSE, 1 << 20))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        error = failure(tmp_path / "a", described, contents(described, sparse=bytes(1 << 20)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.subject == str(tmp_path / "a")
    assert "4 GiB" in (error.hint or "")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(("call", "number"), [("pwrite", errno.ENOSPC), ("fsync", errno.EIO)])
def test_a_full_or_failing_disk_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    error = failure(tmp_path / "a", packs.manifest(), dict(packs.FILES))
    assert str(tmp_path / "a") in error.message
    assert not (tmp_path / "a").exists()


def test_an_interrupt_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "pwrite", interrupt)
    with pytest.raises(KeyboardInterrupt):
        writer.write(tmp_path / "a", packs.manifest(), packs.FILES)
    assert not (tmp_path / "a").exists()


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = packs.build(tmp_path / "a").read_bytes()
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, raw, at: pwrite(fd, raw[:100], at))
    assert packs.build(tmp_path / "b").read_bytes() == expected


@pytest.mark.parametrize(
    ("number", "written"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)]
)
def test_a_folder_that_cannot_be_synced_is_no_fault_of_the_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, *, written: bool
) -> None:
    fsync = os.fsync

    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    if written:
        packs.build(tmp_path / "a")
    else:
        failure(tmp_path / "a", packs.manifest(), dict(packs.FILES))
    assert (tmp_path / "a").exists() == written


def test_a_file_system_without_modes_is_no_fault_of_the_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", fail)
    assert packs.build(tmp_path / "a").exists()


# ---- holes --------------------------------------------------------------------


def allocated(path: Path) -> int:
    return path.stat().st_blocks * 512


def with_holes(path: Path, size: int, *data: tuple[int, bytes]) -> Path:
    with path.open("wb") as file:
        for offset, raw in data:
            file.seek(offset)
            file.write(raw)
        file.truncate(size)
    return path


def copied(pack: Pack) -> bytes:
    """Return the sparse member as it lies in the pack; these manifests have no true digests."""
    out = io.BytesIO()
    pack.copy(SPARSE, out)
    return out.getvalue()


@pytest.mark.parametrize(
    "data", [(), ((0, b"first"),), ((40 << 20, b"last"),), ((0, b"a"), (20 << 20, b"b"))]
)
def test_holes_stay_holes(tmp_path: Path, data: tuple[tuple[int, bytes], ...]) -> None:
    size = (40 << 20) + 100
    source = with_holes(tmp_path / "source", size, *data)
    described = sizes((SPARSE, size))
    writer.write(tmp_path / "a", described, contents(described, sparse=source))
    assert allocated(tmp_path / "a") < 1 << 20
    with Pack.open(tmp_path / "a") as pack:
        assert copied(pack) == source.read_bytes()


def test_where_holes_are_unknown_everything_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> int:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    source = with_holes(tmp_path / "source", 5 << 20, (2 << 20, b"x"))
    described = sizes((SPARSE, 5 << 20))
    monkeypatch.setattr(os, "lseek", unknown)
    writer.write(tmp_path / "a", described, contents(described, sparse=source))
    with Pack.open(tmp_path / "a") as pack:
        assert copied(pack) == source.read_bytes()


def test_a_member_of_9_gib_is_framed_as_other_readers_expect(tmp_path: Path) -> None:
    source = with_holes(tmp_path / "source", 9 * GIB, (9 * GIB - 4, b"last"))
    described = sizes((SPARSE, 9 * GIB))
    path = tmp_path / "a"
    writer.write(path, described, contents(described, sparse=source))
    assert path.stat().st_size > 9 * GIB
    assert allocated(path) < 1 << 20
    with tarfile.open(path) as archive:
        member = archive.getmember(SPARSE)
        assert member.size == 9 * GIB
    for tool in filter(shutil.which, ("tar", "bsdtar")):
        assert f" {9 * GIB} " in subprocess.check_output([tool, "-tvf", path], text=True)
    with path.open("rb") as file:
        file.seek(member.offset + 124)
        assert file.read(12) == b"\x80" + (9 * GIB).to_bytes(11, "big")
        file.seek(member.offset_data + 9 * GIB - 4)
        assert file.read(4) == b"last"
    Pack.open(path).close()
