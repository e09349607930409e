"""Extraction: what is written is what was hashed, all of it or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kit.check import Options, check
from kit.collect import Request, collect
from kit.errors import KitError
from kit.extract import extract
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
    assert refused.value.code == "pack.changed"
    assert list((tmp_path / "to").iterdir()) == []


def test_bytes_that_are_not_those_that_passed_are_not_written(pack: Path, tmp_path: Path) -> None:
    with Pack.open(pack) as opened:
        report = passed(opened)
        first = replace(report.verdicts[0], digest=Digest("sha256", "0" * 64))
        with pytest.raises(KitError) as refused:
            extract(opened, replace(report, verdicts=(first,)), tmp_path / "to")
    assert refused.value.code == "pack.changed"
    assert list((tmp_path / "to").iterdir()) == []


def test_a_link_left_under_a_files_name_is_not_followed(pack: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "to").mkdir()
    (tmp_path / "to/.one.bin.part").symlink_to(victim)
    with Pack.open(pack) as opened, pytest.raises(KitError):
        extract(opened, passed(opened), tmp_path / "to")
    assert victim.read_bytes() == b"mine"
    assert not (tmp_path / "to/one.bin").exists()


def test_a_folder_that_cannot_be_written_is_the_machines_failure(
    pack: Path, tmp_path: Path
) -> None:
    (tmp_path / "to").write_bytes(b"a file")
    with Pack.open(pack) as opened, pytest.raises(KitError) as refused:
        extract(opened, passed(opened), tmp_path / "to")
    assert refused.value.code == "machine.failed"
