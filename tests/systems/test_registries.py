"""The images of every system, from a registry that is really running: a pack, and PASS."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.world import SYSTEMS
from tests.lab.world.evidence import shelves
from tests.peers.conftest import start
from tests.systems.suite import LAB, collected

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_real_registry_serves_the_system(tmp_path: Path, system: str) -> None:
    release = SYSTEMS[system](LAB)
    with contextmanager(start)("docker-registry", tmp_path / "registry") as running:
        for name, shelf in shelves(release).items():
            replace(running, name=name).push(shelf)
        made = collected(release, tmp_path, registry=running.host)
    assert made.ran.status == 0, made.ran.out + made.ran.err
