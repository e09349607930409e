"""kit.formats.predicate and .enclosed: predicate types, and the ways documents are enclosed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.errors import EvidenceError, MalformedError
from kit.formats import document, enclosed, predicate
from kit.model import Digest, EvidenceKind
from kit.model.predicates import Sbom, Scan, Unreadable, Vex
from tests import documents

SPDX, CYCLONEDX = "https://spdx.dev/Document", "https://cyclonedx.org/bom"
VULN, OPENVEX = "https://cosign.sigstore.dev/attestation/vuln/v1", "https://openvex.dev/ns"


@pytest.mark.parametrize(
    ("kind", "value", "reads"),
    [
        (SPDX, documents.spdx(), Sbom),
        (f"{SPDX}/v2.3", documents.spdx(), Sbom),
        (CYCLONEDX, documents.cyclonedx(), Sbom),
        (f"{CYCLONEDX}/v1.6", documents.cyclonedx(), Sbom),
        (VULN, documents.vuln(documents.grype()), Scan),
        (OPENVEX, documents.openvex(documents.not_affected()), Vex),
        (f"{OPENVEX}/v0.2.0", documents.openvex(documents.not_affected()), Vex),
    ],
)
def test_each_type_has_its_reader(kind: str, value: Any, reads: type) -> None:
    assert isinstance(predicate.read(kind, value), reads)


@pytest.mark.parametrize("kind", [SPDX, CYCLONEDX])
def test_every_way_of_enclosing_reads_alike(kind: str) -> None:
    value = documents.spdx() if kind == SPDX else documents.cyclonedx()
    plain = predicate.read(kind, value)
    text = json.dumps(value)
    for enclosed_in in (text, {"Data": value}, {"Data": text, "Timestamp": "2026-01-02T03:04:05Z"}):
        assert predicate.read(kind, enclosed_in) == plain


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        (SPDX, "SPDXVersion: SPDX-2.3\n", "sbom.unsupported"),
        (SPDX, {"Data": "SPDXVersion: SPDX-2.3\n"}, "sbom.unsupported"),
        (SPDX, documents.cyclonedx(), "sbom.malformed"),
        (SPDX, '{"a":1,"a":2}', "sbom.malformed"),
        (SPDX, None, "sbom.malformed"),
        (CYCLONEDX, documents.spdx(), "sbom.malformed"),
        (CYCLONEDX, "<bom/>", "sbom.unsupported"),
        (VULN, documents.sarif(), "scan.malformed"),
        (VULN, "[", "scan.malformed"),
        (OPENVEX, {}, "vex.malformed"),
        (OPENVEX, "{", "vex.malformed"),
    ],
)
def test_what_cannot_be_read_is_unreadable_and_never_unknown(
    kind: str, value: Any, code: str
) -> None:
    found = predicate.read(kind, value)
    assert isinstance(found, Unreadable)
    assert found.code == code


@pytest.mark.parametrize(
    "kind",
    [
        None, "", "https://spdx.dev/Documents", f"{SPDX}/v", f"{SPDX}/v2.3/x", f"{VULN}/v1",
        f"{OPENVEX}-evil/v1", "https://syft.dev/bom",
    ],
)  # fmt: skip
def test_other_types_are_unknown(kind: str | None) -> None:
    assert predicate.read(kind, documents.spdx()) is None


# ---- as files ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "about"),
    [
        (EvidenceKind.SBOM, documents.spdx(), 1),
        (EvidenceKind.SBOM, documents.cyclonedx(), 1),
        (EvidenceKind.SCAN, documents.sarif(), 0),
        (EvidenceKind.SCAN, documents.grype(), 0),
        (
            EvidenceKind.VEX,
            documents.openvex(
                documents.not_affected(products=[{"hashes": {"sha-256": documents.HEX}}])
            ),
            1,
        ),
    ],
)
def test_a_document_is_read_by_its_kind(kind: EvidenceKind, value: Any, about: int) -> None:
    found = document.read(kind, json.dumps(value).encode())
    assert document.about(found) == (Digest("sha256", documents.HEX),) * about


@pytest.mark.parametrize("kind", sorted(document.CODES))
def test_a_document_that_is_something_else_is_refused(kind: EvidenceKind) -> None:
    with pytest.raises(EvidenceError) as refused:
        document.read(kind, b'{"artifacts": []}')
    assert refused.value.code.startswith(f"{document.CODES[kind]}.")


def test_a_file_that_is_no_json_is_malformed() -> None:
    with pytest.raises(MalformedError) as refused:
        document.read(EvidenceKind.SBOM, b"bogus!")
    assert refused.value.code == "sbom.malformed"


def test_an_oversized_document_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enclosed, "MAX_BYTES", 10)
    with pytest.raises(MalformedError) as refused:
        document.read(EvidenceKind.SBOM, json.dumps(documents.spdx()).encode())
    assert refused.value.code == "sbom.oversized"
