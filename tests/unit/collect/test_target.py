"""A pack gets its name last, and never over what came meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from kit.collect import target
from kit.errors import UsageError


def test_a_pack_that_appeared_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"ours")
    (tmp_path / "t.pack.tar").write_bytes(b"theirs")
    with pytest.raises(UsageError) as refused:
        target.keep(tmp_path / "new", tmp_path / "t.pack.tar", met=True)
    assert refused.value.code == "collect.exists"
    assert (tmp_path / "t.pack.tar").read_bytes() == b"theirs"


def test_a_folder_that_cannot_be_synced_still_keeps_the_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        assert stat.S_ISDIR(os.fstat(descriptor).st_mode)
        raise OSError(errno.EINVAL, "no")

    monkeypatch.setattr(os, "fsync", fsync)
    (tmp_path / "new").write_bytes(b"ours")
    final = target.keep(tmp_path / "new", tmp_path / "t.pack.tar", met=False)
    assert final.name == "t.unmet.pack.tar"
    assert final.read_bytes() == b"ours"
