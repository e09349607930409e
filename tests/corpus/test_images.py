"""Real images' signatures and attestations by cosign, keyless and keyed: their verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kit.check import Options, check
from kit.errors import EvidenceError, RejectedError
from kit.formats import cosign as formats
from kit.formats import oci_manifest, public_key, release_file, trusted_root
from kit.formats.oci_manifest import Descriptor, ImageManifest
from kit.model import Artifact, Claim, Digest, EvidenceFile, EvidenceKind
from kit.pack.reader import Pack
from kit.trust.anchors import Anchor
from kit.verifiers import cosign
from kit.verifiers.cosign import VerifiedPayload
from kit.verifiers.sigstore import SigstoreVerifier, VerifiedStatement
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT
from tests.images import Carried, write

pytestmark = pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)

AT = datetime(2026, 1, 1, tzinfo=UTC)
ROWS: list[dict[str, Any]] = json.loads((CORPUS / "oci-cases.json").read_text()) if PRESENT else []
LAYOUTS = [row for row in ROWS if "layout" in row]
#: Which image each signature is of, where the row does not say.
IMAGES = {
    "oci-key-0de0e983": "0de0e983a4980f32b1aad2d7f7f387cea2d4e9517b47f336cef27f63735911fa",
    "oci-key-b15a2f17": "b15a2f174d803fd5fd7db0b3969c75cee0fe9131e0d8478f8c70ac01a4534869",
    "oci-key-empty": "7d27ba1da0f64410102468d138f9ec8f61f2cc23bb58ff4cd63243a4434e3d99",
    "oci-podinfo-oras": "57a654ace69ec02ba8973093b6a786faa15640575fbf0dbb603db55aca2ccec8",
}
NAMES = {
    "oci-key-0de0e983": "quay.io/rh_ee_aguidi/multi-platform-container",
    "oci-key-b15a2f17": "quay.io/rh_ee_aguidi/multi-platform-container",
    "oci-key-empty": "quay.io/rh_ee_aguidi/empty-image",
    "oci-podinfo-oras": "ghcr.io/stefanprodan/podinfo",
}
PACKAGE = "ghcr.io/slsa-framework/example-package.verifier-e2e.all.tag.main.default.slsa3"


@dataclass(frozen=True)
class Piece:
    """One layer of a `.sig` or `.att` manifest in a row's layout."""

    manifest: str
    layer: Descriptor
    raw: bytes


def anchor(row: Mapping[str, Any]) -> Anchor:
    raw = (CORPUS / row["trusted_root"]).read_bytes()
    return Anchor(instance="sigstore", raw=raw, root=trusted_root.parse(raw), origin="corpus")


def verifier(row: Mapping[str, Any]) -> SigstoreVerifier:
    keys = [public_key.from_pem((CORPUS / row["key"]).read_bytes())] if "key" in row else []
    return SigstoreVerifier(anchor(row), AT, public_keys=keys)


def blobs(row: Mapping[str, Any]) -> dict[str, bytes]:
    folder: Path = CORPUS / row["layout"] / "blobs/sha256"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def pieces(row: Mapping[str, Any]) -> Iterator[Piece]:
    kept = blobs(row)
    for name, raw in kept.items():
        try:
            document = oci_manifest.parse(raw)
        except EvidenceError:
            continue
        if isinstance(document, ImageManifest):
            for layer in document.layers:
                if layer.media_type in (formats.SIMPLE_SIGNING, formats.DSSE_ENVELOPE):
                    yield Piece(name, layer, kept[layer.digest.hex])


def verified(
    row: Mapping[str, Any], piece: Piece, raw: bytes | None = None
) -> VerifiedPayload | VerifiedStatement:
    verify = (
        cosign.verify_signature
        if piece.layer.media_type == formats.SIMPLE_SIGNING
        else cosign.verify_attestation
    )
    return verify(verifier(row), piece.raw if raw is None else raw, piece.layer.annotations)


def digest(row: Mapping[str, Any]) -> Digest:
    return Digest("sha256", IMAGES.get(row["id"], row.get("image", "")).removeprefix("sha256:"))


def claim(row: Mapping[str, Any], piece: Piece) -> Claim:
    return verified(row, piece).claim_for("evidence", {"sha256": digest(row)})


@pytest.mark.parametrize("row", LAYOUTS, ids=lambda row: row["id"])
def test_a_row_holds_for_its_image_and_for_no_other(row: Mapping[str, Any]) -> None:
    (piece,) = pieces(row)
    made = claim(row, piece)
    if "key" in row:
        assert made.identity.subject_type == "key"
    else:
        assert [made.identity.subject] == row["identity"]
        assert made.identity.issuer == row["issuer"]
    assert made.names == (NAMES.get(row["id"], made.names[0]),)
    assert made.predicate_type == row.get("predicate")
    if "entry" in row:
        assert made.log["entry"] == row["entry"].replace("/", " ")
    with pytest.raises(RejectedError) as caught:
        verified(row, piece).claim_for("evidence", {"sha256": Digest("sha256", "0" * 64)})
    assert caught.value.code in ("cosign.other-image", "statement.subject")


