"""Whatever happens to a collect, the next one comes to the same pack, byte for byte.

One release from three kinds of places at once: a URL with its bundle, an index, a repository.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import WORKFLOW, Ran, Site
from tests.lab import Lab
from tests.lab.hostile_http import HostileServer, Script, Step, answer, head
from tests.lab.places import PUBLISH, GitHub, PyPI, attested

LAB = Lab("acme")
PACK = "tool-1.0.pack.tar"
LARGE = bytes(range(256)) * (20 << 10)  # 5 MiB
WHEEL = "tool_kit-1.0-py3-none-any.whl"
PUBLISHED = attested(LAB, "tool-kit", "1.0", {WHEEL: b"the wheel"}, PUBLISH, identity=WORKFLOW)
RELEASED = attested(LAB, "tool", "1.0", {"tool-1.0.deb": b"the package"}, identity=WORKFLOW)
EPOCH = {
    "SOURCE_DATE_EPOCH": "1750000000",
    "GH_TOKEN": "",
    "GITHUB_TOKEN": "",
    "AIRGAP_KIT_TRUST_ROOTS": "trust-roots",
}


@dataclass
class World:
    """The places, and a site that collects from all of them."""

    site: Site
    web: HostileServer
    pypi: PyPI
    github: GitHub

    @property
    def options(self) -> tuple[str, ...]:
        """Where the places are."""
        return ("--index-url", self.pypi.simple, "--github-api", self.github.url)

    @property
    def asked(self) -> int:
        """How many requests all places have had."""
        places = (self.web, self.pypi.index, self.pypi.files, *self.github.places)
        return sum(len(place.requests) for place in places)

    def collect(self, *more: str, **options: object) -> Ran:
        """Collect, with the date held."""
        return self.site.collect(*self.options, *more, env=EPOCH, **options)

    def start(self) -> subprocess.Popen[bytes]:
        """Begin to collect, and do not wait for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "kit", "collect", "release.toml", *self.options],
            cwd=self.site.folder,
            env=os.environ | EPOCH,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def packs(self) -> list[str]:
        """Return the names of packs that are there."""
        return sorted(path.name for path in self.site.folder.glob("*.tar"))


