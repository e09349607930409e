"""Real signatures from before Sigstore bundles: cosign's, and slsa-github-generator's."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import pytest

from kit.errors import EvidenceError
from kit.formats import (
    bare_signature,
    bundled,
    expected_entry,
    kinds,
    log_entry,
    sigstore_bundle,
    trusted_root,
)
from kit.formats.encodings import parse_digest
from kit.formats.sigstore_bundle import LogEntry
from kit.model import Claim, EvidenceKind
from kit.trust.anchors import Anchor
from kit.verifiers import unlogged
from kit.verifiers.sigstore import SigstoreVerifier
from tests import claims
from tests.corpus import cases
from tests.corpus.cases import AT
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT

pytestmark = pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)

SLSA = CORPUS / "slsa-verifier"


def load(name: str) -> list[dict[str, Any]]:
    """Return rows of the corpus."""
    path = CORPUS / name
    if not PRESENT:
        return []
    text = path.read_text()
    return (
        list(json.loads(text)) if name.endswith(".json") else [*map(json.loads, text.splitlines())]
    )


BLOBS = [row for row in load("oci-cases.json") if row["form"].startswith("cosign sign-blob")]
ROWS = load("slsa-verifier/cases.jsonl")
BARE = sorted({row["provenance"] for row in ROWS if row["provenance_kind"] == "dsse-with-cert"})


@cache
def verifier() -> SigstoreVerifier:
    """Return a verifier of the public good instance."""
    raw = (CORPUS / "trusted-roots/public-good/trusted_root.json").read_bytes()
    anchor = Anchor(instance="sigstore", raw=raw, root=trusted_root.parse(raw), origin="test")
    return SigstoreVerifier(anchor, AT)


def digest_of(row: dict[str, Any]) -> str:
    """Return the digest of a row's artifact, which may be absent."""
    words = row["artifact"].split()
    told = next((word for word in words if word.startswith("sha256:")), None)
    return told or f"sha256:{claims.sha256((CORPUS / row['artifact']).read_bytes()).hex}"


def claim(row: dict[str, Any], digest: str) -> Claim:
    """Verify a row as the kit does: its kind by its content, then as a bundle."""
    raw = (CORPUS / row["file"]).read_bytes()
    kind = kinds.by_content(row["file"].rpartition("/")[2], raw)
    assert kind is EvidenceKind.SIGN_BLOB
    assert kinds.of_bundle(raw) is kind
    (bundle,) = bundled.split(kind, raw)
    known = parse_digest(digest)
    return verifier().verify(bundle).claim_for(row["id"], {known.algorithm: known})


@pytest.mark.parametrize("row", BLOBS, ids=lambda row: row["id"])
def test_a_sign_blob_file_has_its_verdict(row: dict[str, Any]) -> None:
    assert row["expected"] == "pass"
    found = claim(row, digest_of(row))
    assert [found.identity.subject] == row["identity"]
    assert found.identity.issuer == row["issuer"]
    assert found.log["entry"] == "hashedrekord 0.0.1"


@pytest.mark.parametrize("row", BLOBS, ids=lambda row: row["id"])
def test_a_sign_blob_file_is_about_no_other_file(row: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError) as refused:
        claim(row, f"sha256:{'ab' * 32}")
    assert refused.value.code == "sigstore.digest"


@pytest.mark.parametrize("name", BARE)
def test_an_envelope_of_the_generator_is_incomplete_by_name(name: str) -> None:
    raw = (SLSA / "testdata" / name).read_bytes()
    kind = kinds.by_content(name, raw)
    assert kind is EvidenceKind.DSSE
    (bundle,) = bundled.split(kind, raw)
    with pytest.raises(EvidenceError) as refused:
        verifier().verify(bundle)
    assert unlogged.explained(refused.value, kind).code == "evidence.incomplete"


def test_a_detached_certificate_is_read() -> None:
    (row,) = [row for row in load("oci-cases.json") if row["id"] == "cosign-detached-1"]
    assert row["expected"] == "fail"
    name = "bundles/jdx+sigstore-verification/test-bundles/v2.6.1-keyless-pem.pem"
    raw = (CORPUS / name).read_bytes()
    assert b"BEGIN CERTIFICATE" in b64decode(raw)
    assert bare_signature.certificate(raw)[:1] == b"\x30"


def test_real_entries_are_where_they_are_looked_for() -> None:
    """What a crowd of entries in the index cannot hide (kit/DESIGN.md, D47)."""
    counted: Counter[tuple[str, bool]] = Counter()
    files = [case.bundle() for case in cases.load()]
    for folder in ("cpython-release-tracker/bundles", "slsa-verifier/testdata"):
        paths = sorted(path for path in (CORPUS / folder).rglob("*") if path.is_file())
        files += [raw for path in paths if b"verificationMaterial" in (raw := path.read_bytes())]
    for raw in (part for file in files for part in sigstore_bundle.split(file)):
        for entry, expected in _looked_for(raw):
            leaf = hashlib.sha256(b"\x00" + entry.body).hexdigest()
            counted[entry.kind, leaf in expected] += 1
    assert counted["hashedrekord", True] >= 115
    assert counted["hashedrekord", False] <= 3
    assert counted["dsse", True] >= 20
    assert counted["dsse", False] <= 1


def _looked_for(raw: bytes) -> Iterator[tuple[LogEntry, tuple[str, ...]]]:
    """Yield the entries of a bundle by a certificate, and where each should be."""
    try:
        bundle = sigstore_bundle.parse(raw)
    except EvidenceError:
        return
    for entry in bundle.entries if bundle.certificates else ():
        if entry.version == "0.0.1":
            with suppress(EvidenceError):
                signed = log_entry.parse(entry).signed
                sha256 = signed.hex if signed and signed.algorithm == "sha256" else None
                yield entry, expected_entry.leaves(bundle, sha256)


def test_every_row_is_accounted_for() -> None:
    unlogged_rows = [row for row in ROWS if row["offline"].startswith("online only")]
    assert {row["provenance"] for row in unlogged_rows} == set(BARE)
    assert (len(BLOBS), len(BARE), len(unlogged_rows)) == (2, 4, 40)
