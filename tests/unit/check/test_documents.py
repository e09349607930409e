"""Documents beside artifacts, from a folder through a pack to claims about the artifacts."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kit.check import hashing, weighing
from kit.check.documents import Vouched
from kit.check.jobs import Basis
from kit.check.weighed import Weighed
from kit.collect import Request, collect
from kit.errors import RejectedError
from kit.formats import enclosed, kinds, release_file
from kit.model import Claim, Digest, EvidenceFile, EvidenceKind
from kit.model.predicates import Sbom, Scan, Vex, VexStatement
from kit.pack.reader import Pack
from tests import documents
from tests.claims import claim
from tests.lab import IDENTITY, ISSUER, Lab
from tests.unit.check.test_walk import anchor

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LAB = Lab("acme")
APP = b"the app"
SHA256 = hashlib.sha256(APP).hexdigest()
POLICY = f"""\
schema = 1
name = "app"
version = "1.0"
[signers.release]
issuer = "{ISSUER}"
identity = "{IDENTITY}"
trusted-root = "acme"
[[artifact]]
source = "file:dl"
files = ["app-1.0.tgz"]
[[artifact.require]]
signer = "release"
"""


def weigh(base: Path, files: Mapping[str, bytes], require: str = "") -> Weighed:
    """Collect these files with the app, and return what came of the evidence."""
    basis = Basis(anchors=(anchor(LAB),), at=NOW)
    (base / "dl").mkdir()
    for name, content in ({"app-1.0.tgz": APP} | dict(files)).items():
        (base / "dl" / name).write_bytes(content)
    (base / "working").mkdir()
    release = release_file.parse((POLICY + require).encode(), "release.toml")
    request = Request(release=release, base=base, out=base / "out.pack.tar", now=NOW)
    with Pack.open(collect(request, base / "working").path) as pack:
        known = hashing.hash_members(pack, release, None)
        return weighing.weigh(pack, known, basis, 1)


def claims(weighed: Weighed) -> list[Claim]:
    """Return the claims about the app."""
    return weighed.claims.get("artifacts/app-1.0.tgz", [])


def codes(weighed: Weighed) -> set[str]:
    """Return the codes of findings about the app."""
    return {finding.code for finding in weighed.findings.get("artifacts/app-1.0.tgz", ())}


def raw(value: Any) -> bytes:
    """Write JSON as a tool would."""
    return json.dumps(value, indent=1).encode()


SPDX = raw(documents.spdx(sha256=SHA256))
BARE = raw(documents.spdx(sha256=None))
FILE_RULE = '[[artifact.require]]\nsigner = "release"\nsbom = {file = "sbom.json"}\n'


@pytest.mark.parametrize("name", ["app-1.0.spdx.json", "sbom.json", "anything.json"])
def test_a_signed_sbom_that_gives_the_digest_is_a_claim_about_the_file(
    tmp_path: Path, name: str
) -> None:
    weighed = weigh(tmp_path, {name: SPDX, f"{name}.sigstore.json": LAB.sign(SPDX)})
    (claim,) = claims(weighed)
    assert claim.kind is EvidenceKind.SBOM
    assert claim.digest == Digest("sha256", SHA256)
    assert isinstance(claim.predicate, Sbom)
    assert claim.predicate.about == (claim.digest,)
    # A signature over bare bytes gives the document no name; and it never names the file.
    assert (claim.document, claim.names, claim.predicate_type, claim.listed_in) == (
        "",
        (),
        None,
        None,
    )


def test_an_attested_documents_name_is_proved(tmp_path: Path) -> None:
    bundle = LAB.attest({"sbom.json": SPDX})
    (claim,) = claims(weigh(tmp_path, {"sbom.json": SPDX, "sbom.json.sigstore.json": bundle}))
    assert claim.document == "sbom.json"
    assert claim.names == ()


def test_a_line_of_a_signed_digest_manifest_vouches_for_a_document(tmp_path: Path) -> None:
    sums = f"{hashlib.sha256(BARE).hexdigest()}  sbom.json\n".encode()
    files = {"sbom.json": BARE, "SHA256SUMS": sums, "SHA256SUMS.sigstore.json": LAB.sign(sums)}
    (claim,) = claims(weigh(tmp_path, files, FILE_RULE))
    assert (claim.document, claim.listed_in) == ("sbom.json", None)
    assert isinstance(claim.predicate, Sbom)
    assert claim.predicate.about == ()


def test_a_document_that_names_nothing_is_about_a_file_by_the_policy_alone(tmp_path: Path) -> None:
    bundle = LAB.attest({"sbom.json": BARE})
    files = {"sbom.json": BARE, "sbom.json.sigstore.json": bundle}
    (claim,) = claims(weigh(tmp_path, files, FILE_RULE))
    assert claim.document == "sbom.json"
    (tmp_path / "other").mkdir()
    assert claims(weigh(tmp_path / "other", files)) == []


@pytest.mark.parametrize(
    ("content", "bundle", "code"),
    [
        (BARE, LAB.sign(BARE), "sbom.about-unproved"),
        (BARE, LAB.attest({"bom.json": BARE}), "sbom.about-unproved"),
        (raw(documents.spdx()), LAB.attest({"sbom.json": raw(documents.spdx())}),
         "sbom.other-artifact"),
        (SPDX, None, "evidence.unsigned"),
        (SPDX, LAB.sign(b"another"), "sigstore.digest"),
        (b"bogus!", LAB.sign(b"bogus!"), "sbom.malformed"),
        (b'{"spdxVersion": "SPDX-2.3"}', LAB.sign(b'{"spdxVersion": "SPDX-2.3"}'),
         "sbom.malformed"),
        (b"{}", LAB.sign(b"{}"), "sbom.unsupported"),
    ],
)  # fmt: skip
def test_a_document_that_proves_nothing_says_why(
    tmp_path: Path, content: bytes, bundle: bytes | None, code: str
) -> None:
    files = {"sbom.json": content} | ({"sbom.json.sigstore.json": bundle} if bundle else {})
    weighed = weigh(tmp_path, files, FILE_RULE)
    assert claims(weighed) == []
    assert code in codes(weighed)


def test_a_strangers_signature_is_a_claim_that_policy_refuses(tmp_path: Path) -> None:
    bundle = LAB.sign(SPDX, identity="https://mallory.example/signer")
    (claim,) = claims(weigh(tmp_path, {"sbom.json": SPDX, "sbom.json.sigstore.json": bundle}))
    assert claim.identity.subject == "https://mallory.example/signer"


def test_an_oversized_document_travels_and_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enclosed, "MAX_BYTES", 1000)
    large = raw(documents.spdx(packages=50, sha256=SHA256))
    files = {"app-1.0.spdx.json": large, "app-1.0.spdx.json.sigstore.json": LAB.sign(large)}
    weighed = weigh(tmp_path, files)
    assert claims(weighed) == []
    assert "sbom.oversized" in codes(weighed)


def test_scans_and_vex_are_documents_too(tmp_path: Path) -> None:
    scan = raw(documents.sarif("9.8"))
    vex = raw(documents.openvex(documents.not_affected(products=[{"hashes": {"sha-256": SHA256}}])))
    files = {
        "app-1.0.sarif": scan,
        "app-1.0.sarif.sigstore.json": LAB.attest({"app-1.0.sarif": scan}),
        "app-1.0.openvex.json": vex,
        "app-1.0.openvex.json.sigstore.json": LAB.sign(vex),
    }
    found = {claim.kind: claim.predicate for claim in claims(weigh(tmp_path, files))}
    assert isinstance(found[EvidenceKind.SCAN], Scan)
    assert isinstance(found[EvidenceKind.VEX], Vex)


def test_a_vex_document_without_the_digest_is_about_nothing(tmp_path: Path) -> None:
    vex = raw(documents.openvex(documents.not_affected()))
    name = "app-1.0.openvex.json"
    bundle = LAB.attest({name: vex})
    weighed = weigh(tmp_path, {name: vex, f"{name}.sigstore.json": bundle})
    assert claims(weighed) == []
    assert "vex.about-unproved" in codes(weighed)


def test_a_document_that_the_release_file_names_stays_an_artifact(tmp_path: Path) -> None:
    release = POLICY.replace('["app-1.0.tgz"]', '["app-1.0.tgz", "sbom.json"]')
    line = release_file.parse(release.encode(), "release.toml").lines[0]
    assert line.takes("sbom.json")
    wild = release_file.parse(POLICY.replace("app-1.0.tgz", "*").encode(), "r").lines[0]
    assert not wild.takes("sbom.json")
    assert wild.takes("other.json")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app.spdx.json", EvidenceKind.SBOM), ("app.cdx.json", EvidenceKind.SBOM),
        ("app.cyclonedx.json", EvidenceKind.SBOM), ("sbom.json", EvidenceKind.SBOM),
        ("bom.json", EvidenceKind.SBOM), ("spdx.json", EvidenceKind.SBOM),
        ("scan.sarif", EvidenceKind.SCAN), ("scan.sarif.json", EvidenceKind.SCAN),
        ("grype.json", EvidenceKind.SCAN), ("app.grype.json", EvidenceKind.SCAN),
        ("app.openvex.json", EvidenceKind.VEX), ("openvex.json", EvidenceKind.VEX),
        ("my-sbom.json", None), ("sbom.xml", None), ("app.spdx", None), ("vex.json", None),
        (".sarif", None),
    ],
)  # fmt: skip
def test_documents_are_told_by_their_names(name: str, kind: EvidenceKind | None) -> None:
    assert kinds.by_name(name) is kind


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (documents.spdx(), EvidenceKind.SBOM),
        (documents.cyclonedx(), EvidenceKind.SBOM),
        (documents.sarif(), EvidenceKind.SCAN),
        (documents.grype(), EvidenceKind.SCAN),
        (documents.openvex(), EvidenceKind.VEX),
        ({"version": "2.1.0"}, None),
        ({"matches": []}, None),
        ([], None),
    ],
)
def test_documents_are_told_by_what_they_hold(value: Any, kind: EvidenceKind | None) -> None:
    assert kinds.by_content("report.json", raw(value)) is kind
    assert kinds.by_content("report.bin", raw(value)) is None


@pytest.mark.parametrize("kind", [EvidenceKind.SBOM, EvidenceKind.VEX])
def test_a_document_about_many_files_is_asked_about_each_in_no_time(kind: EvidenceKind) -> None:
    about = tuple(Digest("sha256", f"{number:064x}") for number in range(20_000))
    usual = VexStatement(ids=("CVE-2026-1",), status="fixed")
    says: Sbom | Vex = Sbom(format="spdx", version="2.3", components=1, about=about)
    if kind is EvidenceKind.VEX:
        each = tuple(replace(usual, products=(str(digest),)) for digest in about)
        says = Vex(author="a", statements=each)
    evidence = EvidenceFile(kind=kind, name="d.json", member="evidence/d.json", about=())
    vouched = Vouched(evidence=evidence, over=(claim(),), says=says)
    started = time.process_time()
    made = [one for digest in about for one in vouched.claims_for({"sha256": digest})]
    with pytest.raises(RejectedError, match="which is another file"):
        vouched.claims_for({"sha256": Digest("sha256", "f" * 64)}).__next__()
    assert time.process_time() - started < 10
    assert len(made) == len(about)
    kept = {len(one.predicate.about) for one in made if isinstance(one.predicate, Sbom)}
    assert kept <= {1}  # 20 000 lists of 20 000 would take gigabytes


def test_bundles_times_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file may hold a thousand bundles and be about every artifact: that is their product."""
    joined = b"".join(LAB.sign(APP, identity=f"{n}@acme.test").strip() + b"\n" for n in range(3))
    monkeypatch.setattr(weighing, "MAX_QUESTIONS", 3)
    (tmp_path / "within").mkdir()
    within = weigh(tmp_path / "within", {"app-1.0.tgz.sigstore.jsonl": joined})
    assert len(claims(within)) == 3
    assert "evidence.too-many" not in codes(within)
    monkeypatch.setattr(weighing, "MAX_QUESTIONS", 2)
    (tmp_path / "over").mkdir()
    over = weigh(tmp_path / "over", {"app-1.0.tgz.sigstore.jsonl": joined})
    assert claims(over) == []
    assert codes(over) == {"evidence.too-many"}