def _large(etag: str = '"v1"') -> Script:
    return [head("HTTP/1.1 200 OK", f"Content-Length: {len(LARGE)}", f"ETag: {etag}"), LARGE]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Publish everywhere."""
    site = Site(tmp_path / "site", LAB)
    with HostileServer() as web, PyPI(PUBLISHED) as pypi, GitHub(RELEASED) as github:
        name = "tool-1.0.tar.gz"
        web.on(f"/v1/{name}", _large())
        bundle = LAB.attest({name: LARGE}, identity=WORKFLOW)
        web.on(f"/v1/{name}.sigstore.json", answer(200, bundle))
        rule = '[[artifact.require]]\nsigner = "release"\n'
        site.policy(
            f'[[artifact]]\nsource = "{web.url(f"/v1/{name}")}"\n{rule}'
            f'[[artifact]]\nsource = "pypi:tool-kit==1.0"\nfiles = ["{WHEEL}"]\n{rule}'
            f'[[artifact]]\nsource = "github:acme/tool@v1.0"\nfiles = ["tool-1.0.deb"]\n{rule}'
        )
        yield World(site, web, pypi, github)


@pytest.fixture
def whole(world: World) -> bytes:
    """Return the pack that a collect makes which nothing happens to."""
    ran = world.collect()
    assert ran.status == 0, ran.err
    path = world.site.folder / PACK
    raw = path.read_bytes()
    path.unlink()
    return raw


@pytest.mark.parametrize("after", [1, 5, 12, 20, 30])
def test_k042_killed_after_any_number_of_requests_it_converges(
    world: World, whole: bytes, after: int
) -> None:
    before = world.asked
    with world.start() as running:
        while running.poll() is None and world.asked - before < after:
            time.sleep(0.0005)
        running.kill()
    assert world.packs() in ([], [PACK])
    ran = world.collect("--replace")
    assert ran.status == 0, ran.err
    assert (world.site.folder / PACK).read_bytes() == whole


@pytest.mark.parametrize("part", [0.2, 0.5, 0.7, 0.85, 0.95])
def test_k042_killed_at_any_time_it_converges(world: World, whole: bytes, part: float) -> None:
    began = time.monotonic()
    with world.start() as running:
        running.wait()
    took = time.monotonic() - began
    (world.site.folder / PACK).unlink()
    with world.start() as running:
        time.sleep(took * part)
        running.kill()
    # Under its final name there is nothing, or all of it.
    if world.packs():
        assert (world.site.folder / PACK).read_bytes() == whole
    assert world.collect("--replace").status == 0
    assert (world.site.folder / PACK).read_bytes() == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_for_no_transfer(
    world: World, whole: bytes, number: signal.Signals
) -> None:
    cut: list[Step] = [
        head("HTTP/1.1 200 OK", f"Content-Length: {len(LARGE)}", 'ETag: "v1"'),
        LARGE[: 3 << 20],
        30.0,
    ]
    world.web.on("/v1/tool-1.0.tar.gz", cut)
    with world.start() as running:
        part = world.site.folder / f"{PACK}.collecting/downloads"
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if any(p.stat().st_size >= 3 << 20 for p in part.glob("*.part")):
                break
            time.sleep(0.01)
        began = time.monotonic()
        running.send_signal(number)
        status = running.wait()
    assert status == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert time.monotonic() - began < 10
    assert world.packs() == []
    world.web.on("/v1/tool-1.0.tar.gz", _large())
    world.web.requests.clear()
    assert world.collect().status == 0
    assert (world.site.folder / PACK).read_bytes() == whole
    assert world.web.asked("/v1/tool-1.0.tar.gz")[0].values("range") == [f"bytes={3 << 20}-"]


def test_a_failure_somewhere_waits_for_no_transfer_elsewhere(world: World) -> None:
    world.web.on("/v1/tool-1.0.tar.gz", [head("HTTP/1.1 200 OK", "Content-Length: 9999"), 60.0])
    world.github.api.on("/repos/acme/tool/releases/tags/v1.0", answer(403))
    began = time.monotonic()
    ran = world.collect()
    assert (ran.status, ran.codes) == (5, {"machine.unauthorized"})
    assert time.monotonic() - began < 25


def test_k043_two_collects_of_one_pack_do_not_meet(world: World) -> None:
    world.web.on("/v1/tool-1.0.tar.gz", [3.0, *answer(200, LARGE)])
    with world.start() as running:
        while not (world.site.folder / f"{PACK}.collecting/lock").exists():
            time.sleep(0.01)
        time.sleep(0.2)
        ran = world.collect()
        assert (ran.status, ran.codes) == (5, {"machine.busy"})
        assert running.wait() == 0
    assert world.packs() == [PACK]


def test_k045_nine_of_ten_pieces_make_no_pack(world: World) -> None:
    world.pypi.index.on(world.pypi.provenance_path(WHEEL), answer(500))
    ran = world.collect()
    assert (ran.status, ran.codes) == (5, {"machine.server"})
    assert world.packs() == []


_SMALL_DISK = """
set -e
mount -t tmpfs -o size="$1" tmpfs "$2"
cp -r "$3"/. "$2"
cd "$2"
shift 3
status=0
"$@" || status=$?
ls > "$LISTED"
exit $status
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare (Debian: util-linux)")
@pytest.mark.parametrize("size", ["1m", "4m", "6m", "9m"])
def test_k041_a_full_disk_leaves_nothing_under_the_final_name(
    world: World, tmp_path: Path, size: str
) -> None:
    disk, listed = tmp_path / "disk", tmp_path / "listed"
    disk.mkdir()
    script = tmp_path / "small-disk"
    script.write_text(_SMALL_DISK)
    under = ("unshare", "-rm", "sh", str(script), size, str(disk), str(world.site.folder))
    done = subprocess.run(
        [*under, sys.executable, "-m", "kit", "collect", "release.toml", *world.options],
        cwd=world.site.folder,
        env=os.environ | EPOCH | {"LISTED": str(listed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if "unshare failed" in done.stderr or "permission denied" in done.stderr.lower():
        pytest.skip("no namespaces for this user")
    assert "Traceback" not in done.stderr
    assert done.returncode == 5, done.stderr
    assert any(code in done.stderr for code in ("machine.disk-full", "machine.unwritable"))
    assert not [name for name in listed.read_text().split() if name.endswith(".tar")]


def test_k041_a_disk_that_is_large_enough_has_the_pack(world: World, tmp_path: Path) -> None:
    """The same, so that the test above cannot pass for another reason."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare (Debian: util-linux)")
    disk, listed, script = tmp_path / "disk", tmp_path / "listed", tmp_path / "small-disk"
    disk.mkdir()
    script.write_text(_SMALL_DISK)
    under = ("unshare", "-rm", "sh", str(script), "64m", str(disk), str(world.site.folder))
    done = subprocess.run(
        [*under, sys.executable, "-m", "kit", "collect", "release.toml", *world.options],
        cwd=world.site.folder,
        env=os.environ | EPOCH | {"LISTED": str(listed)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in done.stderr:
        pytest.skip("no namespaces for this user")
    assert done.returncode == 0, done.stderr
    assert PACK in listed.read_text().split()
