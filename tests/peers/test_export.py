"""An exported layout in the hands of the field's tools: nothing is lost, and cosign verifies it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import documents
from tests.e2e.conftest import ISSUER, SIGNERS, WORKFLOW, Site
from tests.images import Carried, line
from tests.lab import cosign as lab_cosign
from tests.lab.images import Blob, attesting, tag_of
from tests.peers.conftest import Running, run, start

pytestmark = pytest.mark.peers

SPDX = "https://spdx.dev/Document"
WHO = ("--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", ISSUER)
ROOT = ("--trusted-root", "trust-roots/acme/trusted_root.json")


def layer(content: bytes) -> bytes:
    """Return a layer as tools unpack it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("hello")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(out.getvalue(), mtime=0)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Running]:
    """Run a registry without the referrers API."""
    yield from start("docker-registry", tmp_path / "registry")


@pytest.fixture
def index(site: Site) -> Blob:
    """Export an index of two platforms with evidence of every kind into ``layout``."""
    carried = Carried()
    store = carried.store
    children = [
        store.image(platform, layer(platform.encode()))
        for platform in ("linux/amd64", "linux/arm64")
    ]
    attested = store.buildkit(children[0])
    made = store.index(*children, dict(attesting(attested, children[0])))
    carried.artifact(made)
    carried.buildkit(attested, children[0])
    signature = lab_cosign.signature(store, site.lab, made, "ghcr.io/acme/tool")
    carried.sig(store.attached(signature), made)
    carried.bundle(*lab_cosign.signed_bundle(store, site.lab, made), made)
    for child in children:
        bill = documents.spdx(sha256=None)
        layer_of = lab_cosign.attestation(store, site.lab, child, SPDX, bill)
        carried.att(store.attached(layer_of), child)
    carried.write(site.folder / "tool.pack.tar")
    site.policy(line(), SIGNERS)
    ran = site.run(
        "export", "tool.pack.tar", "--policy", "release.toml", "--as", "oci", "--to", "layout"
    )
    assert ran.status == 0, ran.err
    return made


def test_oras_carries_the_referrers_and_cosign_verifies_them(
    site: Site, index: Blob, registry: Running
) -> None:
    layout = f"{site.folder / 'layout'}:1.0"
    assert index.digest in run("oras", "discover", "--oci-layout", layout)
    run(
        "oras",
        "cp",
        "-r",
        "--from-oci-layout",
        layout,
        "--to-plain-http",
        f"{registry.repository}:1.0",
    )
    where = f"{registry.repository}@{index.digest}"
    new = ("--allow-http-registry", "--new-bundle-format=true")
    run("cosign", "verify", *new, *WHO, *ROOT, where, cwd=site.folder)


def test_skopeo_carries_what_was_signed_the_old_way_and_cosign_verifies_it(
    site: Site, index: Blob, registry: Running
) -> None:
    layout = site.folder / "layout"
    value = json.loads((layout / "index.json").read_bytes())
    named = [
        entry["annotations"]["org.opencontainers.image.ref.name"]
        for entry in value["manifests"]
        if "annotations" in entry
    ]
    for tag in named:
        if tag == tag_of(index):
            continue  # skopeo writes an index of referrers anew
        run(
            "skopeo", "copy", "--all", "--preserve-digests", "--dest-tls-verify=false",
            f"oci:{layout}:{tag}", f"docker://{registry.repository}:{tag}",
        )  # fmt: skip
    old = ("--allow-http-registry", "--new-bundle-format=false")
    where = f"{registry.repository}@{index.digest}"
    run("cosign", "verify", *old, *WHO, *ROOT, where, cwd=site.folder)
    for child in json.loads(index.raw)["manifests"][:2]:
        where = f"{registry.repository}@{child['digest']}"
        attested = (*old, "--type", "spdxjson", *WHO, *ROOT, where)
        run("cosign", "verify-attestation", *attested, cwd=site.folder)
        run("crane", "validate", "--insecure", "--remote", where)


def test_crane_pushes_the_layout_whole(site: Site, index: Blob, registry: Running) -> None:
    run(
        "crane",
        "push",
        "--insecure",
        "--index",
        str(site.folder / "layout"),
        f"{registry.repository}:all",
    )
    shown = json.loads(run("crane", "manifest", "--insecure", f"{registry.repository}:all"))
    assert index.digest in {entry["digest"] for entry in shown["manifests"]}
