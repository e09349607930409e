"""OpenPGP through the command, sealed: gpg runs, nothing else does, and not with a network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LINE, SIGNERS, Ran, Site
from tests.e2e.test_airgap import UNSHARE, in_a_namespace
from tests.openpgp import GPG, Key, armored

pytestmark = pytest.mark.skipif(not GPG.exists(), reason="gpg is not installed")

OWNER = Key("owner")
CONTENT = b"the release\n" * 100

# A release by its workflow; that its owner's OpenPGP key signed it too is not demanded.
PINNED = f"""{LINE}
[[artifact.require]]
openpgp = "{OWNER.fingerprint}"
optional = "to see what it says"
"""
BY_OWNER = f"""{LINE.partition("[[artifact.require]]")[0]}
[[artifact.require]]
openpgp = "{OWNER.fingerprint}"
"""


def pin(site: Site) -> None:
    """Put the owner's key among the site's anchors."""
    folder = site.folder / "trust-roots/openpgp"
    folder.mkdir()
    text = armored(OWNER.public, "PUBLIC KEY BLOCK")
    (folder / f"{OWNER.fingerprint}.asc").write_bytes(text)


def check(site: Site, **options: Any) -> Ran:
    """Check the site's pack; what is no option of the program's is its environment."""
    under = options.pop("under", ())
    return site.check(under=under, env=options)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Publish an OpenPGP signature beside the attestation, and collect."""
    site = Site(tmp_path_factory.mktemp("openpgp") / "site")
    site.publish("tool-1.0.tar.gz", CONTENT)
    site.policy(PINNED)
    pin(site)
    site.put("tool-1.0.tar.gz.asc", armored(OWNER.sign(b"another file")))
    site.put("SHA256SUMS", f"{hashlib.sha256(CONTENT).hexdigest()}  tool-1.0.tar.gz\n".encode())
    site.put("SHA256SUMS.asc", armored(OWNER.sign(b"")))
    assert site.collect().status == 0
    return site


@pytest.fixture
def signed(collected: Site, tmp_path: Path) -> Site:
    """Return a copy of the collected site, to be changed."""
    shutil.copytree(collected.folder, tmp_path / "site")
    copied = replace(collected, folder=tmp_path / "site")
    copied.policy(PINNED)
    return copied


def findings(ran: Ran) -> set[str]:
    (result,) = json.loads(ran.out)["results"]
    (artifact,) = result["report"]["artifacts"]
    return {finding["code"] for finding in artifact["findings"]}


@pytest.mark.netns
@in_a_namespace
def test_gpg_needs_no_network(signed: Site) -> None:
    ran = check(signed, under=UNSHARE)
    assert ran.status == 0, ran.err
    assert "openpgp.signature" in findings(ran)


