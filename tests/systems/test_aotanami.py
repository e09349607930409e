"""Aotanami: an image by a shared builder, a chart, SBOMs and a scan (AO1 to AO7)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kit.formats import release_file
from kit.policy.lint import lint
from tests import documents
from tests.lab import builds
from tests.lab.builds import V02, Build
from tests.lab.shelf import chart
from tests.lab.world import Release
from tests.lab.world.systems import CYCLONEDX, GENERATOR, SPDX, VULN, aotanami, scanned
from tests.lab.world.world import BUNDLES
from tests.systems.suite import (
    LAB,
    Asked,
    Break,
    Checked,
    artifact,
    broken,
    built,
    copied,
    each,
    passing,
    saying,
    without,
)

IMAGE, CHART = "aotanami:v0.1.0", "aotanami:0.1.0"
ASSET = "sbom-cyclonedx.json"
COPIES = {ASSET: IMAGE, "sbom-spdx.json": IMAGE, "helm-sbom-spdx.json": CHART}
CHARTS = "ghcr.io/aotanami/charts/aotanami:0.1.0"
REPOSITORY = "https://github.com/aotanami/aotanami"
OF_IMAGE = ("image", "spdx", "cyclonedx")
OF_CHART = ("chart", "chart spdx")


def signed(checked: Checked) -> None:
    """See who signed the image; and that the page's own pattern is refused by the lint."""
    workflow = f"{REPOSITORY}/.github/workflows/release-image.yml@refs/tags/v0.1.0"
    assert checked.claim(IMAGE, None)["identity"]["subject"] == workflow
    text = (BUNDLES / "aotanami/release.toml").read_text(encoding="utf-8")
    weak = text.replace(f'identity = "{workflow}"', f"identity-regexp = '{REPOSITORY}.*'")
    assert weak != text
    found = lint(release_file.parse(weak.encode(), "weak.toml"), datetime.now(UTC))
    assert "lint.regexp-open" in {finding.code for finding in found}


def charted(checked: Checked) -> None:
    workflow = f"{REPOSITORY}/.github/workflows/release-helm.yml@refs/tags/v0.1.0"
    assert checked.claim(CHART, None)["identity"]["subject"] == workflow


def another_chart(release: Release) -> Release:
    """Publish, signed, the chart of another version under the tag."""
    return replace(release, images={**release.images, CHARTS: chart("aotanami", "0.0.9")})


def generated(checked: Checked) -> None:
    claim = checked.claim(IMAGE, V02)
    assert claim["identity"]["subject"] == GENERATOR
    said = claim["predicate"]
    assert (said["builder-id"], said["source-repository"]) == (GENERATOR, REPOSITORY)
    assert (said["source-ref"], said["source-digest"]) == (
        "refs/tags/v0.1.0",
        checked.release.commit,
    )


def disagreeing(build: Build, _: str) -> dict[str, object]:
    """Say that another repository was built than the certificate has."""
    return builds.generator(replace(build, repository="https://github.com/mallory/x"), "container")


def both_in_spdx(checked: Checked) -> None:
    for name in (IMAGE, CHART):
        says = checked.claim(name, SPDX)["predicate"]
        assert (says["format"], says["components"]) == ("spdx", 2)


def in_cyclonedx(checked: Checked) -> None:
    """See the attested SBOM, and that each released asset is told as the copy of such a one."""
    says = checked.claim(IMAGE, CYCLONEDX)["predicate"]
    assert (says["format"], says["components"]) == ("cyclonedx", 2)
    for name, original in COPIES.items():
        (claim,) = checked.claims(name)
        assert claim["predicate-of"] == original
    assert f"as attested of {IMAGE}" in checked.text
    ran = checked.again("extract", "--to", "sboms")
    assert ran.status == 0, ran.err
    assert f"left in the pack: {IMAGE}, {CHART}: images" in ran.err
    assert {path.name for path in (checked.site.folder / "sboms").iterdir()} == set(COPIES)


def other_asset(release: Release) -> Release:
    """Put another SBOM among the assets."""
    other = json.dumps(documents.cyclonedx(components=1)).encode()
    return replace(release, assets={**release.assets, ASSET: other})


def exchanged(release: Release) -> Release:
    """Publish each of the image's two SBOMs under the other's name."""
    one, other = release.assets[ASSET], release.assets["sbom-spdx.json"]
    return replace(release, assets={**release.assets, ASSET: other, "sbom-spdx.json": one})


