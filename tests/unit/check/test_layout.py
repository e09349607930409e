"""The walk from an image's digest to its last blob: C-153 to C-160 and C-163, each by its code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from kit.check import hashing, images, layout, walk
from kit.check.weighed import Weighed
from kit.formats import release_file
from kit.model import Artifact, EvidenceFile, EvidenceKind, Report
from kit.pack.reader import Pack
from tests import documents
from tests.images import SIGNERS, SOURCE, Carried, codes, judged, line, only, path_of
from tests.lab import Lab
from tests.lab import cosign as lab_cosign
from tests.lab.images import EMPTY, INDEX, Blob, attesting

LAB = Lab("acme")
REPOSITORY = "ghcr.io/acme/tool"
PLATFORMS = ("linux/amd64", "linux/arm64/v8", "linux/s390x")
SPDX = "https://spdx.dev/Document"
EACH = 'signer = "release"\npredicate-type = "spdx"\non = "each-platform"'


def carry(image: Blob, carried: Carried, source: str = SOURCE) -> Carried:
    """Make an image an artifact with a signature."""
    carried.artifact(image, source)
    layer = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    carried.sig(carried.store.attached(layer), image)
    return carried


def of_image() -> tuple[Carried, Blob]:
    carried = Carried()
    image = carried.store.image("linux/amd64", b"one layer", b"another")
    return carry(image, carried), image


def of_index(*platforms: str) -> tuple[Carried, Blob, list[Blob]]:
    carried = Carried()
    children = [carried.store.image(platform) for platform in platforms or PLATFORMS]
    index = carried.store.index(*children)
    return carry(index, carried), index, children


def check(carried: Carried, tmp_path: Path, policy: str | None = None, **more: Any) -> Report:
    path = carried.write(tmp_path / "tool.pack.tar", **more)
    return judged(path, policy or line(), LAB)


def parts(carried: Carried, image: Blob) -> list[str]:
    """Return the members that an image's manifest names: config, then layers."""
    value = json.loads(image.raw)
    return [
        f"oci/blobs/{part['digest'].replace(':', '/')}"
        for part in (value["config"], *value["layers"])
    ]


def test_an_image_and_an_index_pass_whole(tmp_path: Path) -> None:
    assert check(of_image()[0], tmp_path).passed
    report = check(of_index()[0], tmp_path)
    assert report.passed
    (note,) = [f for f in only(report).findings if f.code == "oci.by-index"]
    for platform in PLATFORMS:
        assert f"tool:1.0 ({platform})" in note.message


# ---- C-153, C-154: the digest ---------------------------------------------------------


def test_c153_other_bytes_under_the_manifest_s_name(tmp_path: Path) -> None:
    """The signature holds for the digest in the name; the member holds another manifest."""
    carried, image = of_image()
    other = carried.store.image("linux/amd64", b"evil layer")
    report = check(carried, tmp_path, put={path_of(image): other.raw})
    assert not only(report).passed
    assert {"oci.mismatch", "cosign.other-image"} <= codes(report)
    root = path_of(image)
    with Pack.open(tmp_path / "tool.pack.tar") as pack:
        members = {member.path: member for member in pack.manifest.members}
        walked = layout.walk(pack, members, root)
    assert [(f.code, f.subject) for f in walked.findings] == [("oci.mismatch", root)]
    assert not walked.blobs  # nothing that the other manifest leads to is called the image's


@pytest.mark.parametrize("number", [0, 1, 2])
def test_c153_other_bytes_under_a_blob_s_name(number: int, tmp_path: Path) -> None:
    carried, image = of_image()
    member = parts(carried, image)[number]
    swapped = check(carried, tmp_path, put={member: b"other bytes"})
    assert "oci.mismatch" in {f.code for f in only(swapped).findings if f.level.value == "error"}


def test_c154_a_pinned_digest_that_is_another_image(tmp_path: Path) -> None:
    carried = Carried()
    image, pinned = carried.store.image(), carried.store.image("linux/arm64")
    del carried.store.blobs[pinned.hex]
    for blob in parts(carried, pinned):
        carried.store.blobs.pop(blob.rpartition("/")[2], None)
    source = f"oci:{REPOSITORY}@{pinned.digest}"
    carry(image, carried, source)
    report = check(carried, tmp_path, line(source=source))
    assert codes(report, "error") == {"oci.digest"}
    lax = line(source=source)
    path = carried.write(tmp_path / "again.pack.tar")
    signers = "strict-names = false\n"
    assert not judged(path, lax, LAB, signers=signers + SIGNERS).passed


