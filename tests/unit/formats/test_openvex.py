"""kit.formats.openvex: statements, in time, each about one product."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import openvex
from tests.documents import HEX, WHEN, not_affected
from tests.documents import openvex as document


def test_a_statement_without_products_is_about_what_it_is_attested_to() -> None:
    vex = openvex.parse(document(not_affected()))
    (statement,) = vex.statements
    assert (vex.author, statement.ids, statement.status) == (
        "Acme",
        ("CVE-2026-0",),
        "not_affected",
    )
    assert statement.justification == "vulnerable_code_not_present"
    assert (statement.products, statement.components) == ((), ())
    assert statement.at == datetime(2025, 12, 30, tzinfo=UTC)


def test_each_product_is_a_statement_with_its_own_parts() -> None:
    products = [
        {
            "@id": f"pkg:oci/app@sha256%3A{HEX}",
            "subcomponents": [{"@id": "pkg:apk/libx@1.0"}],
        },
        {"identifiers": {"purl": "pkg:npm/b@1"}, "hashes": {"sha-256": HEX}},
        "pkg:npm/c@1",
    ]
    vex = openvex.parse(document(not_affected(products=products)))
    assert [(s.products, s.components) for s in vex.statements] == [
        ((f"pkg:oci/app@sha256%3A{HEX}", f"sha256:{HEX}"), ("pkg:apk/libx@1.0",)),
        (("pkg:npm/b@1", f"sha256:{HEX}"), ()),
        (("pkg:npm/c@1",), ()),
    ]


def test_statements_are_in_the_order_of_their_times() -> None:
    later = not_affected("CVE-2", timestamp="2026-02-01T00:00:00Z")
    updated = not_affected(
        "CVE-3", timestamp="2024-01-01T00:00:00Z", last_updated="2026-03-01T00:00:00Z"
    )
    vex = openvex.parse(document(updated, later, not_affected("CVE-1")))
    assert [statement.ids[0] for statement in vex.statements] == ["CVE-1", "CVE-2", "CVE-3"]


@pytest.mark.parametrize(
    ("vulnerability", "ids"),
    [
        ("CVE-2026-1", ("CVE-2026-1",)),
        ({"name": "CVE-2026-1", "aliases": ["GHSA-a"]}, ("CVE-2026-1", "GHSA-a")),
        ({"name": "X-1", "@id": "https://nvd.example/CVE-2026-1"}, ("X-1", "CVE-2026-1")),
    ],
)
def test_a_vulnerability_has_all_its_ids(vulnerability: Any, ids: tuple[str, ...]) -> None:
    statement = not_affected() | {"vulnerability": vulnerability}
    assert openvex.parse(document(statement)).statements[0].ids == ids


def test_an_impact_statement_is_a_justification() -> None:
    statement = {"vulnerability": "CVE-1", "status": "not_affected", "impact_statement": "unused"}
    assert openvex.parse(document(statement)).statements[0].justification == "unused"


@pytest.mark.parametrize(
    "statement",
    [
        {"vulnerability": "CVE-1", "status": "not_affected"},
        {"vulnerability": "CVE-1", "status": "no idea"},
        {"vulnerability": "CVE-1"},
        {"status": "fixed"},
        {"vulnerability": {}, "status": "fixed"},
        {"vulnerability": {"name": "C", "aliases": [1]}, "status": "fixed"},
        not_affected(justification="because"),
        not_affected(products=[{}]),
        not_affected(products=[1]),
        not_affected(products=[{"@id": "a", "subcomponents": [{}]}]),
        not_affected(products=[{"hashes": {"sha-256": "ab"}}]),
        not_affected(timestamp="yesterday"),
    ],
)
def test_another_statement_is_malformed(statement: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        openvex.parse(document(statement))
    assert refused.value.code == "vex.malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"@context": "https://openvex.dev/nsx"},
        {"@context": None},
        {"@id": None},
        {"author": ""},
        {"timestamp": None},
        {"statements": []},
        {"statements": None},
    ],
)
def test_another_document_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        openvex.parse(document(not_affected()) | changes)
    assert refused.value.code == "vex.malformed"


def test_the_documents_time_is_demanded() -> None:
    assert openvex.parse(document(not_affected(timestamp=WHEN))).statements[0].at is not None
    assert not openvex.looks_like([])
