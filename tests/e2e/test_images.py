"""Images on the command line: checked, and laid out for other tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import SIGNERS, Site
from tests.images import Carried, line, path_of
from tests.lab import cosign as lab_cosign
from tests.lab.images import Blob

EXPORT = ("export", "tool.pack.tar", "--policy", "release.toml", "--format", "json", "--to", "out")


@pytest.fixture
def image(site: Site) -> Blob:
    """Carry a signed image in tool.pack.tar, under a policy that asks for it."""
    carried = Carried()
    made = carried.store.image()
    carried.artifact(made)
    layer = lab_cosign.signature(carried.store, site.lab, made, "ghcr.io/acme/tool")
    carried.sig(carried.store.attached(layer), made)
    carried.write(site.folder / "tool.pack.tar")
    site.policy(line(), SIGNERS)
    return made


def layout(site: Site) -> set[str]:
    return {path.name for path in (site.folder / "out").iterdir()}


def test_a_signed_image_is_checked_and_laid_out(site: Site, image: Blob) -> None:
    ran = site.check("tool.pack.tar")
    assert ran.status == 0, ran.err
    (artifact,) = ran.document["results"][0]["report"]["artifacts"]
    assert (artifact["name"], artifact["digest"]) == ("tool:1.0", image.digest)
    assert artifact["claims"][0]["kind"] == "cosign-signature"
    ran = site.run(*EXPORT, "--as", "oci")
    assert ran.status == 0, ran.err
    assert ran.document["results"][0]["written"] == ["tool:1.0"]
    assert layout(site) == {"blobs", "oci-layout", "index.json", "manifest.json"}
    assert (site.folder / "out/blobs/sha256" / image.hex).read_bytes() == image.raw


def test_nothing_is_laid_out_of_an_image_that_failed(site: Site, image: Blob) -> None:
    site.policy(line(f'digest = "sha256:{"0" * 64}"'), SIGNERS)
    ran = site.run(*EXPORT, "--as", "oci")
    assert ran.status == 1
    assert "policy.digest" in ran.codes
    assert not (site.folder / "out").exists()
    assert image.hex not in ran.err


def test_an_image_is_pinned(site: Site, image: Blob) -> None:
    ran = site.run(*EXPORT, "--as", "pins")
    assert ran.status == 0, ran.err
    text = (site.folder / "out/images.txt").read_text(encoding="utf-8")
    assert text == f"ghcr.io/acme/tool@{image.digest}  # tool:1.0\n"


@pytest.mark.usefixtures("image")
def test_an_image_is_no_file(site: Site) -> None:
    for arguments in ((*EXPORT, "--as", "files"), ("extract", *EXPORT[1:])):
        ran = site.run(*arguments)
        assert ran.status == 2
        assert ran.codes == {"extract.image"}
    assert not (site.folder / "out").exists()


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize("form", ["pypi", "npm"])
def test_forms_of_later_versions_are_refused_by_name(site: Site, form: str) -> None:
    ran = site.run(*EXPORT, "--as", form)
    assert ran.status == 2
    assert (
        f"--as {form} is not offered by this version"
        in ran.document["results"][0]["error"]["message"]
    )


def test_files_are_exported_and_pinned_too(site: Site) -> None:
    assert site.collect().status == 0
    export = [part if part != "tool.pack.tar" else "tool-1.0.pack.tar" for part in EXPORT]
    assert site.run(*export, "--as", "files").status == 0
    assert layout(site) == {"tool-1.0.tar.gz"}
    assert site.run(*export[:-1], "pins", "--as", "pins").status == 0
    sums = (site.folder / "pins/SHA256SUMS").read_text(encoding="utf-8")
    assert sums.endswith("  tool-1.0.tar.gz\n")
    assert site.run(*export[:-1], "no", "--as", "oci").codes >= {"export.nothing"}


def test_a_pack_whose_layout_leads_elsewhere_fails(site: Site, tmp_path: Path) -> None:
    carried = Carried()
    made = carried.store.image()
    carried.artifact(made)
    layer = lab_cosign.signature(carried.store, site.lab, made, "ghcr.io/acme/tool")
    carried.sig(carried.store.attached(layer), made)
    carried.store.put("x", b"extra")
    carried.write(site.folder / "tool.pack.tar")
    site.policy(line(), SIGNERS)
    ran = site.check("tool.pack.tar")
    assert ran.status == 1
    findings = ran.document["results"][0]["report"]["findings"]
    assert {f["code"] for f in findings if f["level"] == "error"} == {"oci.extra"}
    swapped = carried.write(
        site.folder / "swapped.pack.tar", put={path_of(made): json.dumps({}).encode()}
    )
    assert "oci.mismatch" in site.check(swapped.name).codes
    assert tmp_path.exists()
