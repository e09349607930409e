"""Anchors are renewed by what the pinned TUF root vouches for, forward only, and at once."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.errors import AnchorError, MachineError
from kit.formats.anchor_origin import Source
from kit.formats.key_facts import KeyKind
from kit.formats.memory_file import KnownChain
from kit.trust import atomic, origins, placing, renewal, swap, tuf_anchor
from kit.trust.places import Place
from kit.trust.renewal import Offered
from kit.trust.tuf_chain import walk
from kit.trust.tuf_files import Held
from tests.lab import Lab
from tests.lab.tuf import FOUNDED, Repository

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
OLD = Lab("acme").trusted_root()
NEW = Lab("acme", shape="full").trusted_root()
SOURCE = Source(pack="1" * 64)


class Host:
    """A host that pins the first root of a repository, and a repository that goes on."""

    def __init__(self, folder: Path) -> None:
        """Found the repository, and pin what it has first."""
        self.folder = folder
        self.repository = Repository("acme", {"trusted_root.json": OLD})
        self.place = Place(folder=folder, label="a place")
        (folder / "acme").mkdir(parents=True)
        (folder / "acme/root.json").write_bytes(self.repository.files["1.root.json"])
        (folder / "acme/trusted_root.json").write_bytes(OLD)

    def renew(self) -> Mapping[str, bytes]:
        """Let the repository go on: another root, another trusted root, some days later."""
        self.repository.now += timedelta(days=30)
        self.repository.rotate(retire=self.repository.signers[1])
        self.repository.put("trusted_root.json", NEW)
        return self.repository.copy()

    def offered(self, files: Mapping[str, bytes]) -> Offered:
        """Return what these files offer."""
        return renewal.offered(renewal.pinned("acme", [self.place]), Held(files))

    def write(self, offer: Offered) -> bool:
        """Take an offer over."""
        return placing.write(offer, self.folder, SOURCE, AT)

    @property
    def state(self) -> tuple[bytes, bytes]:
        """What is pinned now."""
        folder = self.folder / "acme"
        return (folder / "root.json").read_bytes(), (folder / "trusted_root.json").read_bytes()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "anchors")


def test_what_the_pinned_root_vouches_for_takes_its_place(host: Host) -> None:
    old = host.state
    files = host.renew()
    offer = host.offered(files)
    assert (offer.root_version, offer.sha256) == (2, hashlib.sha256(NEW).hexdigest())
    assert offer.changes_keys
    assert {fact.kind for fact in offer.difference.comes} >= {KeyKind.TSA}
    assert host.write(offer)
    assert host.state == (files["2.root.json"], NEW)
    record = tuf_anchor.record(host.folder / "acme", "acme")
    assert record.vouches(offer.sha256) == offer.vouched_until
    origin = origins.at(host.place, "acme")
    assert origin is not None
    assert origin.files["trusted_root.json"].sources == (SOURCE,)
    (kept,) = (host.folder / ".replaced").iterdir()
    assert kept.name == "acme-20261126T120000Z"
    assert ((kept / "root.json").read_bytes(), (kept / "trusted_root.json").read_bytes()) == old
    again = host.offered(files)
    assert not again.is_news
    assert not host.write(again)


def test_a_first_import_makes_the_folder(host: Host, tmp_path: Path) -> None:
    offer = host.offered(host.renew())
    own = tmp_path / "own/trust-roots"
    assert placing.write(offer, own, SOURCE, AT)
    assert (own / "acme/trusted_root.json").read_bytes() == NEW
    assert not list((own / ".replaced").iterdir())


def test_only_a_later_date_is_written_without_any_change(host: Host) -> None:
    host.write(host.offered(host.repository.copy()))
    host.repository.refresh(timedelta(days=2))
    offer = host.offered(host.repository.copy())
    assert (offer.is_news, offer.changes_keys) == (True, False)
    assert host.write(offer)
    assert tuf_anchor.record(host.folder / "acme", "acme").vouched_until == offer.vouched_until


# ---- what is refused --------------------------------------------------------------


def stranger(host: Host) -> Mapping[str, bytes]:
    """Return a whole repository of somebody else's, its chain begun at another root."""
    other = Repository("mallory", {"trusted_root.json": NEW})
    other.rotate()
    other.publish()
    return {name: raw for name, raw in other.files.items() if name != "1.root.json"}


def fork(host: Host) -> Mapping[str, bytes]:
    """Return another root under the version that is pinned."""
    return Repository("mallory", {"trusted_root.json": NEW}).copy()


