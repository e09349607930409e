"""OpenMed: GitHub's attestations, online and from a folder that `gh` made (OM1 to OM10)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kit.pack.reader import Pack
from tests.lab import Lab, builds
from tests.lab.builds import V1, Build
from tests.lab.places import PUBLISH as PYPI_PUBLISH
from tests.lab.world import Release
from tests.lab.world.systems import openmed
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
    saying,
    without,
)

WHEEL, SDIST = "openmed-1.8.0-py3-none-any.whl", "openmed-1.8.0.tar.gz"
IMAGE, REFERENCE = "openmed:v1.8.0", "ghcr.io/maziyarpanahi/openmed:v1.8.0"
REPOSITORY = "https://github.com/maziyarpanahi/openmed"
AT = f"{REPOSITORY}/.github/workflows/"
FORK = "https://github.com/mallory/openmed"


def by_commands(release: Release) -> Release:
    """Return the release as a folder that the page's commands made, under `folder.toml`."""
    return replace(release, file="folder.toml")


# ---- broken


def of_a_fork(build: Build, _: str) -> dict[str, object]:
    """Say that a fork was built, where the certificate has the project."""
    return builds.github(replace(build, repository=FORK))


def listed_otherwise(reference: str) -> Callable[[Release], Release]:
    """Return the change that signs a list in which a reference has another digest."""
    other = f"sha256:{'a' * 64}"
    line = {"digests/image-digest.txt": f"{other}  {reference}@{other}\n".encode()}
    return lambda release: replace(release, folder={**release.folder, **line})


def changed_after(release: Release) -> Release:
    """Change the wheel in the folder once everything was made of it."""
    changed = {f"downloads/{WHEEL}": release.python[WHEEL] + b"\0"}
    return replace(release, folder={**release.folder, **changed})


def by_whoever_brings_a_root(release: Release) -> Release:
    """Sign everything by another Sigstore, whose trusted root lies in the folder."""
    return replace(release, lab=Lab("mallory"))


# ---- seen


def provenance(name: str, workflow: str) -> Callable[[Checked], None]:
    """Return what sees SLSA provenance by a workflow, with nothing in it that disagrees."""

    def holds(checked: Checked) -> None:
        claim = checked.claim(name, V1)
        assert claim["identity"]["subject"] == f"{AT}{workflow}@refs/tags/v1.8.0"
        assert claim["predicate"]["conflicts"] == []
        assert claim["accepted-by"] == ["airgap-kit", "sigstore-python"]

    return holds


def of_the_commit(checked: Checked) -> None:
    for name in (WHEEL, SDIST, IMAGE):
        claim = checked.claim(name, V1)
        both = (
            claim["predicate"]["source-digest"],
            claim["identity"]["facts"]["source-repository-digest"],
        )
        assert both == (checked.release.commit, checked.release.commit)


def of_the_tag(checked: Checked) -> None:
    for name in (WHEEL, SDIST, IMAGE):
        claim = checked.claim(name, V1)
        both = (
            claim["predicate"]["source-ref"],
            claim["identity"]["facts"]["source-repository-ref"],
        )
        assert both == ("refs/tags/v1.8.0", "refs/tags/v1.8.0")


def with_its_platforms(checked: Checked) -> None:
    """See the list attested, and its children in the pack and in the report."""
    provenance(IMAGE, "container-multiarch.yml")(checked)
    assert artifact(checked.ran, IMAGE)["digest"] == checked.release.images[REFERENCE].digest
    (told,) = [f for f in artifact(checked.ran, IMAGE)["findings"] if f["code"] == "oci.by-index"]
    assert "linux/amd64" in told["message"]
    assert "linux/arm64" in told["message"]


def listed(checked: Checked) -> None:
    assert "image-digest.txt" in {claim["listed-in"] for claim in checked.claims(IMAGE)}


def published(checked: Checked) -> None:
    for name in (WHEEL, SDIST):
        claim = checked.claim(name, PYPI_PUBLISH)
        assert claim["identity"]["subject"] == f"{AT}publish.yml@refs/tags/v1.8.0"


