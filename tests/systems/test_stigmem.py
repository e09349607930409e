"""Stigmem: an image, npm, PyPI, and what the maintainer signs by hand (ST1 to ST14)."""

from __future__ import annotations

import hashlib
import json
from binascii import a2b_base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kit.pack.reader import Pack
from tests import documents
from tests.lab import builds, old_forms
from tests.lab.builds import V02, V1, Build
from tests.lab.npm import PUBLISH as NPM_PUBLISH
from tests.lab.order import Options
from tests.lab.places import PUBLISH as PYPI_PUBLISH
from tests.lab.places import Registry
from tests.lab.shelf import Shelf
from tests.lab.world import Release
from tests.lab.world.systems import SPDX, stigmem
from tests.lab.world.world import BUNDLES
from tests.openpgp import GPG, Key, armored
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
    ordered,
    passing,
    repointed,
    saying,
    without,
)

pytestmark = pytest.mark.skipif(not GPG.exists(), reason="gpg is not installed")

NODE, REFERENCE = "stigmem-node:0.9.0a2", "ghcr.io/eidetic-labs/stigmem-node:0.9.0a2"
NPM = "eidetic-labs-stigmem-ts-0.9.0-alpha.2.tgz"
WHEEL, SDIST = "stigmem_py-0.9.0a2-py3-none-any.whl", "stigmem_py-0.9.0a2.tar.gz"
SBOM, DIGESTS = "stigmem-node-sbom.spdx.json", "stigmem-node-image-digest.txt"
REPOSITORY = "https://github.com/eidetic-labs/stigmem"
WORKFLOW = f"{REPOSITORY}/.github/workflows/publish.yml@refs/tags/v0.9.0a2"
FORK = "https://github.com/mallory/stigmem"
OF_NODE = ("signature", "sbom", "provenance")


# ---- broken


def of_another_commit(build: Build, _: str) -> dict[str, object]:
    """Say that another commit was built than the certificate has."""
    return builds.buildkit_v02(replace(build, commit="f" * 40), "x")


def without_dockerfile(build: Build, _: str) -> dict[str, object]:
    """Say everything but which Dockerfile was built."""
    made = builds.buildkit_v02(build)
    del made["invocation"]["configSource"]["entryPoint"]
    return made


def with_loose_input(build: Build, _: str) -> dict[str, object]:
    """Name a base image by its tag alone."""
    made = builds.buildkit_v02(build)
    del made["materials"][0]["digest"]
    return made


def only_attached(release: Release) -> Release:
    """Attach the SBOM as cosign did before there were attestations, signed by nobody."""
    return replace(release.without("sbom"), attached={REFERENCE: release.assets[SBOM]})


def log_is_down(release: Release) -> Release:
    """Sign the SBOM file without its log entry, while Rekor does not answer."""
    build = release.pieces["signature"].by
    assert isinstance(build, Build)
    signature, pem = old_forms.detached(release.lab.sign(release.assets[SBOM], **build.signed()))
    more = {f"{SBOM}.sig": signature, f"{SBOM}.pem": pem}
    return replace(release, assets={**release.assets, **more}, log_answers=False)


def by_a_stranger(name: str) -> Callable[[Release], Release]:
    """Return the change that has another key sign a file, and lays that key beside it."""
    key = armored(Key("mallory").public, "PUBLIC KEY BLOCK")
    return lambda release: replace(
        release,
        openpgp={**release.openpgp, name: "mallory"},
        assets={**release.assets, "stigmem-release-signing-key.asc": key},
    )


def listed_otherwise(release: Release) -> Release:
    """Sign a list that gives the image another digest."""
    text = f"sha256:{'a' * 64}  {REFERENCE}\n".encode()
    return replace(release, assets={**release.assets, DIGESTS: text})


# ---- seen


def pinned(checked: Checked) -> None:
    digest = checked.release.images[REFERENCE].digest
    assert artifact(checked.ran, NODE)["digest"] == digest
    (row,) = [r for r in checked.ledger() if r["wanted"] == NODE]
    assert row["note"] == f"the tag 0.9.0a2 named {digest}"