def gap(host: Host) -> Mapping[str, bytes]:
    """Leave root 2 out before root 3."""
    host.renew()
    files = dict(host.renew())
    del files["2.root.json"]
    return files


def swapped_target(host: Host) -> Mapping[str, bytes]:
    """Put a trusted root of somebody else's in the place of the right one."""
    files = dict(host.renew())
    name = f"targets/{hashlib.sha256(NEW).hexdigest()}.trusted_root.json"
    return files | {name: Lab("mallory").trusted_root()}


def no_timestamp(host: Host) -> Mapping[str, bytes]:
    """Leave out what says what is current."""
    files = dict(host.renew())
    del files["timestamp.json"]
    return files


def unusable(host: Host) -> Mapping[str, bytes]:
    """Sign for a trusted root that is none."""
    host.repository.put("trusted_root.json", b"{}")
    return host.repository.copy()


ATTACKS: dict[Callable[[Host], Mapping[str, bytes]], str] = {
    stranger: "trust.root-signatures",
    fork: "trust.root-fork",
    gap: "trust.root-gap",
    swapped_target: "trust.tuf-digest",
    no_timestamp: "trust.incomplete",
    unusable: "trust.malformed",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_chain_that_does_not_verify_changes_nothing(
    host: Host, attack: Callable[[Host], Mapping[str, bytes]]
) -> None:
    old = host.state
    files = attack(host)
    with pytest.raises(AnchorError) as raised:
        host.offered(files)
    assert raised.value.code == ATTACKS[attack]
    assert host.state == old


def test_an_older_chain_is_a_rollback(host: Host) -> None:
    first = host.repository.copy()
    host.write(host.offered(host.renew()))
    with pytest.raises(AnchorError) as raised:
        host.offered(first)
    assert raised.value.code == "trust.rollback"


def test_an_older_trusted_root_under_the_same_root_is_a_rollback(host: Host) -> None:
    first = host.repository.copy()
    host.repository.now += timedelta(days=3)
    host.repository.put("trusted_root.json", NEW)
    host.write(host.offered(host.repository.copy()))
    with pytest.raises(AnchorError) as raised:
        host.offered(first)
    assert raised.value.code == "trust.rollback"


def test_a_place_that_is_not_used_does_not_go_back_either(host: Host, tmp_path: Path) -> None:
    own = tmp_path / "own"
    first = host.offered(host.renew())
    host.renew()
    later = host.offered(host.repository.copy())
    assert placing.write(later, own, SOURCE, AT)
    with pytest.raises(AnchorError) as raised:
        placing.write(first, own, SOURCE, AT)
    assert raised.value.code == "trust.rollback"


@pytest.mark.parametrize("days", [30, 192], ids=["mid-life", "the root expires first"])
def test_a_trusted_root_of_before_never_comes_back(host: Host, days: int) -> None:
    # Where the root expires first, both chains are vouched for until the same moment.
    host.repository.now += timedelta(days=days)
    host.repository.publish()
    older = host.repository.copy()
    host.repository.now += timedelta(days=1)
    host.repository.put("trusted_root.json", NEW)
    assert host.write(host.offered(host.repository.copy()))
    with pytest.raises(AnchorError) as raised:
        host.offered(older)
    assert raised.value.code == "trust.rollback"
    assert host.state[1] == NEW


# ---- where no versions are written down ---------------------------------------------


def dated(host: Host, trusted: bytes, until: datetime) -> None:
    """Pin a trusted root with the date until which it was vouched for, as the kit's own are."""
    (host.folder / "acme/trusted_root.json").write_bytes(trusted)
    digest = hashlib.sha256(trusted).hexdigest()
    record = f'{{"sha256":"{digest}","vouched-until":"{until:%Y-%m-%dT%H:%M:%SZ}"}}'
    (host.folder / "acme/tuf.json").write_text(record)


@pytest.mark.parametrize(("held", "offered"), [(NEW, OLD), (OLD, NEW)])
def test_of_anchors_put_there_by_hand_nothing_tells_what_is_newer(
    host: Host, held: bytes, offered: bytes
) -> None:
    """Where a key was taken back, an older trusted root brings it as a newer one would."""
    host.repository.put("trusted_root.json", offered)
    (host.folder / "acme/trusted_root.json").write_bytes(held)
    assert host.offered(host.repository.copy()).may_be_older
    host.repository.put("trusted_root.json", held)
    assert not host.offered(host.repository.copy()).may_be_older  # the very bytes


def test_a_date_tells_where_the_offer_is_vouched_for_beyond_it(host: Host) -> None:
    dated(host, OLD, FOUNDED + timedelta(days=7))
    assert not host.offered(host.renew()).may_be_older


def test_a_date_does_not_tell_where_the_root_is_what_expires_first(host: Host) -> None:
    """Both chains are vouched for until that moment."""
    host.repository.now += timedelta(days=192)
    host.repository.publish()
    before = host.repository.copy()
    dated(host, NEW, host.offered(before).vouched_until)
    assert host.offered(before).may_be_older


def test_where_versions_are_written_down_they_tell(host: Host) -> None:
    host.write(host.offered(host.renew()))
    host.repository.put("trusted_root.json", OLD)
    offer = host.offered(host.repository.copy())
    assert offer.difference.goes
    assert not offer.may_be_older


def another(host: Host, folder: Path, trusted: bytes) -> None:
    """Pin a trusted root by hand in another place."""
    (folder / "acme").mkdir(parents=True)
    (folder / "acme/root.json").write_bytes(host.state[0])
    (folder / "acme/trusted_root.json").write_bytes(trusted)


def test_another_place_of_which_nothing_is_known_stays_as_it_is(host: Host, tmp_path: Path) -> None:
    own = tmp_path / "own"
    another(host, own, NEW)
    with pytest.raises(AnchorError) as raised:
        placing.write(host.offered(host.repository.copy()), own, SOURCE, AT)
    assert raised.value.code == "trust.may-be-older"
    assert f"--trust-roots {own}" in (raised.value.hint or "")  # --expect would not do here
    assert (own / "acme/trusted_root.json").read_bytes() == NEW


def test_a_place_without_a_tuf_root_is_not_written_over_unseen(host: Host, tmp_path: Path) -> None:
    own = tmp_path / "own"
    another(host, own, NEW)
    (own / "acme/root.json").unlink()
    with pytest.raises(AnchorError) as raised:
        placing.write(host.offered(host.repository.copy()), own, SOURCE, AT)
    assert raised.value.code == "trust.may-be-older"
    assert (own / "acme/trusted_root.json").read_bytes() == NEW
    assert placing.write(host.offered(host.renew()), own, SOURCE, AT)  # the very bytes


def test_another_place_whose_versions_are_known_goes_on(host: Host, tmp_path: Path) -> None:
    own = tmp_path / "own"
    assert placing.write(host.offered(host.renew()), own, SOURCE, AT)
    host.repository.put("trusted_root.json", OLD)
    assert placing.write(host.offered(host.repository.copy()), own, SOURCE, AT)
    assert (own / "acme/trusted_root.json").read_bytes() == OLD


def test_another_place_goes_on_as_the_operator_was_shown(host: Host, tmp_path: Path) -> None:
    own = tmp_path / "own"
    another(host, own, OLD)
    offer = host.offered(host.renew())
    assert offer.may_be_older
    assert placing.write(offer, own, SOURCE, AT)
    assert (own / "acme/trusted_root.json").read_bytes() == NEW


def seen(offer: Offered, **changes: Any) -> KnownChain:
    """Return what a check remembers that rested on this chain."""
    chain = walk("acme", offer.pinned.tuf.raw, Held(changes.pop("files"))).chain()
    known = KnownChain(
        root=chain.root,
        root_sha256=chain.root_sha256,
        timestamp=chain.timestamp,
        snapshot=chain.snapshot,
        targets=chain.targets,
        online_keys=chain.online_keys,
    )
    return replace(known, **changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"snapshot": 99}, "trust.rollback"),
        ({"root": 3}, "trust.rollback"),
        ({"root_sha256": "0" * 64}, "trust.root-fork"),
    ],
)
def test_what_checks_have_seen_bounds_what_is_taken_over(
    host: Host, changes: dict[str, Any], code: str
) -> None:
    files = host.renew()
    offer = host.offered(files)
    now = renewal.pinned("acme", [host.place])
    assert renewal.offered(now, Held(files), seen=seen(offer, files=files)) == offer
    with pytest.raises(AnchorError) as raised:
        renewal.offered(now, Held(files), seen=seen(offer, files=files, **changes))
    assert raised.value.code == code


