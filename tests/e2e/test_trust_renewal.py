"""`trust diff`, `import` and `update`: anchors that travel, and everything that must not."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import resource
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.pack import writer
from tests import packs
from tests.e2e.conftest import Ran, Site
from tests.lab import Lab, json_lines
from tests.lab.places import Tuf
from tests.lab.tuf import FOUNDED, Repository

OLD = Lab("acme").trusted_root()
NEW = Lab("acme", shape="full").trusted_root()
NEW_DIGEST = f"sha256:{hashlib.sha256(NEW).hexdigest()}"
PACK = "new.pack.tar"
_HEAD = {
    "README.txt": b"Nothing here is verified\n",
    "release.toml": b"",
    "ledger.json": b"[]\n",
    "artifacts/a.txt": b"a",
}


def write_pack(path: Path, chains: Mapping[str, Mapping[str, bytes]]) -> None:
    """Write a pack that carries these chains, by instance."""
    carried = {
        f"trust/{i}/{name}": raw for i, files in chains.items() for name, raw in files.items()
    }
    files = _HEAD | carried
    path.unlink(missing_ok=True)
    writer.write(path, packs.manifest(files), files)


class Renewing:
    """A site that pins the first root of a repository, which has gone on since."""

    def __init__(self, site: Site) -> None:
        """Pin the first root, and carry the newest chain in a pack."""
        self.site = site
        self.anchor = site.folder / "trust-roots/acme"
        self.repository = Repository("acme", {"trusted_root.json": OLD})
        self.first = self.repository.copy()
        (self.anchor / "root.json").write_bytes(self.first["1.root.json"])
        (self.anchor / "trusted_root.json").write_bytes(OLD)
        self.record()
        self.repository.now += timedelta(days=30)
        self.repository.rotate(retire=self.repository.signers[0])
        self.repository.put("trusted_root.json", NEW)
        self.carry(self.repository.files)

    def record(self, **more: str) -> None:
        """Write down until when the trusted root was vouched for, as the kit's own have it."""
        until = (FOUNDED + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
        known = {"sha256": hashlib.sha256(OLD).hexdigest(), "vouched-until": until}
        (self.anchor / "tuf.json").write_text(json.dumps(known | more))

    def carry(self, files: Mapping[str, bytes], name: str = PACK) -> None:
        """Write a pack with a chain of the instance."""
        write_pack(self.site.folder / name, {"acme": files})

    def run(self, command: str, *more: str, **options: Any) -> Ran:
        """Run a command of `trust` on the site's own folder of anchors."""
        to = () if command == "diff" else ("--to", "trust-roots")
        return self.site.run("trust", command, *more, *to, "--format", "json", **options)

    @property
    def state(self) -> tuple[bytes, bytes]:
        """What is pinned now."""
        root, trusted = (self.anchor / name for name in ("root.json", "trusted_root.json"))
        return root.read_bytes(), trusted.read_bytes()


@pytest.fixture
def renewing(tmp_path: Path) -> Renewing:
    return Renewing(Site(tmp_path / "site"))


def changes(ran: Ran) -> list[dict[str, Any]]:
    (result,) = ran.document["results"]
    return list(result["differences"])


# ---- import -----------------------------------------------------------------------


def test_a_pack_renews_the_anchors_of_a_host(renewing: Renewing) -> None:
    old = renewing.state
    ran = renewing.run("import", PACK, "--expect", NEW_DIGEST)
    assert ran.status == 0, ran.err
    (change,) = changes(ran)
    assert (change["written"], change["root-version"]) == (True, {"from": 1, "to": 2})
    assert {key["kind"] for key in change["comes"]} == {"ca", "tlog", "ctlog", "tsa"}
    assert "COMES" in ran.err
    assert renewing.state == (renewing.repository.files["2.root.json"], NEW)
    kept = next((renewing.site.folder / "trust-roots/.replaced").glob("acme-*"))
    assert (kept / "trusted_root.json").read_bytes() == old[1]
    # What is shown of them is where they are from; a second import has nothing to do.
    text = renewing.site.run("trust", "show").out
    assert "from a single source, a pack with the manifest sha256:" in text
    again = renewing.run("import", PACK, "--yes")
    assert (again.status, changes(again)[0]["written"]) == (0, False)


def test_a_fingerprint_that_does_not_match_is_refused(renewing: Renewing) -> None:
    old = renewing.state
    other = f"sha256:{hashlib.sha256(OLD).hexdigest()}"
    for expected in ([f"sha256:{'0' * 64}"], [NEW_DIGEST, f"sha256:{'0' * 64}"], [other]):
        options = [part for digest in expected for part in ("--expect", digest)]
        ran = renewing.run("import", PACK, *options)
        assert (ran.status, ran.codes) == (4, {"trust.fingerprint"})
        assert renewing.state == old
    both = ("--expect", NEW_DIGEST, "--expect", NEW_DIGEST)
    assert renewing.run("import", PACK, *both).status == 0


def test_nothing_is_replaced_unasked(renewing: Renewing) -> None:
    old = renewing.state
    assert renewing.run("import", PACK).status == 2
    assert renewing.run("import", PACK, "--expect", "sha256:ABC").status == 2
    assert renewing.run("import", PACK, "--yes", "--expect", NEW_DIGEST).status == 2
    assert renewing.state == old


@pytest.mark.parametrize(
    ("typed", "status"), [(NEW_DIGEST[7:15], 0), ("00000000", 4), (NEW_DIGEST[7:14], 4), ("", 4)]
)
def test_on_a_terminal_the_fingerprint_is_typed(
    renewing: Renewing, typed: str, status: int
) -> None:
    old = renewing.state
    primary, secondary = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "kit", "trust", "import", PACK, "--to", "trust-roots"],
        cwd=renewing.site.folder, env=os.environ | renewing.site.settings,
        stdin=secondary, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stderr is not None
        said = b""
        while b"Type its first 8 digits" not in said:
            ready, _, _ = select.select([running.stderr], [], [], 60)
            assert ready, said
            said += os.read(running.stderr.fileno(), 1 << 16)
        os.write(primary, f"{typed}\n".encode())
        running.communicate(timeout=60)
    os.close(primary)
    os.close(secondary)
    assert running.returncode == status
    assert (renewing.state != old) is (status == 0)
    assert f"becomes {NEW_DIGEST}" in said.decode()


