"""wellmaintained: seven images, each signed, with provenance and an SBOM (WM1 to WM6)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import documents
from tests.lab.builds import V02
from tests.lab.world import Release
from tests.lab.world.systems import CYCLONEDX, WELLMAINTAINED, wellmaintained
from tests.systems.suite import (
    LAB,
    Asked,
    Break,
    Checked,
    artifact,
    broken,
    built,
    each,
    passing,
    repointed,
    saying,
    without,
)

TAG = "sbomify-v26.1.0-20260405.6"
NAMES = tuple(f"{name}:{TAG}" for name in WELLMAINTAINED)
POSTGRES, REDIS = NAMES[:2]
REPOSITORY = "https://github.com/wellmaintained/packages"
OF_REDIS = ("redis signature", "redis provenance", "redis sbom")


def one_missing(release: Release) -> Release:
    """Publish six of the seven images."""
    gone = f"ghcr.io/wellmaintained/packages/redis:{TAG}"
    left = {name: made for name, made in release.images.items() if name != gone}
    return replace(release.without(*OF_REDIS), images=left)


def in_one_table(checked: Checked) -> None:
    """See seven images in one report, each with its digest, source commit and signer."""
    digests = {made.digest for made in checked.release.images.values()}
    assert {artifact(checked.ran, name)["digest"] for name in NAMES} == digests
    for name in NAMES:
        said = checked.claim(name, V02)["predicate"]
        assert said["source-digest"] == checked.release.commit
        assert said["builder-id"].startswith(f"{REPOSITORY}/.github/workflows/build.yml@")


def signed(checked: Checked) -> None:
    for name in NAMES:
        subjects = {claim["identity"]["subject"] for claim in checked.claims(name)}
        assert subjects == {f"{REPOSITORY}/.github/workflows/build.yml@refs/tags/{TAG}"}


def of_github(checked: Checked) -> None:
    for name in NAMES:
        claim = checked.claim(name, V02)
        assert claim["predicate"]["source-repository"] == REPOSITORY
        assert claim["predicate"]["conflicts"] == []
        assert claim["identity"]["facts"]["runner-environment"] == "github-hosted"


def listed(checked: Checked) -> None:
    for name in NAMES:
        says = checked.claim(name, CYCLONEDX)["predicate"]
        assert (says["kind"], says["format"], says["components"]) == ("sbom", "cyclonedx", 2)


def pinned(checked: Checked) -> None:
    """See that the ledger has what each tag named."""
    notes = {row.get("note") for row in checked.ledger()}
    for made in checked.release.images.values():
        assert f"the tag {TAG} named {made.digest}" in notes


def at_the_tag(checked: Checked) -> None:
    assert f"source {REPOSITORY}  at refs/tags/{TAG}  commit" in checked.text


ASKED = (
    Asked(
        number="WM1",
        page="table: seven images, each with digest, builder, source commit",
        rule="a line for each image",
        unmet="signed by 'build'",
        holds=in_one_table,
        breaks=(
            Break(
                what="one of the seven is not there",
                change=one_missing,
                status=5,
                code="machine.absent",
            ),
            Break(
                what="one of the seven is not signed",
                change=without(*OF_REDIS),
                of=REDIS,
                code="ledger.absent",
                says=f"its source had no cosign signatures of {REDIS} ",
            ),
        ),
    ),
    Asked(
        number="WM2",
        page='cosign verify --certificate-identity-regexp="https://github.com/wellmaintained/packages/"',
        rule="identity, exact: workflow and tag",
        unmet="signed by 'build'",
        holds=signed,
        breaks=(
            Break(
                what="a pull request's run signed it",
                change=built(*OF_REDIS, ref="refs/pull/7/merge"),
                of=REDIS,
                code="policy.identity",
            ),
            Break(
                what="another repository whose name begins alike",
                change=built(*OF_REDIS, repository=f"{REPOSITORY}-evil"),
                of=REDIS,
                code="policy.identity",
            ),
        ),
    ),
    Asked(
        number="WM3",
        page="cosign verify-attestation --type slsaprovenance",
        rule='predicate-type = "slsa-provenance", source-repository, runner-environment',
        unmet="of type slsa-provenance",
        holds=of_github,
        breaks=(
            Break(
                what="no provenance",
                change=without("redis provenance"),
                of=REDIS,
                code="policy.predicate-type",
            ),
            Break(
                what="a runner of somebody's own",
                change=built("redis provenance", runner="self-hosted"),
                of=REDIS,
                code="policy.runner-environment",
            ),
        ),
    ),
    Asked(
        number="WM4",
        page="cosign verify-attestation --type cyclonedx",
        rule='predicate-type = "cyclonedx", sbom = {format = "cyclonedx"}',
        unmet="of type cyclonedx, an SBOM (cyclonedx)",
        holds=listed,
        breaks=(
            Break(
                what="no SBOM", change=without("redis sbom"), of=REDIS, code="policy.predicate-type"
            ),
            Break(
                what="the SBOM lists nothing",
                change=saying(lambda *_: documents.cyclonedx(components=0), "redis sbom"),
                of=REDIS,
                code="policy.sbom-components",
            ),
        ),
    ),
    Asked(
        number="WM5",
        page=f"cosign verify …/postgres:{TAG}",
        rule="digest",
        unmet="digest sha256:",
        holds=pinned,
        breaks=(
            Break(
                what="the tag names another image of the same workflow",
                change=repointed(f"ghcr.io/wellmaintained/packages/postgres:{TAG}"),
                of=POSTGRES,
                code="policy.digest",
            ),
        ),
    ),
    Asked(
        number="WM6",
        page="All source code for this release is available at the tagged release",
        rule="source-tag, source-digest",
        unmet="at refs/tags/sbomify-v26.1.0-20260405.6, commit ",
        holds=at_the_tag,
        breaks=(
            Break(
                what="built of another commit",
                change=built("redis provenance", commit="f" * 40),
                of=REDIS,
                code="policy.source-digest",
            ),
            Break(
                what="built at another tag",
                change=built("redis provenance", ref="refs/tags/sbomify-v26.0.0-20260301.1"),
                of=REDIS,
                code="policy.identity",
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    return passing(wellmaintained(LAB), tmp_path_factory.mktemp("wellmaintained"))


@pytest.mark.parametrize("asked", each(ASKED))
def test_it_holds(checked: Checked, asked: Asked) -> None:
    asked.holds(checked)


@pytest.mark.parametrize("way", broken(ASKED))
def test_broken_at_its_source_it_fails_by_name(tmp_path: Path, way: Break) -> None:
    way.fails(wellmaintained(LAB), tmp_path)
