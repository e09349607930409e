"""A document vouches for the files that it is about, and for no other document."""

import hashlib
import json
from pathlib import Path

import pytest

from kit.model import Artifact, EvidenceFile, EvidenceKind
from kit.pack import writer
from tests import documents, packs
from tests.e2e.conftest import ISSUER, SIGNERS, STRANGER, WORKFLOW, Site

AUDITOR = "https://github.com/acme/audit/.github/workflows/scan.yml@refs/tags/v1.0"
TOOL = b"the release\n" * 100
RULES = """
[[artifact]]
source = "file:downloads"
files = ["tool-1.0.tar.gz"]
[[artifact.require]]
signer = "release"
[[artifact.require]]
signer = "auditor"
sbom = true
"""
SIGNED_BY = f"""
[signers.auditor]
issuer = "{ISSUER}"
identity = "{AUDITOR}"
trusted-root = "acme"
"""
ABOUT = {
    "a.cdx.json": "evidence/b.cdx.json",
    "b.cdx.json": "artifacts/tool-1.0.tar.gz",
    "a.cdx.json.sigstore.json": "evidence/a.cdx.json",
    "b.cdx.json.sigstore.json": "evidence/b.cdx.json",
    "tool-1.0.tar.gz.sigstore.json": "artifacts/tool-1.0.tar.gz",
}


def sbom(over: bytes, packages: int) -> bytes:
    """Return an SBOM whose root is these bytes."""
    digest = hashlib.sha256(over).hexdigest()
    return json.dumps(documents.cyclonedx(packages, digest)).encode()


@pytest.mark.parametrize("by", [None, STRANGER, AUDITOR], ids=["nobody", "a stranger", "auditor"])
def test_an_sbom_of_an_sbom_lends_it_no_signer(tmp_path: Path, by: str | None) -> None:
    site = Site(tmp_path / "site")
    site.policy(RULES, SIGNERS + SIGNED_BY)
    about_tool = sbom(TOOL, 2)
    about_sbom = sbom(about_tool, 5)
    evidence = {
        "a.cdx.json": about_sbom,
        "b.cdx.json": about_tool,
        "tool-1.0.tar.gz.sigstore.json": site.lab.attest(
            {"tool-1.0.tar.gz": TOOL}, identity=WORKFLOW
        ),
        "a.cdx.json.sigstore.json": site.lab.attest({"a.cdx.json": about_sbom}, identity=AUDITOR),
    }
    if by is not None:
        signed = site.lab.attest({"b.cdx.json": about_tool}, identity=by)
        evidence["b.cdx.json.sigstore.json"] = signed
    files = {
        "README.txt": b"x\n",
        "release.toml": (site.folder / "release.toml").read_bytes(),
        "ledger.json": b"[]\n",
        "artifacts/tool-1.0.tar.gz": TOOL,
    } | {f"evidence/{name}": raw for name, raw in evidence.items()}
    described = packs.manifest(
        files,
        artifacts=(
            Artifact(
                name="tool-1.0.tar.gz", source="file:downloads", member="artifacts/tool-1.0.tar.gz"
            ),
        ),
        evidence=tuple(
            EvidenceFile(
                kind=EvidenceKind.SBOM if name.endswith(".cdx.json") else EvidenceKind.SIGSTORE,
                name=name,
                member=f"evidence/{name}",
                about=(ABOUT[name],),
            )
            for name in sorted(evidence)
        ),
    )
    writer.write(site.folder / "tool-1.0.pack.tar", described, files)
    ran = site.check()
    if by == AUDITOR:
        assert ran.status == 0
        return
    assert ran.status == 1
    assert "policy.unmet" in ran.codes
    (artifact,) = ran.document["results"][0]["report"]["artifacts"]
    assert all(claim["identity"]["subject"] != AUDITOR for claim in artifact["claims"])