def _stranger() -> dict[str, bytes]:
    other = Repository("mallory", {"trusted_root.json": Lab("mallory").trusted_root()})
    other.rotate()
    other.publish()
    return other.copy()


def test_an_attackers_chain_is_refused(renewing: Renewing) -> None:
    old = renewing.state
    stranger = _stranger()
    attacks = {
        "trust.root-fork": stranger,
        "trust.root-signatures": {n: raw for n, raw in stranger.items() if n != "1.root.json"},
        "trust.root-gap": {n: raw for n, raw in renewing.repository.files.items() if n[0] != "2"}
        | {"3.root.json": renewing.repository.files["2.root.json"]},
        "trust.threshold": renewing.repository.files
        | {"timestamp.json": stranger["timestamp.json"]},
    }
    for code, files in attacks.items():
        renewing.carry(files)
        for command in (("import", PACK, "--yes"), ("diff", PACK)):
            ran = renewing.run(*command)
            assert (ran.status, ran.codes) == (4, {code}), command
    assert renewing.state == old


def test_an_older_pack_never_downgrades(renewing: Renewing) -> None:
    assert renewing.run("import", PACK, "--yes").status == 0
    new = renewing.state
    renewing.carry(renewing.first)
    ran = renewing.run("import", PACK, "--yes")
    assert (ran.status, ran.codes) == (4, {"trust.rollback"})
    assert renewing.state == new


def test_anchors_put_there_by_hand_do_not_go_back_unlooked_at(renewing: Renewing) -> None:
    """No version and no date says which trusted root came first."""
    renewing.carry(renewing.first)
    (renewing.anchor / "trusted_root.json").write_bytes(NEW)
    (renewing.anchor / "tuf.json").unlink()
    pinned = renewing.state
    ran = renewing.run("import", PACK, "--yes")
    assert (ran.status, ran.codes) == (4, {"trust.may-be-older"})
    assert "MAY BE OLDER" in ran.err
    assert renewing.state == pinned
    # An operator who knows the digest from elsewhere has looked.
    ran = renewing.run("import", PACK, "--expect", f"sha256:{hashlib.sha256(OLD).hexdigest()}")
    assert ran.status == 0
    assert "MAY BE OLDER" in ran.err
    assert renewing.state == (pinned[0], OLD)


@pytest.mark.parametrize("name", ["../x", "..", ".", "/etc", "a/b", "", "-x", "x" * 81])
@pytest.mark.parametrize("command", ["import", "update", "diff"])
def test_an_instance_is_called_by_a_name_and_no_path(
    renewing: Renewing, command: str, name: str
) -> None:
    given = () if command == "update" else (PACK,)
    more = () if command == "diff" else ("--yes",)
    ran = renewing.run(command, *given, f"--instance={name}", *more)
    assert (ran.status, ran.codes) == (2, {"usage"})
    assert name in ran.document["results"][0]["error"]["message"]


