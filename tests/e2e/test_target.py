"""Where a collect writes to, and what it leaves there."""

from __future__ import annotations

import hashlib

import pytest

from tests.e2e.conftest import LINE, STRANGER, Site

EPOCH = {"SOURCE_DATE_EPOCH": "1790000000"}


@pytest.mark.parametrize("replace", [(), ("--replace",)])
@pytest.mark.parametrize(
    "out", [".", "/", "..", "''", "downloads", "release.toml", "x" * 250, "/dev/null", "link"]
)
def test_a_place_that_no_pack_can_have_is_refused_before_anything_is_fetched(
    site: Site, out: str, replace: tuple[str, ...]
) -> None:
    (site.folder / "link").symlink_to("nowhere")
    before = {p.name for p in site.folder.iterdir()}
    release = (site.folder / "release.toml").read_bytes()
    ran = site.collect("-o", out.strip("'"), *replace)
    assert ran.status == 2
    assert ran.document
    assert "gathering" not in ran.err
    assert {p.name for p in site.folder.iterdir()} == before
    assert (site.folder / "release.toml").read_bytes() == release


def test_only_a_pack_is_replaced(site: Site) -> None:
    (site.folder / "tool-1.0.pack.tar").write_bytes(b"my notes")
    assert site.collect("--replace").status == 2
    assert (site.folder / "tool-1.0.pack.tar").read_bytes() == b"my notes"


def test_a_replaced_pack_leaves_no_twin_that_says_otherwise(site: Site) -> None:
    def packs() -> list[str]:
        return sorted(p.name for p in site.folder.glob("*.pack.tar*"))

    assert site.collect().status == 0
    site.publish("tool-1.0.tar.gz", b"x", identity=STRANGER)
    assert site.collect("--replace").status == 1
    assert packs() == ["tool-1.0.unmet.pack.tar"]
    site.publish("tool-1.0.tar.gz", b"x")
    assert site.collect("--replace").status == 0
    assert packs() == ["tool-1.0.pack.tar"]


def test_wrong_usage_leaves_no_working_folder(site: Site) -> None:
    site.policy(LINE.replace("file:downloads", "file:nowhere"))
    assert site.collect().status == 2
    assert not list(site.folder.glob("*.collecting"))


def test_beside_its_own_pack_a_collect_repeats_itself(site: Site) -> None:
    for path in (site.folder / "downloads").iterdir():
        path.rename(site.folder / path.name)
    site.policy(LINE.replace("file:downloads", "file:."))
    assert site.collect(env=EPOCH).status == 0
    first = (site.folder / "tool-1.0.pack.tar").read_bytes()
    assert site.collect("--replace", env=EPOCH).status == 0
    assert (site.folder / "tool-1.0.pack.tar").read_bytes() == first


def test_a_file_may_be_an_artifact_here_and_evidence_there(site: Site) -> None:
    content = b"the release\n" * 100
    sums = f"{hashlib.sha256(content).hexdigest()}  tool-1.0.tar.gz\n".encode()
    site.publish("SHA256SUMS", sums)
    other = site.folder / "other"
    other.mkdir()
    (other / "SHA256SUMS").write_bytes(sums)
    (other / "tool-1.0.tar.gz").write_bytes(content)
    site.policy(
        LINE.replace('["tool-1.0.tar.gz"]', '["tool-1.0.tar.gz", "SHA256SUMS"]')
        + LINE.replace("file:downloads", "file:other")
    )
    ran = site.collect()
    assert ran.status in (0, 1)
    assert "left out: SHA256SUMS" not in ran.err


def test_a_digest_manifest_that_is_taken_is_not_said_to_be_left_out(site: Site) -> None:
    site.publish("SHA256SUMS", b"0" * 64 + b"  something-else\n")
    site.policy(LINE.replace('"tool-1.0.tar.gz"', '"tool-1.0.tar.gz", "SHA256SUMS"'))
    assert "left out: SHA256SUMS " not in site.collect().err