def test_an_older_timestamp_shortens_nothing(host: Host) -> None:
    first = host.repository.copy()
    host.repository.refresh(timedelta(days=5))
    host.write(host.offered(host.repository.copy()))
    until = tuf_anchor.record(host.folder / "acme", "acme").vouched_until
    assert not host.offered(first).is_news
    assert host.offered(first).vouched_until == until


def test_what_else_is_in_the_folder_stays(host: Host) -> None:
    (host.folder / "acme/README.md").write_text("ours")
    host.write(host.offered(host.renew()))
    assert (host.folder / "acme/README.md").read_text() == "ours"


def test_what_was_replaced_meanwhile_is_not_replaced_again(host: Host) -> None:
    first = host.offered(host.renew())
    host.renew()
    assert host.write(host.offered(host.repository.copy()))
    with pytest.raises(AnchorError) as raised:
        host.write(first)
    assert raised.value.code == "trust.changed"


def test_without_a_tuf_root_nothing_can_be_renewed(host: Host) -> None:
    (host.folder / "acme/root.json").unlink()
    for instance in ("acme", "other"):
        with pytest.raises(AnchorError) as raised:
            renewal.pinned(instance, [host.place])
        assert raised.value.code == "trust.missing"


def test_a_root_that_changed_while_it_was_read_is_refused(host: Host) -> None:
    class Changing(Held):
        def read(self, name: str, limit: int) -> bytes | None:
            raw = super().read(name, limit)
            if name == "2.root.json":
                reads.append(name)
                return raw if len(reads) == 1 else other
            return raw

    reads: list[str] = []
    files = host.renew()
    other = Repository("mallory", {}).files["1.root.json"]
    with pytest.raises(AnchorError) as raised:
        renewal.offered(renewal.pinned("acme", [host.place]), Changing(files))
    assert raised.value.code == "trust.changed"


