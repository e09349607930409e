"""An image of any size goes through every command piece by piece, never whole in memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Site
from tests.e2e.test_oci import PACK, named
from tests.lab.images import CONFIG, LAYER
from tests.lab.places import Registry
from tests.lab.shelf import Blob, Shelf, manifest

pytestmark = pytest.mark.slow

SIZE = 256 << 20
#: The kit and its libraries take about 60 MiB by themselves; a layer in memory would be above.
BOUND = 160 << 20

# Runs a command, and writes the most memory that it, or any process it started, held.
_WATCH = """\
import pathlib, resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
pathlib.Path(sys.argv[1]).write_text(str(held * (1 if sys.platform == "darwin" else 1024)))
sys.exit(status)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, int]]:
    """Collect an image of one large layer; return also what that took."""
    site = Site(tmp_path_factory.mktemp("large") / "site")
    shelf = Shelf()
    made = shelf.add(manifest(Blob(CONFIG, b"{}"), [Blob(LAYER, bytes(SIZE))]), tag="1.0")
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", made)
        held = peak(site, "collect", "release.toml")
    yield site, held
    (site.folder / PACK).unlink()


def peak(site: Site, *command: str) -> int:
    """Return the most bytes of memory that a command held, which must do what it is told."""
    told = site.folder / "peak"
    under = (sys.executable, "-c", _WATCH, str(told))
    ran = site.run(*command, under=under, env={"DOCKER_CONFIG": "nowhere"})
    assert ran.status == 0, ran.err
    return int(told.read_text())


def test_collect_holds_no_layer_in_memory(large: tuple[Site, int]) -> None:
    assert large[1] < BOUND


@pytest.mark.parametrize(
    "command",
    [("check",), ("export", "--as", "oci", "--to", "layout")],
    ids=lambda command: command[0],
)
def test_a_pack_is_read_piece_by_piece(large: tuple[Site, int], command: tuple[str, ...]) -> None:
    name, *more = command
    assert peak(large[0], name, PACK, "--policy", "release.toml", *more) < BOUND


def test_push_sends_and_reads_back_piece_by_piece(large: tuple[Site, int]) -> None:
    site, _ = large
    with Registry(Shelf()) as registry:
        to = ("--to", registry.host)
        assert peak(site, "push", PACK, "--policy", "release.toml", *to) < BOUND
        assert len(registry.shelf.tags) == 1


def test_the_watch_sees_a_layer_that_is_held(tmp_path: Path) -> None:
    told = tmp_path / "peak"
    holding = (sys.executable, "-c", f"bytes(range(256)) * {SIZE >> 8}")
    subprocess.run([sys.executable, "-c", _WATCH, str(told), *holding], check=True)
    assert int(told.read_text()) > SIZE
