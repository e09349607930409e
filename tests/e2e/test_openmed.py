r"""A folder that a release's own manual has one make works as it is.

The commands are those of OpenMed's page on provenance (``gh attestation download``,
``gh attestation trusted-root``, ``sha256sum``, ``printf``), with the lab's Sigstore in
place of the public ones::

    gh attestation download "$ARTIFACT" --repo … --predicate-type https://slsa.dev/provenance/v1
    gh attestation trusted-root > trusted_root.jsonl
    sha256sum "$ARTIFACT" > artifact.sha256
    printf '%s  %s\n' "$DIGEST" "ghcr.io/…@$DIGEST" > image-digest.txt
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kit.pack.reader import Pack
from tests.e2e.conftest import ISSUER, Site
from tests.lab import Build, Lab, builds, json_lines

COMMIT = "9fceb02d0ae598e95dc970b74767f19372d61af8"
REPOSITORY = "https://github.com/maziyarpanahi/openmed"
ARTIFACT = "openmed-1.8.0-py3-none-any.whl"
IMAGE = "ghcr.io/maziyarpanahi/openmed"
WORKFLOW = f"{REPOSITORY}/.github/workflows/provenance.yml@refs/tags/v1.8.0"
PROVENANCE = "https://slsa.dev/provenance/v1"
POLICY = f"""\
schema = 1
name = "openmed"
version = "1.8.0"

[signers.release]
issuer = "{ISSUER}"
identity = "{WORKFLOW}"
trusted-root = "acme"

[[artifact]]
source = "file:downloads"
%s
[[artifact.require]]
predicate-type = "{PROVENANCE}"
signer = "release"
source-repository = "{REPOSITORY}"
source-ref = "refs/tags/v1.8.0"
source-digest = "{COMMIT}"
"""


@pytest.fixture(params=[":", "-"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Lay the folder out as the commands do, on Linux, and as gh does on Windows."""
    made = Site(tmp_path / "site")
    folder = made.folder / "downloads"
    content = b"the wheel\n" * 100
    made.put(ARTIFACT, content)
    digest = hashlib.sha256(content).hexdigest()
    made.put(f"sha256{request.param}{digest}.jsonl", attested(made.lab, content) + b"\n")
    made.put("trusted_root.jsonl", roots(made.lab))
    for command in (
        f'sha256sum "{ARTIFACT}" > artifact.sha256',
        f"printf '%s  %s\\n' sha256:{'ab' * 32} {IMAGE}@sha256:{'ab' * 32} > image-digest.txt",
    ):
        subprocess.run(["sh", "-c", command], cwd=folder, check=True)
    made.policy(POLICY % f'files = ["{ARTIFACT}"]', "")
    return made


def attested(lab: Lab, content: bytes) -> bytes:
    build = Build(
        repository=REPOSITORY,
        ref="refs/tags/v1.8.0",
        commit=COMMIT,
        workflow=".github/workflows/provenance.yml",
    )
    bundle = lab.attest({ARTIFACT: content}, predicate=builds.github(build), **build.signed())
    return json.dumps(json.loads(bundle)).encode()


def roots(lab: Lab) -> bytes:
    """Return what `gh attestation trusted-root` writes: this instance's root, and another's."""
    return json_lines(lab.trusted_root(), Lab("github", shape="github").trusted_root())


def rows(site: Site, pack: str = "openmed-1.8.0.pack.tar") -> dict[str, dict[str, Any]]:
    with Pack.open(site.folder / pack) as opened:
        value = json.loads(opened.read("ledger.json", 1 << 20))
    return {row["wanted"]: row for line in value["lines"] for row in line["asked"]}


def test_the_folder_is_collected_and_checked_as_it_is(site: Site) -> None:
    assert site.collect().status == 0
    offline = site.folder / "offline"
    offline.mkdir()
    for name in ("openmed-1.8.0.pack.tar", "release.toml"):
        shutil.move(site.folder / name, offline / name)
    shutil.copy(site.folder / "downloads/trusted_root.jsonl", offline)
    # The line of the file that is the pinned instance's is taken, and no other.
    ran = site.run(
        *("check", "offline/openmed-1.8.0.pack.tar", "--policy", "offline/release.toml"),
        *("--trusted-root", "acme=offline/trusted_root.jsonl", "--format", "json"),
    )
    assert ran.status == 0, ran.out
    (artifact,) = ran.document["results"][0]["report"]["artifacts"]
    (claim,) = artifact["claims"]
    assert claim["identity"]["subject"] == WORKFLOW
    assert claim["predicate-type"] == PROVENANCE
    assert "trusted_root.jsonl" in ran.document["results"][0]["report"]["anchors"][0]["origin"]


def test_no_member_of_the_pack_has_a_colon_in_its_name(site: Site) -> None:
    assert site.collect().status == 0
    with Pack.open(site.folder / "openmed-1.8.0.pack.tar") as opened:
        paths = [member.path for member in opened.manifest.members]
        names = {item.name for item in opened.manifest.evidence}
    assert not [path for path in paths if ":" in path]
    assert any(name.startswith("sha256") and name.endswith(".jsonl") for name in names)


def test_the_ledger_says_what_the_rest_of_the_folder_is(site: Site) -> None:
    site.collect()
    told = rows(site)
    assert told["artifact.sha256"]["answer"] == "found"
    assert told["image-digest.txt"]["answer"] == "found"
    root = told["trusted_root.jsonl"]
    assert root["answer"] == "skipped"
    assert "no evidence" in root["note"]


@pytest.mark.parametrize("files", ["", 'files = ["*"]'])
def test_a_trusted_root_is_no_artifact_for_any_pattern(site: Site, files: str) -> None:
    site.policy(POLICY % files, "")
    ran = site.collect()
    artifacts = ran.document["results"][0]["report"]["artifacts"]
    assert [artifact["name"] for artifact in artifacts] == [ARTIFACT]
    assert ran.status == 0
    (pack,) = site.folder.glob("openmed-1.8.0*.pack.tar")
    assert rows(site, pack.name)["trusted_root.jsonl"]["answer"] == "skipped"


def test_the_root_that_came_with_the_files_is_never_trusted(site: Site) -> None:
    """Whoever brings other files brings a root that vouches for them."""
    mallory = Lab("mallory")
    content = b"another wheel\n"
    site.put(ARTIFACT, content)
    for old in (site.folder / "downloads").glob("sha256*"):
        old.unlink()
    digest = hashlib.sha256(content).hexdigest()
    site.put(f"sha256:{digest}.jsonl", attested(mallory, content))
    site.put("trusted_root.jsonl", mallory.trusted_root())
    ran = site.collect()
    assert ran.status == 1
    assert "sigstore.chain" in ran.codes