# ---- old state or new state -------------------------------------------------------


@pytest.mark.parametrize("file", ["root.json", "trusted_root.json", "tuf.json", "origin.json"])
def test_a_full_disk_leaves_the_old_state(
    host: Host, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, whole = host.state, atomic.replace

    def full(path: Path, raw: bytes) -> None:
        if path.name == file:
            raise OSError(28, "No space left on device", str(path))
        whole(path, raw)

    monkeypatch.setattr(atomic, "replace", full)
    offer = host.offered(host.renew())
    with pytest.raises(MachineError) as raised:
        host.write(offer)
    assert raised.value.code == "machine.unwritable"
    assert host.state == old
    assert not list((host.folder / ".replaced").iterdir())


@pytest.mark.parametrize("exchanges", [True, False])
def test_folders_are_swapped_with_and_without_help_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    if not exchanges:
        monkeypatch.setattr(swap, "_exchange", lambda *_: False)
    new, current, old = (tmp_path / name for name in ("new", "current", "old"))
    new.mkdir()
    current.mkdir()
    (new / "file").write_text("new")
    (current / "file").write_text("old")
    swap.replace(new, current, old)
    assert (current / "file").read_text() == "new"
    assert (old / "file").read_text() == "old"
    assert not new.exists()


def test_this_system_exchanges_folders_at_once(tmp_path: Path) -> None:
    if sys.platform not in ("linux", "darwin"):
        pytest.skip("neither Linux nor macOS")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert swap._exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a/b").exists()
    with pytest.raises(FileNotFoundError):
        swap._exchange(tmp_path / "a", tmp_path / "none")


SWAPPER = """
import json, sys
from dataclasses import replace
from pathlib import Path
from tests.unit.trust.test_renewal import AT, SOURCE, Host, placing, renewal
folder = Path(sys.argv[1])
host = Host(folder)
there = host.offered(host.renew())
host.write(there)
here = renewal.pinned("acme", [host.place])
print(json.dumps("ready"), flush=True)
pinned = here
while True:
    now = renewal.pinned("acme", [host.place])
    other = there.pinned if now.trusted_root == there.trusted_root else here
    placing.write(
        replace(there, pinned=now, root=other.tuf.raw, trusted_root=other.trusted_root),
        folder, SOURCE, AT,
    )
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    for number in range(12):
        folder = tmp_path / str(number)
        with subprocess.Popen(
            [sys.executable, "-c", SWAPPER, str(folder)],
            cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, stdout=subprocess.PIPE,
        ) as running:  # fmt: skip
            assert running.stdout is not None
            assert json.loads(running.stdout.readline()) == "ready"
            time.sleep(0.01 + 0.007 * number)
            running.send_signal(signal.SIGKILL)
        known = {OLD: 1, NEW: 2}
        now = renewal.pinned("acme", [Place(folder=folder, label="after")])
        assert known[now.trusted_root] == now.tuf.version
        assert now.record.vouches(now.sha256) is not None
        assert sorted(path.name for path in (folder / "acme").iterdir()) == [
            "origin.json", "root.json", "trusted_root.json", "tuf.json",
        ]  # fmt: skip


def test_an_offer_is_what_was_compared(host: Host) -> None:
    offer = host.offered(host.renew())
    assert replace(offer, trusted_root=OLD).sha256 == offer.pinned.sha256
