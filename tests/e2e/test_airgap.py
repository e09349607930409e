"""The air gap: refused by the process itself, and not missed where the kernel has no network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache

import pytest

from tests.e2e.conftest import Site

WHY_NOT = "unshare -rn does not work here (util-linux, user namespaces)"


@cache
def can_unshare() -> bool:
    """Say whether a program can be given a host without a network."""
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    return done.returncode == 0


in_a_namespace = pytest.mark.skipif(not can_unshare(), reason=WHY_NOT)
UNSHARE = ("unshare", "-rn")

REACHING_OUT = {
    "connect": "import socket; socket.socket().connect(('127.0.0.1', 9))",
    "resolve": "import socket; socket.getaddrinfo('localhost', 80)",
    "by name": "import socket; socket.gethostbyname('localhost')",
    "sendto": "import socket; socket.socket(type=2).sendto(b'', ('127.0.0.1', 9))",
    "urllib": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
    "a program": "import subprocess; subprocess.run(['true'])",
    "a shell": "import os; os.system('true')",
    "exec": "import os; os.execv('/bin/true', ['true'])",
    "spawn": "import os; os.posix_spawn('/bin/true', ['true'], {})",
}


@pytest.mark.netns
@in_a_namespace
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_check_needs_no_network(site: Site, jobs: str) -> None:
    assert site.collect().status == 0
    ran = site.check("tool-1.0.pack.tar", "--jobs", jobs, under=UNSHARE)
    assert ran.status == 0, ran.err


@pytest.mark.netns
@in_a_namespace
def test_collecting_files_needs_no_network(site: Site) -> None:
    assert site.collect(under=UNSHARE).status == 0


def test_workers_come_to_the_same_report(site: Site) -> None:
    site.collect()
    at = ("--at", "2026-01-02T00:00:00Z")
    alone = site.check("tool-1.0.pack.tar", *at, "--jobs", "1")
    spread = site.check("tool-1.0.pack.tar", *at, "--jobs", "3")
    assert alone.out == spread.out
    assert alone.status == 0


@pytest.mark.parametrize("way", REACHING_OUT)
def test_a_sealed_process_refuses(way: str) -> None:
    program = (
        "from kit import airgap\n"
        "airgap.seal(); airgap.seal()\n"
        "assert airgap.is_sealed()\n"
        f"try:\n    {REACHING_OUT[way]}\n"
        "except airgap.AirGapError: print('refused')\n"
        "else: print('reached out')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "refused"


def test_a_worker_seals_itself(tmp_path: object) -> None:
    # A spawned worker does not inherit the parent's hook.
    program = (
        "import multiprocessing as m, socket\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from datetime import datetime, UTC\n"
        "from kit.check import jobs\n"
        "if __name__ == '__main__':\n"
        "    basis = jobs.Basis(anchors=(), at=datetime.now(UTC))\n"
        "    with ProcessPoolExecutor(1, mp_context=m.get_context('spawn'),\n"
        "            initializer=jobs._start_worker, initargs=(basis,)) as pool:\n"
        "        try: pool.submit(socket.getaddrinfo, 'localhost', 80).result()\n"
        "        except Exception as error: print(type(error).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "AirGapError"


def test_the_command_seals_before_it_opens_the_pack(site: Site) -> None:
    site.collect()
    program = (
        "import sys, kit.cli.main as m\n"
        "from kit import airgap\n"
        "from kit.pack import reader\n"
        "real = reader.Pack.open.__func__\n"
        "def spy(cls, path):\n"
        "    print('sealed' if airgap.is_sealed() else 'open', file=sys.stderr)\n"
        "    return real(cls, path)\n"
        "reader.Pack.open = classmethod(spy)\n"
        "sys.argv = ['airgap-kit', 'check', 'tool-1.0.pack.tar', '--policy', 'release.toml']\n"
        "m.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=site.folder, capture_output=True, text=True,
        check=False, env=site.settings,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "sealed" in done.stderr
    assert "open\n" not in done.stderr


def test_a_check_works_from_a_read_only_folder_and_writes_nothing(site: Site) -> None:
    site.collect()
    before = {p: p.stat().st_mtime_ns for p in site.folder.rglob("*")}
    home = site.folder.parent / "home"
    home.mkdir()
    ran = site.check(env={"HOME": str(home), "TMPDIR": str(site.folder.parent / "none")})
    assert ran.status == 0, ran.err
    assert {p: p.stat().st_mtime_ns for p in site.folder.rglob("*")} == before
    assert not list(home.iterdir())
