"""Real SBOMs and scans: counted again by plain JSON, and refused where the field's are bad."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from kit.errors import EvidenceError
from kit.formats import document, predicate, sarif, statement
from kit.formats.rules import SbomRule, ScanRule
from kit.model import EvidenceKind
from kit.model.predicates import Provenance, Sbom, Scan, Severity, Unreadable
from kit.policy import documents as policy
from tests.claims import claim
from tests.corpus.places import CORPUS, WHY_ABSENT
from tests.lab import AT

FOLDER = CORPUS / "sbom"
if not FOLDER.is_dir():
    pytest.skip(WHY_ABSENT, allow_module_level=True)

SYFT = FOLDER / "anchore+syft/syft/format"
GUAC = FOLDER / "guacsec+guac/internal/testing/testdata/exampledata"
ATTESTED = FOLDER / "anchore+grype/grype/pkg/testdata"

#: A serial number that is no UUID, of which CycloneDX 1.5 has a pattern.
INVALID = {"micronaut-1.5.json"}


def _values() -> dict[Path, Any]:
    found: dict[Path, Any] = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            try:
                found[path] = json.loads(path.read_bytes())
            except ValueError:
                continue
    return {path: value for path, value in found.items() if isinstance(value, dict)}


VALUES = _values()
SPDX = [p for p, v in VALUES.items() if str(v.get("spdxVersion")).startswith("SPDX-2")]
CYCLONEDX = [p for p, v in VALUES.items() if v.get("bomFormat") == "CycloneDX"]
SARIF = [p for p, v in VALUES.items() if "runs" in v]


def _nested(components: list[dict[str, Any]]) -> int:
    return sum(1 + _nested(component.get("components", [])) for component in components)


def test_the_corpus_is_whole() -> None:
    assert (len(SPDX), len(CYCLONEDX), len(SARIF)) == (16, 17, 7)


@pytest.mark.parametrize("path", SPDX, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_spdx_documents_are_counted_or_bad(path: Path) -> None:
    if path.parent.name == "bad":
        with pytest.raises(EvidenceError) as refused:
            document.read(EvidenceKind.SBOM, path.read_bytes())
        assert refused.value.code == "sbom.malformed"
        return
    value = VALUES[path]
    found = document.read(EvidenceKind.SBOM, path.read_bytes())
    assert isinstance(found, Sbom)
    ids = {package["SPDXID"] for package in value.get("packages", [])}
    described = set(value.get("documentDescribes", []))
    for relation in value.get("relationships", []):
        if relation["relationshipType"] == "DESCRIBES":
            described.add(relation["relatedSpdxElement"])
    root = len(described & ids) == 1
    assert found.components == len(ids) - root
    assert found.version == value["spdxVersion"].removeprefix("SPDX-")


@pytest.mark.parametrize("path", CYCLONEDX, ids=lambda path: path.name)
def test_cyclonedx_documents_are_counted_or_invalid(path: Path) -> None:
    if path.name in INVALID:
        with pytest.raises(EvidenceError, match="serialNumber"):
            document.read(EvidenceKind.SBOM, path.read_bytes())
        return
    value = VALUES[path]
    found = document.read(EvidenceKind.SBOM, path.read_bytes())
    assert isinstance(found, Sbom)
    assert found.components == _nested(value.get("components", []))
    root = value.get("metadata", {}).get("component", {})
    assert [d.hex for d in found.about] == (
        [root["version"].rpartition(":")[2]]
        if root.get("version", "").startswith("sha256:")
        else []
    )


def test_spdx_3_and_other_encodings_are_refused_by_name() -> None:
    with pytest.raises(EvidenceError, match="SPDX 3") as refused:
        document.read(
            EvidenceKind.SBOM, (SYFT / "spdxjson/testdata/identify/3.0.json").read_bytes()
        )
    assert refused.value.code == "sbom.unsupported"
    text = (SYFT / "spdxtagvalue/testdata/tag-value.spdx").read_text(encoding="utf-8")
    found = predicate.read("https://spdx.dev/Document", text)
    assert isinstance(found, Unreadable)
    assert (found.code, "tag-value" in found.message) == ("sbom.unsupported", True)
    xml = (GUAC / "laravel-cyclonedx.xml").read_text(encoding="utf-8")
    found = predicate.read("https://cyclonedx.org/bom", xml)
    assert isinstance(found, Unreadable)
    assert found.code == "sbom.unsupported"


@pytest.mark.parametrize("path", SARIF, ids=lambda path: path.name)
def test_scans_are_counted_and_gated(path: Path) -> None:
    scores = {
        rule["id"]: rule["properties"]["security-severity"]
        for run in VALUES[path]["runs"]
        for rule in run["tool"]["driver"].get("rules", [])
    }
    results = [scores[r["ruleId"]] for run in VALUES[path]["runs"] for r in run["results"]]
    scan = sarif.parse(VALUES[path])
    assert len(scan.found) == len(results)
    judged = claim(predicate=scan)
    for severity, least in (("LOW", 0.1), ("MEDIUM", 4.0), ("HIGH", 7.0), ("CRITICAL", 9.0)):
        rule = ScanRule(fail_on=Severity[severity])
        passes = not policy.scan_misses(rule, judged, (), AT)
        assert passes is not any(float(score) >= least for score in results)


def payload(path: Path) -> bytes:
    return base64.b64decode(json.loads(path.read_bytes())["payload"])


def test_an_attested_sbom_is_read_and_its_tampered_twin_is_no_statement() -> None:
    signed = statement.parse(payload(ATTESTED / "alpine.cdx.att.json"))
    found = predicate.read(signed.predicate_type, signed.predicate)
    assert isinstance(found, Sbom)
    plain = json.loads(payload(ATTESTED / "alpine.cdx.att.json"))["predicate"]
    assert found.components == _nested(plain["components"])
    assert not policy.sbom_misses(SbomRule(format="cyclonedx"), claim(predicate=found))
    assert policy.sbom_misses(
        SbomRule(minimum_components=found.components + 1), claim(predicate=found)
    )
    with pytest.raises(EvidenceError):
        statement.parse(payload(ATTESTED / "alpine-tampered.cdx.att.json"))


def test_a_tools_own_predicate_type_is_unknown() -> None:
    signed = statement.parse(payload(ATTESTED / "alpine.att.json"))
    assert signed.predicate_type == "https://syft.dev/bom"
    assert predicate.read(signed.predicate_type, signed.predicate) is None


def test_an_unsigned_statement_of_a_builder_encloses_the_document_that_lies_beside_it() -> None:
    value = json.loads((GUAC / "oci-kubectl-linux-amd64-in-toto.json").read_bytes())
    found = predicate.read(value["predicateType"], value["predicate"])
    assert found is None or isinstance(found, Provenance | Sbom | Scan | Unreadable)