def test_a_pack_without_a_chain_renews_nothing(renewing: Renewing) -> None:
    write_pack(renewing.site.folder / PACK, {})
    assert renewing.run("import", PACK, "--yes").status == 6
    assert renewing.run("diff", PACK).status == 6
    assert renewing.run("import", PACK, "--yes", "--instance", "acme").status == 2
    assert renewing.run("import", "none.tar", "--yes").status == 2


def test_a_pack_of_an_instance_that_this_host_does_not_know_is_refused(renewing: Renewing) -> None:
    write_pack(renewing.site.folder / PACK, {"other": renewing.repository.files})
    ran = renewing.run("import", PACK, "--yes")
    assert (ran.status, ran.codes) == (4, {"trust.missing"})


def test_a_damaged_pack_renews_nothing(renewing: Renewing) -> None:
    old = renewing.state
    path = renewing.site.folder / PACK
    raw = path.read_bytes()
    at = raw.index(NEW)
    path.write_bytes(raw[:at] + b"X" + raw[at + 1 :])
    assert renewing.run("import", PACK, "--yes").status == 3
    assert renewing.state == old


def test_a_folder_that_is_a_repository_is_imported_too(renewing: Renewing) -> None:
    folder = renewing.site.folder / "mirror"
    for name, raw in renewing.repository.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(raw)
    assert renewing.run("import", "mirror", "--yes").status == 2
    ran = renewing.run("import", "mirror", "--yes", "--instance", "acme")
    assert ran.status == 0, ran.err
    assert renewing.state[1] == NEW