def signed(checked: Checked) -> None:
    assert checked.claim(NODE, None, "publish.yml")["identity"]["subject"] == WORKFLOW


def attested(checked: Checked) -> None:
    claim = checked.claim(NODE, SPDX)
    assert claim["identity"]["subject"] == WORKFLOW
    assert (claim["predicate"]["format"], claim["predicate"]["components"]) == ("spdx", 2)


def by_buildkit(checked: Checked) -> None:
    """See repository, tag, commit, workflow and Dockerfile, and the schema they are judged by."""
    schema = hashlib.sha256((BUNDLES / "stigmem/buildkit.schema.json").read_bytes()).hexdigest()
    (result,) = checked.ran.document["results"]
    assert result["report"]["predicate-schemas"] == {"buildkit.schema.json": schema}
    assert f"schema sha256:{schema} (buildkit.schema.json)" in checked.text
    claim = checked.claim(NODE, V02)
    said = claim["predicate"]
    assert said["source-repository"] == REPOSITORY
    assert said["source-ref"] == "refs/tags/v0.9.0a2"
    assert said["source-digest"] == checked.release.commit
    assert said["external-parameters"]["configSource"]["entryPoint"] == "Dockerfile"
    assert claim["identity"]["facts"]["build-signer-uri"] == WORKFLOW
    assert said["conflicts"] == []


def kept(checked: Checked) -> None:
    """See that image and SBOM go on together, and the signed SBOM file by itself."""
    folder = checked.site.folder
    assert checked.again("export", "--as", "oci", "--to", "layout").status == 0
    attested = json.loads(documents_of(folder / "layout", SPDX))["predicate"]
    assert attested == json.loads(checked.release.assets[SBOM])
    assert checked.again("extract", "--only", SBOM, "--to", "ticket").status == 0
    assert (folder / "ticket" / SBOM).read_bytes() == checked.release.assets[SBOM]


def documents_of(layout: Path, kind: str) -> bytes:
    """Return the one statement of a type among the envelopes of a layout."""
    found = []
    for path in (layout / "blobs/sha256").iterdir():
        if b'"payloadType"' in (raw := path.read_bytes()):
            statement = a2b_base64(json.loads(raw)["payload"])
            found += [statement] if json.loads(statement)["predicateType"] == kind else []
    (one,) = found
    return one


def logged(checked: Checked) -> None:
    """See index, id and time of the log entry, and whom the certificate names."""
    for claim in checked.claims(NODE):
        if claim["identity"]["type"] != "openpgp":
            assert set(claim["log"]) >= {"log-id", "log-index", "entry"}
            assert claim["signed-at"] == "2025-06-01T12:00:00Z"
            assert claim["identity"]["facts"]["run-invocation-uri"]


def without_rekor(checked: Checked) -> None:
    """See that the check passed where there is no network at all, as the fixture ran it."""
    assert checked.ran.status == 0


def from_npm(checked: Checked) -> None:
    assert checked.claim(NPM, V1)["identity"]["subject"] == WORKFLOW
    assert checked.claim(NPM, NPM_PUBLISH)["log"]["log-index"]


def from_pypi(checked: Checked) -> None:
    for name in (WHEEL, SDIST):
        assert checked.claim(name, PYPI_PUBLISH)["identity"]["subject"] == WORKFLOW


def exported(checked: Checked) -> None:
    assert checked.again("export", "--as", "pins", "--to", "pins").status == 0
    pins = checked.site.folder / "pins"
    lines = (pins / "requirements.txt").read_text(encoding="utf-8")
    assert lines.startswith("stigmem-py==0.9.0a2 ")
    assert lines.count("--hash=sha256:") == 2
    assert (
        (pins / "packages.txt")
        .read_text()
        .startswith("@eidetic-labs/stigmem-ts@0.9.0-alpha.2 sha512-")
    )
    assert SBOM in (pins / "SHA256SUMS").read_text(encoding="utf-8")


