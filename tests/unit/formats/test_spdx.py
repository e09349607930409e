"""kit.formats.spdx: what the specification demands is there, and what is described is known."""

from __future__ import annotations

from typing import Any

import pytest

from kit.errors import EvidenceError, MalformedError, UnsupportedError
from kit.formats import spdx
from kit.model import Digest
from tests.documents import HEX
from tests.documents import spdx as document


def test_it_counts_packages_but_not_the_described_one() -> None:
    found = spdx.parse(document(packages=3))
    assert (found.format, found.version, found.components) == ("spdx", "2.3", 3)
    assert found.about == (Digest("sha256", HEX),)
    assert found.names == ("app", "pkg:generic/app@1.0")


def test_version_2_2_is_read() -> None:
    assert spdx.parse(document(spdxVersion="SPDX-2.2")).version == "2.2"


@pytest.mark.parametrize(
    "relationships",
    [
        [],
        [
            {
                "spdxElementId": "SPDXRef-root",
                "relatedSpdxElement": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBED_BY",
            }
        ],
    ],
)
def test_what_is_described_may_be_said_in_other_ways(relationships: list[Any]) -> None:
    value = document(relationships=relationships)
    if not relationships:
        value["documentDescribes"] = ["SPDXRef-root"]
    assert spdx.parse(value).about == (Digest("sha256", HEX),)


def test_several_described_packages_are_parts_alike() -> None:
    value = document(packages=2, documentDescribes=["SPDXRef-root", "SPDXRef-p0"])
    assert spdx.parse(value).components == 3


def test_a_described_file_gives_its_digest() -> None:
    file = {
        "SPDXID": "SPDXRef-file",
        "fileName": "./app",
        "checksums": [{"algorithm": "SHA512", "checksumValue": "CD" * 64}],
    }
    value = document(sha256=None, files=[file], documentDescribes=["SPDXRef-file"])
    assert spdx.parse(value).about == (Digest("sha512", "cd" * 64),)


def test_nothing_described_is_about_nothing() -> None:
    found = spdx.parse(document(relationships=[]))
    assert (found.about, found.components) == ((), 3)


@pytest.mark.parametrize(
    "key",
    ["SPDXID", "dataLicense", "name", "documentNamespace", "creationInfo", "spdxVersion"],
)
def test_what_the_specification_demands_is_demanded(key: str) -> None:
    value = document()
    del value[key]
    with pytest.raises(MalformedError) as refused:
        spdx.parse(value)
    assert refused.value.code == "sbom.malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"SPDXID": "SPDXRef-other"},
        {"creationInfo": {"created": "yesterday", "creators": ["Tool: t"]}},
        {"creationInfo": {"created": "2025-12-30T00:00:00Z", "creators": []}},
        {"creationInfo": {"created": "2025-12-30T00:00:00Z", "creators": [{"Tool": "t"}]}},
        {"packages": {}},
        {"packages": [{"SPDXID": "SPDXRef-a", "name": "a"}]},
        {"packages": [{"SPDXID": "SPDXRef-a", "downloadLocation": "NONE"}]},
        {"packages": [{"name": "a", "downloadLocation": "NONE"}]},
        {"packages": [{"SPDXID": "SPDXRef-a", "name": "a", "downloadLocation": "NONE"}] * 2},
        {"relationships": [{"spdxElementId": "SPDXRef-DOCUMENT"}]},
        {"documentDescribes": [1]},
    ],
)
def test_another_shape_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        spdx.parse(document() | changes)
    assert refused.value.code == "sbom.malformed"


def test_a_checksum_of_the_wrong_length_is_malformed() -> None:
    with pytest.raises(MalformedError):
        spdx.parse(document(sha256="ab"))


@pytest.mark.parametrize(
    "value",
    [
        "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n",
        "# a comment\nSPDXVersion: SPDX-2.3\n",
        {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []},
        document(spdxVersion="SPDX-3.0"),
        document(spdxVersion="SPDX-1.2"),
    ],
)
def test_other_forms_of_spdx_are_refused_by_name(value: Any) -> None:
    with pytest.raises(UnsupportedError) as refused:
        spdx.parse(value)
    assert refused.value.code == "sbom.unsupported"


@pytest.mark.parametrize("value", [None, [], 1, "text", {}])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(EvidenceError) as refused:
        spdx.parse(value)
    assert refused.value.code == "sbom.malformed"
    assert not spdx.looks_like(value)
