"""What a host remembers: written after a pass alone, and older packs are seen from then on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from kit.pack import writer
from kit.pack.reader import Pack
from tests import packs
from tests.e2e.conftest import LINE, SIGNERS, STRANGER, Site
from tests.lab import AT

NAME = "tool-1.0.tar.gz"
PACK = "tool-1.0.pack.tar"
OLD = b"the release\n" * 100
NEW = b"the newer release\n" * 100


def release(site: Site, content: bytes, days: int, pack: str) -> None:
    """Collect a release that was signed so many days after the lab's own time."""
    site.publish(NAME, content, at=AT + timedelta(days=days))
    assert site.collect("-o", pack).status == 0


@pytest.fixture
def two(site: Site) -> Site:
    """Collect an older release and a newer one."""
    release(site, OLD, 0, "old.pack.tar")
    release(site, NEW, 10, "new.pack.tar")
    return site


def remembered(site: Site) -> bytes | None:
    """Return the memory, if there is one."""
    path = site.memory / "memory.json"
    return path.read_bytes() if path.exists() else None


# ---- who writes it ------------------------------------------------------------------


def test_a_pass_is_remembered(two: Site) -> None:
    assert two.check("new.pack.tar").status == 0
    assert b"2025-06-11T12:00:00Z" in (remembered(two) or b"")


def test_extract_remembers_too(two: Site) -> None:
    command = ("extract", "new.pack.tar", "--policy", "release.toml", "--to", "approved")
    assert two.run(*command).status == 0
    assert remembered(two) is not None


Run = Callable[[Site], object]


@pytest.mark.parametrize(
    "run",
    [
        lambda site: site.collect("--replace", "-o", "new.pack.tar"),
        lambda site: site.run("inspect", "new.pack.tar"),
        lambda site: site.run("policy", "init", "new.pack.tar"),
        lambda site: site.check("new.pack.tar", "--at", "2026-11-26T00:00:00Z"),
        lambda site: site.check("new.pack.tar", "--no-memory"),
        lambda site: site.check("new.pack.tar", "--read-only-memory"),
    ],
    ids=["collect", "inspect", "policy init", "--at", "--no-memory", "--read-only-memory"],
)
def test_nothing_else_writes_it(two: Site, run: Run) -> None:
    run(two)
    assert not two.memory.exists()
    two.check("new.pack.tar")
    before = remembered(two)
    run(two)
    assert remembered(two) == before


def test_a_failure_is_not_remembered(site: Site) -> None:
    site.publish(NAME, OLD, identity=STRANGER)
    site.collect()
    assert site.check("tool-1.0.unmet.pack.tar").status == 1
    assert not site.memory.exists()


def test_the_option_comes_before_the_environment(two: Site) -> None:
    assert two.check("new.pack.tar", "--memory", "mine").status == 0
    assert (two.folder / "mine/memory.json").exists()
    assert not two.memory.exists()


def test_without_either_it_is_in_the_users_state_folder(two: Site) -> None:
    state = two.folder.parent / "state"
    ran = two.check("new.pack.tar", env={"AIRGAP_KIT_MEMORY": "", "XDG_STATE_HOME": str(state)})
    assert ran.status == 0
    assert (state / "airgap-kit/memory.json").exists()


@pytest.mark.parametrize("more", [("--memory", "x"), ("--read-only-memory",)])
def test_options_that_contradict_each_other_are_wrong_usage(two: Site, more: tuple[str]) -> None:
    assert two.check("new.pack.tar", "--no-memory", *more).status == 2


# ---- what it refuses ----------------------------------------------------------------


def test_c165_an_older_release_is_a_rollback(two: Site) -> None:
    assert two.check("new.pack.tar").status == 0
    ran = two.check("old.pack.tar")
    assert ran.status == 1
    assert {"pack.rollback", "pack.changed"} <= ran.codes


def test_a_rollback_fails_extract_too(two: Site) -> None:
    two.check("new.pack.tar")
    command = ("extract", "old.pack.tar", "--policy", "release.toml", "--to", "approved")
    assert two.run(*command).status == 1
    assert not list((two.folder / "approved").glob("*"))


def test_the_older_one_may_come_first(two: Site) -> None:
    assert two.check("old.pack.tar").status == 0
    assert two.check("new.pack.tar").status == 0


def test_packs_of_one_run_are_held_against_each_other(two: Site) -> None:
    ran = two.run(
        "check", "new.pack.tar", "old.pack.tar", "--policy", "release.toml", "--format", "json"
    )
    assert ran.status == 1
    assert [result["status"] for result in ran.document["results"]] == [0, 1]


