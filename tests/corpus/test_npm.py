"""Real npm evidence: registry signatures and attestations of public npm, under its real keys."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kit.check.jobs import Basis, Job, Outcome, Subject, run
from kit.cli import npm_settings
from kit.errors import MachineError, RejectedError
from kit.formats import npm_attestations, npm_keys, npm_package, npm_packument, trusted_root
from kit.formats.encodings import b64decode
from kit.formats.npm_packument import Published, RegistrySignature
from kit.formats.source_text import parse_source
from kit.formats.subresource import strongest
from kit.model import Answer, Digest, EvidenceKind, Gathered
from kit.sources import npm as npm_source
from kit.sources.downloads import Downloads
from kit.sources.http import Client
from kit.trust.anchors import Anchor
from kit.trust.npm_keys import NpmKeyring
from kit.verifiers.npm import RegistryKeys
from tests import online
from tests.corpus import cases
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT
from tests.e2e.conftest import Site
from tests.lab.places import Npm, Publication

pytestmark = pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)

KEYS = "npm/keys.json"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
#: Before the older key ended.
THEN = datetime(2024, 6, 1, tzinfo=UTC)


def rows() -> list[dict[str, Any]]:
    if not PRESENT:
        return []
    text = (CORPUS / "npm/registry-signatures/registry-signatures.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


ROWS = rows()


def keyring() -> NpmKeyring:
    raw = (CORPUS / "npm/npm-keys.json").read_bytes()
    return NpmKeyring(path=KEYS, keys=npm_keys.parse(raw), raw=raw, origin="corpus")


def published(row: dict[str, Any], **changes: str) -> Published:
    told = row | changes
    return Published(
        package=npm_package.of(told["name"], told["version"]),
        integrity=told["integrity"],
        digest=strongest(told["integrity"]),
        shasum=None,
        signatures=(RegistrySignature(keyid=told["keyid"], sig=b64decode(told["sig"])),),
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['name']}@{row['version']}")
def test_a_real_registry_signature_holds_for_its_version_and_integrity_alone(
    row: dict[str, Any],
) -> None:
    registries = RegistryKeys([keyring()], THEN if "jl3b" in row["keyid"] else NOW)
    found = published(row)
    assert found.digest is not None
    known = {"sha256": Digest("sha256", "0" * 64), found.digest.algorithm: found.digest}
    (claim,) = registries.verify(found).claims_for("packument", known)
    assert claim.names == (found.package.purl,)
    assert claim.identity.facts["key"] == KEYS
    other = {found.digest.algorithm: Digest(found.digest.algorithm, "0" * 128)}
    with pytest.raises(RejectedError) as caught:
        list(registries.verify(found).claims_for("packument", known | other))
    assert caught.value.code == "digest.mismatch"
    for changes in (
        {"name": "other"},
        {"version": "9.9.9"},
        {"integrity": "sha512-" + "A" * 86 + "=="},
    ):
        with pytest.raises(RejectedError) as caught:
            registries.verify(published(row, **changes))
        assert caught.value.code == "npm.signature"


def test_a_real_key_that_has_ended_signs_nothing_today() -> None:
    row = next(row for row in ROWS if "jl3b" in row["keyid"])
    with pytest.raises(RejectedError) as caught:
        RegistryKeys([keyring()], NOW).verify(published(row))
    assert caught.value.code == "npm.key-expired"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['name']}@{row['version']}")
def test_a_real_excerpt_is_read_as_what_it_was_made_of(row: dict[str, Any]) -> None:
    found = published(row)
    assert npm_packument.signed(npm_packument.excerpt(found)) == (found,)


# ---- attestations, as `check` puts them to the verifiers

CASES = [c for c in (cases.load() if PRESENT else []) if c.row["cls"].startswith("npm")]


def outcome(case: cases.Case) -> Outcome:
    raw = (CORPUS / case.row["trusted_root"]).read_bytes()
    anchor = Anchor(instance="sigstore", raw=raw, root=trusted_root.parse(raw), origin="test")
    basis = Basis(anchors=(anchor,), at=NOW, npm_keys=(keyring(),))
    known = {"sha256": Digest("sha256", "0" * 64)} | {d.algorithm: d for d in case.digests}
    job = Job(
        label=case.id,
        raw=case.bundle(),
        subjects=(Subject(member="m", name=None, digests=known),),
        kind=EvidenceKind.NPM_ATTESTATIONS,
    )
    (found,) = run([job], basis, 1)
    return found


#: What does not hold of those that do not, each for its own reason.
REFUSED = {
    "npm-provenance-010": "sigstore.entry",
    "npm-publish-004": "evidence.malformed",
    "npm-publish-005": "sigstore.entry",
    "npm-publish-007": "sigstore.entry",
    "npm-publish-008": "sigstore.entry",
    "npm-publish-010": "sigstore.signature",
}


def test_the_corpus_has_evidence_of_npm_that_holds_and_that_does_not() -> None:
    assert len(ROWS) >= 16
    held = {case.row["cls"] for case in CASES if case.id not in REFUSED}
    assert held == {"npm-provenance", "npm-publish"}
    assert {case.id for case in CASES} >= REFUSED.keys()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_real_attestation_of_npm_has_its_verdict_under_npms_rules(case: cases.Case) -> None:
    found = outcome(case)
    passes = case.expected == "pass" and bool(case.digests)
    assert bool(found.claims) == passes, [r.code for r in found.refusals]
    assert passes == (case.id not in REFUSED)
    for claim in found.claims:
        (name,) = claim.names
        assert npm_package.parse_purl(name) is not None
        if case.row["cls"] == "npm-publish":
            assert claim.identity.facts["key"] == KEYS
            assert claim.identity.facts["registry"].startswith("https://")
    if not passes:
        assert {refusal.code for refusal in found.refusals} == {REFUSED[case.id]}


# ---- real packages: tarballs of the public registry, with attestations that the lab serves

ATTESTED = CORPUS / "slsa-verifier/testdata/npm/gha"
#: Real answers of the attestations endpoint, by the package they are about.
PUBLISHED = {
    "sigstore@2.3.1": "provenance-npm-test-cli-v1-prega.tgz.json",
    "gundam-visor@1.0.1": "gundam-visor-cli-v1-tag.tgz.json",
    "@trishankatdatadog/supreme-goggles@1.0.5": "supreme-googles-cli-v02-tag.tgz.json",
    "@laurentsimon/provenance-npm-test@1.0.5": "provenance-npm-test-ossf.tgz.json",
}


@cache
def from_the_registry(package: str, folder: Path) -> Gathered:
    """Gather a real package from the registry that npm is set up for; skip where there is none."""
    source = parse_source(f"npm:{package}", "source")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = npm_settings.registries([source], None, folder, os.environ)
        assert found is not None
        registry = found.of(npm_source.package_of(source))
        client = Client(credentials=registry.credentials)
        return npm_source.gather(source, lambda _: True, Downloads(folder, client), registry)
    except MachineError as error:
        online.skip("such package of a registry", error.code)


@pytest.mark.online
@pytest.mark.parametrize("package", PUBLISHED)
def test_a_real_package_passes_from_a_registry_to_the_check(package: str, tmp_path: Path) -> None:
    (tarball,) = from_the_registry(package, tmp_path / "downloads").artifacts
    content, named = tarball.path.read_bytes(), npm_package.parse(package)
    answer = (ATTESTED / PUBLISHED[package]).read_bytes()
    site = Site(tmp_path / "site")
    shutil.rmtree(site.folder / "trust-roots")
    keys = site.folder / "trust-roots/npm/keys.json"
    keys.parent.mkdir(parents=True)
    keys.write_bytes((CORPUS / "npm/npm-keys.json").read_bytes())
    site.policy(
        f'\n[[artifact]]\nsource = "npm:{package}"\n[[artifact.require]]\nsigner = "npm"\n'
        f'predicate-type = "{npm_attestations.PUBLISH}"\n',
        'schema = 1\nname = "real"\nversion = "1"\n[signers.npm]\nnpm-keys = "npm/keys.json"\n',
    )
    release = Publication(name=named.name, version=named.version, files={tarball.name: content})
    with Npm(release) as place:
        place.attestations[package] = answer
        ran = site.collect("--npm-registry", place.url, "--no-trust-update")
        assert ran.status == 0, ran.out
    ran = site.check("real-1.pack.tar")
    assert ran.status == 0
    (artifact,) = ran.document["results"][0]["report"]["artifacts"]
    assert artifact["claims"][0]["names"] == [named.purl]


@pytest.mark.online
def test_the_public_registry_has_the_tarball_and_tells_its_attestations(tmp_path: Path) -> None:
    got = from_the_registry("is-number@7.0.0", tmp_path)
    rows = {row.wanted: row for row in got.asked}
    assert rows["is-number-7.0.0.tgz"].answer is Answer.FOUND
    for wanted in ("is-number-7.0.0.tgz.npm-attestations.json", "public keys of the registry"):
        # What the registry answers for these is its own: here it is a clear no.
        assert rows[wanted].answer in (Answer.ABSENT, Answer.FOUND)
    assert rows["packument of is-number@7.0.0"].note is not None
