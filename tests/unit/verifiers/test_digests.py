"""A claim over a digest manifest becomes claims over what it lists."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kit.errors import RejectedError
from kit.formats import digest_manifest
from kit.model import Claim, Digest, EvidenceKind, Identity
from kit.model.predicates import Unreadable
from kit.verifiers import digests

FILE = b"the file"
OVER = Claim(
    kind=EvidenceKind.SIGSTORE,
    evidence="evidence/SHA256SUMS.sigstore.json",
    instance="sigstore",
    digest=Digest("sha256", "0" * 64),
    identity=Identity(subject="s", subject_type="uri", issuer="i"),
    signed_at=datetime(2026, 1, 1, tzinfo=UTC),
    accepted_by=("sigstore-python",),
    predicate_type="https://example.org/about-the-manifest",
    predicate=Unreadable(code="c", message="m"),
    predicate_json="{}",
)


def known(*algorithms: str) -> dict[str, Digest]:
    """Return the digests of the file."""
    return {a: Digest(a, hashlib.new(a, FILE).hexdigest()) for a in ("sha256", *algorithms)}


def claimed(text: str, name: str = "tool.tgz") -> Claim:
    """Return the claim that a manifest of this text makes about the file."""
    manifest = digest_manifest.parse(text.encode(), "SHA256SUMS")
    return digests.claim_for(
        manifest, OVER, name=name, known=known("sha512"), listed_in="SHA256SUMS"
    )


def test_a_listed_file_gets_the_manifests_signer_and_is_marked_as_listed() -> None:
    made = claimed(f"{known()['sha256'].hex}  tool.tgz\n")
    assert made.identity == OVER.identity
    assert made.listed_in == "SHA256SUMS"
    assert made.kind is EvidenceKind.DIGESTS
    assert made.names == ("tool.tgz",)
    assert made.digest == known()["sha256"]


def test_what_was_said_of_the_manifest_is_not_said_of_the_file() -> None:
    found = claimed(f"{known()['sha256'].hex}  tool.tgz\n")
    assert (found.predicate_type, found.predicate, found.predicate_json) == (None, None, None)


def test_a_file_that_is_not_listed_gets_no_claim() -> None:
    with pytest.raises(RejectedError) as refused:
        claimed(f"{known()['sha256'].hex}  other.tgz\n")
    assert refused.value.code == "digest.unlisted"


def test_a_file_listed_under_another_digest_is_contradicted() -> None:
    with pytest.raises(RejectedError) as refused:
        claimed(f"{'0' * 64}  tool.tgz\n")
    assert refused.value.code == "digest.mismatch"


def test_one_of_two_listed_digests_being_wrong_is_a_contradiction() -> None:
    right, wrong = known()["sha256"].hex, "0" * 128
    with pytest.raises(RejectedError) as refused:
        claimed(f"SHA256 (tool.tgz) = {right}\nSHA512 (tool.tgz) = {wrong}\n")
    assert refused.value.code == "digest.mismatch"


def test_a_bare_digest_names_nothing() -> None:
    # The name would be that of the manifest's own file, which is the collector's word.
    manifest = digest_manifest.parse(known()["sha256"].hex.encode(), "renamed.sha256")
    made = digests.claim_for(
        manifest, OVER, name="renamed", known=known(), listed_in="renamed.sha256"
    )
    assert made.names == ()


def attested_as(*names: str) -> Claim:
    """Return the claim through a manifest that a statement vouches for under these names."""
    manifest = digest_manifest.parse(f"{known()['sha256'].hex}  tool.tgz\n".encode(), "SHA256SUMS")
    over = replace(OVER, names=names)
    return digests.claim_for(manifest, over, name="tool.tgz", known=known(), listed_in="SHA256SUMS")


def test_a_manifest_attested_under_another_name_is_another_manifest() -> None:
    with pytest.raises(RejectedError) as refused:
        attested_as("REVOKED")
    assert refused.value.code == "statement.subject"


def test_a_manifest_attested_under_its_name_in_a_folder_is_the_same() -> None:
    assert attested_as("dist/SHA256SUMS").listed_in == "SHA256SUMS"
