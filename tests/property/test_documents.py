"""Any JSON is an SBOM, a scan, a VEX document, or is refused: nothing else is raised."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import MalformedError, UnsupportedError
from kit.formats import cyclonedx, document, grype, openvex, predicate, sarif, spdx, vuln
from kit.model import EvidenceKind
from kit.model.predicates import Sbom, Scan, Vex
from tests import documents

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
WHOLE = {
    spdx: documents.spdx(),
    cyclonedx: documents.cyclonedx(),
    sarif: documents.sarif("9.8", "5.0", None),
    grype: documents.grype("High", None),
    vuln: documents.vuln(documents.grype("High")),
    openvex: documents.openvex(
        documents.not_affected(products=[{"@id": "a", "subcomponents": [{"@id": "b"}]}])
    ),
}  # fmt: skip
READERS = pytest.mark.parametrize("reader", WHOLE, ids=lambda reader: reader.__name__)
SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything inside a JSON value."""
    if not isinstance(value, dict | list):
        return []
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [place for key, item in inner for place in ((*path, key), *places(item, (*path, key)))]


def _refused(code: str) -> None:
    assert code.partition(".")[0] in ("sbom", "scan", "vex")


def read(reader: Any, value: Any) -> Sbom | Scan | Vex | None:
    try:
        found = reader.parse(value)
    except (MalformedError, UnsupportedError) as error:
        _refused(error.code)
        return None
    assert isinstance(found, Sbom | Scan | Vex)
    return found


@READERS
@SETTINGS
@given(value=JSON)
def test_any_json_is_read_or_refused(reader: Any, value: Any) -> None:
    read(reader, value)


@READERS
@settings(SETTINGS, max_examples=300)
@given(data=st.data())
def test_any_change_of_a_whole_document_is_read_or_refused(
    reader: Any, data: st.DataObject
) -> None:
    value = copy.deepcopy(WHOLE[reader])
    *path, key = data.draw(st.sampled_from(places(value)))
    holder = value
    for step in path:
        holder = holder[step]
    if data.draw(st.booleans()):
        holder[key] = data.draw(JSON)
    else:
        del holder[key]
    read(reader, value)


@SETTINGS
@given(raw=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for kind in (EvidenceKind.SBOM, EvidenceKind.SCAN, EvidenceKind.VEX):
        try:
            document.read(kind, raw)
        except (MalformedError, UnsupportedError) as error:
            _refused(error.code)


@SETTINGS
@given(value=JSON, kind=st.sampled_from(sorted(predicate.READERS)))
def test_any_predicate_of_a_known_type_is_something(value: Any, kind: str) -> None:
    assert predicate.read(kind, value) is not None


@SETTINGS
@given(st.data())
def test_a_scan_never_loses_a_result_by_what_else_it_says(data: st.DataObject) -> None:
    """Suppressions, levels, properties and the like never hide what is of kind `fail`."""
    value = documents.sarif("9.8")
    result = value["runs"][0]["results"][0]
    key = data.draw(st.sampled_from(["suppressions", "level", "properties", "rank", "taxa"]))
    result[key] = data.draw(JSON)
    found = read(sarif, value)
    assert isinstance(found, Scan)
    assert len(found.found) == 1