def nothing_pinned(checked: Checked) -> None:
    ran = checked.again("export", "--as", "pins", "--only", WHEEL, "--to", "pins")
    assert ran.status == 1
    assert not (checked.site.folder / "pins").exists()


def by_the_maintainer(checked: Checked) -> None:
    (claim,) = checked.claims(SBOM)
    assert claim["identity"]["subject"] == Key("maintainer").fingerprint


def extracted(checked: Checked) -> None:
    assert checked.again("extract", "--only", SBOM, "--to", "mirror").status == 0
    assert [path.name for path in (checked.site.folder / "mirror").iterdir()] == [SBOM]
    with Registry(Shelf(), name="eidetic-labs/stigmem-node") as registry:
        assert checked.again("push", "--to", registry.host).status == 0
        assert registry.shelf.tags["0.9.0a2"] == checked.release.images[REFERENCE].digest


def nothing_extracted(checked: Checked) -> None:
    for command in (("extract",), ("export", "--as", "files")):
        ran = checked.again(*command, "--only", SBOM, "--to", "mirror")
        assert ran.status == 1
        assert ran.document["results"][0]["written"] == []
        assert not list(checked.site.folder.glob("mirror/*"))
    with Registry(Shelf(), name="eidetic-labs/stigmem-node") as registry:
        ran = checked.again("push", "--to", registry.host, "--unverified-evidence")
        assert ran.status == 1
        assert ran.document["results"][0]["written"] == [f"{registry.repository}:0.9.0a2"]
    sent = [blob.raw for blob in registry.shelf.blobs.values()]
    assert checked.release.assets[SBOM] not in sent


def nothing_pushed(checked: Checked) -> None:
    """See that the registry is not even asked."""
    with Registry(Shelf()) as registry:
        ran = checked.again("push", "--to", registry.host)
        assert ran.status == 1
        assert registry.requests == []


def in_the_list(checked: Checked) -> None:
    listed = [claim["listed-in"] for claim in checked.claims(NODE)]
    assert DIGESTS in listed
    with Pack.open(checked.site.folder / checked.pack) as pack:
        assert DIGESTS in {item.name for item in pack.manifest.evidence}


def proves_no_rebuild(checked: Checked) -> None:
    text = (Path(__file__).parents[2] / "bundles/stigmem/README.md").read_text(encoding="utf-8")
    assert "somebody rebuilds the image and gets another digest\nproves no tampering" in text
    assert "Not proved: " in checked.text


def to_investigate(checked: Checked) -> None:
    hints = [f["hint"] or "" for f in artifact(checked.ran, NODE)["findings"]]
    assert any("a reason to investigate, and no proof of tampering" in hint for hint in hints)