def test_c154_an_index_json_that_leads_elsewhere(tmp_path: Path) -> None:
    """What other tools find under the tag is not what was checked."""
    carried, _ = of_image()
    other = carried.store.image("linux/amd64", b"evil layer")
    carried.entries[0] = other.descriptor(annotations={"org.opencontainers.image.ref.name": "1.0"})
    report = check(carried, tmp_path)
    assert not report.released
    assert {"oci.index", "oci.ref-name", "oci.extra"} <= codes(report, "error")


# ---- C-155: what a document is ------------------------------------------------------


def _document(carried: Carried, value: dict[str, Any], media_type: str = INDEX) -> Blob:
    return carried.store.put(media_type, json.dumps(value).encode())


def test_c155_a_document_that_is_manifest_and_index_is_refused(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    both = json.loads(image.raw) | {"mediaType": INDEX, "manifests": [image.descriptor()]}
    report = check(carry(_document(carried, both), carried), tmp_path)
    assert "oci.malformed" in codes(report, "error")
    assert not only(report).passed


def test_c155_a_child_of_another_type_than_the_index_says_is_refused(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    index = carried.store.index(image.descriptor(mediaType=INDEX))
    report = check(carry(index, carried), tmp_path)
    assert "oci.media-type" in {f.code for f in only(report).findings}
    assert not only(report).passed


def test_c155_docker_s_first_schema_is_refused(tmp_path: Path) -> None:
    carried = Carried()
    value = {
        "schemaVersion": 1,
        "mediaType": "application/vnd.docker.distribution.manifest.v1+json",
    }
    report = check(carry(_document(carried, value), carried), tmp_path)
    assert "oci.unsupported" in codes(report, "error")


def test_c155_an_image_that_the_layout_calls_by_another_type_is_refused(tmp_path: Path) -> None:
    carried, _ = of_image()
    carried.entries[0]["mediaType"] = INDEX
    assert codes(check(carried, tmp_path), "error") == {"oci.media-type"}


# ---- C-156: what evidence is on -----------------------------------------------------


def attest_children(carried: Carried, children: list[Blob]) -> None:
    for child in children:
        layer = lab_cosign.attestation(
            carried.store, LAB, child, SPDX, documents.spdx(sha256=None), form="promise-only"
        )
        carried.att(carried.store.attached(layer), child)


def test_c156_evidence_on_the_index_is_none_on_its_platforms(tmp_path: Path) -> None:
    carried, index, _ = of_index()
    layer = lab_cosign.attestation(carried.store, LAB, index, SPDX, documents.spdx(sha256=None))
    carried.att(carried.store.attached(layer), index)
    on_index = 'signer = "release"\npredicate-type = "spdx"'
    assert check(carried, tmp_path, line(on_index)).passed
    report = check(carried, tmp_path, line(EACH))
    unmet = [f for f in only(report).findings if f.code == "policy.unmet"]
    assert [f.subject for f in unmet] == [f"tool:1.0 ({platform})" for platform in PLATFORMS]
    assert all(f.message.startswith(f"{f.subject}: no evidence shows") for f in unmet)


def test_c156_evidence_on_the_platforms_is_none_on_the_index(tmp_path: Path) -> None:
    carried, _, children = of_index()
    attest_children(carried, children)
    report = check(carried, tmp_path, line('signer = "release"\npredicate-type = "spdx"'))
    assert "policy.unmet" in codes(report, "error")


def test_each_platform_must_show_it(tmp_path: Path) -> None:
    carried, _, children = of_index()
    both = line() + "[[artifact.require]]\n" + EACH + "\n"
    attest_children(carried, children[:-1])
    report = check(carried, tmp_path, both)
    assert [f.subject for f in only(report).findings if f.level.value == "error"] == [
        "tool:1.0 (linux/s390x)"
    ]
    attest_children(carried, children[-1:])
    whole = check(carried, tmp_path, both)
    assert whole.passed
    assert "oci.by-index" not in codes(whole)
    assert {str(claim.digest) for claim in only(whole).claims} == {
        str(only(whole).digest), *(child.digest for child in children)
    }  # fmt: skip


def test_platforms_alone_do_not_name_the_index(tmp_path: Path) -> None:
    """Three signed images may be put together to an index by anybody."""
    carried = Carried()
    children = [carried.store.image(platform) for platform in PLATFORMS]
    index = carried.store.index(*children)
    carried.artifact(index)
    attest_children(carried, children)
    report = check(carried, tmp_path, line(EACH))
    assert codes(report, "error") == {"artifact.name-unproved"}


def test_buildkit_s_attestations_are_no_platforms(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    attested = carried.store.buildkit(image)
    index = carried.store.index(image, dict(attesting(attested, image)))
    carry(index, carried)
    attest_children(carried, [image])
    both = line() + "[[artifact.require]]\n" + EACH + "\n"
    assert check(carried, tmp_path, both).passed


def test_what_may_be_run_is_no_attestation_whatever_it_is_called(tmp_path: Path) -> None:
    """A runtime chooses by platform; an annotation must not hide an unsigned image there."""
    both = line() + "[[artifact.require]]\n" + EACH + "\n"
    for platform in ({"os": "linux", "architecture": "arm64"}, None):
        carried = Carried()
        image, evil = carried.store.image(), carried.store.image("linux/arm64", b"evil")
        hidden = dict(attesting(evil, image)) | {"platform": platform}
        listed = {key: value for key, value in hidden.items() if value is not None}
        carry(carried.store.index(image, listed), carried)
        attest_children(carried, [image])
        report = check(carried, tmp_path, both)
        assert codes(report, "error") == {"policy.unmet"}, platform


def test_who_signs_one_platform_is_no_second_signer_of_another(tmp_path: Path) -> None:
    """Two of two signers of an index: of each image, and not one of each."""
    signers = SIGNERS
    for name in ("one", "two"):
        signers += f"""
[signers.{name}]
issuer = "https://accounts.acme.test"
identity-regexp = "(jo|mo)@acme[.]test"
trusted-root = "acme"
"""
    each = ", ".join(f'{{signer = "{name}", on = "each-platform"}}' for name in ("one", "two"))
    rule = line() + f"[[artifact.require]]\nany-of = [{each}]\nat-least = 2\n"
    carried, _, children = of_index("linux/amd64", "linux/arm64")

    def sign(*pairs: tuple[Blob, str]) -> Report:
        for child in children:
            layers = [
                lab_cosign.signature(
                    carried.store,
                    LAB,
                    child,
                    REPOSITORY,
                    identity=f"{who}@acme.test",
                    issuer="https://accounts.acme.test",
                )
                for image, who in pairs
                if image is child
            ]
            carried.sig(carried.store.attached(*layers), child)
        path = carried.write(tmp_path / "tool.pack.tar")
        return judged(path, rule, LAB, signers=signers)

    amd, arm = children
    assert codes(sign((amd, "jo"), (arm, "mo")), "error") == {"policy.too-few-signers"}
    assert sign((amd, "jo"), (amd, "mo"), (arm, "jo"), (arm, "mo")).passed


def test_what_no_reader_knows_in_an_index_has_no_evidence(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    index = carried.store.index(image, carried.store.put("application/x.image+json", b"runs?"))
    carry(index, carried)
    attest_children(carried, [image])
    assert check(carried, tmp_path).passed
    both = line() + "[[artifact.require]]\n" + EACH + "\n"
    assert codes(check(carried, tmp_path, both), "error") == {"policy.unmet"}


def test_an_index_of_no_image_shows_nothing(tmp_path: Path) -> None:
    carried = Carried()
    report = check(carry(carried.store.index(), carried), tmp_path, line(EACH))
    assert {"oci.platform-missing", "policy.unmet"} <= codes(report, "error")


def test_one_image_is_not_two_platforms(tmp_path: Path) -> None:
    """Whoever chooses arm64 must not get what was made for amd64, listed once more."""
    for platforms in ('"linux/arm64"', '"linux/amd64", "linux/arm64"'):
        carried = Carried()
        image = carried.store.image("linux/amd64")
        other = {"platform": {"os": "linux", "architecture": "arm64"}}
        carry(carried.store.index(image, image.descriptor() | other), carried)
        report = check(carried, tmp_path, line(more=f"platforms = [{platforms}]"))
        assert codes(report, "error") == {"oci.platform"}


def test_many_names_of_an_index_share_its_images(tmp_path: Path) -> None:
    """An index of thousands of images under many names must not be held many times."""
    carried, index, _ = of_index()
    for name in ("a", "b"):
        carried.artifacts.append(Artifact(name=name, source="file:dl/", member=path_of(index)))
    carried.artifacts = carried.artifacts[1:]
    policy = line('signer = "release"', "file:dl/")
    release = release_file.parse((SIGNERS + policy).encode(), "release.toml")
    with Pack.open(carried.write(tmp_path / "tool.pack.tar")) as pack:
        known = hashing.hash_members(pack, release, None)
        one, two = walk.facts_of(pack, known, Weighed(), images.look(pack, release))
    assert one.image is not None
    assert two.image is not None
    assert len(one.image.platforms) == len(PLATFORMS)
    assert one.image.platforms is two.image.platforms


def test_a_single_image_is_its_own_platform(tmp_path: Path) -> None:
    carried, image = of_image()
    attest_children(carried, [image])
    assert check(carried, tmp_path, line(EACH)).passed


# ---- C-157: blobs -------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 2])
def test_c157_a_missing_blob_fails(number: int, tmp_path: Path) -> None:
    carried, image = of_image()
    report = check(carried, tmp_path, without=[parts(carried, image)[number]])
    assert codes(report, "error") == {"oci.blob-missing"}
    assert not only(report).passed


def test_c157_an_extra_blob_fails_the_pack(tmp_path: Path) -> None:
    carried, _ = of_image()
    carried.store.put(EMPTY, b"nobody asked for this")
    report = check(carried, tmp_path)
    assert not report.passed
    assert codes(report, "error") == {"oci.extra"}


def test_c157_a_wrong_size_fails(tmp_path: Path) -> None:
    carried = Carried()
    layer = carried.store.put("application/vnd.oci.image.layer.v1.tar", b"layer")
    config = carried.store.put("application/vnd.oci.image.config.v1+json", b"{}")
    image = carried.store.manifest(config, [layer.descriptor(size=6)])
    report = check(carry(image, carried), tmp_path)
    assert codes(report, "error") == {"oci.size"}


@pytest.mark.parametrize(
    "fields",
    [
        {"urls": ["https://elsewhere.test/layer"]},
        {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"},
        {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"},
    ],
)
def test_c157_a_foreign_layer_that_is_not_there_fails(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    carried = Carried()
    layer = Blob(media_type="application/vnd.oci.image.layer.v1.tar", raw=b"layer")
    config = carried.store.put("application/vnd.oci.image.config.v1+json", b"{}")
    image = carried.store.manifest(config, [layer.descriptor(**fields)])
    report = check(carry(image, carried), tmp_path)
    assert codes(report, "error") == {"oci.foreign"}
    carried.store.put(layer.media_type, layer.raw)
    assert check(carried, tmp_path).passed


def test_c157_a_blob_of_evidence_that_is_missing_is_told(tmp_path: Path) -> None:
    carried, _ = of_image()
    (manifest,) = [e.member for e in carried.evidence.values()]
    value = json.loads(carried.contents()[manifest])
    config = f"oci/blobs/{value['config']['digest'].replace(':', '/')}"
    report = check(carried, tmp_path, without=[config])
    assert report.passed
    assert "oci.blob-missing" in codes(report, "warning")
    layer = f"oci/blobs/{value['layers'][0]['digest'].replace(':', '/')}"
    report = check(carried, tmp_path, without=[layer])
    assert "oci.blob-missing" in codes(report, "warning")
    assert "policy.unmet" in codes(report, "error")


def test_c159_one_image_by_many_names_is_walked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried, image = of_image()
    carried.artifacts += [
        Artifact(name=f"tool:{number}", source=SOURCE, member=path_of(image))
        for number in range(2, 32)
    ]
    walked: list[str] = []
    walk = layout.walk

    def counted(*arguments: Any) -> layout.Walked:
        walked.append(arguments[2])
        return walk(*arguments)

    monkeypatch.setattr(layout, "walk", counted)
    report = check(carried, tmp_path)
    assert walked == [path_of(image)]
    assert "artifact.unnamed" in codes(report, "error")


def test_c159_one_document_that_the_layout_lists_often_is_read_once(tmp_path: Path) -> None:
    carried, _ = of_image()
    carried.entries += [carried.entries[1]] * 2000
    assert check(carried, tmp_path).passed
    carried.entries.append(carried.entries[1] | {"mediaType": INDEX})
    assert "oci.media-type" in codes(check(carried, tmp_path), "error")


def test_c157_a_referrer_that_is_no_evidence_is_extra(tmp_path: Path) -> None:
    carried, image = of_image()
    referrer, layer = lab_cosign.signed_bundle(carried.store, LAB, image)
    carried.bundle(referrer, layer, image)
    assert check(carried, tmp_path).passed
    del carried.evidence[path_of(layer)]
    assert codes(check(carried, tmp_path), "error") == {"oci.extra"}


def test_c157_a_stray_file_in_the_layout_fails_the_pack(tmp_path: Path) -> None:
    carried, _ = of_image()
    assert "oci.extra" in codes(check(carried, tmp_path, put={"oci/blobs/sha256/x": b""}))
    assert "oci.extra" in codes(check(carried, tmp_path, put={"oci/extra.json": b"{}"}))


# ---- C-158: names in index.json -----------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "2.0", "latest", "tool:1.0", "ghcr.io/acme/other:1.0", "a\u202eb"]
)
def test_c158_a_name_that_no_line_gave_fails_the_pack(name: str, tmp_path: Path) -> None:
    carried, _ = of_image()
    carried.entries[0]["annotations"] = {"org.opencontainers.image.ref.name": name}
    report = check(carried, tmp_path)
    assert not report.released
    assert codes(report, "error") == {"oci.ref-name"}


def test_c158_evidence_under_the_image_s_name_fails_the_pack(tmp_path: Path) -> None:
    carried, _ = of_image()
    carried.entries[1]["annotations"] = {"org.opencontainers.image.ref.name": "1.0"}
    assert codes(check(carried, tmp_path), "error") == {"oci.ref-name"}


@pytest.mark.parametrize("name", ["1.0", f"{REPOSITORY}:1.0"])
def test_the_name_of_the_line_is_right(name: str, tmp_path: Path) -> None:
    carried, _ = of_image()
    carried.entries[0]["annotations"] = {"org.opencontainers.image.ref.name": name}
    assert check(carried, tmp_path).passed


@pytest.mark.parametrize(
    ("put", "code"),
    [
        ({"oci/oci-layout": b"{}"}, "oci.index"),
        ({"oci/oci-layout": b'{"imageLayoutVersion":"2.0.0"}'}, "oci.index"),
        ({"oci/index.json": b"[]"}, "oci.malformed"),
        ({"oci/index.json": b'{"schemaVersion":2,"manifests":[]}'}, "oci.index"),
    ],
)
def test_a_layout_that_others_cannot_read_fails_the_pack(
    put: dict[str, bytes], code: str, tmp_path: Path
) -> None:
    report = check(of_image()[0], tmp_path, put=put)
    assert not report.passed
    assert code in codes(report, "error")


@pytest.mark.parametrize("gone", ["oci/oci-layout", "oci/index.json"])
def test_a_layout_without_its_own_files_fails_the_pack(gone: str, tmp_path: Path) -> None:
    assert "oci.index" in codes(check(of_image()[0], tmp_path, without=[gone]), "error")


# ---- C-159: bounds ------------------------------------------------------------------


def test_c159_indexes_nested_too_deep_are_refused(tmp_path: Path) -> None:
    carried = Carried()
    blob = carried.store.image()
    for _ in range(layout.MAX_DEPTH + 1):
        blob = carried.store.index(blob)
    report = check(carry(blob, carried), tmp_path)
    assert "oci.too-deep" in codes(report, "error")


def test_c159_attestations_nested_without_end_are_refused(tmp_path: Path) -> None:
    """What is called an attestation may be an index that has one, and so on."""
    carried = Carried()
    image = carried.store.image()
    blob = image
    for _ in range(1500):
        blob = carried.store.index(dict(attesting(blob, image)))
    report = check(carry(blob, carried), tmp_path)
    assert "oci.too-deep" in codes(report, "error")


def test_an_image_that_is_called_an_attestation_elsewhere_is_a_platform_still(
    tmp_path: Path,
) -> None:
    carried = Carried()
    image = carried.store.image()
    index = carried.store.index(dict(attesting(image, image)), image)
    report = check(carry(index, carried), tmp_path, line() + "[[artifact.require]]\n" + EACH)
    assert "policy.unmet" in codes(report, "error")


def test_a_nested_index_is_walked(tmp_path: Path) -> None:
    carried = Carried()
    inner = carried.store.index(carried.store.image("linux/amd64"))
    outer = carried.store.index(inner, carried.store.image("linux/arm64"))
    report = check(carry(outer, carried), tmp_path)
    assert report.passed
    assert "2 of its 2 images" in next(
        f.message for f in only(report).findings if f.code == "oci.by-index"
    )


def test_c159_too_many_descriptors_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "MAX_DESCRIPTORS", 3)
    report = check(of_index()[0], tmp_path)
    assert "oci.too-many" in codes(report, "error")
    assert not only(report).passed


def test_c159_a_child_that_is_listed_often_is_walked_once(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image()
    for _ in range(3):
        image = carried.store.index(*[image] * 10)
    report = check(carry(image, carried), tmp_path)
    assert report.passed


def test_c159_a_cycle_by_a_wrong_name_is_refused(tmp_path: Path) -> None:
    carried = Carried()
    child = Blob(media_type=INDEX, raw=b"whatever")
    outer = carried.store.index(child)
    carry(outer, carried)
    report = check(carried, tmp_path, put={path_of(child): outer.raw})
    assert "oci.mismatch" in codes(report, "error")


# ---- C-160: platforms ---------------------------------------------------------------


def test_c160_an_image_for_another_platform_than_chosen_fails(tmp_path: Path) -> None:
    carried, _ = of_image()
    wanted = line(more='platforms = ["linux/arm64"]')
    assert "oci.platform" in codes(check(carried, tmp_path, wanted), "error")
    assert check(carried, tmp_path, line(more='platforms = ["linux/amd64"]')).passed


def test_c160_an_image_for_another_platform_than_its_index_says_fails(tmp_path: Path) -> None:
    carried = Carried()
    lying = carried.store.image("linux/amd64").descriptor(
        platform={"os": "linux", "architecture": "arm64"}
    )
    report = check(
        carry(carried.store.index(lying), carried),
        tmp_path,
        line(more='platforms = ["linux/arm64"]'),
    )
    assert "oci.platform" in codes(report, "error")


def test_c160_a_chosen_platform_that_the_index_does_not_list_fails(tmp_path: Path) -> None:
    report = check(of_index()[0], tmp_path, line(more='platforms = ["windows/amd64"]'))
    assert "oci.platform-missing" in codes(report, "error")


def _without(carried: Carried, child: Blob) -> list[str]:
    return [path_of(child), *parts(carried, child)]


def test_a_platform_that_is_not_there_fails_unless_others_were_chosen(tmp_path: Path) -> None:
    carried, _, children = of_index()
    gone = _without(carried, children[1])
    assert codes(check(carried, tmp_path, without=gone), "error") == {"oci.platform-missing"}
    chosen = line(more='platforms = ["linux/amd64", "linux/s390x"]')
    assert check(carried, tmp_path, chosen, without=gone).passed
    missing = line(more='platforms = ["linux/amd64", "linux/arm64"]')
    assert "oci.platform-missing" in codes(check(carried, tmp_path, missing, without=gone), "error")


# ---- C-163: charts ------------------------------------------------------------------

CHART = "helm:ghcr.io/acme/charts/tool:1.0_build"


def chart(
    name: str = "tool", version: str = "1.0+build", source: str = CHART, **more: Any
) -> Carried:
    carried = Carried()
    image = carried.store.chart(name, version, **more)
    carried.artifact(image, source)
    layer = lab_cosign.signature(carried.store, LAB, image, "ghcr.io/acme/charts/whatever")
    carried.sig(carried.store.attached(layer), image)
    return carried


def test_a_signed_chart_says_its_own_name_and_version(tmp_path: Path) -> None:
    report = check(chart(), tmp_path, line(source=CHART))
    assert report.passed
    assert codes(report) == {"policy.differs"}


@pytest.mark.parametrize(
    ("name", "version"), [("other", "1.0+build"), ("tool", "1.1"), ("tool", "1.0")]
)
def test_c163_another_chart_fails(name: str, version: str, tmp_path: Path) -> None:
    report = check(chart(name, version), tmp_path, line(source=CHART))
    assert codes(report, "error") == {"helm.other-chart"}


@pytest.mark.parametrize("name", ["..", "../tool", "a/b", ".hidden", "a..b", "tool\n"])
def test_c163_a_chart_that_would_be_written_elsewhere_is_malformed(
    name: str, tmp_path: Path
) -> None:
    report = check(chart(name), tmp_path, line(source=CHART))
    assert "helm.malformed" in codes(report, "error")


def test_c163_an_image_is_no_chart(tmp_path: Path) -> None:
    carried = Carried()
    carry(carried.store.image(), carried, CHART)
    assert "helm.not-a-chart" in codes(check(carried, tmp_path, line(source=CHART)), "error")


def test_c163_an_index_of_charts_is_no_chart(tmp_path: Path) -> None:
    carried = Carried()
    index = carried.store.index(carried.store.chart("tool", "1.0+build"))
    carry(index, carried, CHART)
    assert "helm.not-a-chart" in codes(check(carried, tmp_path, line(source=CHART)), "error")


def test_c163_a_prov_file_is_told_of_and_counts_for_nothing(tmp_path: Path) -> None:
    prov = b"-----BEGIN PGP SIGNED MESSAGE-----\n"
    report = check(chart(prov=prov), tmp_path, line(source=CHART))
    assert report.passed
    assert "helm.provenance" in codes(report, "note")


# ---- files and images are not mixed up ----------------------------------------------


def test_a_file_is_no_image_and_an_image_no_file(tmp_path: Path) -> None:
    carried, image = of_image()
    source = "https://acme.test/tool:1.0"
    carried.artifacts = [Artifact(name="tool:1.0", source=source, member=path_of(image))]
    carried.entries[0].pop("annotations")
    rule = f'digest = "{image.digest}"'
    assert "oci.not-an-image" in codes(check(carried, tmp_path, line(rule, source)), "error")

    carried, image = of_image()
    carried.files["artifacts/tool"] = image.raw
    carried.artifacts = [Artifact(name="tool:1.0", source=SOURCE, member="artifacts/tool")]
    report = check(carried, tmp_path, line(rule))
    assert "oci.not-an-image" in {f.code for f in only(report).findings}


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_denied_layer_or_signer_of_a_platform_fails_the_image(
    tmp_path: Path, algorithm: str
) -> None:
    carried, _ = of_image()
    layer = hashlib.new(algorithm, b"one layer").hexdigest()
    path = carried.write(tmp_path / "tool.pack.tar")
    head, rest = SIGNERS.split("[signers.release]")
    denied = f'{head}[deny]\ndigests = ["{algorithm}:{layer}"]\n[signers.release]{rest}'
    assert "policy.denied" in codes(judged(path, line(), LAB, signers=denied), "error")


# ---- an index of three platforms, with evidence on each and on the whole ----------------

PROVENANCE = "https://slsa.dev/provenance/v1"
WHOLE = (
    line(f'signer = "release"\npredicate-type = "{PROVENANCE}"')
    + "[[artifact.require]]\n"
    + EACH
    + "\nsbom = true\n"
)


def three() -> tuple[Carried, Blob, list[Blob], dict[str, str]]:
    """Return an index with provenance, three images with an SBOM each, and the pieces by name."""
    carried = Carried()
    children = [carried.store.image(platform) for platform in PLATFORMS]
    index = carried.store.index(*children)
    carried.artifact(index)
    pieces = {"index": path_of(index)}
    build = {"buildDefinition": {"buildType": "x", "externalParameters": {}}}
    said = build | {"runDetails": {"builder": {"id": "https://acme.test/builder"}}}
    for name, image, predicate_type, predicate in (
        ("index", index, PROVENANCE, said),
        *(
            (p, c, SPDX, documents.spdx(sha256=None))
            for p, c in zip(PLATFORMS, children, strict=True)
        ),
    ):
        layer = lab_cosign.attestation(carried.store, LAB, image, predicate_type, predicate)
        manifest = carried.store.attached(layer)
        carried.att(manifest, image)
        pieces |= {
            f"{name}: attestations": path_of(manifest),
            f"{name}: envelope": f"oci/blobs/sha256/{layer['digest'][7:]}",
        }
        if image is not index:
            config, *layers = parts(carried, image)
            pieces |= {name: path_of(image), f"{name}: config": config, f"{name}: layer": layers[0]}
    return carried, index, children, pieces


def test_an_index_of_three_platforms_with_all_its_evidence_passes(tmp_path: Path) -> None:
    report = check(three()[0], tmp_path, WHOLE)
    assert report.passed, report.verdicts
    assert len(only(report).claims) == 4


LOST = {
    "index": "artifact.missing",
    "index: attestations": "policy.unmet",
    "index: envelope": "policy.unmet",
}
for _platform in PLATFORMS:
    LOST |= {
        _platform: "oci.platform-missing",
        f"{_platform}: config": "oci.blob-missing",
        f"{_platform}: layer": "oci.blob-missing",
        f"{_platform}: attestations": "policy.unmet",
        f"{_platform}: envelope": "policy.unmet",
    }


@pytest.mark.parametrize("piece", LOST)
def test_of_an_index_of_three_platforms_no_piece_can_be_taken_out(
    piece: str, tmp_path: Path
) -> None:
    carried, _, _, pieces = three()
    assert pieces.keys() == LOST.keys()
    report = check(carried, tmp_path, WHOLE, without=[pieces[piece]])
    errors = [f for f in only(report).findings if f.level.value == "error"]
    assert LOST[piece] in {f.code for f in errors}
    if piece.endswith(("attestations", "envelope")) and not piece.startswith("index"):
        unmet = {f.subject for f in errors if f.code == "policy.unmet"}
        assert unmet == {f"tool:1.0 ({piece.partition(':')[0]})"}


# ---- what other tools would find in the unpacked layout ------------------------------


def evil(carried: Carried, image: Blob) -> Blob:
    """Carry another image as evidence of a kind that nobody verifies."""
    made = carried.store.image("linux/amd64", b"evil layer")
    carried.add(EvidenceKind.UNKNOWN, "e.json", made, image)
    return made


def test_an_archive_for_docker_is_no_evidence(tmp_path: Path) -> None:
    carried, image = of_image()
    config, *layers = parts(carried, evil(carried, image))
    carried.files["oci/manifest.json"] = json.dumps(
        [
            {
                "Config": config[4:],
                "RepoTags": [f"{REPOSITORY}:1.0"],
                "Layers": [p[4:] for p in layers],
            }
        ]
    ).encode()
    carried.evidence["oci/manifest.json"] = EvidenceFile(
        kind=EvidenceKind.UNKNOWN,
        name="x.json",
        member="oci/manifest.json",
        about=(path_of(image),),
    )
    report = check(carried, tmp_path)
    assert not report.passed
    assert ("oci.extra", "oci/manifest.json") in {(f.code, f.subject) for f in report.findings}


@pytest.mark.parametrize("name", ["io.containerd.image.name", "com.example.name"])
def test_the_index_names_images_in_one_way_only(tmp_path: Path, name: str) -> None:
    carried, image = of_image()
    named = evil(carried, image).descriptor(annotations={name: f"{REPOSITORY}:1.0"})
    carried.entries.insert(0, {k: v for k, v in named.items() if k != "platform"})
    report = check(carried, tmp_path)
    assert not report.passed
    assert "oci.ref-name" in {f.code for f in report.findings}


def test_the_index_offers_no_platform_s_image_that_nobody_asked_for(tmp_path: Path) -> None:
    carried, image = of_image()
    offered = dict(evil(carried, image).descriptor())
    offered["platform"] = {"os": "linux", "architecture": "amd64"}
    carried.entries.insert(0, offered)
    report = check(carried, tmp_path)
    assert not report.passed
    assert "oci.index" in {f.code for f in report.findings}


# ---- platforms, wherever they are listed ---------------------------------------------

AMD64 = line(more='platforms = ["linux/amd64"]')


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_a_chosen_platform_must_be_in_one_of_nested_indexes(tmp_path: Path, platform: str) -> None:
    carried = Carried()
    inner = carried.store.index(carried.store.image(platform))
    report = check(carry(carried.store.index(inner.descriptor()), carried), tmp_path, AMD64)
    assert report.passed == (platform == "linux/amd64")
    assert ("oci.platform-missing" in codes(report)) != report.passed


def test_an_image_of_which_nothing_is_there_does_not_pass(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image("linux/arm64")
    inner = carried.store.index(image)
    listed = dict(inner.descriptor())
    listed["platform"] = {"os": "linux", "architecture": "s390x"}
    carry(carried.store.index(listed), carried)
    there = carried.contents()
    gone = [p for p in (path_of(image), path_of(inner), *parts(carried, image)) if p in there]
    report = check(carried, tmp_path, AMD64, without=gone)
    assert not report.passed
    assert "oci.platform-missing" in codes(report)


def test_a_platform_is_held_against_the_config_wherever_it_is_told(tmp_path: Path) -> None:
    carried = Carried()
    image = carried.store.image("linux/arm64")
    silent = {k: v for k, v in image.descriptor().items() if k != "platform"}
    told = silent | {"platform": {"os": "linux", "architecture": "amd64"}}
    report = check(carry(carried.store.index(silent, told), carried), tmp_path, AMD64)
    assert not report.passed
    assert "oci.platform" in codes(report)


def test_layers_are_read_of_a_pack_up_to_a_bound_however_often_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried = Carried()
    image = carried.store.image("linux/amd64")
    carried.artifact(image, SOURCE)
    layer = lab_cosign.signature(carried.store, LAB, image, REPOSITORY)
    carried.sig(carried.store.attached(layer), image)
    path = carried.write(tmp_path / "tool.pack.tar")
    monkeypatch.setattr("kit.check.attached.MAX_READ", 10)
    report = judged(path, line(), LAB)
    assert not report.passed
    assert {"policy.unmet", "evidence.too-many"} <= codes(report)