def all_but_the_root(checked: Checked) -> None:
    """See bundle and digest file in the pack, no colon in any name, and no trusted root."""
    with Pack.open(checked.site.folder / checked.pack) as pack:
        paths = [member.path for member in pack.manifest.members]
        names = {item.name for item in pack.manifest.evidence}
    assert not [path for path in paths if ":" in path]
    assert "artifact.sha256" in names
    assert any(name.startswith("sha256") and name.endswith(".jsonl") for name in names)
    rows = {row["wanted"]: row["answer"] for row in checked.ledger()}
    assert rows["trusted_root.jsonl"] == "skipped"


def in_one_command(checked: Checked) -> None:
    """See the digest and the attestation in one report, under a root given by hand."""
    digest = hashlib.sha256(checked.release.python[WHEEL]).hexdigest()
    root = checked.site.folder / "trusted_root.jsonl"
    root.write_bytes((checked.site.folder / "trust-roots/sigstore/trusted_root.json").read_bytes())
    ran = checked.again("check", "--trusted-root", f"sigstore={root.name}")
    assert ran.status == 0, ran.out
    found = artifact(ran, WHEEL)
    assert found["digest"] == f"sha256:{digest}"
    assert [claim["predicate-type"] for claim in found["claims"]] == [V1]


def as_it_is(checked: Checked) -> None:
    provenance(WHEEL, "provenance.yml")(checked)
    assert checked.ran.status == 0


