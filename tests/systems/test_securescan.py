"""SecureScan: assets and an image by one exact identity (SC1 to SC11)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.lab.order import AT, Options
from tests.lab.world import Release
from tests.lab.world.systems import securescan
from tests.systems.suite import (
    LAB,
    Asked,
    Break,
    Checked,
    artifact,
    broken,
    built,
    each,
    ordered,
    passing,
    repointed,
    without,
)

WHEEL, SDIST = "securescan-0.11.0-py3-none-any.whl", "securescan-0.11.0.tar.gz"
IMAGE, REFERENCE = "securescan:v0.11.0", "ghcr.io/metbcy/securescan:v0.11.0"
IDENTITY = "https://github.com/Metbcy/securescan/.github/workflows/release.yml@refs/tags/v0.11.0"
FORK = "https://github.com/mallory/securescan"
BOTH = ["airgap-kit", "sigstore-python"]


def beside_another(release: Release) -> Release:
    """Publish the sdist's bundle in place of the wheel's."""
    again = Options(at=AT + timedelta(hours=1))
    wrong = replace(release.pieces["sdist"], under=WHEEL, options=again)
    return release.changed({"wheel": wrong})


def of_no_file(release: Release) -> Release:
    """Publish another wheel than the one that was signed."""
    other = release.assets[WHEEL] + b"\0"
    before = "the wheel of the day before"
    wrong = replace(release.pieces["wheel"], about=before, under=WHEEL)
    assets = {**release.assets, WHEEL: other}
    held = {**release.folder, before: release.assets[WHEEL]}
    return replace(release.changed({"wheel": wrong}), assets=assets, folder=held)


def signed(name: str, *, by: list[str]) -> Callable[[Checked], None]:
    """Return what sees that an artifact was signed by the release workflow, and logged."""

    def holds(checked: Checked) -> None:
        (claim,) = checked.claims(name)
        assert claim["identity"]["subject"] == IDENTITY
        assert claim["accepted-by"] == by
        assert claim["log"]["log-index"]

    return holds


def pinned(checked: Checked) -> None:
    """See that the report, the ledger and the pins have the digest."""
    digest = checked.release.images[REFERENCE].digest
    assert artifact(checked.ran, IMAGE)["digest"] == digest
    assert any(f"named {digest}" in row.get("note", "") for row in checked.ledger())


def exported(checked: Checked) -> None:
    """See what goes on to production: the image by digest, the files by hash."""
    assert checked.again("export", "--as", "pins", "--to", "pins").status == 0
    digest = checked.release.images[REFERENCE].digest
    images = (checked.site.folder / "pins/images.txt").read_text(encoding="utf-8")
    assert images.startswith(f"ghcr.io/metbcy/securescan@{digest}")
    # The root to give to admission controllers is the one that the verdict rested on.
    root = (checked.site.folder / "trust-roots/sigstore/trusted_root.json").read_bytes()
    (anchor,) = checked.ran.document["results"][0]["report"]["anchors"]
    assert anchor["sha256"] == hashlib.sha256(root).hexdigest()


def told(checked: Checked) -> None:
    """See that a PASS says what it does not prove."""
    assert "Not proved: that the files are free of malice or bugs" in checked.text


def promises_nothing(checked: Checked) -> None:
    """See that the report of what failed is no PASS of anything."""
    assert "FAIL: 1 passed, 2 failed" in checked.text
    assert "\nPASS: " not in checked.text


def not_exported(checked: Checked) -> None:
    """See that nothing of an image that failed goes on to production."""
    ran = checked.again("export", "--as", "pins", "--only", IMAGE, "--to", "pins")
    assert ran.status == 1
    assert not (checked.site.folder / "pins").exists()


def segment(name: str) -> Callable[[Checked], None]:
    """Return what sees that the message shows both identities and which part differs."""

    def shown(checked: Checked) -> None:
        found = artifact(checked.ran, WHEEL)["findings"]
        (told,) = {f["message"] for f in found if f["code"] == "policy.identity"}
        assert f"(differs in: {name})" in told
        assert IDENTITY in told

    return shown


def of_the_sdist(checked: Checked) -> None:
    """See that the bundle's own file is named, and what to do."""
    findings = artifact(checked.ran, WHEEL)["findings"]
    (found,) = [f for f in findings if f["code"] == "evidence.other-file"]
    assert found["message"].startswith(f"{WHEEL}.sigstore.json is named after this file")
    assert f"is about {SDIST}, which is in this pack" in found["message"]
    assert "from the same release" in found["hint"]


