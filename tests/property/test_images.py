"""Images: any bytes are read or refused, and no change to a signed image or its layout passes."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kit.errors import EvidenceError, MalformedError
from kit.formats import cosign, helm_chart, image_config, oci_manifest, oci_reference
from kit.formats.oci_manifest import ImageManifest, Index
from kit.model import Report
from tests.images import Carried, judged, line
from tests.lab import Lab
from tests.lab import cosign as lab_cosign
from tests.lab.images import Blob, attesting
from tests.property.test_formats import JSON, edited, retyped

LAB = Lab("acme")
EXAMPLES = 120


def _whole() -> Carried:
    """Carry an index of two platforms, signed in every way, with BuildKit's and an SBOM."""
    carried = Carried()
    store = carried.store
    children = [store.image(each) for each in ("linux/amd64", "linux/arm64/v8")]
    attested = store.buildkit(children[0])
    index = store.index(*children, dict(attesting(attested, children[0])))
    carried.artifact(index)
    carried.buildkit(attested, children[0])
    layer = lab_cosign.signature(store, LAB, index, "ghcr.io/acme/tool")
    carried.sig(store.attached(layer), index)
    for child in children:
        layer = lab_cosign.attestation(store, LAB, child, "https://acme.test/type")
        carried.att(store.attached(layer), child)
    carried.bundle(*lab_cosign.signed_bundle(store, LAB, index), index)
    carried.sbom(*store.sbom(b"{}"), index)
    return carried


WHOLE = _whole()
INDEX = WHOLE.store.blobs[WHOLE.artifacts[0].member.rpartition("/")[2]]
IMAGE = WHOLE.store.blobs[json.loads(INDEX)["manifests"][0]["digest"][7:]]
RULES = (
    line('signer = "release"')
    + '[[artifact.require]]\nsigner = "release"\n'
    + 'predicate-type = "https://acme.test/type"\non = "each-platform"\n'
)
PAYLOAD = lab_cosign.payload(Blob(media_type="", raw=INDEX), "a/b")


def check(carried: Carried, put: dict[str, bytes], without: tuple[str, ...] = ()) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        path = carried.write(Path(folder) / "tool.pack.tar", without=without, put=put)
        return judged(path, RULES, LAB)


def test_the_whole_passes() -> None:
    assert check(WHOLE, {}).passed


# ---- any bytes ----------------------------------------------------------------------


@settings(max_examples=EXAMPLES)
@given(st.sampled_from([INDEX, IMAGE]).flatmap(lambda raw: edited(raw) | retyped(raw)))
def test_any_bytes_are_a_document_or_refused(raw: bytes) -> None:
    found: ImageManifest | Index | str
    try:
        found = oci_manifest.parse(raw)
    except EvidenceError as error:
        found = error.code
    if isinstance(found, str):
        assert found.startswith("oci.")
        return
    value = json.loads(raw)
    # Never both, and every descriptor is told as it stands.
    assert isinstance(found, Index) == ("manifests" in value)
    assert len(found.parts) == len(value.get("manifests", [0, *value.get("layers", [])]))
    for part in found.parts:
        assert part.digest.algorithm == "sha256"
        assert part.size >= 0


@settings(max_examples=EXAMPLES)
@given(st.sampled_from([INDEX, IMAGE]).flatmap(lambda raw: edited(raw) | retyped(raw)))
def test_a_document_reads_the_same_under_the_type_it_says(raw: bytes) -> None:
    try:
        found = oci_manifest.parse(raw)
    except EvidenceError:
        assume(False)
    assert oci_manifest.parse(raw, found.media_type) == found


@settings(max_examples=EXAMPLES)
@given(edited(PAYLOAD) | retyped(PAYLOAD))
def test_any_bytes_are_a_payload_or_malformed(raw: bytes) -> None:
    try:
        found = cosign.parse_payload(raw)
    except MalformedError:
        return
    critical = json.loads(raw)["critical"]
    assert critical["image"]["docker-manifest-digest"] == str(found.digest)


@settings(max_examples=EXAMPLES)
@given(
    st.dictionaries(
        st.sampled_from(
            [cosign.SIGNATURE, cosign.CERTIFICATE, cosign.CHAIN, cosign.BUNDLE, cosign.TIMESTAMP]
        ),
        st.text(max_size=60) | JSON.map(json.dumps),
    )
)
def test_any_annotations_are_a_bundle_or_malformed(annotations: dict[str, str]) -> None:
    for read in (cosign.signature_bundle, cosign.attestation_bundle):
        try:
            read(PAYLOAD, annotations)
        except MalformedError:
            continue


@settings(max_examples=EXAMPLES)
@given(
    st.binary(max_size=40)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {"name": st.text(), "version": st.text(), "os": st.text(), "architecture": st.text()}
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_a_config_or_malformed(raw: bytes) -> None:
    for read in (helm_chart.parse, image_config.platform):
        try:
            found: Any = read(raw)
        except MalformedError:
            continue
        assert found.name.strip("/.") if read is helm_chart.parse else str(found)


@settings(max_examples=4 * EXAMPLES)
@given(st.text("abAB01.:@/-_", max_size=30) | st.text(max_size=10))
def test_any_text_is_a_reference_or_malformed(text: str) -> None:
    try:
        found = oci_reference.parse(text)
    except MalformedError:
        return
    assert found.tag is None or found.digest is None
    tail = f"@{found.digest}" if found.digest else f":{found.tag}" if found.tag else ""
    # Written in full it means the same.
    assert oci_reference.parse(f"{found.repository}{tail}") == found


# ---- no change passes ---------------------------------------------------------------

BLOBS = sorted(path for path in WHOLE.contents() if path.startswith("oci/blobs/"))


@pytest.mark.parametrize("member", BLOBS)
def test_no_blob_can_be_taken_out_unseen(member: str) -> None:
    report = check(WHOLE, {}, without=(member,))
    found = {f.code for f in report.findings} | {
        f.code for verdict in report.verdicts for f in verdict.findings
    }
    lost = {"oci.blob-missing", "oci.platform-missing", "artifact.missing", "policy.unmet"}
    assert found & lost, found


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(BLOBS), st.data())
def test_no_blob_can_be_changed(member: str, data: st.DataObject) -> None:
    raw = WHOLE.contents()[member]
    changed = data.draw(edited(raw))
    assume(changed != raw)
    report = check(WHOLE, {member: changed})
    assert not report.passed
    assert "oci.mismatch" in {f.code for f in report.findings}


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([INDEX, IMAGE]).flatmap(retyped))
def test_no_document_can_be_replaced_with_its_names(raw: bytes) -> None:
    """A hostile collector writes everything anew, but has no signature over it."""
    assume(raw not in (INDEX, IMAGE))
    carried = _whole()
    made = Blob(media_type=json.loads(INDEX)["mediaType"], raw=raw)
    carried.store.put(made.media_type, raw)
    carried.artifacts.clear()
    carried.artifact(made)
    for path, evidence in list(carried.evidence.items()):
        about = sorted({*evidence.about, carried.artifacts[0].member})
        carried.evidence[path] = replace(evidence, about=tuple(about))
    assert not check(carried, {}).verdicts[0].passed
