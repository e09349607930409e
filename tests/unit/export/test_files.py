"""Extraction: what is written is what was hashed, all of it or nothing."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kit.check import Options, check
from kit.collect import Request, collect
from kit.errors import KitError, UsageError
from kit.export.files import extract
from kit.formats import release_file
from kit.model import Digest, Report
from kit.pack.reader import Pack

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO = b"one" * 1000, b"two" * 1000


def pinned(name: str, content: bytes) -> str:
    """Return a line that pins a file by its digest."""
    import hashlib  # noqa: PLC0415

    digest = hashlib.sha256(content).hexdigest()
    return (
        f'[[artifact]]\nsource = "file:{name}"\n[[artifact.require]]\ndigest = "sha256:{digest}"\n'
    )


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Collect two files that the policy pins."""
    (tmp_path / "one.bin").write_bytes(ONE)
    (tmp_path / "two.bin").write_bytes(TWO)
    working = tmp_path / "working"
    working.mkdir()
    return collect(
        Request(release=policy(), base=tmp_path, out=tmp_path / "out.pack.tar", now=NOW), working
    ).path


def policy() -> release_file.ReleaseFile:
    """Return the policy that pins both files."""
    text = (
        'schema = 1\nname = "t"\nversion = "1"\n' + pinned("one.bin", ONE) + pinned("two.bin", TWO)
    )
    return release_file.parse(text.encode(), "release.toml")


def passed(opened: Pack) -> Report:
    """Check the pack, which passes."""
    report = check(opened, policy(), {}, Options(at=NOW))
    assert report.passed
    return report


def test_both_files_are_written(pack: Path, tmp_path: Path) -> None:
    with Pack.open(pack) as opened:
        assert extract(opened, passed(opened), tmp_path / "to") == ("one.bin", "two.bin")
    written = {p.name: p.read_bytes() for p in (tmp_path / "to").iterdir()}
    assert written == {"one.bin": ONE, "two.bin": TWO}


def test_c170_a_pack_that_changes_after_the_check_gives_nothing(pack: Path, tmp_path: Path) -> None:
    with Pack.open(pack) as opened:
        report = passed(opened)
        raw = pack.read_bytes()
        with pack.open("r+b") as file:
            file.seek(raw.index(TWO))
            file.write(b"X")
        with pytest.raises(KitError) as refused:
            extract(opened, report, tmp_path / "to")
    assert refused.value.code == "pack.rewritten"
    assert not (tmp_path / "to").exists()


def test_bytes_that_are_not_those_that_passed_are_not_written(pack: Path, tmp_path: Path) -> None:
    with Pack.open(pack) as opened:
        report = passed(opened)
        first = replace(report.verdicts[0], digest=Digest("sha256", "0" * 64))
        with pytest.raises(KitError) as refused:
            extract(opened, replace(report, verdicts=(first,)), tmp_path / "to")
    assert refused.value.code == "pack.rewritten"
    assert not (tmp_path / "to").exists()


def test_where_nothing_passed_no_folder_is_made(pack: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with Pack.open(pack) as opened:
        nothing = replace(passed(opened), verdicts=())
        for to in (tmp_path / "a/b/to", empty, empty / "to"):
            assert extract(opened, nothing, to) == ()
    assert not (tmp_path / "a").exists()
    assert list(empty.iterdir()) == []  # and what was there stays


@pytest.mark.parametrize("name", [".one.bin.part", ".airgap-kit-x"])
def test_nothing_that_lay_in_the_folder_is_touched(pack: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / name).write_bytes(b"mine")
    with Pack.open(pack) as opened:
        extract(opened, passed(opened), tmp_path / "to")
    assert (tmp_path / "to" / name).read_bytes() == b"mine"
    assert {p.name for p in (tmp_path / "to").iterdir()} == {name, "one.bin", "two.bin"}


def test_a_link_to_nowhere_under_a_files_name_is_not_replaced(pack: Path, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to/two.bin").symlink_to(tmp_path / "nowhere")
    with Pack.open(pack) as opened, pytest.raises(UsageError) as refused:
        extract(opened, passed(opened), tmp_path / "to")
    assert refused.value.code == "extract.exists"
    assert [p.name for p in (tmp_path / "to").iterdir()] == ["two.bin"]
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_meanwhile_is_kept_and_the_rest_taken_back(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    to = tmp_path / "to"
    real = os.link

    def link(part: Path, final: Path) -> None:
        if final.name == "two.bin":
            final.write_bytes(b"theirs")
        if not links:
            raise OSError(errno.EPERM, "no links here")
        real(part, final)

    monkeypatch.setattr(os, "link", link)
    with Pack.open(pack) as opened, pytest.raises(UsageError) as refused:
        extract(opened, passed(opened), to)
    assert refused.value.code == "extract.exists"
    assert {p.name: p.read_bytes() for p in to.iterdir()} == {"two.bin": b"theirs"}


def test_a_file_system_without_links_is_written_to_as_well(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(_part: Path, _final: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    with Pack.open(pack) as opened:
        extract(opened, passed(opened), tmp_path / "to")
    assert {p.name for p in (tmp_path / "to").iterdir()} == {"one.bin", "two.bin"}


def test_a_folder_with_too_long_a_name_is_wrong_usage(pack: Path, tmp_path: Path) -> None:
    with Pack.open(pack) as opened, pytest.raises(UsageError):
        extract(opened, passed(opened), tmp_path / ("b" * 300))


def test_a_folder_that_cannot_be_synced_is_no_failure(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a folder, please")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with Pack.open(pack) as opened:
        assert extract(opened, passed(opened), tmp_path / "to") == ("one.bin", "two.bin")


def test_a_folder_that_cannot_be_written_is_the_machines_failure(
    pack: Path, tmp_path: Path
) -> None:
    (tmp_path / "to").write_bytes(b"a file")
    with Pack.open(pack) as opened, pytest.raises(KitError) as refused:
        extract(opened, passed(opened), tmp_path / "to")
    assert refused.value.code == "machine.failed"
