"""An image layout of what passed: whole, with its evidence, read by real tools."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.errors import UsageError
from kit.export import files, image_plan, oci, pins
from kit.export.oci import Written
from kit.formats import oci_reference
from kit.model import Artifact, Digest, EvidenceFile, EvidenceKind, Report
from kit.pack.reader import Pack
from tests import documents
from tests.images import SOURCE, Carried, judged, line, write
from tests.lab import IDENTITY, Lab
from tests.lab import cosign as lab_cosign
from tests.lab.images import Blob, attesting, tag_of

LAB = Lab("acme")
REPOSITORY = "ghcr.io/acme/tool"
SKOPEO = shutil.which("skopeo")
SPDX = "https://spdx.dev/Document"
REF = "org.opencontainers.image.ref.name"
needs_skopeo = pytest.mark.skipif(SKOPEO is None, reason="skopeo is not installed")


@pytest.fixture
def carried() -> Carried:
    """Carry an index of two platforms with every kind of evidence."""
    made = Carried()
    store = made.store
    children = [
        store.image(platform, f"layer of {platform}".encode())
        for platform in ("linux/amd64", "linux/arm64")
    ]
    attested = store.buildkit(children[0])
    index = store.index(*children, dict(attesting(attested, children[0])))
    made.artifact(index)
    made.buildkit(attested, children[0])
    signature = lab_cosign.signature(store, LAB, index, REPOSITORY)
    made.sig(store.attached(signature), index)
    made.bundle(*lab_cosign.signed_bundle(store, LAB, index), index)
    for child in children:
        bill = lab_cosign.attestation(store, LAB, child, SPDX, documents.spdx(sha256=None))
        made.att(store.attached(bill), child)
    made.sbom(*store.sbom(json.dumps(documents.spdx(sha256=None)).encode()), index)
    return made


def exported(
    carried: Carried, tmp_path: Path, policy: str | None = None, **options: Any
) -> tuple[Path, Written]:
    """Check a pack and export it; return the layout."""
    path = carried.write(tmp_path / "tool.pack.tar")
    report = judged(path, policy or line(), LAB)
    to = tmp_path / "layout"
    with Pack.open(path) as pack:
        return to, oci.write(pack, report, to, **options)


def entries(layout: Path) -> dict[str | None, dict[str, Any]]:
    """Return the entries of index.json by their names."""
    index = json.loads((layout / "index.json").read_bytes())
    return {each.get("annotations", {}).get(REF): each for each in index["manifests"]}


def blobs(layout: Path) -> set[str]:
    return {path.name for path in (layout / "blobs/sha256").iterdir()}


def reached(carried: Carried, root: str) -> set[str]:
    """Return the digests of an image's document and of all below it."""
    value = json.loads(carried.store.blobs[root])
    below = [value["config"], *value["layers"]] if "layers" in value else value["manifests"]
    found = {root}
    for part in below:
        sha256 = part["digest"].removeprefix("sha256:")
        found |= reached(carried, sha256) if "manifest" in part["mediaType"] else {sha256}
    return found


def test_all_that_was_verified_is_handed_on(carried: Carried, tmp_path: Path) -> None:
    layout, written = exported(carried, tmp_path)
    index = next(b for b in carried.artifacts).member.rpartition("/")[2]
    named = entries(layout)
    assert written.names == ("tool:1.0",)
    assert named["1.0"]["digest"] == f"sha256:{index}"
    assert named["1.0"]["annotations"]["io.containerd.image.name"] == f"{REPOSITORY}:1.0"
    tags = {name for name in named if name is not None}
    children = json.loads(carried.store.blobs[index])["manifests"][:2]
    attested = {f"sha256-{child['digest'][7:]}.att" for child in children}
    assert tags == {"1.0", f"sha256-{index}.sig", f"sha256-{index}", *attested}
    # The SBOM that nobody signed, and its manifest and config, are not.
    assert [name for name, _ in written.left_out] == [f"sha256-{index}.sbom"]
    for name in blobs(layout):
        raw = (layout / "blobs/sha256" / name).read_bytes()
        assert Blob(media_type="", raw=raw).hex == name
    layers = {"layer of linux/amd64", "layer of linux/arm64"}
    assert layers <= {
        (layout / "blobs/sha256" / name).read_bytes().decode(errors="replace")
        for name in blobs(layout)
    }