def test_gpg_runs_in_a_sealed_process_and_leaves_nothing(signed: Site, tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", Path("/tmp") / f"t{os.getpid()}"  # noqa: S108 - short
    home.mkdir()
    temporary.mkdir()
    try:
        ran = check(signed, HOME=str(home), GNUPGHOME=str(home / "g"), TMPDIR=str(temporary))
        assert ran.status == 0, ran.err
        assert ran.err == ""
        assert "openpgp.signature" in findings(ran)
        assert not list(home.iterdir())
        assert not list(temporary.iterdir())
    finally:
        temporary.rmdir()
    (result,) = json.loads(ran.out)["results"]
    origins = {anchor["instance"] for anchor in result["report"]["anchors"]}
    assert f"openpgp {OWNER.fingerprint}" in origins


def test_collect_rehearses_with_gpg(site: Site) -> None:
    pin(site)
    site.policy(PINNED)
    site.put("tool-1.0.tar.gz.asc", armored(OWNER.sign(b"another file")))
    ran = site.collect()
    assert ran.status == 0, ran.err
    assert "openpgp.signature" in findings(ran)


def test_without_the_pinned_key_there_is_no_anchor(signed: Site) -> None:
    (signed.folder / f"trust-roots/openpgp/{OWNER.fingerprint}.asc").unlink()
    ran = check(signed)
    assert ran.status == 4
    assert ran.codes == {"trust.missing"}


def test_another_key_under_its_name_is_no_anchor(signed: Site) -> None:
    path = signed.folder / f"trust-roots/openpgp/{OWNER.fingerprint}.asc"
    path.write_bytes(OWNER.public + Key("mallory").public)
    ran = check(signed)
    assert ran.status == 4
    assert ran.codes == {"trust.openpgp-key"}


def test_without_gpg_the_machine_fails(signed: Site, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    ran = check(signed, PATH=str(tmp_path / "none"))
    assert ran.status == 5
    assert ran.codes == {"machine.no-gpg"}


def test_a_gpg_in_the_current_folder_is_not_run(signed: Site) -> None:
    fake = signed.folder / "gpg"
    fake.write_text("#!/bin/sh\ntouch ran\n", encoding="utf-8")
    fake.chmod(0o755)
    ran = check(signed, PATH=f".:{signed.folder}::{os.environ['PATH']}")
    assert ran.status == 0, ran.err
    assert not (signed.folder / "ran").exists()


# ---- the seal -------------------------------------------------------------

SEALED = """\
import json, os, subprocess, sys
from pathlib import Path
from kit import airgap
from kit.verifiers.openpgp import program
gpg = Path(sys.argv[1])
airgap.seal(program.child(gpg))
airgap.seal(airgap.Child(program=Path("/bin/true"), permits=lambda *_: True))
home = {"HOME": "/tmp/h", "LC_ALL": "C"}
options = [*program._OPTIONS, "--homedir", "/tmp/h", "--faked-system-time", "1!"]
def gpg_with(*command, env=home, start=options):
    subprocess.run([str(gpg), *start, *command], env=env, capture_output=True)
said = {}
for attempt in json.loads(sys.argv[2]):
    try: exec(attempt)
    except airgap.AirGapError: said[attempt] = "refused"
    else: said[attempt] = "ran"
print(json.dumps(said))
"""

REFUSED = {
    "another program": "subprocess.run(['/bin/true'], env=home)",
    "a shell": "subprocess.run('true', shell=True, env=home)",
    "os.system": "os.system('true')",
    "exec": "os.execv(str(gpg), [str(gpg)])",
    "spawn": "os.posix_spawn(str(gpg), [str(gpg)], home)",
    "by name": "subprocess.run(['gpg', *options, '--import'], env=home)",
    "under its name": "subprocess.run([str(gpg), *options, '--import'], executable='/bin/true',"
    " env=home)",
    "no options": "gpg_with('--import', start=['--homedir', '/tmp/h'])",
    "fewer options": "gpg_with('--import', start=options[1:])",
    "keys from a server": "gpg_with('--recv-keys', 'ABCD')",
    "a keyserver": "gpg_with('--keyserver', 'hkps://keys.example.org', '--import')",
    "retrieval": "gpg_with('--auto-key-retrieve', '--verify', '/tmp/h/signature', '-')",
    "another signature": "gpg_with('--verify', '/etc/passwd', '-')",
    "a data file": "gpg_with('--verify', '/tmp/h/signature', '/etc/passwd')",
    "one argument": "gpg_with('--verify', '/tmp/h/signature')",
    "decryption": "gpg_with('--decrypt')",
    "the user's environment": "gpg_with('--import', env=None)",
    "another home": "gpg_with('--import', env=home | {'GNUPGHOME': '/root/.gnupg'})",
    "a preload": "gpg_with('--import', env=home | {'LD_PRELOAD': '/tmp/x.so'})",
}


RUN = ("gpg_with('--import')", "gpg_with('--verify', '/tmp/h/signature', '-')",
       "gpg_with(*program._VERSION)")  # fmt: skip


@pytest.fixture(scope="module")
def attempts() -> dict[str, str]:
    """Attempt it all in one sealed process; return what became of each."""
    done = subprocess.run(
        [sys.executable, "-c", SEALED, GPG, json.dumps([*REFUSED.values(), *RUN])],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", REFUSED)
def test_a_sealed_process_refuses(attempts: dict[str, str], name: str) -> None:
    assert attempts[REFUSED[name]] == "refused"


@pytest.mark.parametrize("attempt", RUN)
def test_a_sealed_process_runs_gpg_as_its_verifier_does(
    attempts: dict[str, str], attempt: str
) -> None:
    assert attempts[attempt] == "ran"


def publish_by_owner(site: Site, content: bytes = CONTENT, signed: bytes | None = None) -> None:
    site.policy(BY_OWNER)
    pin(site)
    site.put("tool-1.0.tar.gz", content)
    (site.folder / "downloads/tool-1.0.tar.gz.sigstore.json").unlink()
    site.put("tool-1.0.tar.gz.asc", armored(OWNER.sign(content if signed is None else signed)))


def test_a_release_that_only_its_owners_key_signed_needs_a_name_that_something_proves(
    site: Site,
) -> None:
    publish_by_owner(site)
    ran = site.collect()
    assert (ran.status, ran.errors_of("tool-1.0.tar.gz")) == (1, {"artifact.name-unproved"})
    version = 'version = "1.0"\n'
    site.policy(BY_OWNER, SIGNERS.replace(version, f"{version}strict-names = false\n"))
    assert site.check("tool-1.0.unmet.pack.tar").status == 0


def test_a_release_in_a_list_that_its_owners_key_signed_passes(site: Site) -> None:
    publish_by_owner(site)
    (site.folder / "downloads/tool-1.0.tar.gz.asc").unlink()
    sums = f"{hashlib.sha256(CONTENT).hexdigest()}  tool-1.0.tar.gz\n".encode()
    site.put("SHA256SUMS", sums)
    site.put("SHA256SUMS.asc", armored(OWNER.sign(sums)))
    site.policy(f'{BY_OWNER}listed-in = "SHA256SUMS"\n')
    assert site.collect().status == 0
    ran = site.check()
    assert ran.status == 0
    (claim,) = ran.document["results"][0]["report"]["artifacts"][0]["claims"]
    assert claim["identity"]["subject"] == OWNER.fingerprint
    assert claim["listed-in"] == "SHA256SUMS"


def test_another_file_than_its_owner_signed_is_refused_as_that(site: Site) -> None:
    publish_by_owner(site, signed=b"what was signed")
    ran = site.collect()
    assert ran.status == 1
    assert {"policy.unmet", "openpgp.signature"} <= findings(ran)


def test_a_key_that_this_host_lacks_is_no_anchor(site: Site) -> None:
    publish_by_owner(site)
    shutil.rmtree(site.folder / "trust-roots/openpgp")
    ran = site.collect()
    assert (ran.status, ran.codes) == (4, {"trust.missing"})


def test_a_draft_demands_what_its_owners_key_signed(site: Site) -> None:
    publish_by_owner(site)
    site.collect()
    ran = site.run("policy", "init", "tool-1.0.unmet.pack.tar")
    assert ran.status == 0
    assert f'openpgp = "{OWNER.fingerprint}"' in ran.out
