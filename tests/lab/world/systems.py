"""The five systems, each as its project's verification page describes its release."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from tests import archives, documents
from tests.lab import builds, npm
from tests.lab.builds import V02, V1, Build
from tests.lab.instance import Lab
from tests.lab.npm import PUBLISH as NPM_PUBLISH
from tests.lab.order import Options
from tests.lab.places import PUBLISH as PYPI_PUBLISH
from tests.lab.shelf import Document, buildkit, chart, image, index
from tests.lab.world.release import Piece, Release, Where
from tests.openpgp import Key

SPDX, CYCLONEDX = "https://spdx.dev/Document", "https://cyclonedx.org/bom"
VULN = "https://cosign.sigstore.dev/attestation/vuln/v1"
GENERATOR = (
    "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
    "generator_container_slsa3.yml@refs/tags/v2.1.0"
)
WELLMAINTAINED = (
    "postgres",
    "redis",
    "minio",
    "sbomify-app",
    "sbomify-keycloak",
    "sbomify-caddy-dev",
    "sbomify-minio-init",
)


def _commit(repository: str, tag: str) -> str:
    """Return the commit that the lab's GitHub says a tag points to."""
    return hashlib.sha1(
        f"pkg:github/{repository}@{tag}".encode(), usedforsecurity=False
    ).hexdigest()


def _build(repository: str, tag: str, workflow: str, **more: Any) -> Build:
    return Build(
        repository=f"https://github.com/{repository}",
        ref=f"refs/tags/{tag}",
        commit=_commit(repository, tag),
        workflow=f".github/workflows/{workflow}",
        **more,
    )


def spdx(_: Build, sha256: str) -> Mapping[str, Any]:
    """Return an SPDX document about what has this digest."""
    return documents.spdx(sha256=sha256)


def cyclonedx(_: Build, sha256: str) -> Mapping[str, Any]:
    """Return a CycloneDX document about what has this digest."""
    return documents.cyclonedx(sha256=sha256)


def github(build: Build, _: str) -> Mapping[str, Any]:
    """Return what actions/attest-build-provenance writes."""
    return builds.github(build)


def of_buildkit(build: Build, _: str) -> Mapping[str, Any]:
    """Return what BuildKit writes, with the Dockerfile and what went into the build."""
    return builds.buildkit_v02(build, f"{build.repository}/actions/runs/1/attempts/1")


def of_workflow(build: Build, _: str) -> Mapping[str, Any]:
    """Return what a workflow says of itself, in the version that cosign calls slsaprovenance."""
    return builds.workflow_v02(build)


def of_generator(build: Build, _: str) -> Mapping[str, Any]:
    """Return what slsa-github-generator writes of a container."""
    return builds.generator(build, "container")