def test_an_older_release_may_be_accepted_and_is_not_remembered(two: Site) -> None:
    two.check("new.pack.tar")
    before = remembered(two)
    ran = two.check("old.pack.tar", "--accept-rollback")
    assert ran.status == 0
    assert "pack.rollback" in ran.codes
    assert remembered(two) == before
    assert two.check("old.pack.tar").status == 1


def test_a_read_only_memory_still_refuses(two: Site) -> None:
    two.check("new.pack.tar")
    assert "pack.rollback" in two.check("old.pack.tar", "--read-only-memory").codes


def test_c166_other_files_of_the_same_version_are_told_of(site: Site) -> None:
    release(site, OLD, 0, "first.pack.tar")
    release(site, NEW, 0, "second.pack.tar")
    assert site.check("first.pack.tar").status == 0
    ran = site.check("second.pack.tar")
    assert ran.status == 0
    assert "pack.changed" in ran.codes
    assert "pack.changed" not in site.check("second.pack.tar").codes


def test_a_selection_is_neither_compared_nor_remembered(two: Site) -> None:
    assert two.check("new.pack.tar", "--only", NAME).status == 0
    assert remembered(two) is None
    two.check("new.pack.tar")
    before = remembered(two)
    assert two.check("old.pack.tar", "--only", NAME).status == 0
    assert remembered(two) == before


def test_as_of_another_time_there_is_no_memory(two: Site) -> None:
    two.check("new.pack.tar")
    assert two.check("old.pack.tar", "--at", "2026-11-26T00:00:00Z").status == 0


def test_another_release_name_is_another_matter(two: Site) -> None:
    two.check("new.pack.tar")
    two.policy(LINE, SIGNERS.replace('name = "tool"', 'name = "other"'))
    assert two.check("old.pack.tar").status == 0


def test_c169_a_damaged_memory_is_status_4_and_stays_as_it_is(two: Site) -> None:
    two.check("new.pack.tar")
    path = two.memory / "memory.json"
    path.write_bytes(path.read_bytes()[:-20])
    before = remembered(two)
    ran = two.check("old.pack.tar")
    assert (ran.status, ran.codes) == (4, {"memory.damaged"})
    assert remembered(two) == before
    assert two.check("old.pack.tar", "--no-memory").status == 0


def test_a_damaged_pack_is_said_first(two: Site) -> None:
    two.memory.mkdir()
    (two.memory / "memory.json").write_bytes(b"")
    path = two.folder / "old.pack.tar"
    path.write_bytes(path.read_bytes().replace(OLD, OLD.upper()))
    assert two.check("old.pack.tar").status == 3


def test_a_memory_that_cannot_be_written_is_status_5_and_nothing_is_extracted(two: Site) -> None:
    two.memory.write_bytes(b"no folder")
    ran = two.check("new.pack.tar")
    assert (ran.status, ran.codes) in [(5, {"memory.unwritable"}), (4, {"memory.unreadable"})]
    command = ("extract", "new.pack.tar", "--policy", "release.toml", "--to", "approved")
    assert two.run(*command).status == ran.status
    assert not (two.folder / "approved").exists()


def test_a_pack_that_claims_2099_locks_nobody_out(two: Site) -> None:
    path = two.folder / "old.pack.tar"
    with Pack.open(path) as pack:
        held = {m.path: pack.read(m.path, 1 << 20) for m in pack.manifest.members}
        told = pack.manifest
    later = packs.manifest(
        held,
        artifacts=told.artifacts,
        evidence=told.evidence,
        collected_at=told.collected_at.replace(year=2099),
    )
    path.unlink()
    writer.write(path, later, held)
    ran = two.check("old.pack.tar")
    assert ran.status == 0
    assert "clock.behind" in ran.codes
    assert b"2099" not in (remembered(two) or b"")
    assert two.check("new.pack.tar").status == 0


def test_two_checks_at_once_are_safe(two: Site) -> None:
    command = [sys.executable, "-m", "kit", "check", "new.pack.tar", "--policy", "release.toml"]
    environment = os.environ | two.settings
    running = [
        subprocess.Popen(
            command,
            cwd=two.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    assert {process.wait(120) for process in running} == {0}
    for process in running:
        process.communicate()
    assert two.check("new.pack.tar").status == 0
    assert {path.name for path in Path(two.memory).iterdir()} == {"memory.json", "memory.lock"}


@pytest.mark.parametrize(
    "option", [("--memory", "m"), ("--read-only-memory",), ("--accept-rollback",)]
)
def test_as_of_another_time_no_option_for_the_memory_is_taken(
    site: Site, option: tuple[str, ...]
) -> None:
    site.collect()
    ran = site.check("tool-1.0.pack.tar", "--at", "2026-11-26T12:00:00Z", *option)
    assert ran.status == 2
    assert "--at" in ran.document["results"][0]["error"]["message"]
