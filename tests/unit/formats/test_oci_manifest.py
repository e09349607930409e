"""kit.formats.oci_manifest: manifests and indexes that every reader reads alike."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any

import pytest

from kit.errors import KitError, MalformedError, UnsupportedError
from kit.formats import oci_manifest
from kit.formats.oci_manifest import ImageManifest, Index
from kit.model import Digest

CONFIG = b"{}"


def descriptor(raw: bytes = CONFIG, **fields: Any) -> dict[str, Any]:
    return {
        "mediaType": oci_manifest.OCI_CONFIG,
        "size": len(raw),
        "digest": f"sha256:{hashlib.sha256(raw).hexdigest()}",
    } | fields


def manifest(**fields: Any) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": oci_manifest.OCI_MANIFEST,
        "config": descriptor(),
        "layers": [descriptor(b"layer")],
    } | fields


def index(**fields: Any) -> dict[str, Any]:
    child = descriptor(b"child", mediaType=oci_manifest.OCI_MANIFEST)
    return {
        "schemaVersion": 2,
        "mediaType": oci_manifest.OCI_INDEX,
        "manifests": [child],
    } | fields


def parse(value: Any, called: str | None = None) -> ImageManifest | Index:
    return oci_manifest.parse(json.dumps(value).encode(), called)


def refused(value: Any, called: str | None = None) -> KitError:
    with pytest.raises((MalformedError, UnsupportedError)) as caught:
        parse(value, called)
    return caught.value


def test_a_manifest_says_what_it_is_made_of() -> None:
    found = parse(manifest(artifactType="a/b", subject=descriptor(b"subject")))
    assert isinstance(found, ImageManifest)
    assert [part.size for part in found.parts] == [2, 5]
    assert found.kind == "a/b"
    assert found.subject is not None
    assert found.subject.size == 7


def test_without_a_type_of_its_own_the_configs_counts() -> None:
    found = parse(manifest())
    assert isinstance(found, ImageManifest)
    assert found.kind == oci_manifest.OCI_CONFIG


def test_an_index_tells_platforms_from_attestations() -> None:
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8", "os.version": "1"}
    about = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": descriptor(b"child")["digest"],
    }
    child = descriptor(b"child", platform=platform)
    nowhere = {"os": "unknown", "architecture": "unknown"}
    attestation = descriptor(b"attestation", annotations=about, platform=nowhere)
    found = parse(index(manifests=[child, attestation]))
    assert isinstance(found, Index)
    assert found.platforms == found.manifests[:1]
    assert str(found.manifests[0].platform) == "linux/arm64/v8"
    assert found.manifests[1].attests == found.manifests[0].digest
    assert found.manifests[0].attests is None


def test_an_attestation_that_names_no_image_is_malformed() -> None:
    about = {"vnd.docker.reference.type": "attestation-manifest"}
    found = parse(index(manifests=[descriptor(annotations=about)]))
    with pytest.raises(MalformedError):
        _ = found.parts[0].attests


@pytest.mark.parametrize("called", [None, oci_manifest.OCI_MANIFEST])
def test_oci_documents_need_not_repeat_their_type(called: str | None) -> None:
    value = manifest()
    del value["mediaType"]
    assert parse(value, called).media_type == oci_manifest.OCI_MANIFEST


@pytest.mark.parametrize("key", ["layers", "config"])
def test_c155_a_document_that_is_both_is_refused(key: str) -> None:
    both = index() | {key: manifest()[key]}
    assert refused(both).code == "oci.malformed"
    assert "at once" in refused(both).message
    assert "at once" in refused(index() | {key: None}).message


@pytest.mark.parametrize(
    ("value", "called"),
    [
        (manifest(mediaType=oci_manifest.OCI_INDEX), None),
        (index(mediaType=oci_manifest.OCI_MANIFEST), None),
        (manifest(), oci_manifest.OCI_INDEX),
        (manifest(), oci_manifest.DOCKER_MANIFEST),
        (index(), oci_manifest.OCI_MANIFEST),
        (manifest(mediaType="application/json"), None),
        ({k: v for k, v in manifest().items() if k != "mediaType"}, oci_manifest.DOCKER_MANIFEST),
    ],
)
def test_c155_a_media_type_that_disagrees_is_refused(value: Any, called: str | None) -> None:
    assert refused(value, called).code == "oci.media-type"


@pytest.mark.parametrize(
    "value",
    [
        manifest() | {"Layers": []},
        manifest() | {"MANIFESTS": []},
        manifest() | {"layer\u017f": []},
        manifest(config=descriptor() | {"Digest": "sha256:" + "0" * 64}),
        index(manifests=[descriptor(platform={"os": "linux", "OS": "windows"})]),
    ],
)
def test_c155_keys_that_go_reads_as_others_are_refused(value: Any) -> None:
    assert "another spelling" in refused(value).message


def test_a_key_twice_is_refused() -> None:
    raw = json.dumps(manifest()).replace('"layers"', '"layers": [], "layers"').encode()
    with pytest.raises(MalformedError, match="twice"):
        oci_manifest.parse(raw)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.oci.artifact.manifest.v1+json",
    ],
)
def test_withdrawn_forms_are_refused_by_name(media_type: str) -> None:
    assert refused({"mediaType": media_type, "schemaVersion": 1}).code == "oci.unsupported"
    assert refused({"schemaVersion": 1}, media_type).code == "oci.unsupported"


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"schemaVersion": 2},
        manifest(schemaVersion=1),
        manifest(mediaType=""),
        manifest(schemaVersion=2.0),
        manifest(schemaVersion=True),
        manifest(config=None),
        manifest(layers=None),
        manifest(layers={}),
        index(manifests=None),
        index(manifests={}),
        manifest(config=descriptor(size=-1)),
        manifest(config=descriptor(size="2")),
        manifest(config=descriptor(size=2.0)),
        manifest(config=descriptor(size=True)),
        manifest(config=descriptor(size=2**53)),
        manifest(config=descriptor(mediaType="")),
        manifest(config=descriptor(digest="")),
        manifest(config=descriptor(digest=f"sha512:{'0' * 128}")),
        manifest(config=descriptor(digest=f"sha256:{'A' * 64}")),
        manifest(config=descriptor(digest=f"sha256:../{'a' * 61}")),
        manifest(config=descriptor(urls=[1])),
        manifest(config=descriptor(urls=["https://a.test/"] * 17)),
        manifest(annotations={"a": 1}),
        manifest(annotations=[]),
        manifest(annotations={str(n): "" for n in range(257)}),
        manifest(config=descriptor(data=b64encode(b"[]").decode())),
        manifest(config=descriptor(data="e30")),
        manifest(subject=[]),
        manifest(artifactType=1),
        manifest(artifactType="a" * 2049),
        index(manifests=[descriptor(platform=[])]),
        index(manifests=[descriptor(platform={"os": 1})]),
        index(manifests=[descriptor(platform={"os": "l" * 129})]),
    ],
)
def test_what_is_malformed_is_refused(value: Any) -> None:
    assert refused(value).code == "oci.malformed"


def test_data_inside_a_descriptor_must_be_what_its_digest_is_of() -> None:
    found = parse(manifest(config=descriptor(data=b64encode(CONFIG).decode())))
    assert found.parts[0].digest == Digest("sha256", hashlib.sha256(CONFIG).hexdigest())


def test_c159_counts_and_depth_are_bounded() -> None:
    assert refused(manifest(layers=[descriptor()] * 1001)).code == "oci.malformed"
    many = index(manifests=[descriptor()] * 16_385)
    assert refused(many).code == "oci.malformed"
    nested: Any = []
    for _ in range(20):
        nested = [nested]
    assert refused(manifest(x=nested)).code == "oci.malformed"
    with pytest.raises(MalformedError) as caught:
        oci_manifest.parse(b" " * (4 << 20) + b"{}")
    assert caught.value.code == "oci.oversized"