ONLINE = (
    Asked(
        number="OM1",
        page="gh attestation verify … --predicate-type https://slsa.dev/provenance/v1",
        rule='predicate-type = "https://slsa.dev/provenance/v1"',
        unmet="of type https://slsa.dev/provenance/v1",
        holds=provenance(SDIST, "provenance.yml"),
        breaks=(
            Break(
                what="no attestation of the sdist",
                change=without("sdist"),
                of=SDIST,
                code="ledger.absent",
            ),
            Break(
                what="the predicate names another repository than the certificate",
                change=saying(of_a_fork, "wheel"),
                of=WHEEL,
                code="provenance.disagrees",
            ),
        ),
    ),
    Asked(
        number="OM2",
        page="--signer-workflow …/.github/workflows/provenance.yml",
        rule="identity, exact, with its ref",
        unmet="signed by 'provenance'",
        holds=provenance(WHEEL, "provenance.yml"),
        breaks=(
            Break(
                what="another workflow of the repository",
                change=built("wheel", shared=f"{AT}ci.yml@refs/tags/v1.8.0"),
                of=WHEEL,
                code="policy.identity",
            ),
            Break(
                what="the workflow as a branch has it",
                change=built("wheel", shared=f"{AT}provenance.yml@refs/heads/main"),
                of=WHEEL,
                code="policy.identity",
            ),
        ),
    ),
    Asked(
        number="OM3",
        page='--source-digest "$COMMIT"',
        rule="source-digest, in certificate and predicate",
        unmet="commit ",
        holds=of_the_commit,
        breaks=(
            Break(
                what="another commit",
                change=built("wheel", commit="f" * 40),
                of=WHEEL,
                code="policy.source-digest",
            ),
        ),
    ),
    Asked(
        number="OM4",
        page='--source-ref "refs/tags/$VERSION"',
        rule="source-ref, in certificate and predicate",
        unmet="at refs/tags/v1.8.0",
        holds=of_the_tag,
        breaks=(
            Break(
                what="another tag",
                change=built("wheel", ref="refs/tags/v1.7.9"),
                of=WHEEL,
                code="policy.source-ref",
            ),
        ),
    ),
    Asked(
        number="OM5",
        page='gh attestation verify "oci://…@$DIGEST" --signer-workflow …/container-multiarch.yml',
        rule="oci:…, identity, exact; all platforms are carried",
        unmet="signed by 'container'",
        holds=with_its_platforms,
        breaks=(
            Break(
                what="another workflow attested the image",
                change=built("image", workflow=".github/workflows/provenance.yml"),
                of=IMAGE,
                code="policy.identity",
            ),
            Break(
                what="no attestation of the image",
                change=without("image"),
                of=IMAGE,
                code="ledger.absent",
                says=f"attestations of {IMAGE} ",
            ),
        ),
    ),
    Asked(
        number="OM8",
        page="printf '%s  %s\\n' \"$DIGEST\" … > image-digest.txt",
        rule='listed-in = "image-digest.txt", signed by a key of this host',
        unmet="listed in image-digest.txt",
        holds=listed,
        breaks=(
            Break(
                what="the list, as the page writes it, has another digest",
                change=listed_otherwise(REFERENCE.rpartition(":")[0]),
                of=IMAGE,
                code="policy.listed-in",
            ),
            Break(
                what="the list gives this tag another digest",
                change=listed_otherwise(REFERENCE),
                of=IMAGE,
                code="digest.mismatch",
            ),
            Break(
                what="nobody signed the list",
                change=without("digests"),
                of=IMAGE,
                code="evidence.unsigned",
                says="image-digest.txt: nothing that was verified vouches for this",
            ),
        ),
    ),
    Asked(
        number="OM9",
        page="The PyPI publish action still emits PyPI/Sigstore attestations",
        rule="a publish attestation by the publisher's identity",
        unmet="signed by 'pypi'",
        holds=published,
        breaks=(
            Break(
                what="a fork published the wheel",
                change=built("publish wheel", repository=FORK),
                of=WHEEL,
                code="policy.identity",
            ),
        ),
    ),
)
OFFLINE = (
    Asked(
        number="OM6",
        page="gh attestation download, gh attestation trusted-root, sha256sum",
        rule='source = "file:downloads"',
        unmet="signed by 'provenance'",
        holds=all_but_the_root,
        breaks=(
            Break(
                what="the downloaded bundle was left behind",
                change=without("wheel"),
                of=WHEEL,
                code="ledger.absent",
                says=f"signatures and attestations of {WHEEL}",
            ),
        ),
    ),
    Asked(
        number="OM7",
        page="sha256sum --check, then gh attestation verify --bundle --custom-trusted-root",
        rule="one `check`, which hashes every byte first",
        unmet="signed by 'provenance'",
        holds=in_one_command,
        breaks=(
            Break(
                what="the wheel was changed on the way",
                change=changed_after,
                of=WHEEL,
                code="digest.differs",
            ),
        ),
    ),
    Asked(
        number="OM10",
        page="Move the artifact, artifact.sha256, trusted_root.jsonl and the bundle",
        rule='source = "file:downloads"; the root there is no anchor',
        unmet="signed by 'provenance'",
        holds=as_it_is,
        breaks=(
            Break(
                what="whoever made the folder brought a root of their own",
                change=by_whoever_brings_a_root,
                of=WHEEL,
                code="sigstore.chain",
            ),
        ),
    ),
)
ASKED = (*ONLINE, *OFFLINE)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    return passing(openmed(LAB), tmp_path_factory.mktemp("openmed"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    return passing(by_commands(openmed(LAB)), tmp_path_factory.mktemp("folder"))


@pytest.mark.parametrize("asked", each(ONLINE))
def test_it_holds(checked: Checked, asked: Asked) -> None:
    asked.holds(checked)


@pytest.mark.parametrize("asked", each(OFFLINE))
def test_of_the_folder_it_holds(folder: Checked, asked: Asked) -> None:
    asked.holds(folder)


@pytest.mark.parametrize("way", broken(ONLINE))
def test_broken_at_its_source_it_fails_by_name(tmp_path: Path, way: Break) -> None:
    way.fails(openmed(LAB), tmp_path)


@pytest.mark.parametrize("way", broken(OFFLINE))
def test_of_the_folder_it_fails_by_name(tmp_path: Path, way: Break) -> None:
    way.fails(by_commands(openmed(LAB)), tmp_path)
