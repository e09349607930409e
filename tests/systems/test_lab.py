"""`scripts/lab`, as a person uses it: what it prints is typed, and a pack passes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAB = (sys.executable, ROOT / "scripts/lab.py")


def test_what_it_prints_collects_and_checks(tmp_path: Path) -> None:
    served = subprocess.Popen([*LAB, "securescan", tmp_path], stdout=subprocess.PIPE, text=True)
    assert served.stdout is not None
    with served:
        typed = []
        for line in served.stdout:
            if not line.startswith("$ "):
                break
            typed.append(line.removeprefix("$ "))
        try:
            done = subprocess.run(
                ["sh", "-e", "-c", "".join(typed)],
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"DOCKER_CONFIG": "nowhere", "PYTHONPATH": str(ROOT)},
            )
        finally:
            served.terminate()
        assert served.wait(30) == 0
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 warnings, 0 notes: securescan 0.11.0" in done.stdout
    assert done.stdout.count("PASS: 3 passed, 0 failed") == 2
    assert "TUF root 2 until" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["stigmem", "a", "b"]])
def test_it_says_how_it_is_used(arguments: list[str]) -> None:
    done = subprocess.run([*LAB, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: scripts/lab {stigmem|securescan|")
