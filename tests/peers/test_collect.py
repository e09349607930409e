"""What real tools push is collected whole, and real tools read the layout of the pack."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.conftest import Site
from tests.e2e.test_oci import PACK, UNMET, collect, everything, layout_of, opened, row
from tests.lab.shelf import Shelf, image, index
from tests.peers.conftest import Running, run

pytestmark = pytest.mark.peers

RULES = """
[[artifact]]
source = "oci:{repository}:1.0"

[[artifact.require]]
signer = "release"
predicate-type = "slsa-provenance"

[[artifact.require]]
signer = "release"
predicate-type = "https://sigstore.dev/cosign/sign/v1"

[[artifact.require]]
signer = "release"
predicate-type = "https://sigstore.dev/cosign/sign/v1"
on = "each-platform"
"""


def unpacked(site: Site, to: Path, name: str = PACK) -> Path:
    """Return the layout of a pack, unpacked by tar."""
    with tarfile.open(site.folder / name) as tar:
        tar.extractall(to, filter="data")
    return to / "oci"


def skopeo_push(registry: Running, layout: Path) -> None:
    """Send an image of a layout, with every platform, as it is."""
    to = f"docker://{registry.repository}:1.0"
    as_it_is = ("--all", "--preserve-digests", "--dest-tls-verify=false")
    run("skopeo", "copy", *as_it_is, f"oci:{layout}:1.0", to)


def keys(site: Site) -> None:
    """Make a key pair of cosign's, and trust it."""
    run("cosign", "generate-key-pair", cwd=site.folder)
    folder = site.folder / "trust-roots/keys"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cosign.pub").write_bytes((site.folder / "cosign.pub").read_bytes())


def cosign(site: Site, command: str, *arguments: str, bundle: bool) -> None:
    """Sign or attest as cosign does, with the key, and nothing sent to any log."""
    run(
        "cosign", command, "-y", "--key", "cosign.key", "--allow-http-registry",
        "--tlog-upload=false", "--use-signing-config=false",
        f"--new-bundle-format={str(bundle).lower()}", *arguments, cwd=site.folder,
    )  # fmt: skip


@pytest.fixture
def pushed(registry: Running, site: Site) -> Running:
    """Push three platforms with skopeo; everything that the lab attests of them over HTTP."""
    shelf, whole, _ = everything(site, registry.repository)
    alone = Shelf()
    alone.add(whole, tag="1.0")
    layout = alone.write_layout(site.folder / "layout")
    skopeo_push(registry, layout)
    if not registry.has_referrers:
        shelf.list_by_tag()
    registry.push(shelf)
    return registry


def test_a_keyless_image_passes_from_a_registry_to_the_verdict(pushed: Running, site: Site) -> None:
    site.policy(RULES.format(repository=pushed.repository))
    ran = collect(site)
    assert ran.status == 0, ran.err
    assert site.check().status == 0
    assert site.check(under=("unshare", "-n")).status == 0


def test_the_layout_is_read_by_skopeo_oras_and_crane(
    pushed: Running, site: Site, tmp_path: Path
) -> None:
    site.policy(RULES.format(repository=pushed.repository))
    assert collect(site).status == 0
    described, _ = opened(site)
    layout = unpacked(site, tmp_path / "unpacked")
    digest = "sha256:" + described["artifacts"][0]["member"][-64:]
    run("skopeo", "copy", "--all", f"oci:{layout}:1.0", f"dir:{tmp_path / 'copied'}")
    raw = run("skopeo", "inspect", "--raw", f"oci:{layout}:1.0")
    assert len(json.loads(raw)["manifests"]) == 4
    assert digest in run("oras", "resolve", "--oci-layout", f"{layout}:1.0")
    shown = run("oras", "discover", "--oci-layout", f"{layout}@{digest}", "--format", "json")
    assert "application/vnd.dev.sigstore.bundle.v0.3+json" in shown
    run("crane", "push", "--insecure", "--index", str(layout), f"{pushed.host}/acme/copy:all")


@pytest.mark.parametrize("bundle", [False, True])
def test_what_cosign_signs_and_attests_with_a_key_is_found_and_holds(
    registry: Running, site: Site, bundle: bool
) -> None:
    shelf = Shelf()
    images = [image("amd64"), image("arm64")]
    whole = shelf.add(index(images), tag="1.0")
    layout = shelf.write_layout(site.folder / "layout")
    skopeo_push(registry, layout)
    keys(site)
    (site.folder / "sbom.json").write_text(json.dumps(SPDX))
    cosign(site, "sign", f"{registry.repository}@{whole.digest}", bundle=bundle)
    for one in images:
        what = ("--type", "spdxjson", "--predicate", "sbom.json")
        cosign(site, "attest", *what, f"{registry.repository}@{one.digest}", bundle=bundle)
    # Bundles of cosign's name no repository, so that only the digest binds the image.
    named = f"@{whole.digest}" if bundle else ":1.0"
    site.policy(KEYED.format(image=f"{registry.repository}{named}"), KEY)
    ran = collect(site)
    assert ran.status == 0, ran.out
    described, _ = opened(site)
    found = Counter(item["kind"] for item in described["evidence"])
    assert found == (
        {"sigstore-bundle": 3} if bundle else {"cosign-signature": 1, "cosign-attestation": 2}
    )
    layout_of(site)