def test_referrers_are_listed_and_in_an_index_under_the_fallback_tag(
    carried: Carried, tmp_path: Path
) -> None:
    layout, _ = exported(carried, tmp_path)
    index = carried.artifacts[0].member.rpartition("/")[2]
    fallback = entries(layout)[oci_reference.referrers_tag(Digest("sha256", index))]
    listed = json.loads((layout / "blobs/sha256" / fallback["digest"][7:]).read_bytes())
    (referrer,) = listed["manifests"]
    assert referrer["artifactType"] == lab_cosign.BUNDLE
    assert referrer["annotations"]["dev.sigstore.bundle.content"] == "dsse-envelope"
    all_of_them = json.loads((layout / "index.json").read_bytes())["manifests"]
    assert referrer["digest"] in {entry["digest"] for entry in all_of_them}


def test_unverified_evidence_is_handed_on_where_it_is_asked_for(
    carried: Carried, tmp_path: Path
) -> None:
    layout, written = exported(carried, tmp_path, unverified=True)
    index = carried.artifacts[0].member.rpartition("/")[2]
    assert written.left_out == ()
    assert f"sha256-{index}.sbom" in entries(layout)
    assert set(carried.store.blobs) <= blobs(layout)


def test_evidence_that_no_layout_can_hold_stops_nothing(carried: Carried, tmp_path: Path) -> None:
    """What a pack calls a signature may lie elsewhere, or be anything."""
    index = carried.artifacts[0].member
    held = next(e for e in carried.evidence.values() if e.kind is EvidenceKind.COSIGN_SIGNATURE)
    raw = carried.store.blobs[held.member.rpartition("/")[2]]
    for name, content in (("elsewhere.sig", raw), ("junk.sig", b"junk")):
        path = f"evidence/{name}"
        carried.files[path] = content
        carried.evidence[path] = replace(held, name=name, member=path, about=(index,))
    junk = carried.store.put("application/junk", b"junk")
    carried.add(
        EvidenceKind.COSIGN_ATTESTATION,
        "junk.att",
        junk,
        Blob(media_type="", raw=carried.store.blobs[index.rpartition("/")[2]]),
    )
    layout, written = exported(carried, tmp_path, unverified=True)
    assert written.names == ("tool:1.0",)
    assert {name for name, _ in written.left_out} == {"elsewhere.sig", "junk.sig", "junk.att"}
    assert junk.hex not in blobs(layout)


def test_a_layout_is_a_function_of_the_pack(carried: Carried, tmp_path: Path) -> None:
    one, _ = exported(carried, tmp_path)
    first = {path.relative_to(one): path.read_bytes() for path in one.rglob("*") if path.is_file()}
    shutil.rmtree(one)
    two, _ = exported(carried, tmp_path)
    assert first == {p.relative_to(two): p.read_bytes() for p in two.rglob("*") if p.is_file()}


def test_what_failed_is_not_written(carried: Carried, tmp_path: Path) -> None:
    layout, written = exported(carried, tmp_path, line('digest = "sha256:' + "0" * 64 + '"'))
    assert written.names == ()
    assert not layout.exists()


def test_nothing_is_written_over(carried: Carried, tmp_path: Path) -> None:
    exported(carried, tmp_path)
    with pytest.raises(UsageError) as caught:
        exported(carried, tmp_path)
    assert caught.value.code == "extract.exists"


def test_two_images_of_one_tag_are_told_apart(tmp_path: Path) -> None:
    carried = Carried()
    other = "oci:ghcr.io/acme/other:1.0"
    for source, platform in ((SOURCE, "linux/amd64"), (other, "linux/arm64")):
        image = carried.store.image(platform)
        carried.artifact(image, source)
        name = source.removeprefix("oci:").partition(":")[0]
        layer = lab_cosign.signature(carried.store, LAB, image, name)
        carried.sig(carried.store.attached(layer), image)
    layout, written = exported(carried, tmp_path, line() + line(source=other))
    assert sorted(written.names) == ["other:1.0", "tool:1.0"]
    named = {name for name in entries(layout) if name and not name.startswith("sha256-")}
    assert named == {f"{REPOSITORY}:1.0", "ghcr.io/acme/other:1.0"}