def gated(checked: Checked) -> None:
    """See the scan, and that the same pack fails when the scan has grown old."""
    said = checked.claim(IMAGE, VULN)["predicate"]
    assert said["kind"] == "scan"
    later = (datetime.now(UTC) + timedelta(days=40)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ran = checked.again("check", "--at", later)
    assert ran.status == 1
    assert "scan.too-old" in {f["code"] for f in artifact(ran, IMAGE)["findings"]}


def summed_up(checked: Checked) -> None:
    """See each artifact with how it is signed, in the text that people read."""
    text = checked.text
    for words in (
        f"PASS  {IMAGE}",
        f"PASS  {CHART}",
        f"PASS  {ASSET}",
        "SBOM         spdx",
        "SBOM         cyclonedx",
        "scan         Grype",
        f"sigstore as attested of {IMAGE}",
    ):
        assert words in text


ASKED = (
    Asked(
        number="AO1",
        page="cosign verify --certificate-identity-regexp='https://github.com/aotanami/aotanami'",
        rule="identity, exact; lint refuses the page's pattern",
        unmet="signed by 'image'",
        holds=signed,
        breaks=(
            Break(
                what="a repository whose name begins alike",
                change=built(*OF_IMAGE, repository=f"{REPOSITORY}-evil"),
                of=IMAGE,
                code="policy.identity",
            ),
        ),
    ),
    Asked(
        number="AO2",
        page="cosign verify …/charts/aotanami:0.1.0",
        rule="helm:…, signer",
        unmet="signed by 'chart'",
        holds=charted,
        breaks=(
            Break(
                what="another workflow signed the chart",
                change=built(*OF_CHART, workflow=".github/workflows/pages.yml"),
                of=CHART,
                code="policy.identity",
            ),
            Break(
                what="the chart of another version under the tag",
                change=another_chart,
                of=CHART,
                code="helm.other-chart",
            ),
        ),
    ),
    Asked(
        number="AO3",
        page="slsa-verifier verify-image --source-uri github.com/aotanami/aotanami",
        rule="builder-id with its tag, source-repository, source-tag, source-digest",
        unmet="signed by 'generator'",
        holds=generated,
        breaks=(
            Break(
                what="genuine provenance of another project by the same builder",
                change=built("provenance", repository="https://github.com/mallory/aotanami"),
                of=IMAGE,
                code="policy.source-repository",
            ),
            Break(
                what="certificate and provenance disagree",
                change=saying(disagreeing, "provenance"),
                of=IMAGE,
                code="provenance.disagrees",
            ),
            Break(
                what="another release of the generator",
                change=built("provenance", shared=GENERATOR.replace("v2.1.0", "v1.2.0")),
                of=IMAGE,
                code="policy.identity",
            ),
        ),
    ),
    Asked(
        number="AO4",
        page="cosign verify-attestation --type spdxjson",
        rule='predicate-type = "spdx", sbom = {format = "spdx"}',
        unmet="of type spdx, an SBOM (spdx)",
        holds=both_in_spdx,
        breaks=(
            Break(
                what="no SBOM of the image",
                change=without("spdx"),
                of=IMAGE,
                code="policy.predicate-type",
            ),
            Break(
                what="the chart's SBOM cannot be read",
                change=saying(lambda *_: {"spdxVersion": "SPDX-2.3"}, "chart spdx"),
                of=CHART,
                code="sbom.malformed",
            ),
        ),
    ),
    Asked(
        number="AO5",
        page="SBOMs are attested to the container image, uploaded as GitHub Release assets",
        rule='predicate-type = "cyclonedx"; predicate-of = "aotanami:v0.1.0" for the asset',
        holds=in_cyclonedx,
        breaks=(
            Break(
                what="the SBOM is attested to another image",
                change=copied("cyclonedx"),
                of=IMAGE,
                code="statement.subject",
            ),
            Break(
                what="the asset is another SBOM than the attested one",
                change=other_asset,
                of=ASSET,
                code="copy.differs",
            ),
            Break(
                what="each asset has the other's name",
                change=exchanged,
                of=ASSET,
                code="copy.differs",
            ),
            Break(
                what="the asset's chart is another one",
                change=another_chart,
                of="helm-sbom-spdx.json",
                code="copy.original",
            ),
        ),
    ),
    Asked(
        number="AO6",
        page="Releases with critical or high CVEs are blocked",
        rule='scan = {fail-on = "high", max-age = "30d"}',
        unmet="a scan without high results or worse",
        holds=gated,
        breaks=(
            Break(
                what="a high vulnerability",
                change=saying(scanned("3.1", "8.2"), "scan"),
                of=IMAGE,
                code="scan.severity",
            ),
            Break(
                what="a scan of two months ago",
                change=saying(scanned(ago=timedelta(days=60)), "scan"),
                of=IMAGE,
                code="scan.too-old",
            ),
            Break(
                what="no scan",
                change=without("scan"),
                of=IMAGE,
                code="policy.scan",
                says="not a vulnerability scan",
            ),
        ),
    ),
    Asked(
        number="AO7",
        page="table: image, chart, SBOMs, scan, each with how it is signed",
        rule="the report",
        unmet="signed by 'chart'",
        holds=summed_up,
        breaks=(
            Break(
                what="a chart that nobody signed",
                change=without(*OF_CHART),
                of=CHART,
                code="ledger.absent",
                says="cosign signatures of aotanami:0.1.0 ",
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    return passing(aotanami(LAB), tmp_path_factory.mktemp("aotanami"))


@pytest.mark.parametrize("asked", each(ASKED))
def test_it_holds(checked: Checked, asked: Asked) -> None:
    asked.holds(checked)


@pytest.mark.parametrize("way", broken(ASKED))
def test_broken_at_its_source_it_fails_by_name(tmp_path: Path, way: Break) -> None:
    way.fails(aotanami(LAB), tmp_path)
