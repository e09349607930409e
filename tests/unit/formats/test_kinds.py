"""kit.formats.kinds: which files are evidence, and what they are about."""

from __future__ import annotations

import pytest

from kit.formats import kinds
from kit.model import EvidenceKind
from tests.lab import Lab

BUNDLE = Lab("acme").sign(b"artifact")

EVIDENCE = {
    "tool.whl.sigstore.json": EvidenceKind.SIGSTORE,
    "tool.whl.sigstore.jsonl": EvidenceKind.SIGSTORE,
    "tool.whl.sigstore": EvidenceKind.SIGSTORE,
    f"sha256:{'a' * 64}.jsonl": EvidenceKind.SIGSTORE,
    f"sha512-{'a' * 128}.jsonl": EvidenceKind.SIGSTORE,
    "tool.whl.publish.attestation": EvidenceKind.PEP740,
    "tool.whl.slsa.attestation": EvidenceKind.PEP740,
    "tool.whl.attestation": EvidenceKind.PEP740,
    "tool.whl.provenance": EvidenceKind.PEP740,
    "tool-1.0.0.tgz.npm-attestations.json": EvidenceKind.NPM_ATTESTATIONS,
    "tool-1.0.0.tgz.npm-packument.json": EvidenceKind.NPM_PACKUMENT,
    "tool.intoto.jsonl": EvidenceKind.DSSE,
    "tool.whl.asc": EvidenceKind.OPENPGP,
    "tool.whl.gpg": EvidenceKind.OPENPGP,
    "tool.whl.sig": EvidenceKind.SIGNATURE,
    "tool.whl.sha256": EvidenceKind.DIGESTS,
    "tool.whl.sha384": EvidenceKind.DIGESTS,
    "tool.whl.sha512": EvidenceKind.DIGESTS,
    "tool.whl.sha256sum": EvidenceKind.DIGESTS,
    "tool.whl.sha384sum": EvidenceKind.DIGESTS,
    "tool.whl.sha512sum": EvidenceKind.DIGESTS,
    "SHA256SUMS": EvidenceKind.DIGESTS,
    "SHA512SUMS.txt": EvidenceKind.DIGESTS,
    "sha256sum.txt": EvidenceKind.DIGESTS,
    "sha256.txt": EvidenceKind.DIGESTS,
    "checksums.txt": EvidenceKind.DIGESTS,
    "checksum": EvidenceKind.DIGESTS,
    "tool_1.0_checksums.txt": EvidenceKind.DIGESTS,
    "tool-checksums-sha512.txt": EvidenceKind.DIGESTS,
    "tool-1.0-SHA256SUMS": EvidenceKind.DIGESTS,
}


@pytest.mark.parametrize("name", EVIDENCE)
def test_evidence_is_told_by_its_name(name: str) -> None:
    assert kinds.by_name(name) is EVIDENCE[name]


@pytest.mark.parametrize(
    "name",
    [
        "tool-1.0-py3-none-any.whl", "tool-1.0.tar.gz", "tool", "", "README.txt", "tool.json",
        "tool.jsonl", "tool.sha1", "tool.md5", "MD5SUMS", "SHA1SUMS", "B2SUMS", "signature.txt",
        "tool.sigstore.json.gz", "checksums.txt.gz", "mychecksums.txt", "sha256sums-tool",
        f"sha256:{'A' * 64}.jsonl", "sha256:abc.jsonl",
    ],
)  # fmt: skip
def test_any_other_name_is_an_artifacts(name: str) -> None:
    assert kinds.by_name(name) is None


@pytest.mark.parametrize("suffix", [".sigstore", ".attestation", ".asc", ".sig", ".sha256"])
def test_a_suffix_alone_is_an_artifacts_name(suffix: str) -> None:
    assert (kinds.by_name(suffix), kinds.named_after(suffix)) == (None, None)


@pytest.mark.parametrize("suffix", [suffix for suffix, _ in kinds.SIDECARS])
def test_a_sidecar_is_about_the_name_before_its_suffix(suffix: str) -> None:
    assert kinds.named_after(f"tool.whl{suffix}") == "tool.whl"


@pytest.mark.parametrize("name", ["tool.whl", "SHA256SUMS", "checksums.txt"])
def test_what_is_no_sidecar_is_about_nothing(name: str) -> None:
    assert kinds.named_after(name) is None


# ---- by content -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bundle.json", "attestation.jsonl", "tool.intoto.jsonl"])
@pytest.mark.parametrize("raw", [BUNDLE, BUNDLE + b"\n" + BUNDLE, b" " + BUNDLE])
def test_json_that_presents_itself_as_a_bundle_is_one(name: str, raw: bytes) -> None:
    assert kinds.by_content(name, raw) is EvidenceKind.SIGSTORE


@pytest.mark.parametrize("name", ["bundle.txt", "tool.whl", "bundle"])
def test_another_suffix_is_not_looked_into(name: str) -> None:
    assert kinds.by_content(name, BUNDLE) is None


def test_a_name_that_says_what_it_is_is_not_looked_into() -> None:
    assert kinds.by_content("tool.whl.sha256", BUNDLE) is EvidenceKind.DIGESTS


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"{}", b"\xff", b'{"mediaType":1}', b"{}\n{}\n"])
def test_other_json_is_no_evidence(raw: bytes) -> None:
    assert kinds.by_content("package.json", raw) is None


def test_other_json_is_what_its_name_says() -> None:
    assert kinds.by_content("tool.intoto.jsonl", b"{}") is EvidenceKind.DSSE


def test_a_long_file_of_json_lines_is_no_error() -> None:
    # `events.jsonl` beside the artifacts is a file like any other.
    assert kinds.by_content("events.jsonl", b'{"event":1}\n' * 5000) is None