def test_the_users_own_folder_is_the_default(renewing: Renewing, tmp_path: Path) -> None:
    env = {"XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path / "home")}
    ran = renewing.site.run("trust", "import", PACK, "--yes", env=env)
    assert ran.status == 0, ran.err
    own = tmp_path / "data/airgap-kit/trust-roots/acme/trusted_root.json"
    assert own.read_bytes() == NEW
    # The environment's folder comes first, so that the operator must know.
    assert "comes first" in ran.err
    shown = renewing.site.run("trust", "show", env=env).out
    assert "NEWER in the user's data folder" in shown


def test_an_import_needs_no_network(renewing: Renewing) -> None:
    unshare = ("unshare", "--net", "--map-root-user")
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("no network namespaces here")
    ran = renewing.run("import", PACK, "--yes", under=unshare)
    assert ran.status == 0, ran.err


def test_a_disk_that_takes_no_more_leaves_the_old_state(renewing: Renewing) -> None:
    old = renewing.state

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    ran = renewing.run("import", PACK, "--yes", preexec_fn=limited)
    assert (ran.status, ran.codes) == (5, {"machine.unwritable"})
    assert renewing.state == old


def test_two_at_once_are_safe(renewing: Renewing) -> None:
    command = [sys.executable, "-m", "kit", "trust", "import", PACK, "--yes", "--to", "trust-roots"]
    env = os.environ | renewing.site.settings
    running = [
        subprocess.Popen(command, cwd=renewing.site.folder, env=env, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert {one.wait() for one in running} == {0}
    assert renewing.state == (renewing.repository.files["2.root.json"], NEW)
    assert len(list((renewing.site.folder / "trust-roots/.replaced").iterdir())) == 1


# ---- diff -------------------------------------------------------------------------


def test_a_pack_is_compared_with_what_this_host_has(renewing: Renewing) -> None:
    ran = renewing.run("diff", PACK)
    assert ran.status == 0
    (change,) = changes(ran)
    assert change["instance"] == "acme"
    assert {key["kind"] for key in change["comes"]} == {"ca", "tlog", "ctlog", "tsa"}
    assert not change["goes"]
    (back,) = changes(renewing.run("diff", PACK, "acme"))
    for one, other in (("comes", "goes"), ("goes", "comes")):
        names = {key["fingerprint"] for key in back[one]}
        assert names == {key["fingerprint"] for key in change[other]}


def test_files_folders_and_instances_are_compared(renewing: Renewing) -> None:
    folder = renewing.site.folder
    end = datetime(2026, 3, 1, tzinfo=UTC)
    windows = {"rekor": (FOUNDED, end)}
    (folder / "new.json").write_bytes(Lab("acme").trusted_root(windows=windows))
    ran = renewing.run("diff", "acme", "new.json")
    (change,) = changes(ran)
    (one,) = change["changes"]
    assert one["to"]["end"] == "2026-03-01T00:00:00Z"
    text = renewing.site.run("trust", "diff", "acme", "new.json").out
    assert "until no time becomes 2026-03-01T00:00:00Z" in text
    same = renewing.site.run("trust", "diff", "acme", "trust-roots/acme").out
    assert "the same keys, in the same windows" in same
    both = json_lines(OLD, Lab("acme", shape="github").trusted_root())
    (folder / "roots.jsonl").write_bytes(both)
    told = changes(renewing.run("diff", "trust-roots", "roots.jsonl"))
    assert [one["instance"] for one in told] == ["acme", "line 1", "line 2"]


@pytest.mark.parametrize(
    ("side", "status"), [("none", 2), ("downloads", 2), ("bad.json", 4), ("release.toml", 4)]
)
def test_a_side_that_is_nothing_is_named(renewing: Renewing, side: str, status: int) -> None:
    (renewing.site.folder / "bad.json").write_bytes(b"{}")
    assert renewing.run("diff", "acme", side).status == status


# ---- update -----------------------------------------------------------------------


@pytest.fixture
def served(renewing: Renewing) -> Iterator[Renewing]:
    with Tuf(renewing.repository) as place:
        renewing.record(repository=place.address)
        yield renewing


AT = (FOUNDED + timedelta(days=31)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_repository_itself_renews_them(served: Renewing) -> None:
    ran = served.run("update", "--instance", "acme", "--expect", NEW_DIGEST, "--at", AT)
    assert ran.status == 0, ran.err
    assert served.state == (served.repository.files["2.root.json"], NEW)
    assert "from a single source, http://" in served.site.run("trust", "show").out


def test_a_repository_that_is_kept_back_is_refused(served: Renewing) -> None:
    old = served.state
    late = (FOUNDED + timedelta(days=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ran = served.run("update", "--instance", "acme", "--yes", "--at", late)
    assert (ran.status, ran.codes) == (4, {"trust.expired"})
    assert served.state == old


def test_a_repository_of_somebody_else_is_refused(served: Renewing) -> None:
    old = served.state
    served.repository.files.clear()
    served.repository.files.update(_stranger())
    ran = served.run("update", "--instance", "acme", "--yes", "--at", AT)
    assert ran.status == 4
    assert served.state == old


def test_one_that_does_not_answer_is_the_machines(served: Renewing) -> None:
    (served.anchor / "tuf.json").write_text('{"repository": "http://127.0.0.1:9/"}')
    ran = served.run("update", "--instance", "acme", "--yes", "--at", AT)
    assert ran.status == 5


def test_an_instance_without_a_repository_cannot_be_asked(renewing: Renewing) -> None:
    ran = renewing.run("update", "--instance", "acme", "--yes")
    assert (ran.status, ran.codes) == (4, {"trust.missing"})


@pytest.mark.slow
def test_killed_at_any_moment_import_leaves_the_old_state_or_the_new(renewing: Renewing) -> None:
    states = {renewing.state, (renewing.repository.files["2.root.json"], NEW)}
    command = [sys.executable, "-m", "kit", "trust", "import", PACK, "--yes", "--to", "trust-roots"]
    env = os.environ | renewing.site.settings
    started = time.monotonic()
    assert subprocess.run([*command[:5], "other.tar", *command[6:]], cwd=renewing.site.folder,
                          env=env, capture_output=True, check=False).returncode == 2  # fmt: skip
    whole = time.monotonic() - started
    for part in (0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3):
        with subprocess.Popen(
            command, cwd=renewing.site.folder, env=env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as running:  # fmt: skip
            time.sleep(whole * part)
            running.kill()
        assert renewing.state in states
    assert renewing.run("import", PACK, "--yes").status == 0
    assert renewing.state[1] == NEW


def test_a_folder_without_a_timestamp_is_no_repository(renewing: Renewing) -> None:
    folder = renewing.site.folder / "mirror"
    (folder / "metadata").mkdir(parents=True)
    ran = renewing.run("import", "mirror", "--yes")
    assert ran.status == 2
    error = ran.document["results"][0]["error"]
    assert "timestamp.json" in error["message"]
    assert "targets/" in error["hint"]


def test_a_name_that_no_file_can_have_is_wrong_usage(renewing: Renewing) -> None:
    assert renewing.run("import", "x" * 300, "--yes").status == 2
