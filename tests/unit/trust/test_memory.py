"""kit.trust.memory: only authenticated numbers, only upwards, and never half of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from kit.errors import AnchorError, MachineError
from kit.formats import memory_file
from kit.formats.memory_file import Known, KnownChain, KnownRelease
from kit.model import AnchorRecord, Claim, Digest, EvidenceKind, Identity, Report, Verdict
from kit.model.chain import Chain
from kit.trust import memory
from kit.trust.memory import Memory

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
CHAIN = Chain(
    root=2,
    root_sha256="a" * 64,
    root_expires=AT,
    timestamp=30,
    valid_until=AT,
    snapshot=20,
    targets=10,
    online_keys="b" * 64,
    trusted_root_sha256="c" * 64,
)


def claim(signed_at: datetime | None, kind: str = "uri") -> Claim:
    """Return a claim that was signed then."""
    identity = Identity(subject="somebody", subject_type=kind, issuer="")
    return Claim(
        kind=EvidenceKind.SIGSTORE,
        evidence="x",
        instance="acme",
        digest=Digest("sha256", "0" * 64),
        identity=identity,
        signed_at=signed_at,
        accepted_by=("airgap-kit",),
    )


def passed(
    chain: Chain | None = CHAIN,
    *claims: Claim,
    name: str = "tool",
    version: str = "1.0",
    digest: str = "0",
) -> Report:
    """Return a report that passed."""
    anchor = AnchorRecord(instance="acme", sha256="d" * 64, origin="here", newest=None, chain=chain)
    verdict = Verdict(
        name="tool.tgz",
        source="file:tool.tgz",
        digest=Digest("sha256", digest * 64),
        size=1,
        claims=claims,
        findings=(),
    )
    return Report(
        release_name=name,
        release_version=version,
        policy_sha256="e" * 64,
        manifest_sha256="f" * 64,
        pack_size=1,
        collected_at=AT,
        at=AT,
        anchors=(anchor,),
        verdicts=(verdict,),
        findings=(),
    )


@pytest.fixture
def host(tmp_path: Path) -> Memory:
    return memory.recall(tmp_path / "of/this/host", learns=True)


# ---- what is remembered -------------------------------------------------------------


def test_a_pass_is_remembered(host: Memory) -> None:
    host.learn(passed(CHAIN, claim(AT), claim(AT - timedelta(days=1))))
    again = memory.recall(host.folder, learns=False).now()
    assert again.chains["acme"].snapshot == 20
    assert again.releases["tool"].signed_at == AT


def test_a_host_that_passed_nothing_remembers_nothing(host: Memory) -> None:
    assert host.now() == Known()
    assert not host.folder.exists()


def test_only_its_owner_may_read_it(host: Memory) -> None:
    host.learn(passed())
    assert host.folder.stat().st_mode & 0o077 == 0


def test_a_read_only_memory_learns_nothing(host: Memory) -> None:
    replace(host, learns=False).learn(passed())
    assert not host.folder.exists()


def test_versions_only_rise(host: Memory) -> None:
    host.learn(passed())
    host.learn(passed(replace(CHAIN, timestamp=29, snapshot=21, targets=9)))
    known = host.now().chains["acme"]
    assert (known.timestamp, known.snapshot, known.targets) == (30, 21, 10)


def test_an_older_root_changes_nothing(host: Memory) -> None:
    host.learn(passed())
    before = host.now()
    host.learn(passed(replace(CHAIN, root=1, snapshot=99, online_keys="9" * 64)))
    assert host.now() == before


def test_other_online_keys_begin_anew(host: Memory) -> None:
    host.learn(passed(replace(CHAIN, snapshot=2**31 - 1)))
    host.learn(passed(replace(CHAIN, root=3, snapshot=21, online_keys="9" * 64)))
    assert host.now().chains["acme"].snapshot == 21


def test_a_report_without_a_chain_keeps_what_is_known_of_chains(host: Memory) -> None:
    host.learn(passed())
    host.learn(passed(None))
    assert host.now().chains["acme"].snapshot == 20


def test_the_newest_signing_time_only_rises(host: Memory) -> None:
    host.learn(passed(CHAIN, claim(AT)))
    host.learn(passed(CHAIN, claim(AT - timedelta(days=9)), version="0.9"))
    assert host.now().releases["tool"] == KnownRelease(
        version="1.0", files_sha256=memory.files_digest(passed().verdicts), signed_at=AT
    )
    host.learn(passed(CHAIN, claim(None), version="1.1"))
    assert host.now().releases["tool"].signed_at == AT
    assert host.now().releases["tool"].version == "1.1"


def test_a_time_that_is_only_the_signers_word_is_not_remembered(host: Memory) -> None:
    host.learn(passed(CHAIN, claim(AT + timedelta(days=36500), "openpgp")))
    assert host.now().releases["tool"].signed_at is None


def test_releases_and_instances_are_apart(host: Memory) -> None:
    host.learn(passed(name="tool"))
    host.learn(passed(name="other"))
    assert host.now().releases.keys() == {"tool", "other"}


# ---- a damaged memory is no first use -----------------------------------------------


def damages() -> list[bytes]:
    whole = memory_file.render(
        Known(
            {"acme": KnownChain(root=1, root_sha256="a" * 64, timestamp=1, snapshot=1, targets=1,
                                online_keys="b" * 64)},
            {"tool": KnownRelease(version="1.0", files_sha256="c" * 64, signed_at=AT)},
        )
    )  # fmt: skip
    document = json.loads(whole)
    document["instances"]["acme"]["root"] = True
    retyped = json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    return [
        b"",
        b"{}",
        b"null",
        whole[:-1],
        whole[: len(whole) // 2],
        whole + b"\n",
        whole.replace(b'"root":1', b'"root":1.0'),
        whole.replace(b'"root":1', b'"root":0'),
        whole.replace(b'"root":1', b'"root":1,"root":2'),
        whole.replace(b'"schema":1', b'"schema":2'),
        whole.replace(b"12:00:00Z", b"12:00:00+00:00"),
        whole.replace(b'"1.0"', b'"../1.0"'),
        retyped,
        bytes(len(whole)),
    ]


@pytest.mark.parametrize("raw", damages())
def test_a_damaged_memory_is_an_error(host: Memory, raw: bytes) -> None:
    host.folder.mkdir(parents=True)
    path = host.folder / memory.FILE
    path.write_bytes(raw)
    with pytest.raises(AnchorError) as caught:
        memory.recall(host.folder, learns=True)
    assert caught.value.code == "memory.damaged"
    with pytest.raises(AnchorError):
        host.learn(passed())
    assert path.read_bytes() == raw


def test_a_memory_that_is_a_folder_is_an_error(host: Memory) -> None:
    (host.folder / memory.FILE).mkdir(parents=True)
    with pytest.raises(AnchorError) as caught:
        memory.recall(host.folder, learns=True)
    assert caught.value.code == "memory.unreadable"


def test_a_place_that_cannot_be_written_is_an_error_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MachineError) as caught:
        Memory(folder=tmp_path / "file/below", learns=True).learn(passed())
    assert caught.value.code == "memory.unwritable"


# ---- old or new, and nothing else ---------------------------------------------------


def _teach(folder: Path, number: int) -> None:
    host = memory.recall(folder, learns=True)
    for n in range(number):
        host.learn(passed(replace(CHAIN, snapshot=21 + n)))


def _in_a_process(target: Any, *arguments: Any) -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    process.start()
    return process


def _children(folder: Path, first: int) -> None:
    for n in range(20):
        Memory(folder=folder, learns=True).learn(passed(name=f"tool-{first}-{n}"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork, of a process with threads
def test_two_runs_at_once_lose_nothing(host: Memory) -> None:
    started = [_in_a_process(_children, host.folder, n) for n in range(4)]
    for process in started:
        process.join(60)
        assert process.exitcode == 0
    assert len(host.now().releases) == 80


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_run_that_is_killed_leaves_the_old_or_the_new_state(host: Memory) -> None:
    host.learn(passed())
    seen = set()
    for n in range(40):
        process = _in_a_process(_teach, host.folder, 10_000)
        until = time.monotonic() + 30
        while n % 2 and host.now().chains["acme"].snapshot == 20 and time.monotonic() < until:
            time.sleep(0.001)  # every other time, until it has written at least once
        time.sleep(0.01 + n * 0.002)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join(60)
        known = host.now()  # raises where anything but a whole state is there
        assert known.chains["acme"].snapshot >= 20
        seen.add(known.chains["acme"].snapshot)
        host.learn(passed())  # and the next run goes on: no lock stays behind
    assert len(seen) > 1  # else nothing was ever written: the test shows nothing


def _fill(folder: Path, limit: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        Memory(folder=folder, learns=True).learn(passed(replace(CHAIN, snapshot=99)))
    except MachineError as error:
        os._exit(3 if error.code == "memory.unwritable" else 4)
    os._exit(0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("limit", [0, 1, 100])
def test_a_full_disk_leaves_the_old_state(host: Memory, limit: int) -> None:
    host.learn(passed())
    before = (host.folder / memory.FILE).read_bytes()
    process = _in_a_process(_fill, host.folder, limit)
    process.join(60)
    assert process.exitcode == 3
    assert (host.folder / memory.FILE).read_bytes() == before
    assert {path.name for path in host.folder.iterdir()} == {memory.FILE, "memory.lock"}
