"""`github:` from end to end: a GitHub on loopback, the pack, the check; and no secret anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.formats import schema
from kit.pack.reader import Pack
from tests.e2e.conftest import WORKFLOW, Ran, Site
from tests.lab import Lab
from tests.lab.hostile_http import answer
from tests.lab.instance import PROVENANCE
from tests.lab.places import GitHub, Publication, attested, secrets_seen
from tests.lab.places.github import SIGNATURE, commit_of

TOOL, OTHER = "tool-1.0.tar.gz", "tool-1.0-linux-amd64.zip"
FILES = {TOOL: b"the tool\n" * 500, OTHER: b"the other\n" * 300}
TOKEN = "ghp_s3cr3tT0ken"  # noqa: S105 - a marker to look for, not a secret
PACK = "tool-1.0.pack.tar"
LINE = f"""
[[artifact]]
source = "github:acme/tool@v1.0"
files = ["{TOOL}", "*.zip"]

[[artifact.require]]
signer = "release"
predicate-type = "slsa-provenance"
source-repository = "https://github.com/acme/tool"
"""


def published(lab: Lab, **more: bytes) -> Publication:
    """Return a release of two attested files, and other assets beside them."""
    made = attested(lab, "tool", "1.0", FILES, PROVENANCE, identity=WORKFLOW)
    return replace(made, files={**FILES, **more})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Name the release; what it trusts is the lab's plain instance."""
    made = Site(tmp_path / "site")
    made.policy(LINE)
    return made


def collect(site: Site, github: GitHub, *more: str, **environment: str) -> Ran:
    """Collect with no token but those of ``environment``."""
    none = dict.fromkeys(
        ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"), ""
    )
    return site.collect("--github-api", github.url, *more, env=none | environment)


def ledger(site: Site, name: str = PACK) -> list[dict[str, Any]]:
    """Return the rows of the first line."""
    with Pack.open(site.folder / name) as pack:
        value = json.loads(pack.read("ledger.json", 1 << 20))
    schema.validate(value, "ledger")
    rows: list[dict[str, Any]] = value["lines"][0]["asked"]
    return rows


def test_a_release_and_its_attestations_pass_without_a_token(site: Site) -> None:
    release = published(site.lab)
    with GitHub(release) as github:
        assert collect(site, github).status == 0
    ran = site.check()
    assert ran.status == 0
    artifacts = ran.document["results"][0]["report"]["artifacts"]
    assert [item["name"] for item in artifacts] == sorted(FILES)
    assert {row["wanted"]: row.get("note") for row in ledger(site)}["commit of v1.0"] == (
        f"commit {commit_of(release)}"
    )


@pytest.mark.parametrize("annotated", [False, True])
@pytest.mark.parametrize("stored", [False, True])
def test_a_private_immutable_release_passes_under_githubs_own_instance(
    tmp_path: Path, stored: bool, annotated: bool
) -> None:
    lab = Lab("acme", shape="github")
    site = Site(tmp_path / "site", lab)
    site.policy(LINE)
    immutable = {"v1.0": lab.release("acme/tool", "v1.0", FILES)}
    with GitHub(
        published(lab),
        token=TOKEN,
        private=True,
        stored=stored,
        annotated=annotated,
        immutable=immutable,
    ) as github:
        assert collect(site, github).codes == {"machine.absent"}
        assert collect(site, github, GH_TOKEN=TOKEN).status == 0
        seen = [request for place in (github.web, github.storage) for request in place.requests]
        assert secrets_seen(seen, [TOKEN]) == []
    assert site.check().status == 0
    rows = ledger(site)
    assert [row["wanted"] for row in rows if row.get("note") == "immutable"] == ["release v1.0"]
    assert sum(row["wanted"] == "release.sigstore.json" for row in rows) == 1
    with Pack.open(site.folder / PACK) as pack:
        evidence = [member.path for member in pack.manifest.members if "evidence/" in member.path]
    assert len(evidence) == 3  # the release's attestation once, although listed for every file


def test_githubs_word_on_a_public_release_keeps_nobodys_own_from_passing(site: Site) -> None:
    immutable = {"v1.0": Lab("acme", shape="github").release("acme/tool", "v1.0", FILES)}
    with GitHub(published(site.lab), immutable=immutable) as github:
        assert collect(site, github).status == 0
    assert site.check().status == 0


