"""kit.formats.cyclonedx: valid by CycloneDX's own schemas, of every version."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest

from kit.errors import MalformedError, UnsupportedError
from kit.formats import cyclonedx, cyclonedx_schema
from kit.model import Digest
from tests.documents import HEX
from tests.documents import cyclonedx as document


def test_it_counts_components_at_any_depth() -> None:
    value = document(components=2)
    value["components"][0]["components"] = [
        {"type": "library", "name": "inner", "components": [{"type": "file", "name": "innermost"}]}
    ]
    value["metadata"]["component"]["components"] = [{"type": "file", "name": "part"}]
    found = cyclonedx.parse(value)
    assert (found.format, found.version, found.components) == ("cyclonedx", "1.6", 5)
    assert found.about == (Digest("sha256", HEX),)
    assert found.names == ("app", "pkg:generic/app@1.0")


@pytest.mark.parametrize("version", cyclonedx_schema.VERSIONS)
def test_every_version_has_its_schema(version: str) -> None:
    value = document(specVersion=version)
    for component in [value["metadata"]["component"], *value["components"]]:
        component["version"] = "1.0"  # demanded until 1.3
    assert cyclonedx.parse(value).version == version


@pytest.mark.parametrize("version", cyclonedx_schema.VERSIONS)
def test_every_version_refuses_what_its_schema_does(version: str) -> None:
    value = document(specVersion=version)
    value["components"] = [{"type": "no such type", "name": "a", "version": "1"}]
    value["metadata"]["component"]["version"] = "1.0"
    with pytest.raises(MalformedError, match=r"components\.0") as refused:
        cyclonedx.parse(value)
    assert refused.value.code == "sbom.malformed"


@pytest.mark.parametrize(
    ("key", "text"),
    [("version", f"sha256:{HEX}"), ("name", f"registry.example/app@sha256:{HEX}")],
)
def test_an_image_is_named_by_its_manifests_digest(key: str, text: str) -> None:
    root = {"type": "container", "name": "app", "version": "latest"} | {key: text}
    assert cyclonedx.parse(document(metadata={"component": root})).about == (Digest("sha256", HEX),)


def test_a_version_of_a_library_is_no_digest() -> None:
    root = {"type": "library", "name": "app", "version": f"sha256:{HEX}"}
    assert cyclonedx.parse(document(metadata={"component": root})).about == ()


def test_a_document_may_be_about_nothing_and_list_nothing() -> None:
    found = cyclonedx.parse({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1})
    assert (found.components, found.about, found.names) == (0, (), ())


@pytest.mark.parametrize(
    "changes",
    [
        {"bomFormat": "SPDX"},
        {"specVersion": None},
        {"components": {}},
        {"version": "1"},
        {"serialNumber": "urn:uuid:1"},
        {"nobody": "knows"},
    ],
)
def test_another_shape_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        cyclonedx.parse(document() | changes)
    assert refused.value.code == "sbom.malformed"


@pytest.mark.parametrize(
    "value", ["<bom/>", document(specVersion="1.1"), document(specVersion="2.0")]
)
def test_other_forms_are_refused_by_name(value: Any) -> None:
    with pytest.raises(UnsupportedError) as refused:
        cyclonedx.parse(value)
    assert refused.value.code == "sbom.unsupported"


def test_a_document_full_of_faults_is_refused_by_the_first() -> None:
    value = document() | {"components": [{"type": "library"} for _ in range(200_000)]}
    started = time.process_time()
    with pytest.raises(MalformedError) as refused:
        cyclonedx.parse(value)
    assert time.process_time() - started < 10  # each fault told would copy the whole array
    assert len(refused.value.message) < 600


def test_a_schema_refers_to_nothing_that_is_not_beside_it() -> None:
    with pytest.raises(ValueError, match="not beside it"):
        cyclonedx_schema._refuse("https://example.com/schema")


def test_a_fault_with_many_alternatives_takes_no_memory_to_tell() -> None:
    unknown = [{"license": {"id": "nope"}}] * 200_000
    value = document() | {"components": [{"type": "library", "name": "a", "licenses": unknown}]}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MalformedError, match="does not follow CycloneDX's schema"):
        cyclonedx.parse(value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB; was 14 GB
