"""What is missing: tampered with, never there at its source, or lost on the way."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kit.formats.tuf_record import Record, render
from kit.pack import writer
from kit.pack.reader import Pack
from tests.e2e.conftest import Ran, Site
from tests.lab.hostile_http import HostileServer, answer
from tests.lab.tuf import Repository

TOOL = "tool-1.0.tar.gz"
BODY = b"the release\n" * 100
BUNDLE = f"{TOOL}.sigstore.json"


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as running:
        running.on(f"/v1/{TOOL}", answer(200, BODY))
        yield running


@pytest.fixture
def site(tmp_path: Path, server: HostileServer) -> Site:
    """Ask a server for a file whose bundle stands beside it."""
    made = Site(tmp_path / "site")
    made.publish(TOOL, BODY)
    bundle = (made.folder / "downloads" / BUNDLE).read_bytes()
    server.on(f"/v1/{BUNDLE}", answer(200, bundle))
    url = server.url(f"/v1/{TOOL}")
    made.policy(f'[[artifact]]\nsource = "{url}"\n[[artifact.require]]\nsigner = "release"\n')
    return made


def rewritten(site: Site, *, without: str) -> str:
    """Write the pack anew, as a courier could, without a member and with all hashes right."""
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        made = pack.manifest
        contents = {m.path: pack.read(m.path, 1 << 20) for m in made.members}
    contents.pop(without)
    cut = replace(
        made,
        members=tuple(m for m in made.members if m.path != without),
        evidence=tuple(e for e in made.evidence if e.member != without),
    )
    writer.write(site.folder / "cut.pack.tar", cut, contents)
    return "cut.pack.tar"


def message(ran: Ran, code: str) -> str:
    """Return the message of the one finding with a code."""
    report = ran.document["results"][0]["report"]
    every = [*report["findings"], *(f for a in report["artifacts"] for f in a["findings"])]
    (found,) = (finding["message"] for finding in every if finding["code"] == code)
    return str(found)


def test_a_pack_that_lost_nothing_says_nothing_of_it(site: Site) -> None:
    assert site.collect().status == 0
    ran = site.check()
    assert ran.status == 0
    assert not {code for code in ran.codes if code.startswith("ledger.")}


def test_tampered_with_is_told_by_its_digest(site: Site) -> None:
    site.collect()
    raw = bytearray((site.folder / "tool-1.0.pack.tar").read_bytes())
    raw[raw.index(b"the release")] ^= 1
    (site.folder / "flipped.pack.tar").write_bytes(raw)
    ran = site.check("flipped.pack.tar")
    assert (ran.status, ran.codes) == (3, {"pack.digest"})


def test_never_there_is_told_as_absent_upstream(site: Site, server: HostileServer) -> None:
    server.on(f"/v1/{BUNDLE}", answer(404))
    assert site.collect().status == 1
    ran = site.check("tool-1.0.unmet.pack.tar")
    assert ran.errors_of(TOOL) == {"policy.unmet"}
    assert server.url(f"/v1/{BUNDLE}") in message(ran, "ledger.absent")
    assert "ledger.lost" not in ran.codes


def test_lost_on_the_way_is_told_as_lost(site: Site) -> None:
    site.collect()
    ran = site.check(rewritten(site, without=f"evidence/{BUNDLE}"))
    assert ran.errors_of(TOOL) == {"policy.unmet"}
    assert BUNDLE in message(ran, "ledger.lost")
    assert f"{BUNDLE} at" not in message(ran, "ledger.absent")


def test_what_is_about_no_file_is_told_as_left_out_and_not_as_lost(
    site: Site, server: HostileServer
) -> None:
    other = site.lab.attest({"other-1.0.tar.gz": b"other"})
    server.on("/v1/other.sigstore.json", answer(200, other))
    policy = (site.folder / "release.toml").read_text()
    evidence = f'evidence = ["{server.url("/v1/other.sigstore.json")}"]\n[[artifact.require'
    (site.folder / "release.toml").write_text(policy.replace("[[artifact.require", evidence))
    assert site.collect().status == 0
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        value = json.loads(pack.read("ledger.json", 1 << 20))
    rows = {row["wanted"]: row for line in value["lines"] for row in line["asked"]}
    assert rows["other.sigstore.json"]["carried"] is False
    assert "carried" not in rows[BUNDLE]
    assert "ledger.lost" not in site.check().codes


def test_a_ledger_that_cannot_be_read_changes_no_verdict(site: Site) -> None:
    site.collect()
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        made = pack.manifest
        contents = {m.path: pack.read(m.path, 1 << 20) for m in made.members}
    contents["ledger.json"] = b'{"schema":1,"schema":1}'
    changed = replace(
        made,
        members=tuple(
            replace(
                m,
                size=len(contents[m.path]),
                sha256=hashlib.sha256(contents[m.path]).hexdigest(),
            )
            for m in made.members
        ),
    )
    writer.write(site.folder / "odd.pack.tar", changed, contents)
    ran = site.check("odd.pack.tar")
    assert ran.status == 0
    assert "ledger.malformed" in ran.codes


def pin_repository(site: Site, server: HostileServer) -> None:
    """Have the host's anchors name a TUF repository at the server, by its first root."""
    anchor = site.folder / "trust-roots/acme"
    repository = Repository("acme", {"trusted_root.json": site.lab.trusted_root()})
    (anchor / "root.json").write_bytes(repository.files["1.root.json"])
    (anchor / "tuf.json").write_bytes(render(Record(repository=server.url("/tuf"))))


def test_a_tuf_repository_that_does_not_answer_is_left_out_and_said(
    site: Site, server: HostileServer
) -> None:
    pin_repository(site, server)
    server.on("/tuf/2.root.json", answer(503))
    assert site.collect("--trust-update").status == 5
    assert site.collect().status == 0
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        ledger = json.loads(pack.read("ledger.json", 1 << 20))
    (line,) = (line for line in ledger["lines"] if line["source"] == "tuf:acme")
    (row,) = line["asked"]
    assert row["answer"] == "skipped"
    assert "503" in row["note"]
    assert site.check().status == 0


def test_a_tuf_repository_that_lies_is_refused_though_nobody_named_it(
    site: Site, server: HostileServer
) -> None:
    pin_repository(site, server)
    server.on("/tuf/2.root.json", answer(200, b"{}"))
    assert site.collect().status == 4


@pytest.mark.parametrize("status", [424, 302])
def test_a_tuf_repository_that_answers_something_else_is_not_left_out(
    site: Site, server: HostileServer, status: int
) -> None:
    pin_repository(site, server)
    server.on("/tuf/2.root.json", answer(status))
    assert site.collect().status == 5
