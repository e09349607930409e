"""Evidence made whole while online: a log on loopback, true and lying, from release to verdict."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.formats import schema
from kit.pack.reader import Pack
from tests.e2e.conftest import SIGNERS, WORKFLOW, Ran, Site
from tests.e2e.test_keys import KEYED, have_key
from tests.lab import Lab, old_forms
from tests.lab.hostile_http import HostileServer, answer
from tests.lab.places import GitHub, Publication, secrets_seen
from tests.lab.places.rekor import Rekor

TOOL = "tool-1.0.tgz"
TOKEN = "ghp_s3cr3tT0ken"  # noqa: S105 - a marker to look for, not a secret
CONTENT = b"the tool\n" * 50
LAB = Lab("acme")
ATTESTED = LAB.attest({TOOL: CONTENT}, identity=WORKFLOW)
SIGNED = LAB.sign(CONTENT, identity=WORKFLOW)
#: Of these only the index knows where they are.
BY_INDEX = "intoto-0.0.1-bare"
INDEXED = LAB.attest({TOOL: CONTENT}, identity=WORKFLOW, form=BY_INDEX)
DECOY = LAB.attest({"other.tgz": b"other"}, identity=WORKFLOW)
INTOTO = f"{TOOL}.intoto.jsonl"
ADDED = f"{INTOTO}.rekor.sigstore.json"


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """Serve the release; what is not set up is a plain 404."""
    with HostileServer() as running:
        running.on(f"/dl/{TOOL}", answer(body=CONTENT))
        yield running


@pytest.fixture
def site(tmp_path: Path, server: HostileServer) -> Site:
    """Ask for one URL; its provenance is a bare envelope."""
    made = Site(tmp_path / "site", LAB)
    demand(made, server)
    server.on(f"/dl/{INTOTO}", answer(body=old_forms.bare_envelope(ATTESTED)))
    return made


def demand(site: Site, server: HostileServer, *more: str, signers: str = SIGNERS) -> None:
    lines = ("[[artifact]]", f'source = "{server.url(f"/dl/{TOOL}")}"', "[[artifact.require]]")
    pinned = ('signer = "release"', *more)
    site.policy("".join(f"{line}\n" for line in ("", *lines, *pinned)), signers)


def trusting(site: Site, log: Rekor, lab: Lab = LAB) -> None:
    """Have the host's trusted root say that the instance's log is this one."""
    root = json.loads(lab.trusted_root())
    for listed in root["tlogs"]:
        listed["baseUrl"] = log.url("")
    path = site.folder / "trust-roots/acme/trusted_root.json"
    path.write_text(json.dumps(root), encoding="utf-8")


def ledger(site: Site, pack: str = "tool-1.0.pack.tar") -> dict[str, dict[str, Any]]:
    with Pack.open(site.folder / pack) as opened:
        value = json.loads(opened.read("ledger.json", 1 << 20))
    schema.validate(value, "ledger")
    return {row["wanted"]: row for line in value["lines"] for row in line["asked"]}


def members(site: Site) -> dict[str, bytes]:
    with Pack.open(site.folder / "tool-1.0.pack.tar") as opened:
        listed = opened.manifest.evidence
        return {item.name: opened.read(item.member, 1 << 24) for item in listed}


def claims(ran: Ran) -> list[dict[str, Any]]:
    (artifact,) = ran.document["results"][0]["report"]["artifacts"]
    return list(artifact["claims"])


# ---- made whole


@pytest.mark.parametrize("form", [None, "intoto", "intoto-0.0.1", "intoto-0.0.1-bare"])
def test_a_bare_envelope_passes_once_it_is_completed(
    site: Site, server: HostileServer, form: str | None
) -> None:
    bundle = LAB.attest({TOOL: CONTENT}, identity=WORKFLOW, form=form)
    server.on(f"/dl/{INTOTO}", answer(body=old_forms.bare_envelope(bundle)))
    with Rekor(bundle) as log:
        trusting(site, log)
        ran = site.collect()
        assert ran.status == 0, ran.out
    checked = site.check()
    assert checked.status == 0
    (claim,) = claims(checked)
    assert claim["evidence"] == f"evidence/{ADDED}"
    assert claim["completed-from"] == f"evidence/{INTOTO}"
    assert "evidence.completed" in checked.codes
    assert "evidence.incomplete" not in checked.codes
    text = site.run("check", "tool-1.0.pack.tar", "--policy", "release.toml").out
    assert "its log entry added while collecting" in text


def test_what_was_published_is_carried_as_it_was_and_what_was_added_is_marked(site: Site) -> None:
    with Rekor(ATTESTED) as log:
        trusting(site, log)
        assert site.collect().status == 0
        row = ledger(site)[ADDED]
        assert (row["place"], row["answer"], row["added"]) == (log.url(""), "found", True)
    carried = members(site)
    assert carried[INTOTO] == old_forms.bare_envelope(ATTESTED)
    assert json.loads(carried[ADDED])["dsseEnvelope"] == json.loads(ATTESTED)["dsseEnvelope"]
    assert "added" not in ledger(site)[INTOTO]


def test_two_verifiers_accept_what_was_completed(site: Site) -> None:
    with Rekor(ATTESTED) as log:
        trusting(site, log)
        ran = site.collect()
    (claim,) = claims(ran)
    assert claim["accepted-by"] == ["airgap-kit", "sigstore-python"]


@pytest.mark.parametrize("suffix", [".pem", ".crt", ".cert"])
def test_a_detached_signature_passes_once_it_is_completed(
    site: Site, server: HostileServer, suffix: str
) -> None:
    signature, pem = old_forms.detached(SIGNED)
    server.on(f"/dl/{INTOTO}", answer(404))
    server.on(f"/dl/{TOOL}.sig", answer(body=signature))
    server.on(f"/dl/{TOOL}{suffix}", answer(body=pem))
    demand(site, server, pinned())
    with Rekor(SIGNED) as log:
        trusting(site, log)
        ran = site.collect()
    assert ran.status == 0, ran.out
    (claim,) = claims(ran)
    assert claim["completed-from"] == f"evidence/{TOOL}.sig"


@pytest.mark.parametrize("name", [f"{TOOL}.sigstore.json", f"{TOOL}.bundle"])
def test_a_promise_alone_is_completed_by_its_number(
    site: Site, server: HostileServer, name: str
) -> None:
    server.on(f"/dl/{INTOTO}", answer(404))
    promised = LAB.sign(CONTENT, identity=WORKFLOW, form="promise-only")
    old = name.endswith(".bundle")
    server.on(f"/dl/{name}", answer(body=old_forms.sign_blob(SIGNED) if old else promised))
    demand(site, server, pinned())
    with Rekor(SIGNED) as log:
        trusting(site, log)
        ran = site.collect()
        assert ran.status == 0, ran.out
        assert {request.path for request in log.requests} == {"/api/v1/log/entries/retrieve"}
    whole = [c for c in claims(ran) if c["completed-from"] is not None]
    assert whole[0]["accepted-by"] == ["airgap-kit", "sigstore-python"]


def test_a_promise_alone_is_completed_whatever_its_file_is_called(
    site: Site, server: HostileServer
) -> None:
    server.on(f"/dl/{INTOTO}", answer(404))
    server.on("/dl/cosign.bundle", answer(body=old_forms.sign_blob(SIGNED)))
    demand(site, server, pinned())
    path = site.folder / "release.toml"
    more = f'evidence = ["{server.url("/dl/cosign.bundle")}"]\n[[artifact.require]]'
    path.write_text(path.read_text().replace("[[artifact.require]]", more), encoding="utf-8")
    with Rekor(SIGNED) as log:
        trusting(site, log)
        ran = site.collect()
    assert ran.status == 0, ran.out
    assert any(claim["completed-from"] == "evidence/cosign.bundle" for claim in claims(ran))


def test_a_log_that_the_root_does_not_list_is_not_asked(site: Site, server: HostileServer) -> None:
    server.on(f"/dl/{INTOTO}", answer(404))
    blob = json.loads(old_forms.sign_blob(SIGNED))
    blob["rekorBundle"]["Payload"]["logID"] = "ab" * 32
    server.on(f"/dl/{TOOL}.bundle", answer(body=json.dumps(blob).encode()))
    with Rekor(SIGNED) as log:
        trusting(site, log)
        ran = site.collect()
        assert log.requests == []
    assert (ran.status, "sigstore.log-key" in ran.codes) == (1, True)
    row = ledger(site, "tool-1.0.unmet.pack.tar")[f"{TOOL}.bundle.rekor.sigstore.json"]
    assert row["answer"] == "skipped"


def test_a_signed_digest_manifest_is_completed_and_told_once(
    site: Site, server: HostileServer
) -> None:
    server.on(f"/dl/{INTOTO}", answer(404))
    sums = f"{hashlib.sha256(CONTENT).hexdigest()}  {TOOL}\n".encode()
    signed = LAB.sign(sums, identity=WORKFLOW)
    signature, pem = old_forms.detached(signed)
    for name, body in {"": sums, ".sig": signature}.items():
        server.on(f"/dl/SHA256SUMS{name}", answer(body=body))
    server.on("/dl/SHA256SUMS.pem", answer(body=pem))
    demand(site, server, 'listed-in = "SHA256SUMS"')
    with Rekor(signed) as log:
        trusting(site, log)
        ran = site.collect()
    assert ran.status == 0, ran.out
    (artifact,) = ran.document["results"][0]["report"]["artifacts"]
    told = [f for f in artifact["findings"] if f["code"] == "evidence.completed"]
    assert len(told) == 1
    assert "evidence.incomplete" not in ran.codes


def test_a_log_that_does_not_answer_can_be_done_without(site: Site) -> None:
    with Rekor(ATTESTED) as log:
        log.on("/api/v1/log/entries/retrieve", answer(403))
        trusting(site, log)
        ran = site.collect()
    assert ran.status == 5
    assert "--no-log-lookup" in ran.document["results"][0]["error"]["hint"]


def test_a_signature_by_a_key_is_looked_up_where_the_policy_names_one(
    site: Site, server: HostileServer
) -> None:
    keyed = LAB.sign(CONTENT, form="keyed")
    signature, _ = old_forms.detached(keyed)
    server.on(f"/dl/{INTOTO}", answer(404))
    server.on(f"/dl/{TOOL}.sig", answer(body=signature))
    have_key(site, LAB.public_key())
    demand(site, server, pinned(), signers=KEYED.partition("[[artifact]]")[0])
    with Rekor(keyed) as log:
        trusting(site, log)
        assert site.collect().status == 0
    assert site.check().status == 0


def test_no_log_is_told_of_a_keys_signature_otherwise(site: Site, server: HostileServer) -> None:
    signature, _ = old_forms.detached(LAB.sign(CONTENT, form="keyed"))
    server.on(f"/dl/{INTOTO}", answer(404))
    server.on(f"/dl/{TOOL}.sig", answer(body=signature))
    with Rekor() as log:
        trusting(site, log)
        assert site.collect().status == 1
        assert log.requests == []


def test_whole_bundles_are_never_looked_up(site: Site, server: HostileServer) -> None:
    server.on(f"/dl/{INTOTO}", answer(body=ATTESTED))
    with Rekor(ATTESTED) as log:
        trusting(site, log)
        assert site.collect().status == 0
        assert log.requests == []


def test_of_several_entries_the_signatures_own_is_kept(site: Site, server: HostileServer) -> None:
    mine, *others = (
        LAB.attest({TOOL: CONTENT}, identity=f"{WORKFLOW}{more}", form=BY_INDEX)
        for more in ("", *(f"-{number}" for number in range(30)))
    )
    server.on(f"/dl/{INTOTO}", answer(body=old_forms.bare_envelope(mine)))
    with Rekor(mine, crowd=others) as log:
        trusting(site, log)
        ran = site.collect()
    assert ran.status == 0, ran.out
    (claim,) = claims(ran)
    assert claim["identity"]["subject"] == WORKFLOW


def test_old_provenance_among_a_releases_assets_passes_and_no_token_reaches_the_log(
    tmp_path: Path,
) -> None:
    """What slsa-github-generator published for years: one bare envelope about all assets."""
    files = {TOOL: CONTENT, "other-1.0.zip": b"the other\n"}
    provenance = LAB.attest(files, identity=WORKFLOW)
    assets = {**files, "multiple.intoto.jsonl": old_forms.bare_envelope(provenance)}
    site = Site(tmp_path / "site", LAB)
    site.policy(
        '[[artifact]]\nsource = "github:acme/tool@v1.0"\nfiles = ["*.tgz", "*.zip"]\n'
        '[[artifact.require]]\nsigner = "release"\npredicate-type = "slsa-provenance"\n'
        'source-repository = "https://github.com/acme/tool"\n'
    )
    release = Publication(name="tool", version="1.0", files=assets)
    with GitHub(release, token=TOKEN) as github, Rekor(provenance) as log:
        trusting(site, log)
        env = {"GH_TOKEN": TOKEN, "GITHUB_TOKEN": TOKEN}
        ran = site.collect("--github-api", github.url, env=env)
        assert ran.status == 0, ran.out
        assert secrets_seen(log.requests, [TOKEN]) == []
        assert len(log.requests) == 1
    checked = site.check()
    assert checked.status == 0
    artifacts = checked.document["results"][0]["report"]["artifacts"]
    assert {item["name"] for item in artifacts} == set(files)
    assert all(item["claims"][0]["completed-from"] for item in artifacts)


# ---- not made whole


def test_without_asking_it_fails_by_name_and_the_ledger_says_so(site: Site) -> None:
    with Rekor(ATTESTED) as log:
        trusting(site, log)
        ran = site.collect("--no-log-lookup")
        assert log.requests == []
    assert ran.status == 1
    assert {"policy.unmet", "evidence.incomplete"} <= ran.codes
    row = ledger(site, "tool-1.0.unmet.pack.tar")[ADDED]
    assert row["answer"] == "skipped"
    assert "--no-log-lookup" in row["note"]


def test_a_folder_of_files_asks_no_log_unless_it_is_told_to(site: Site) -> None:
    site.put(TOOL, CONTENT)
    site.put(INTOTO, old_forms.bare_envelope(ATTESTED))
    site.policy(
        f'[[artifact]]\nsource = "file:downloads"\nfiles = ["{TOOL}"]\n'
        '[[artifact.require]]\nsigner = "release"\n'
    )
    with Rekor(ATTESTED) as log:
        trusting(site, log)
        assert site.collect().status == 1
        assert log.requests == []
        assert site.collect("--log-lookup", "--replace").status == 0


def test_a_log_that_has_no_such_entry_is_asked_and_absent(site: Site) -> None:
    with Rekor() as log:
        trusting(site, log)
        ran = site.collect()
    assert ran.status == 1
    assert {"evidence.incomplete", "ledger.absent"} <= ran.codes
    assert ledger(site, "tool-1.0.unmet.pack.tar")[ADDED]["answer"] == "absent"


@pytest.mark.parametrize("lie", ["another-signature", "another-log", "no-proof"])
def test_an_entry_that_is_not_this_signatures_is_not_taken(site: Site, lie: str) -> None:
    other = Lab("mallory").attest({TOOL: CONTENT}) if lie == "another-log" else DECOY
    with Rekor(ATTESTED, decoy=other, lie=lie) as log:
        trusting(site, log)
        ran = site.collect()
    assert ran.status == 1
    assert "evidence.incomplete" in ran.codes
    row = ledger(site, "tool-1.0.unmet.pack.tar")[ADDED]
    assert row["answer"] == "absent"
    assert row["note"] == "entries about the same: 1; none is of this signature"


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ("another-tree", "sigstore.inclusion"),
        ("another-checkpoint", "sigstore.checkpoint"),
        ("wrong-promise", "sigstore.promise"),
        ("another-time", "sigstore.promise"),
    ],
)
def test_a_lie_about_the_right_entry_is_refused_when_it_is_checked(
    site: Site, lie: str, code: str
) -> None:
    with Rekor(ATTESTED, decoy=DECOY, lie=lie) as log:
        trusting(site, log)
        ran = site.collect()
    assert ran.status == 1
    assert {code, "evidence.incomplete", "policy.unmet"} <= ran.codes
    again = site.check("tool-1.0.unmet.pack.tar")
    assert (again.status, code in again.codes) == (1, True)


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ("html", "machine.portal"),
        ("another-body", "machine.unexpected"),
        ("endless-list", "machine.too-large"),
    ],
)
def test_a_log_that_does_not_answer_as_one_is_no_absent_entry(
    site: Site, server: HostileServer, lie: str, code: str
) -> None:
    server.on(f"/dl/{INTOTO}", answer(body=old_forms.bare_envelope(INDEXED)))
    with Rekor(INDEXED, decoy=DECOY, lie=lie) as log:
        trusting(site, log)
        ran = site.collect()
    assert (ran.status, ran.codes) == (5, {code})
    assert not list(site.folder.glob("*.tar"))


@pytest.mark.parametrize("status", [403, 404, 500])
@pytest.mark.parametrize("path", ["index", "log/entries"])
def test_a_log_that_cannot_be_asked_is_no_absent_entry(
    site: Site, server: HostileServer, status: int, path: str
) -> None:
    server.on(f"/dl/{INTOTO}", answer(body=old_forms.bare_envelope(INDEXED)))
    with Rekor(INDEXED) as log:
        log.on(f"/api/v1/{path}/retrieve", answer(status))
        trusting(site, log)
        ran = site.collect()
    assert ran.status == 5
    assert not list(site.folder.glob("*.tar"))


def test_a_crowd_does_not_hide_an_entry_that_is_where_it_should_be(site: Site) -> None:
    with Rekor(ATTESTED, lie="endless") as log:
        trusting(site, log)
        assert site.collect().status == 0
        assert len(log.requests) == 1


def test_more_entries_than_are_looked_at_are_not_called_absent(
    site: Site, server: HostileServer
) -> None:
    server.on(f"/dl/{INTOTO}", answer(body=old_forms.bare_envelope(INDEXED)))
    with Rekor(INDEXED, lie="endless") as log:
        trusting(site, log)
        ran = site.collect()
        asked = len(log.requests)
    assert ran.status == 1
    row = ledger(site, "tool-1.0.unmet.pack.tar")[ADDED]
    assert row["answer"] == "skipped"
    assert asked < 50


def test_an_added_entry_that_was_changed_on_the_way_is_refused(site: Site) -> None:
    """The collector's own completion is believed no more than anything else in a pack."""
    changed = json.loads(ATTESTED)
    (entry,) = changed["verificationMaterial"]["tlogEntries"]
    entry["integratedTime"] = str(int(entry["integratedTime"]) + 1)
    site.put(TOOL, CONTENT)
    site.put(INTOTO, old_forms.bare_envelope(ATTESTED))
    site.put(ADDED, json.dumps(changed).encode())
    site.policy(
        f'[[artifact]]\nsource = "file:downloads"\nfiles = ["{TOOL}"]\n'
        '[[artifact.require]]\nsigner = "release"\n'
    )
    ran = site.collect()
    assert ran.status == 1
    assert {"sigstore.promise", "evidence.incomplete"} <= ran.codes
    assert "evidence.completed" not in ran.codes


def test_what_would_be_asked_is_in_the_plan(site: Site) -> None:
    with Rekor() as log:
        trusting(site, log)
        planned = site.run("collect", "release.toml", "--plan").out
        assert f"would ask: {log.url('')} for what lacks its proof" in planned
        without = site.run("collect", "release.toml", "--plan", "--no-log-lookup").out
    assert "for what lacks its proof" not in without


def pinned() -> str:
    """Return the demand that a signature over bare bytes needs, which names no file."""
    return f'digest = "sha256:{hashlib.sha256(CONTENT).hexdigest()}"'
