"""What the kit pushed is verified there by cosign itself, and read by the field's tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ISSUER, WORKFLOW, Site
from tests.e2e.test_oci import PACK, collect
from tests.lab.shelf import Shelf, image, index
from tests.peers.conftest import Running, run, start
from tests.peers.test_collect import KEY, KEYED, RULES, SPDX, cosign, keys, pushed, skopeo_push

pytestmark = pytest.mark.peers
__all__ = ["pushed"]


@pytest.fixture(params=["docker-registry", "olareg"])
def second(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """Run the registry on the other side."""
    yield from start(request.param, tmp_path / "second")


def push(site: Site, second: Running) -> None:
    """Push what was collected, with all that was found."""
    ran = site.run(
        "push", PACK, "--policy", "release.toml", "--to", second.host, "--unverified-evidence"
    )
    assert ran.status == 0, ran.err


def verified(site: Site, command: str, image: str, *how: str) -> str:
    """Let cosign verify an image under the lab's own root."""
    return run(
        "cosign", command, "--allow-http-registry", *how, image, cwd=site.folder,
    )  # fmt: skip


def test_cosign_verifies_a_keyless_image_where_it_was_pushed_to(
    pushed: Running, second: Running, site: Site
) -> None:
    site.policy(RULES.format(repository=pushed.repository))
    assert collect(site).status == 0
    push(site, second)
    who = ("--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", ISSUER)
    root = ("--trusted-root", "trust-roots/acme/trusted_root.json")
    for new in ("true", "false"):
        form = f"--new-bundle-format={new}"
        verified(site, "verify", f"{second.repository}:1.0", form, *who, *root)
    raw = json.loads(run("crane", "manifest", "--insecure", f"{second.repository}:1.0"))
    assert len(raw["manifests"]) == 4
    for child in raw["manifests"][:3]:
        where = f"{second.repository}@{child['digest']}"
        verified(site, "verify", where, "--new-bundle-format=true", *who, *root)
        attested = ("--new-bundle-format=false", "--type", "spdx", *who, *root)
        verified(site, "verify-attestation", where, *attested)
    shown = run("oras", "discover", "--plain-http", f"{second.repository}:1.0", "--format", "json")
    assert "application/vnd.dev.sigstore.bundle.v0.3+json" in shown
    run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{second.repository}:1.0")


@pytest.mark.parametrize("bundle", [False, True])
def test_cosign_verifies_by_its_key_where_it_was_pushed_to(
    registry: Running, second: Running, site: Site, bundle: bool
) -> None:
    shelf = Shelf()
    images = [image("amd64"), image("arm64")]
    whole = shelf.add(index(images), tag="1.0")
    skopeo_push(registry, shelf.write_layout(site.folder / "layout"))
    keys(site)
    (site.folder / "sbom.json").write_text(json.dumps(SPDX))
    cosign(site, "sign", f"{registry.repository}@{whole.digest}", bundle=bundle)
    for one in images:
        what = ("--type", "spdxjson", "--predicate", "sbom.json")
        cosign(site, "attest", *what, f"{registry.repository}@{one.digest}", bundle=bundle)
    named = f"@{whole.digest}" if bundle else ":1.0"
    site.policy(KEYED.format(image=f"{registry.repository}{named}"), KEY)
    assert collect(site).status == 0
    push(site, second)
    how = ("--key", "cosign.pub", "--insecure-ignore-tlog", f"--new-bundle-format={bundle}".lower())
    verified(site, "verify", f"{second.repository}@{whole.digest}", *how)
    for one in images:
        where = f"{second.repository}@{one.digest}"
        verified(site, "verify-attestation", where, "--type", "spdxjson", *how)
