"""How gpg is run: alone, in a home of its own, and never believed when it breaks down."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kit.errors import EvidenceError, MachineError, PackError
from kit.formats.gpg_status import Verdict
from kit.verifiers.openpgp import program
from kit.verifiers.openpgp.program import Gpg
from tests.openpgp import DATA, GPG, NOW, Key, verifier

pytestmark = pytest.mark.skipif(not GPG.exists(), reason="gpg is not installed")

OWNER = Key("owner")
BIG = 64 << 20


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give temporary folders a place that is empty before and can be looked into after."""
    folder = tmp_path_factory.mktemp("t")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def fake(folder: Path, *, verify: str) -> Path:
    """Return a program that is gpg, but for how it verifies."""
    path = folder / "gpg"
    path.write_text(
        f'#!/bin/sh\ncase "$*" in\n  *--verify*) {verify} ;;\n  *) exec {GPG} "$@" ;;\nesac\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


class Endless:
    """Data without an end."""

    reads = 0

    def read(self, size: int, /) -> bytes:
        """Return zeros."""
        self.reads += 1
        return bytes(size)


class Broken:
    """Data on a medium that somebody writes to."""

    def read(self, _size: int, /) -> bytes:
        """Fail."""
        raise PackError("it was written to", code="pack.rewritten", subject="tool")


def test_the_home_is_private_and_gone_afterwards(temporary: Path) -> None:
    with verifier(OWNER) as asked:
        asked.verify(asked.read(OWNER.sign(DATA)), lambda: io.BytesIO(DATA))
        (home,) = temporary.iterdir()
        assert home.stat().st_mode & 0o777 == 0o700
        assert not list(home.rglob("S.*"))  # no agent
    assert not list(temporary.iterdir())


def test_the_home_is_gone_after_an_error(temporary: Path) -> None:
    with pytest.raises(EvidenceError), verifier(OWNER) as asked:
        asked.verify(asked.read(OWNER.sign(DATA)), lambda: io.BytesIO(b"other"))
    with pytest.raises(PackError), verifier(OWNER) as asked:
        asked.verify(asked.read(OWNER.sign(DATA)), Broken)
    assert not list(temporary.iterdir())


def test_nothing_is_run_where_no_signature_names_a_pinned_key(temporary: Path) -> None:
    with verifier(OWNER, program=None) as asked, pytest.raises(EvidenceError) as caught:
        asked.read(Key("mallory").sign(DATA))
    assert caught.value.code == "openpgp.unknown-key"
    assert not list(temporary.iterdir())


def test_a_host_without_gpg_says_what_to_install() -> None:
    with verifier(OWNER, program=None) as asked, pytest.raises(MachineError) as caught:
        asked.verify(asked.read(OWNER.sign(DATA)), lambda: io.BytesIO(DATA))
    assert caught.value.code == "machine.no-gpg"
    assert "GnuPG" in str(caught.value.hint)


def test_a_program_that_is_not_gpg_is_said_to_be_none(tmp_path: Path, temporary: Path) -> None:
    other = tmp_path / "gpg"
    other.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    other.chmod(0o755)
    for path in (other, tmp_path / "absent"):
        with pytest.raises(MachineError) as caught:
            Gpg(path)
        assert caught.value.code == "machine.no-gpg"
    assert not list(temporary.iterdir())


def test_configuration_around_it_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # C-140: this configuration would end gpg, were it read.
    for name in (".gnupg", "other"):
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name / "gpg.conf").write_text("no-such-option\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "other"))
    monkeypatch.setenv("DEBUG_IPC", "1")  # python-gnupg looks at it
    with verifier(OWNER) as asked:
        found = asked.verify(asked.read(OWNER.sign(DATA)), lambda: io.BytesIO(DATA))
    assert found.accepted
    assert {path.name for path in (tmp_path / "other").iterdir()} == {"gpg.conf"}


# ---- data -----------------------------------------------------------------


def test_data_of_many_chunks_is_streamed(tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(BIG)
    signature = OWNER.sign(path.read_bytes())
    with verifier(OWNER) as asked, path.open("rb", buffering=0) as data:
        assert asked.verify(asked.read(signature), lambda: data).accepted


def test_an_error_in_reading_is_not_an_end_of_the_data() -> None:
    class Cut(Broken):
        def __init__(self) -> None:
            self.rest = io.BytesIO(DATA)

        def read(self, size: int, /) -> bytes:
            return self.rest.read(size) or super().read(size)

    with verifier(OWNER) as asked, pytest.raises(PackError) as caught:
        asked.verify(asked.read(OWNER.sign(DATA)), Cut)
    assert caught.value.code == "pack.rewritten"


def test_gpg_that_dies_early_is_no_verdict(tmp_path: Path) -> None:
    endless = Endless()
    broken = fake(tmp_path, verify="exit 2")
    with verifier(OWNER, program=broken) as asked, pytest.raises(EvidenceError) as caught:
        asked.verify(asked.read(OWNER.sign(DATA)), lambda: endless)
    assert caught.value.code == "openpgp.malformed"
    assert endless.reads < 100


def test_gpg_that_crashes_is_a_no(tmp_path: Path) -> None:
    broken = fake(tmp_path, verify="kill -SEGV $$")
    with verifier(OWNER, program=broken) as asked, pytest.raises(EvidenceError) as caught:
        asked.verify(asked.read(OWNER.sign(DATA)), lambda: io.BytesIO(DATA))
    assert caught.value.code == "openpgp.malformed"


def test_gpg_that_judges_before_it_has_read_is_not_believed(tmp_path: Path) -> None:
    fingerprint = OWNER.fingerprint
    lines = (
        f"[GNUPG:] NEWSIG\\n[GNUPG:] GOODSIG {fingerprint[-16:]} x\\n"
        f"[GNUPG:] VALIDSIG {fingerprint} 2024-06-01 1717200000 0 4 0 22 8 00 {fingerprint}\\n"
    )
    hasty = fake(tmp_path, verify=f"printf '{lines}'")
    with verifier(OWNER, program=hasty) as asked, pytest.raises(EvidenceError) as caught:
        asked.verify(asked.read(OWNER.sign(DATA)), Endless)
    assert caught.value.code == "openpgp.malformed"


def test_gpg_that_hangs_is_ended(tmp_path: Path, temporary: Path) -> None:
    hanging = Gpg(fake(tmp_path, verify="exec sleep 600"), patience=0.2)
    with hanging, pytest.raises(MachineError) as caught:
        hanging.verify(OWNER.sign(DATA), io.BytesIO(DATA), NOW)
    assert caught.value.code == "machine.timeout"
    assert not list(temporary.iterdir())


def test_an_interrupt_leaves_no_gpg_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    started = tmp_path / "pid"
    hanging = Gpg(fake(tmp_path, verify=f"echo $$ > {started}; exec sleep 600"))

    def interrupted(*_: object) -> Iterator[None]:
        while not started.exists() or not started.read_text(encoding="ascii").strip():
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr(program._Library, "_collect_output", interrupted)
    with hanging, pytest.raises(KeyboardInterrupt):
        hanging.verify(OWNER.sign(DATA), io.BytesIO(DATA), NOW)
    pid = int(started.read_text(encoding="ascii"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not list(temporary.iterdir())


def test_each_signature_has_its_own_verdict() -> None:
    with Gpg(GPG) as gpg:
        gpg.import_key(OWNER.public)
        good = OWNER.sign(DATA)
        found = gpg.verify(good + good, io.BytesIO(DATA), NOW + timedelta(days=1))
    assert [status.verdict for status in found] == [Verdict.GOOD, Verdict.GOOD]


# ---- which gpg ------------------------------------------------------------


def test_gpg_is_looked_up_in_absolute_folders_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        fake(folder, verify="exit 0")
    monkeypatch.chdir(here)
    assert program.find(f".::here:../there:{here}:{there}", here) == there / "gpg"
    assert program.find(f".:{here}", here) is None
    (there / "gpg").chmod(0o644)
    assert program.find(f"{there}:{GPG.parent}", here) == GPG
    assert program.find("", here) is None
