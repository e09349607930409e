"""What is attached to an image is told by media types, and nothing of it is believed."""

from __future__ import annotations

import pytest

from kit.formats import oci_evidence, oci_manifest
from kit.formats.oci_manifest import ImageManifest
from kit.model import Attached, Digest, EvidenceKind
from tests.lab import Lab
from tests.lab.shelf import (
    BUNDLE,
    DSSE,
    EMPTY,
    SIMPLE_SIGNING,
    Blob,
    Document,
    attestation,
    bundle,
    image,
    referrer,
    signature,
)

IMAGE = image()
ABOUT = Digest("sha256", IMAGE.hex)


def read(document: Document) -> tuple[ImageManifest, Digest]:
    value = oci_manifest.parse(document.raw, document.media_type)
    assert isinstance(value, ImageManifest)
    return value, Digest("sha256", document.hex)


def of(document: Document) -> list[Attached]:
    return oci_evidence.referrer(*read(document), ABOUT)


@pytest.mark.parametrize(
    ("artifact_type", "media_type", "kind", "suffix"),
    [
        (BUNDLE, BUNDLE, EvidenceKind.SIGSTORE, ".sigstore.json"),
        ("x/y", "application/vnd.dev.sigstore.bundle+json;version=0.3", EvidenceKind.SIGSTORE, ""),
        ("application/vnd.in-toto+json", DSSE, EvidenceKind.DSSE, ".intoto.jsonl"),
        ("application/spdx+json", "application/spdx+json", EvidenceKind.SBOM, ".spdx.json"),
        ("text/spdx", "text/spdx", EvidenceKind.SBOM, ".sbom"),
        ("sbom/example", "application/vnd.cyclonedx+json", EvidenceKind.SBOM, ".cdx.json"),
        ("application/vnd.cyclonedx+xml", "x/y", EvidenceKind.SBOM, ".sbom"),
        ("application/sarif+json", "application/sarif+json", EvidenceKind.SCAN, ".sarif"),
        ("application/vnd.openvex+json", "x/y", EvidenceKind.VEX, ".openvex.json"),
        (
            "application/vnd.cncf.notary.signature",
            "application/jose+json",
            EvidenceKind.UNKNOWN,
            "",
        ),
        ("x/y", "application/vnd.in-toto+json", EvidenceKind.UNKNOWN, ""),
    ],
)
def test_a_referrers_layer_is_the_evidence(
    artifact_type: str, media_type: str, kind: EvidenceKind, suffix: str
) -> None:
    layer = Blob(media_type, b"{}")
    made = referrer(IMAGE, artifact_type, layer)
    (piece,) = of(made)
    assert (piece.kind, piece.sha256, piece.about) == (kind, layer.hex, (IMAGE.hex,))
    assert piece.name.startswith(made.hex[:12])
    assert piece.name.endswith(suffix)


def test_what_cosign_keeps_in_annotations_is_the_manifest() -> None:
    lab = Lab("acme")
    for made, kind in (
        (signature(lab, IMAGE, "x/y"), EvidenceKind.COSIGN_SIGNATURE),
        (attestation(lab, IMAGE), EvidenceKind.COSIGN_ATTESTATION),
    ):
        value, digest = read(made)
        suffix = "sig" if kind is EvidenceKind.COSIGN_SIGNATURE else "att"
        (legacy,) = oci_evidence.legacy(value, digest, ABOUT, suffix)
        (by_referrer,) = of(made)
        assert legacy.kind is by_referrer.kind is kind
        assert legacy.sha256 == by_referrer.sha256 == made.hex
        assert legacy.name == f"sha256-{IMAGE.hex}.{suffix}"


def test_a_bundle_is_its_layer() -> None:
    made = bundle(Lab("acme"), IMAGE)
    (piece,) = of(made)
    assert piece.sha256 == made.parts[1].hex


@pytest.mark.parametrize("layers", [(), (Blob(EMPTY, b"{}"),)])
def test_a_referrer_without_a_layer_is_itself_the_evidence(layers: tuple[Blob, ...]) -> None:
    made = referrer(IMAGE, "x/y", *layers)
    (piece,) = of(made)
    assert (piece.kind, piece.sha256) == (EvidenceKind.UNKNOWN, made.hex)


def test_an_attached_sbom_is_its_layers_and_may_be_none() -> None:
    layers = (Blob("text/spdx+json", b"1"), Blob("text/spdx+json", b"2"))
    value, digest = read(referrer(IMAGE, "x/y", *layers))
    found = oci_evidence.legacy(value, digest, ABOUT, "sbom")
    assert [piece.sha256 for piece in found] == [layer.hex for layer in layers]
    assert {piece.kind for piece in found} == {EvidenceKind.SBOM}
    empty, digest = read(referrer(IMAGE, "x/y"))
    assert oci_evidence.legacy(empty, digest, ABOUT, "sbom") == []


def test_signatures_among_other_layers_are_cosigns() -> None:
    made = referrer(IMAGE, "x/y", Blob("x/y", b"1"), Blob(SIMPLE_SIGNING, b"2"))
    (piece,) = of(made)
    assert piece.kind is EvidenceKind.COSIGN_SIGNATURE
