"""kit.cli.main: what ends a command, and with which status."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Never

import pytest

from kit.cli import main
from kit.cli.status import Status


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Status:
    """Return the status of a command that is ended by this."""

    def command(_: Sequence[str]) -> Never:
        raise error

    monkeypatch.setattr(main, "_command", command)
    return main.run(["check"])


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE]
)
def test_what_the_machine_refuses_is_no_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    error = OSError(number, os.strerror(number), "some/file")
    assert ended(monkeypatch, error) is Status.MACHINE
    assert f"some/file: {os.strerror(number)}" in capsys.readouterr().err
    assert ended(monkeypatch, OSError(number, os.strerror(number))) is Status.MACHINE
    assert "this machine refuses: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOENT, "gone", "x"), ValueError("evil"), AssertionError()]
)
def test_what_nobody_foresaw_is_a_defect_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    assert ended(monkeypatch, error) is Status.UNEXPECTED
    told = capsys.readouterr().err
    assert "internal.unexpected" in told
    assert "Traceback" not in told