@pytest.mark.parametrize("row", LAYOUTS, ids=lambda row: row["id"])
def test_a_row_does_not_hold_over_other_bytes(row: Mapping[str, Any]) -> None:
    (piece,) = pieces(row)
    changed = piece.raw.replace(b'"', b' "', 1)
    with pytest.raises(RejectedError) as caught:
        verified(row, piece, changed).claim_for("evidence", {"sha256": digest(row)})
    assert caught.value.code == "sigstore.entry"


@pytest.mark.parametrize("row", LAYOUTS, ids=lambda row: row["id"])
def test_a_row_does_not_hold_with_another_s_log_entry(row: Mapping[str, Any]) -> None:
    (piece,) = pieces(row)
    other = next(each for each in LAYOUTS if each["id"] != row["id"] and "key" not in each)
    (theirs,) = pieces(other)
    swapped = dict(piece.layer.annotations)
    swapped[formats.BUNDLE] = theirs.layer.annotations[formats.BUNDLE]
    layer = replace(piece.layer, annotations=swapped)
    with pytest.raises(RejectedError):
        claim(row, Piece(piece.manifest, layer, piece.raw))


# ---- in a pack ------------------------------------------------------------------------

#: The ref that each was built at, where it is no branch.
REFS = dict.fromkeys(("oci-slsa-v1.10.0", "oci-slsa-v1.9.0"), "refs/tags/v13.0.30")
BUILT = [row for row in LAYOUTS if row.get("predicate")]


def packed(row: Mapping[str, Any], path: Path, source: str) -> Path:
    """Write a pack of a row's image and attestation; the image's layers are not in the corpus."""
    (piece,) = pieces(row)
    image = Artifact(name="", source=source, member=f"oci/blobs/sha256/{digest(row).hex}")
    reference = source.rpartition("/")[2]
    carried = Carried()
    carried.artifacts = [replace(image, name=reference)]
    kept = blobs(row)
    carried.store.blobs = {
        name: kept[name] for name in _reachable(kept, digest(row).hex, piece.manifest)
    }
    carried.entries = [
        {
            "mediaType": oci_manifest.parse(kept[name]).media_type,
            "digest": f"sha256:{name}",
            "size": len(kept[name]),
        }
        for name in (digest(row).hex, piece.manifest)
    ]
    evidence = EvidenceFile(
        kind=EvidenceKind.COSIGN_ATTESTATION,
        name=f"sha256-{digest(row).hex}.att",
        member=f"oci/blobs/sha256/{piece.manifest}",
        about=(image.member,),
    )
    return write(path, carried.contents(), carried.artifacts, [evidence])


def _reachable(kept: Mapping[str, bytes], *roots: str) -> set[str]:
    found = set(roots)
    for root in roots:
        document = oci_manifest.parse(kept[root])
        found |= {part.digest.hex for part in document.parts if part.digest.hex in kept}
    return found


@pytest.mark.parametrize("row", BUILT, ids=lambda row: row["id"])
@pytest.mark.parametrize("name", [PACKAGE, "ghcr.io/slsa-framework/another"])
def test_a_real_attestation_meets_a_policy(
    row: Mapping[str, Any], name: str, tmp_path: Path
) -> None:
    source = f"oci:{name}:1.0"
    policy = f"""\
schema = 1
name = "example"
version = "1.0"
strict-names = true
[signers.generator]
issuer = "{row["issuer"]}"
identity = "{row["identity"][0]}"
[[artifact]]
source = "{source}"
[[artifact.require]]
signer = "generator"
predicate-type = "slsa-provenance"
source-repository = "https://github.com/slsa-framework/example-package"
source-ref = "{REFS.get(row["id"], "refs/heads/main")}"
"""
    path = packed(row, tmp_path / "example.pack.tar", source)
    with Pack.open(path) as pack:
        release = release_file.parse(policy.encode(), "release.toml")
        report = check(pack, release, {"sigstore": anchor(row)}, Options(at=AT, workers=1))
    (verdict,) = report.verdicts
    errors = {finding.code for finding in verdict.findings if finding.level.value == "error"}
    assert verdict.claims, verdict.findings
    expected = set() if name == PACKAGE else {"artifact.name-unproved"}
    # Layers are too large for the corpus: that they are missing is the only thing wrong.
    assert errors - {"oci.blob-missing"} == expected