def test_githubs_word_on_a_release_is_no_provenance(tmp_path: Path) -> None:
    lab = Lab("acme", shape="github")
    site = Site(tmp_path / "site", lab)
    site.policy(LINE)
    immutable = {"v1.0": lab.release("acme/tool", "v1.0", FILES)}
    with GitHub(replace(published(lab), bundles={}), immutable=immutable) as github:
        ran = collect(site, github)
    assert ran.status == 1
    assert "policy.unmet" in ran.errors_of(TOOL)


def test_no_secret_is_in_the_pack_the_output_or_what_is_kept_to_resume(
    site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    with GitHub(published(site.lab), token=TOKEN, private=True, stored=True) as github:
        path = github.path("/git/ref/tags/v1.0")
        github.api.fault(path, answer(403, b"no", "Retry-After: 0"), answer(403))
        first = collect(site, github, "--github-token-file", str(file))
        assert (first.status, first.codes) == (5, {"machine.unauthorized"})
        kept = b"".join(
            path.read_bytes() for path in site.folder.rglob("*.collecting/**/*") if path.is_file()
        )
        second = collect(site, github, "--github-token-file", str(file))
        assert second.status == 0
    packed = (site.folder / PACK).read_bytes()
    for secret in (TOKEN, SIGNATURE):
        assert secret.encode() not in packed + kept
        assert secret not in first.out + first.err + second.out + second.err


def test_sidecars_and_checksum_files_among_the_assets_are_evidence(site: Site) -> None:
    sums = "".join(
        f"{hashlib.sha256(raw).hexdigest()}  {name}\n" for name, raw in FILES.items()
    ).encode()
    more = {
        "checksums.txt": sums,
        "checksums.txt.sigstore.json": site.lab.sign(sums, identity=WORKFLOW),
        "other.exe": b"nobody asked for it",
        "other.exe.sigstore.json": b"nor for this",
        "notes.json": b'{"no":"bundle"}',
    }
    site.policy(LINE.partition("predicate-type")[0] + 'listed-in = "checksums.txt"\n')
    release = Publication(name="tool", version="1.0", files={**FILES, **more})
    with GitHub(release) as github:
        assert collect(site, github).status == 0
        web = {request.path.rpartition("/")[2] for request in github.web.requests}
    assert web == {*FILES, *more} - {"other.exe", "other.exe.sigstore.json"}
    rows = {row["wanted"]: row["answer"] for row in ledger(site)}
    assert rows["other.exe"] == rows["other.exe.sigstore.json"] == rows["notes.json"] == "skipped"
    assert rows[f"attestations of {TOOL}"] == rows["attestations of checksums.txt"] == "absent"


def test_a_repository_is_a_place_to_look_for_evidence_about_other_files(site: Site) -> None:
    site.put(TOOL, FILES[TOOL])
    site.policy(
        f'\n[[artifact]]\nsource = "file:downloads/{TOOL}"\nevidence = ["github:acme/tool"]\n'
        '[[artifact.require]]\nsigner = "release"\n'
    )
    with GitHub(published(site.lab)) as github:
        assert collect(site, github).status == 0
        assert not github.web.requests
    assert site.check().status == 0


def test_a_tagged_repository_brings_the_releases_evidence_for_other_files(site: Site) -> None:
    site.put(TOOL, FILES[TOOL])
    site.policy(
        f'\n[[artifact]]\nsource = "file:downloads/{TOOL}"\nevidence = ["github:acme/tool@v1.0"]\n'
        '[[artifact.require]]\nsigner = "release"\n'
    )
    bundle = site.lab.attest({TOOL: FILES[TOOL]}, identity=WORKFLOW)
    files = {**FILES, f"{TOOL}.sigstore.json": bundle}
    with GitHub(Publication(name="tool", version="1.0", files=files)) as github:
        assert collect(site, github).status == 0
        assert [r.path.rpartition("/")[2] for r in github.web.requests] == [f"{TOOL}.sigstore.json"]


def test_an_enterprises_host_is_asked_under_its_own_path_with_its_own_token(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path / "site")
    release = published(site.lab)
    with GitHub(release, base="/api/v3", token=TOKEN, private=True) as github:
        source = f"github:127.0.0.1:{github.api.port}/acme/tool@v1.0"
        site.policy(LINE.replace("github:acme/tool@v1.0", source))
        other = site.collect(env={"GH_TOKEN": TOKEN, "GH_ENTERPRISE_TOKEN": ""})
        assert other.codes == {"machine.absent"}
        assert secrets_seen(github.api.requests, [TOKEN]) == []
        assert site.collect(env={"GH_ENTERPRISE_TOKEN": TOKEN}).status == 0
    assert site.check().status == 0


def test_one_token_file_is_for_one_host(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN, encoding="utf-8")
    site.policy(LINE + '\n[[artifact]]\nsource = "github:ghe.example.org/acme/tool@v1.0"\n')
    ran = site.collect("--github-token-file", str(file))
    assert (ran.status, ran.codes) == (2, {"usage"})
    assert TOKEN not in ran.out + ran.err


def test_a_rate_limit_says_when_it_ends_and_what_helps(site: Site) -> None:
    with GitHub(published(site.lab), allowance=4) as github:
        ran = collect(site, github)
        assert (ran.status, ran.codes) == (5, {"machine.rate-limited"})
        assert "2025-06-01T13:00:00Z" in ran.err
        assert "GH_TOKEN" in ran.err
        github.allowance = None
        assert collect(site, github).status == 0
        downloads = [r for r in github.web.requests if r.path.endswith(TOOL)]
    assert len(downloads) == 1  # what was whole was kept


def test_collecting_again_gives_the_same_bytes(site: Site) -> None:
    packs = []
    with GitHub(published(site.lab)) as github:
        for _ in range(2):
            assert collect(site, github, SOURCE_DATE_EPOCH="1750000000").status == 0
            packs.append((site.folder / PACK).read_bytes())
            (site.folder / PACK).unlink()
    assert packs[0] == packs[1]


def test_an_attestation_of_other_bytes_is_carried_and_proves_nothing(site: Site) -> None:
    release = replace(published(site.lab), bundles={})
    foreign = site.lab.attest({TOOL: b"other bytes"}, identity=WORKFLOW)
    with GitHub(release) as github:
        for raw in FILES.values():
            github.more[f"sha256:{hashlib.sha256(raw).hexdigest()}"] = [foreign]
        ran = collect(site, github)
    assert ran.status == 1
    assert ran.errors_of(TOOL) >= {"policy.unmet"}
    with Pack.open(site.folder / "tool-1.0.unmet.pack.tar") as pack:
        assert [item.name for item in pack.manifest.evidence] == [f"{OTHER}.sigstore.json"]


def test_an_attestation_that_cannot_be_asked_for_is_not_absent(site: Site) -> None:
    digest = hashlib.sha256(FILES[TOOL]).hexdigest()
    with GitHub(published(site.lab)) as github:
        github.api.fault(github.path(f"/attestations/sha256:{digest}"), answer(403))
        ran = collect(site, github)
    assert (ran.status, ran.codes) == (5, {"machine.unauthorized"})
    assert not list(site.folder.glob("*.tar"))


def test_a_plan_asks_nothing(site: Site) -> None:
    with GitHub(published(site.lab)) as github:
        ran = collect(site, github, "--plan")
        assert ran.status == 0
        assert github.path("/releases/tags/v1.0") in ran.out
        assert github.api.requests == []


@pytest.mark.parametrize("after", [3, 6, 8, 10])
def test_k042_killed_at_any_request_it_converges_to_the_same_pack(site: Site, after: int) -> None:
    """A place that kills its client at the Nth request of all its hosts."""
    environment = os.environ | {
        "AIRGAP_KIT_TRUST_ROOTS": "trust-roots",
        "SOURCE_DATE_EPOCH": "1750000000",
        "GH_TOKEN": "",
        "GITHUB_TOKEN": "",
    }
    with GitHub(published(site.lab), stored=True) as github:
        assert collect(site, github, SOURCE_DATE_EPOCH="1750000000").status == 0
        whole = (site.folder / PACK).read_bytes()
        (site.folder / PACK).unlink()
        before = sum(len(place.requests) for place in github.places)
        command = [sys.executable, "-m", "kit", "collect", "release.toml"]
        with subprocess.Popen(
            [*command, "--github-api", github.url],
            cwd=site.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as running:
            while running.poll() is None:
                if sum(len(place.requests) for place in github.places) - before >= after:
                    running.kill()
                    break
                time.sleep(0.001)
        assert not list(site.folder.glob("*.tar"))
        assert collect(site, github, SOURCE_DATE_EPOCH="1750000000").status == 0
    assert (site.folder / PACK).read_bytes() == whole