def scanned(*scores: str | None, ago: timedelta = timedelta(days=1)) -> Callable[..., Any]:
    """Return what writes a Grype scan as cosign attests it: these scores, that long ago."""
    when = (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
    ran = {"executionSuccessful": True, "endTimeUtc": when}

    def predicate(*_: Any) -> Mapping[str, Any]:
        found = documents.sarif(*scores, invocations=[ran])
        return documents.vuln(found, metadata={"scanStartedOn": when, "scanFinishedOn": when})

    return predicate


def _platforms(name: str) -> Document:
    images = [image(cpu, f"{name} {cpu}".encode()) for cpu in ("amd64", "arm64")]
    return index([*images, buildkit(images[0])])


def _python(project: str, version: str) -> dict[str, bytes]:
    """Return a wheel and an sdist that say of themselves what they are."""
    said = archives.metadata(project, version)
    folder, base = f"{project}-{version}.dist-info", f"{project}-{version}"
    wheel = [
        (f"{project}/__init__.py", b""),
        (f"{folder}/METADATA", said),
        (f"{folder}/WHEEL", archives.wheel_metadata()),
        (f"{folder}/RECORD", b""),
    ]
    return {
        f"{base}-py3-none-any.whl": archives.zipped(wheel),
        f"{base}.tar.gz": archives.tarred([(f"{base}/PKG-INFO", said)]),
    }


def stigmem(lab: Lab) -> Release:
    """Return Stigmem: an image, npm, PyPI, and what the maintainer signs by hand."""
    repository, tag, version = "eidetic-labs/stigmem", "v0.9.0a2", "0.9.0a2"
    build = _build(repository, tag, "publish.yml")
    node = f"ghcr.io/eidetic-labs/stigmem-node:{version}"
    made = _platforms("stigmem")
    python = _python("stigmem_py", version)
    sbom = documents.spdx(sha256=made.hex)
    tarball = npm.packed("@eidetic-labs/stigmem-ts", "0.9.0-alpha.2")
    here = partial(Piece, about=node, where=Where.COSIGN, by=build)
    ts = partial(Piece, about="eidetic-labs-stigmem-ts-0.9.0-alpha.2.tgz", where=Where.NPM)
    return Release(
        system="stigmem",
        name="stigmem",
        version=version,
        repository=repository,
        tag=tag,
        commit=build.commit,
        lab=lab,
        images={node: made},
        python=python,
        project="stigmem-py",
        npm="@eidetic-labs/stigmem-ts",
        npm_version="0.9.0-alpha.2",
        tarball=tarball,
        assets={
            "stigmem-node-sbom.spdx.json": _json(sbom),
            "stigmem-node-image-digest.txt": f"{made.digest}  {node}\n".encode(),
        },
        openpgp=dict.fromkeys(
            ("stigmem-node-sbom.spdx.json", "stigmem-node-image-digest.txt"), "maintainer"
        ),
        values={"fingerprint": Key("maintainer").fingerprint},
        pieces={
            "signature": here(),
            "sbom": here(says=SPDX, predicate=spdx),
            "provenance": here(says=V02, predicate=of_buildkit),
            "npm provenance": ts(by=build, says=V1),
            "npm publish": ts(by="npm", says=NPM_PUBLISH),
            **{
                f"publish {name}": Piece(about=name, where=Where.PYPI, by=build, says=PYPI_PUBLISH)
                for name in python
            },
        },
    )


def securescan(lab: Lab) -> Release:
    """Return SecureScan: assets with bundles, and an image."""
    repository, tag = "Metbcy/securescan", "v0.11.0"
    build = _build(repository, tag, "release.yml")
    reference = "ghcr.io/metbcy/securescan:v0.11.0"
    files = _python("securescan", "0.11.0")
    return Release(
        system="securescan",
        name="securescan",
        version="0.11.0",
        repository=repository,
        tag=tag,
        commit=build.commit,
        lab=lab,
        images={reference: image(content=b"securescan")},
        assets=files,
        pieces={
            "image": Piece(about=reference, where=Where.COSIGN, by=build),
            **{
                kind: Piece(about=name, where=Where.ASSET, by=build)
                for kind, name in zip(("wheel", "sdist"), files, strict=True)
            },
        },
    )


def openmed(lab: Lab) -> Release:
    """Return OpenMed: GitHub's attestations of files on PyPI and of a manifest list."""
    repository, tag = "maziyarpanahi/openmed", "v1.8.0"
    at = f"https://github.com/{repository}/.github/workflows/provenance.yml@refs/tags/{tag}"
    build = _build(repository, tag, "publish.yml", shared=at)
    publisher = _build(repository, tag, "publish.yml")
    container = _build(repository, tag, "container-multiarch.yml")
    reference = "ghcr.io/maziyarpanahi/openmed:v1.8.0"
    made, files = _platforms("openmed"), _python("openmed", "1.8.0")
    repeated = reference.rpartition(":")[0]
    listed = f"{made.digest}  {repeated}@{made.digest}\n".encode()
    pieces = {
        "image": Piece(
            about=reference,
            where=Where.GITHUB,
            by=container,
            says=V1,
            predicate=github,
            named=repeated,
        ),
        "digests": Piece(about="digests/image-digest.txt", where=Where.FOLDER, by="desk"),
    }
    for kind, name in zip(("wheel", "sdist"), files, strict=True):
        here = partial(Piece, about=name, where=Where.GITHUB, by=build)
        pieces[kind] = here(says=V1, predicate=github)
        pieces[f"publish {kind}"] = Piece(
            about=name, where=Where.PYPI, by=publisher, says=PYPI_PUBLISH
        )
    return Release(
        system="openmed",
        name="openmed",
        version="1.8.0",
        repository=repository,
        tag=tag,
        commit=build.commit,
        lab=lab,
        images={reference: made},
        python=files,
        project="openmed",
        folder={"digests/image-digest.txt": listed},
        values={"publisher": publisher.signer},
        pieces=pieces,
    )


def wellmaintained(lab: Lab) -> Release:
    """Return the seven images, each signed, with provenance and an SBOM."""
    repository, tag = "wellmaintained/packages", "sbomify-v26.1.0-20260405.6"
    build = _build(repository, tag, "build.yml")
    pieces: dict[str, Piece] = {}
    images: dict[str, Document] = {}
    for name in WELLMAINTAINED:
        reference = f"ghcr.io/wellmaintained/packages/{name}:{tag}"
        images[reference] = image(content=name.encode())
        here = partial(Piece, about=reference, where=Where.COSIGN, by=build)
        pieces[f"{name} signature"] = here()
        pieces[f"{name} provenance"] = here(says=V02, predicate=of_workflow)
        pieces[f"{name} sbom"] = here(says=CYCLONEDX, predicate=cyclonedx)
    return Release(
        system="wellmaintained",
        name="wellmaintained-sbomify",
        version="26.1.0-20260405.6",
        repository=repository,
        tag=tag,
        commit=build.commit,
        lab=lab,
        images=images,
        pieces=pieces,
    )


def aotanami(lab: Lab) -> Release:
    """Return Aotanami: an image by a shared builder, a chart, SBOMs, and a scan."""
    repository, tag = "aotanami/aotanami", "v0.1.0"
    build = _build(repository, tag, "release-image.yml")
    helm = _build(repository, tag, "release-helm.yml")
    shared = _build(repository, tag, "release-image.yml", shared=GENERATOR)
    reference, charts = (
        "ghcr.io/aotanami/aotanami:v0.1.0",
        "ghcr.io/aotanami/charts/aotanami:0.1.0",
    )
    made, charted = image(content=b"aotanami"), chart("aotanami", "0.1.0")
    here = partial(Piece, about=reference, where=Where.COSIGN)
    there = partial(Piece, about=charts, where=Where.COSIGN, by=helm)
    return Release(
        system="aotanami",
        name="aotanami",
        version="0.1.0",
        repository=repository,
        tag=tag,
        commit=build.commit,
        lab=lab,
        images={reference: made, charts: charted},
        assets={
            "sbom-spdx.json": _json(spdx(build, made.hex)),
            "sbom-cyclonedx.json": _json(cyclonedx(build, made.hex)),
            "helm-sbom-spdx.json": _json(spdx(helm, charted.hex)),
        },
        pieces={
            "image": here(by=build),
            "provenance": here(by=shared, says=V02, predicate=of_generator),
            "spdx": here(by=build, says=SPDX, predicate=spdx),
            "cyclonedx": here(by=build, says=CYCLONEDX, predicate=cyclonedx),
            "chart": there(),
            "chart spdx": there(says=SPDX, predicate=spdx),
            "scan": Piece(
                about=reference,
                where=Where.FOLDER,
                by="security",
                says=VULN,
                predicate=scanned("3.1"),
                named=reference.rpartition(":")[0],
                options=Options(at=datetime.now(UTC).replace(microsecond=0)),
            ),
        },
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


#: By the name of their folder under `bundles`.
SYSTEMS: Mapping[str, Callable[[Lab], Release]] = MappingProxyType(
    {
        "stigmem": stigmem,
        "securescan": securescan,
        "openmed": openmed,
        "wellmaintained": wellmaintained,
        "aotanami": aotanami,
    }
)
