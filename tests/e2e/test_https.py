"""`https:` from end to end: a server on loopback, its sidecars, the ledger, the check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.formats import schema
from kit.pack.reader import Pack
from tests.e2e.conftest import WORKFLOW, Site
from tests.lab.hostile_http import HostileServer, answer

TOOL = b"the tool\n" * 50


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """Serve on loopback; what is not set up is a plain 404."""
    with HostileServer() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, server: HostileServer) -> Site:
    """Ask for one URL, signed by the release's workflow."""
    made = Site(tmp_path / "site")
    made.policy(
        f'\n[[artifact]]\nsource = "{server.url("/dl/tool-1.0.tgz")}"\n'
        '[[artifact.require]]\nsigner = "release"\n'
    )
    server.on("/dl/tool-1.0.tgz", answer(body=TOOL))
    bundle = made.lab.attest({"tool-1.0.tgz": TOOL}, identity=WORKFLOW)
    server.on("/dl/tool-1.0.tgz.sigstore.json", answer(body=bundle))
    return made


def test_a_url_and_its_bundle_pass(site: Site) -> None:
    assert site.collect().status == 0
    assert site.check().status == 0


def test_the_ledger_tells_every_place_and_what_it_answered(site: Site) -> None:
    site.collect()
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        ledger = json.loads(pack.read("ledger.json", 1 << 20))
    schema.validate(ledger, "ledger")
    rows = {row["wanted"]: row for row in ledger["lines"][0]["asked"]}
    assert rows["tool-1.0.tgz"]["sha256"] == hashlib.sha256(TOOL).hexdigest()
    assert rows["tool-1.0.tgz.sigstore.json"]["answer"] == "found"
    assert rows["tool-1.0.tgz.asc"]["answer"] == "absent"
    assert rows["SHA256SUMS"]["answer"] == "absent"


def test_a_signed_digest_manifest_in_the_same_folder_is_found(
    site: Site, server: HostileServer
) -> None:
    sums = f"{hashlib.sha256(TOOL).hexdigest()}  tool-1.0.tgz\n".encode()
    server.on("/dl/SHA256SUMS", answer(body=sums))
    server.on("/dl/SHA256SUMS.sigstore.json", answer(body=site.lab.sign(sums, identity=WORKFLOW)))
    policy = site.folder / "release.toml"
    policy.write_text(policy.read_text(encoding="utf-8") + 'listed-in = "SHA256SUMS"\n')
    assert site.collect().status == 0


def test_a_sidecar_that_cannot_be_asked_for_is_no_absent_sidecar(
    site: Site, server: HostileServer
) -> None:
    server.on("/dl/tool-1.0.tgz.sigstore", answer(403))
    ran = site.collect()
    assert ran.status == 5
    assert ran.codes == {"machine.unauthorized"}
    assert not list(site.folder.glob("*.tar"))


def test_a_resumed_collect_asks_only_for_what_it_lacks(site: Site, server: HostileServer) -> None:
    server.on("/dl/tool-1.0.tgz.sigstore", answer(403))
    assert site.collect().status == 5
    before = sum(request.path == "/dl/tool-1.0.tgz" for request in server.requests)
    server.on("/dl/tool-1.0.tgz.sigstore", answer(404))
    assert site.collect().status == 0
    after = sum(request.path == "/dl/tool-1.0.tgz" for request in server.requests)
    assert (before, after) == (1, 1)
    assert not (site.folder / "tool-1.0.pack.tar.collecting").exists()


def test_an_absent_artifact_is_said_to_be_absent(site: Site, server: HostileServer) -> None:
    server.on("/dl/tool-1.0.tgz", answer(404))
    ran = site.collect()
    assert (ran.status, ran.codes) == (5, {"machine.absent"})


def test_a_plan_asks_nothing(site: Site, server: HostileServer) -> None:
    ran = site.run("collect", "release.toml", "--plan")
    assert ran.status == 0
    assert "/dl/tool-1.0.tgz{.sigstore.json,.sigstore," in ran.out
    assert server.requests == []


@pytest.mark.parametrize(
    "url",
    ["https://user:secret@host.example/x.tgz", "https://host.example/x.tgz?token=secret"],
)
def test_a_url_that_could_carry_a_credential_is_wrong_usage(site: Site, url: str) -> None:
    policy = site.folder / "release.toml"
    policy.write_text(
        policy.read_text(encoding="utf-8").replace(
            policy.read_text(encoding="utf-8").split('source = "')[1].split('"')[0], url
        )
    )
    ran = site.collect()
    assert ran.status == 2
    assert "secret" not in ran.out + ran.err