def test_a_platform_that_was_not_chosen_is_not_there(carried: Carried, tmp_path: Path) -> None:
    index = json.loads(carried.store.blobs[carried.artifacts[0].member.rpartition("/")[2]])
    child = index["manifests"][1]["digest"][7:]
    manifest = json.loads(carried.store.blobs[child])
    parts = [part["digest"][7:] for part in (manifest["config"], *manifest["layers"])]
    gone = [f"oci/blobs/sha256/{each}" for each in (child, *parts)]
    path = carried.write(tmp_path / "tool.pack.tar", without=gone)
    report = judged(path, line(more='platforms = ["linux/amd64"]'), LAB)
    assert report.verdicts[0].passed
    with Pack.open(path) as pack:
        oci.write(pack, report, tmp_path / "layout")
    assert not {child, *parts} & blobs(tmp_path / "layout")


def test_a_release_without_images_is_no_layout(tmp_path: Path) -> None:
    contents = Carried().contents() | {"artifacts/tool": b"tool"}
    contents = {k: v for k, v in contents.items() if not k.startswith("oci/")}
    artifact = Artifact(name="tool", source="https://a.test/tool", member="artifacts/tool")
    path = write(tmp_path / "tool.pack.tar", contents, [artifact], [])
    digest = Blob(media_type="", raw=b"tool").digest
    report = judged(path, line(f'digest = "{digest}"', "https://a.test/tool"), LAB)
    with Pack.open(path) as pack, pytest.raises(UsageError) as caught:
        oci.write(pack, report, tmp_path / "layout")
    assert caught.value.code == "export.nothing"


def test_an_image_is_not_extracted_as_a_file(carried: Carried, tmp_path: Path) -> None:
    path = carried.write(tmp_path / "tool.pack.tar")
    with Pack.open(path) as pack, pytest.raises(UsageError) as caught:
        files.extract(pack, judged(path, line(), LAB), tmp_path / "to")
    assert caught.value.code == "extract.image"
    assert "export --as oci" in (caught.value.hint or "")


def test_an_image_is_pinned_by_its_digest(carried: Carried, tmp_path: Path) -> None:
    path = carried.write(tmp_path / "tool.pack.tar")
    report = judged(path, line(), LAB)
    with Pack.open(path) as pack:
        assert pins.write(pack, report, tmp_path / "pins") == ("images.txt",)
    text = (tmp_path / "pins/images.txt").read_text()
    assert text == f"{REPOSITORY}@{report.verdicts[0].digest}  # tool:1.0\n"


# ---- real tools ---------------------------------------------------------------------


def skopeo(*arguments: str) -> str:
    assert SKOPEO is not None
    done = subprocess.run(
        [SKOPEO, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_skopeo
def test_skopeo_reads_the_layout(carried: Carried, tmp_path: Path) -> None:
    layout, _ = exported(carried, tmp_path)
    index = carried.artifacts[0].member.rpartition("/")[2]
    raw = skopeo("inspect", "--raw", f"oci:{layout}:1.0")
    assert raw.encode() == carried.store.blobs[index]
    skopeo(
        "copy", "--all", "--preserve-digests", f"oci:{layout}:1.0", f"oci:{tmp_path / 'copy'}:1.0"
    )
    copied = {path.name for path in (tmp_path / "copy/blobs/sha256").iterdir()}
    # All that the image is made of, and nothing of what speaks of it, which skopeo leaves.
    assert copied == reached(carried, index)
    assert copied < blobs(layout)
    for suffix in (".sig", ""):
        tag = f"sha256-{index}{suffix}"
        assert json.loads(skopeo("inspect", "--raw", f"oci:{layout}:{tag}"))["schemaVersion"] == 2


@needs_skopeo
def test_an_archive_of_a_single_image_is_read_as_docker_s(tmp_path: Path) -> None:
    """`docker load` and skopeo read an archive by its manifest.json alike."""
    carried = Carried()
    layer = tmp_path / "layer.tar"
    with tarfile.open(layer, "w") as made:
        made.addfile(tarfile.TarInfo("etc"))
    digest = Blob(media_type="", raw=layer.read_bytes()).digest
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [digest]},
        }
    )
    image = carried.store.manifest(
        carried.store.put("application/vnd.oci.image.config.v1+json", config.encode()),
        [carried.store.put("application/vnd.oci.image.layer.v1.tar", layer.read_bytes())],
    )
    carried.artifact(image)
    signature = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    carried.sig(carried.store.attached(signature), image)
    layout, _ = exported(carried, tmp_path)
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as out:
        for path in sorted(layout.rglob("*")):
            out.add(path, path.relative_to(layout), recursive=False)
    shown = json.loads(skopeo("inspect", f"docker-archive:{archive}:{REPOSITORY}:1.0"))
    assert shown["Architecture"] == "amd64"
    skopeo("copy", f"docker-archive:{archive}", f"dir:{tmp_path / 'copied'}")