ASKED = (
    Asked(
        number="SC1",
        page="sigstore verify identity … WHEEL",
        rule='files = [WHEEL], signer = "release"',
        unmet="signed by 'release'",
        holds=signed(WHEEL, by=BOTH),
        breaks=(
            Break(
                what="the wheel's signature is another's",
                change=built("wheel", repository=FORK),
                of=WHEEL,
                code="policy.identity",
            ),
            Break(
                what="no bundle",
                change=without("wheel"),
                of=WHEEL,
                code="ledger.absent",
            ),
        ),
    ),
    Asked(
        number="SC2",
        page="sigstore verify identity … SDIST",
        rule='files = [SDIST], signer = "release"',
        unmet="signed by 'release'",
        holds=signed(SDIST, by=BOTH),
        breaks=(
            Break(
                what="the sdist's signature does not hold",
                change=ordered(Options(spoil="signature"), "sdist"),
                of=SDIST,
                code="sigstore.signature",
            ),
        ),
    ),
    Asked(
        number="SC3",
        page="cosign verify IMAGE --certificate-identity …",
        rule='oci:…, signer = "release"',
        unmet="signed by 'release'",
        holds=signed(IMAGE, by=BOTH[:1]),
        breaks=(
            Break(
                what="the image is signed by a fork",
                change=built("image", repository=FORK),
                of=IMAGE,
                code="policy.identity",
            ),
        ),
    ),
    Asked(
        number="SC4",
        page="cosign verify IMAGE@DIGEST",
        rule="digest",
        unmet="digest sha256:",
        holds=pinned,
        breaks=(
            Break(
                what="the tag was pointed to another image of the same signer",
                change=repointed(REFERENCE),
                of=IMAGE,
                code="policy.digest",
            ),
        ),
    ),
    Asked(
        number="SC5",
        page="Both identities are pinned to refs/tags/<tag>",
        rule="identity, exact, with its ref",
        unmet="signed by 'release'",
        holds=signed(IMAGE, by=BOTH[:1]),
        breaks=(
            Break(
                what="a run of a branch",
                change=built("wheel", "sdist", "image", ref="refs/heads/main"),
                of=IMAGE,
                code="policy.identity",
            ),
        ),
    ),
    Asked(
        number="SC6",
        page="a fork, another tag, a latest image: subject mismatch",
        rule="identity, exact",
        unmet="signed by 'release'",
        holds=signed(WHEEL, by=BOTH),
        breaks=(
            Break(
                what="another tag",
                change=built("wheel", "image", ref="refs/tags/v0.10.4"),
                of=WHEEL,
                code="policy.identity",
            ),
            Break(
                what="an image built from main",
                change=built("image", ref="refs/heads/main", workflow=".github/workflows/ci.yml"),
                of=IMAGE,
                code="policy.identity",
            ),
        ),
    ),
    Asked(
        number="SC7",
        page="error: tlog entry not found",
        rule="an identity's signature must be in its instance's log",
        unmet="signed by 'release'",
        holds=signed(WHEEL, by=BOTH),
        breaks=(
            Break(
                what="the bundle has no log entry",
                change=ordered(Options(form="no-log"), "wheel"),
                of=WHEEL,
                code="sigstore.no-log",
            ),
        ),
    ),
    Asked(
        number="SC8",
        page="subject mismatch",
        rule="the message shows both identities, and the part that differs",
        unmet="signed by 'release'",
        holds=signed(WHEEL, by=BOTH),
        breaks=tuple(
            Break(
                what=f"the {name} differs",
                change=built("wheel", **facts),
                of=WHEEL,
                code="policy.identity",
                also=segment(name),
            )
            for name, facts in {
                "repository": {"repository": FORK},
                "workflow": {"workflow": ".github/workflows/nightly.yml"},
                "ref": {"ref": "refs/tags/v0.10.4"},
            }.items()
        ),
    ),
    Asked(
        number="SC9",
        page="error: bundle does not match",
        rule="the message names the file that the bundle is for",
        unmet="signed by 'release'",
        holds=signed(WHEEL, by=BOTH),
        breaks=(
            Break(
                what="the sdist's bundle lies beside the wheel",
                change=beside_another,
                of=WHEEL,
                code="evidence.other-file",
                also=of_the_sdist,
            ),
            Break(
                what="the bundle is of a file that is not in the pack",
                change=of_no_file,
                of=WHEEL,
                code="sigstore.digest",
            ),
        ),
    ),
    Asked(
        number="SC10",
        page="It does not prove …",
        rule="the report of every PASS says so",
        unmet="signed by 'release'",
        holds=told,
        breaks=(
            Break(
                what="what fails is never told as proof",
                change=built("wheel", "sdist", repository=FORK),
                of=WHEEL,
                code="policy.identity",
                says="(differs in: repository)",
                also=promises_nothing,
            ),
        ),
    ),
    Asked(
        number="SC11",
        page="Pin by digest in production manifests",
        rule="export --as pins",
        unmet="signed by 'release'",
        holds=exported,
        breaks=(
            Break(
                what="an unsigned image is not pinned",
                change=without("image"),
                of=IMAGE,
                code="ledger.absent",
                says=f"its source had no cosign signatures of {IMAGE} ",
                also=not_exported,
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    return passing(securescan(LAB), tmp_path_factory.mktemp("securescan"))


@pytest.mark.parametrize("asked", each(ASKED))
def test_it_holds(checked: Checked, asked: Asked) -> None:
    asked.holds(checked)


@pytest.mark.parametrize("way", broken(ASKED))
def test_broken_at_its_source_it_fails_by_name(tmp_path: Path, way: Break) -> None:
    way.fails(securescan(LAB), tmp_path)