KEY = """\
schema = 1
name = "tool"
version = "1.0"

[signers.release]
key = "keys/cosign.pub"
trusted-root = "acme"
"""
KEYED = """
[[artifact]]
source = "oci:{image}"

[[artifact.require]]
signer = "release"
log = false

[[artifact.require]]
signer = "release"
log = false
predicate-type = "spdx"
on = "each-platform"
"""
SPDX = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "name": "tool",
    "dataLicense": "CC0-1.0",
    "documentNamespace": "https://acme.test/tool",
    "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: lab"]},
    "packages": [],
}


def test_what_oras_attaches_is_found_wherever_it_lists_it(registry: Running, site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image(), tag="1.0")
    registry.push(shelf)
    (site.folder / "bom.json").write_text(json.dumps(SPDX))
    run(
        "oras", "attach", "--plain-http", "--artifact-type", "application/spdx+json",
        f"{registry.repository}:1.0", "bom.json:application/spdx+json", cwd=site.folder,
    )  # fmt: skip
    site.policy(
        f'\n[[artifact]]\nsource = "oci:{registry.repository}:1.0"\n'
        f'[[artifact.require]]\ndigest = "{whole.digest}"\n'
    )
    assert collect(site).status == 0
    described, rows = opened(site)
    assert [item["kind"] for item in described["evidence"]] == ["sbom"]
    by_tag = row(rows, f"manifests/{whole.digest.replace(':', '-')}")["answer"]
    by_api = row(rows, f"referrers/{whole.digest}")["answer"]
    assert (by_api, by_tag) == (
        ("found", "absent") if registry.has_referrers else ("absent", "found")
    )


def test_a_piece_taken_from_the_registry_is_told_as_absent_upstream(
    pushed: Running, site: Site
) -> None:
    site.policy(RULES.format(repository=pushed.repository))
    assert collect(site).status == 0
    described, _ = opened(site)
    root = described["artifacts"][0]["member"][-64:]
    (tag,) = [
        entry["annotations"]["org.opencontainers.image.ref.name"]
        for entry in layout_of(site)["manifests"]
        if entry.get("annotations", {})
        .get("org.opencontainers.image.ref.name", "")
        .startswith(f"sha256-{root}.att")
    ]
    (manifest,) = [i["member"][-64:] for i in described["evidence"] if i["name"] == tag]
    pushed.delete_tag(f"sha256:{manifest}")  # docker-registry removes tags with their manifest
    ran = collect(site, "--replace")
    assert ran.status == 1
    _, rows = opened(site, UNMET)
    assert row(rows, f"manifests/{tag}")["answer"] == "absent"


def test_what_cosign_saves_and_oras_copies_is_collected_from_the_folder(
    registry: Running, site: Site
) -> None:
    shelf = Shelf()
    whole = shelf.add(index([image("amd64"), image("arm64")]), tag="1.0")
    skopeo_push(registry, shelf.write_layout(site.folder / "layout"))
    keys(site)
    for bundle in (False, True):
        cosign(site, "sign", f"{registry.repository}@{whole.digest}", bundle=bundle)
    run(
        "cosign", "save", "--allow-http-registry", "--dir", "saved",
        f"{registry.repository}@{whole.digest}", cwd=site.folder,
    )  # fmt: skip
    run(
        "oras", "copy", "--from-plain-http", "-r", f"{registry.repository}:1.0",
        "--to-oci-layout", "copied:1.0", cwd=site.folder,
    )  # fmt: skip
    for folder in ("saved", "copied"):
        rule = f'[[artifact.require]]\nsigner = "release"\nlog = false\ndigest = "{whole.digest}"\n'
        site.policy(f'\n[[artifact]]\nsource = "file:{folder}/"\n{rule}', KEY)
        ran = collect(site, "--replace")
        assert ran.status == 0, ran.out
        described, _ = opened(site)
        found = {item["kind"] for item in described["evidence"]}
        assert found >= ({"cosign-signature"} if folder == "saved" else {"sigstore-bundle"})