def test_an_index_of_several_platforms_is_nothing_for_the_classic_store(
    carried: Carried, tmp_path: Path
) -> None:
    layout, _ = exported(carried, tmp_path)
    assert not (layout / "manifest.json").exists()


def test_a_tag_of_evidence_leads_to_one_manifest(tmp_path: Path) -> None:
    """Two repositories each had signatures of the image: one keeps the tag, none is lost."""
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image)
    made: list[Blob] = []
    for identity in (IDENTITY, "jo@acme.test"):
        layer = lab_cosign.signature(carried.store, LAB, image, REPOSITORY, identity=identity)
        made.append(carried.store.attached(layer))
        carried.sig(made[-1], image)
    carried.entries[-1].pop("annotations")
    layout, _ = exported(carried, tmp_path)
    index = json.loads((layout / "index.json").read_bytes())
    named = [e.get("annotations", {}).get(REF) for e in index["manifests"]]
    assert named.count(tag_of(image, ".sig")) == 1
    assert {blob.hex for blob in made} <= blobs(layout)


def _report(carried: Carried, tmp_path: Path) -> Report:
    return judged(carried.write(tmp_path / "tool.pack.tar"), line(), LAB)


def test_evidence_by_a_stranger_that_holds_is_told_as_verified(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image)
    broken = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    broken["annotations"]["dev.sigstore.cosign/bundle"] = "{}"
    carried.att(carried.store.attached(broken), image)
    good = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    carried.sig(carried.store.attached(good), image)
    verdict = _report(carried, tmp_path).verdicts[0]
    assert verdict.passed
    assert list(verdict.evidence) == [
        member for member, e in carried.evidence.items() if e.name.endswith(".sig")
    ]


def test_evidence_that_no_registry_can_keep_is_left_behind_and_named(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    carried.artifact(image)
    good = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    carried.sig(carried.store.attached(good), image)
    # Two manifests under cosign's names: one that is none, one whose layer is not there.
    carried.att(carried.store.put("application/vnd.oci.image.manifest.v1+json", b"{}"), image)
    lost = Blob(media_type=lab_cosign.BUNDLE, raw=b"lost")
    carried.bundle(carried.store.referrer(image, lab_cosign.BUNDLE, lost), lost, image)
    carried.files["evidence/notes.txt"] = b"by hand"
    carried.evidence["evidence/notes.txt"] = EvidenceFile(
        kind=EvidenceKind.UNKNOWN,
        name="notes.txt",
        member="evidence/notes.txt",
        about=(carried.artifacts[0].member,),
    )
    carried.entries = [entry for entry in carried.entries if entry["size"] > 2][:2]
    path = carried.write(tmp_path / "tool.pack.tar")
    with Pack.open(path) as pack:
        report = judged(path, line(), LAB)
        plan = image_plan.plans(pack, report.verdicts, unverified=True)[0]
    assert dict(plan.left_out) == {
        tag_of(image, ".att"): "it cannot be read: schemaVersion is not 2",
        "notes.txt": "it is a file, and no registry keeps it beside an image",
    }
    assert [document.tag for document in plan.evidence] == [tag_of(image, ".sig")]