ASKED = (
    Asked(
        number="ST1",
        page='DIGEST="$(crane digest "$IMAGE:$VERSION")"',
        rule="digest; the ledger has what the tag named",
        unmet="digest sha256:",
        holds=pinned,
        breaks=(
            Break(
                what="the tag names another image of the same workflow",
                change=repointed(REFERENCE),
                of=NODE,
                code="policy.digest",
            ),
        ),
    ),
    Asked(
        number="ST2",
        page="cosign verify --certificate-identity-regexp '…/publish.yml@refs/tags/v.*'",
        rule="identity, exact: repository, workflow, this release's tag",
        unmet="signed by 'publish'",
        holds=signed,
        breaks=(
            Break(
                what="a fork signed it",
                change=built(*OF_NODE, repository=FORK),
                of=NODE,
                code="policy.identity",
            ),
            Break(
                what="the release before, which the page's pattern takes",
                change=built(*OF_NODE, ref="refs/tags/v0.9.0a1"),
                of=NODE,
                code="policy.identity",
            ),
        ),
    ),
    Asked(
        number="ST3",
        page="cosign verify-attestation --type spdxjson",
        rule='predicate-type = "spdx", sbom = {format = "spdx"}',
        unmet="of type spdx, an SBOM (spdx)",
        holds=attested,
        breaks=(
            Break(what="no SBOM", change=without("sbom"), of=NODE, code="policy.predicate-type"),
            Break(
                what="an SBOM that is attested to another image",
                change=copied("sbom"),
                of=NODE,
                code="statement.subject",
            ),
            Break(
                what="an SBOM that lists nothing",
                change=saying(lambda *_: documents.spdx(packages=0), "sbom"),
                of=NODE,
                code="policy.sbom-components",
            ),
        ),
    ),
    Asked(
        number="ST4",
        page="cosign verify-attestation --type slsaprovenance",
        rule="source-repository, source-tag, source-digest, signer-workflow, predicate-schema",
        unmet=f"of type slsa-provenance, from {REPOSITORY}, at refs/tags/v0.9.0a2, commit ",
        holds=by_buildkit,
        breaks=(
            Break(
                what="provenance of another commit than its certificate",
                change=saying(of_another_commit, "provenance"),
                of=NODE,
                code="provenance.disagrees",
            ),
            Break(
                what="built at another commit",
                change=built("provenance", commit="f" * 40),
                of=NODE,
                code="policy.source-digest",
            ),
            Break(
                what="another workflow built it",
                change=built("provenance", workflow=".github/workflows/nightly.yml"),
                of=NODE,
                code="policy.identity",
            ),
            Break(
                what="it names no Dockerfile",
                change=saying(without_dockerfile, "provenance"),
                of=NODE,
                code="policy.predicate-schema",
            ),
            Break(
                what="an input of the build has no digest",
                change=saying(with_loose_input, "provenance"),
                of=NODE,
                code="policy.predicate-schema",
            ),
        ),
    ),
    Asked(
        number="ST5",
        page="cosign download sbom",
        rule="the attested SBOM, exported with the image; the signed file, extracted",
        unmet="of type spdx, an SBOM (spdx)",
        holds=kept,
        breaks=(
            Break(
                what="an SBOM that is only attached, and signed by nobody",
                change=only_attached,
                of=NODE,
                code="evidence.unsigned",
            ),
        ),
    ),
    Asked(
        number="ST6",
        page="Keep the cosign output … certificate and transparency-log metadata",
        rule="the report has log index, log id, time and certificate of each claim",
        unmet="signed by 'publish'",
        holds=logged,
        breaks=(
            Break(
                what="the log's promise is not the log's",
                change=ordered(Options(spoil="set"), *OF_NODE),
                of=NODE,
                code="sigstore.promise",
            ),
        ),
    ),
    Asked(
        number="ST7",
        page="If public Rekor is temporarily unavailable … do not deploy",
        rule="no entry, no PASS; no answer, no pack; the check asks no log",
        unmet="of type slsa-provenance",
        holds=without_rekor,
        breaks=(
            Break(
                what="signed while the log was down",
                change=ordered(Options(form="no-log"), "npm provenance"),
                of=NPM,
                code="sigstore.no-log",
            ),
            Break(
                what="the log does not answer while collecting",
                change=log_is_down,
                status=5,
                code="machine.unauthorized",
            ),
        ),
    ),
    Asked(
        number="ST8",
        page="npm provenance points back to eidetic-labs/stigmem, publish.yml, and the release tag",
        rule="npm:…, provenance by the workflow, publish attestation by npm's key",
        unmet="of type slsa-provenance",
        holds=from_npm,
        breaks=(
            Break(
                what="provenance of a fork",
                change=built("npm provenance", repository=FORK),
                of=NPM,
                code="policy.identity",
            ),
            Break(
                what="provenance at another tag",
                change=built("npm provenance", ref="refs/tags/v0.9.0a1"),
                of=NPM,
                code="policy.identity",
            ),
            Break(
                what="a publish attestation by another key than npm's",
                change=lambda release: release.by("mallory", "npm publish"),
                of=NPM,
                code="sigstore.entry",
                unmet="signed by 'npm'",
            ),
        ),
    ),
    Asked(
        number="ST9",
        page="the GitHub Trusted Publisher for eidetic-labs/stigmem and publish.yml",
        rule="pypi:…, publish attestations by this identity",
        unmet="of type https://docs.pypi.org/attestations/publish/v1",
        holds=from_pypi,
        breaks=(
            Break(
                what="another workflow published the wheel",
                change=built(f"publish {WHEEL}", workflow=".github/workflows/test.yml"),
                of=WHEEL,
                code="policy.identity",
            ),
            Break(
                what="the sdist has no attestation",
                change=without(f"publish {SDIST}"),
                of=SDIST,
                code="ledger.absent",
            ),
        ),
    ),
    Asked(
        number="ST10",
        page="python -m pip hash",
        rule="export --as pins",
        unmet="of type https://docs.pypi.org/attestations/publish/v1",
        holds=exported,
        breaks=(
            Break(
                what="what fails is not pinned",
                change=built(f"publish {WHEEL}", repository=FORK),
                of=WHEEL,
                code="policy.identity",
                says="(differs in: repository)",
                also=nothing_pinned,
            ),
        ),
    ),
    Asked(
        number="ST11",
        page="gpg --import …, gpg --verify …",
        rule="openpgp, the whole fingerprint, from this host's anchors",
        unmet="signed by 'maintainer'",
        holds=by_the_maintainer,
        breaks=(
            Break(
                what="another key signed it, and lies beside it",
                change=by_a_stranger(SBOM),
                of=SBOM,
                code="openpgp.unknown-key",
            ),
        ),
    ),
    Asked(
        number="ST12",
        page="Do not mirror or deploy an artifact whose detached signature does not verify",
        rule="extract, export and push take only what passed",
        unmet="signed by 'maintainer'",
        holds=extracted,
        breaks=(
            Break(
                what="its signature is not the maintainer's",
                change=by_a_stranger(SBOM),
                of=SBOM,
                code="openpgp.unknown-key",
                says=f"{SBOM}.asc: it is signed by",
                also=nothing_extracted,
            ),
            Break(
                what="the signature of the image's digest file is not the maintainer's",
                change=by_a_stranger(DIGESTS),
                of=NODE,
                code="openpgp.unknown-key",
                says=f"{DIGESTS}.asc: it is signed by",
                also=nothing_pushed,
            ),
        ),
    ),
    Asked(
        number="ST13",
        page="gpg --verify stigmem-node-image-digest.txt.asc",
        rule='listed-in = "stigmem-node-image-digest.txt"',
        unmet="listed in stigmem-node-image-digest.txt",
        holds=in_the_list,
        breaks=(
            Break(
                what="the signed list gives the image another digest",
                change=listed_otherwise,
                of=NODE,
                code="digest.mismatch",
            ),
            Break(
                what="a stranger signed the list",
                change=by_a_stranger(DIGESTS),
                of=NODE,
                code="openpgp.unknown-key",
                says=f"{DIGESTS}.asc: it is signed by",
            ),
        ),
    ),
    Asked(
        number="ST14",
        page="Treat a digest mismatch from a later local rebuild as an investigation signal",
        rule="said where a digest differs",
        unmet="digest sha256:",
        holds=proves_no_rebuild,
        breaks=(
            Break(
                what="a rebuild with another digest",
                change=repointed(REFERENCE),
                of=NODE,
                code="policy.digest",
                also=to_investigate,
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    return passing(stigmem(LAB), tmp_path_factory.mktemp("stigmem"))


@pytest.mark.parametrize("asked", each(ASKED))
def test_it_holds(checked: Checked, asked: Asked) -> None:
    asked.holds(checked)


@pytest.mark.parametrize("way", broken(ASKED))
def test_broken_at_its_source_it_fails_by_name(tmp_path: Path, way: Break) -> None:
    way.fails(stigmem(LAB), tmp_path)
