"""Evidence is paired by the digest it carries, else by its name."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

from kit.collect import pairing
from kit.collect.pairing import Piece
from kit.formats import kinds
from kit.model import EvidenceKind, Found
from tests.lab import Lab, npm

LAB = Lab("acme")


def found(name: str, content: bytes = b"") -> Found:
    """Return a gathered file."""
    digest = hashlib.sha256(content).hexdigest()
    return Found(name=name, path=Path("/nowhere") / name, size=len(content), sha256=digest)


def piece(name: str, raw: bytes) -> Piece:
    """Return a gathered piece of evidence."""
    kind = kinds.by_content(name, raw) or EvidenceKind.UNKNOWN
    return Piece(found=found(name, raw), kind=kind, raw=raw)


def names(artifacts: list[Found], pieces: list[Piece]) -> list[list[str]]:
    """Return the names of what each piece is about."""
    return [[target.name for target in about] for about in pairing.pair(artifacts, pieces)]


def test_a_bundle_is_about_the_file_whose_digest_it_carries_whatever_its_name() -> None:
    artifacts = [found("a.tgz", b"a"), found("b.tgz", b"b")]
    assert names(artifacts, [piece("a.tgz.sigstore.json", LAB.sign(b"b"))]) == [["b.tgz"]]


def test_a_statement_is_about_all_its_subjects() -> None:
    artifacts = [found("a.tgz", b"a"), found("b.tgz", b"b"), found("c.tgz", b"c")]
    bundle = LAB.attest({"a.tgz": b"a", "b.tgz": b"b"})
    assert names(artifacts, [piece("attestation.json", bundle)]) == [["a.tgz", "b.tgz"]]


def test_a_digest_that_matches_nothing_falls_back_to_the_name() -> None:
    # The file was changed after it was signed: that deserves an explanation, not silence.
    pieces = [piece("a.tgz.sigstore.json", LAB.sign(b"a"))]
    assert names([found("a.tgz", b"changed")], pieces) == [["a.tgz"]]


def test_a_signature_without_a_digest_is_paired_by_name() -> None:
    pieces = [piece("a.tgz.asc", b"-----BEGIN PGP SIGNATURE-----")]
    assert names([found("a.tgz", b"a"), found("b.tgz", b"b")], pieces) == [["a.tgz"]]


def test_a_digest_manifest_is_about_what_it_lists_and_its_signature_about_it() -> None:
    sums = f"{'0' * 64}  a.tgz\n{'1' * 64}  gone.tgz\n".encode()
    pieces = [piece("SHA256SUMS", sums), piece("SHA256SUMS.sigstore.json", LAB.sign(sums))]
    assert names([found("a.tgz", b"a"), found("b.tgz")], pieces) == [["a.tgz"], ["SHA256SUMS"]]


def test_evidence_about_nothing_here_is_about_nothing() -> None:
    assert names([found("a.tgz", b"a")], [piece("z.tgz.sigstore.json", LAB.sign(b"z"))]) == [[]]


def test_a_malformed_bundle_is_paired_by_name() -> None:
    assert names([found("a.tgz", b"a")], [piece("a.tgz.sigstore.json", b"{")]) == [["a.tgz"]]


def test_json_lines_are_about_the_subjects_of_every_line() -> None:
    lines = b"\n".join(
        b"".join(LAB.attest({name: name.encode()}).split(b"\n")) for name in ("a.tgz", "b.tgz")
    )
    artifacts = [found("a.tgz", b"a.tgz"), found("b.tgz", b"b.tgz")]
    assert names(artifacts, [piece("all.sigstore.jsonl", lines)]) == [["a.tgz", "b.tgz"]]


def test_many_files_in_one_digest_manifest_are_paired_in_no_time() -> None:
    count = 20_000
    artifacts = [found(f"f{number}", b"%d" % number) for number in range(count)]
    sums = "".join(f"{item.sha256}  dist/{item.name}\n" for item in artifacts).encode()
    begun = time.perf_counter()
    (about,) = pairing.pair(artifacts, [piece("SHA256SUMS", sums)])
    assert time.perf_counter() - begun < 10  # squared, it took minutes
    assert list(about) == artifacts


def test_what_npm_answers_is_about_the_tarball_of_its_package_by_whatever_name() -> None:
    key, content = npm.RegistryKey(LAB), b"tarball"
    tarball, other = found("acme-tool-1.0.0.tgz", content), found("tool-1.0.0.tgz", b"other")
    answer = npm.answer(npm.publish(key, "@acme/tool", "1.0.0", content))
    integrity = npm.integrity(content)
    dist = {"integrity": integrity, "signatures": [key.signs("@acme/tool", "1.0.0", integrity)]}
    version = {"name": "@acme/tool", "version": "1.0.0", "dist": dist}
    packument = json.dumps({"name": "@acme/tool", "versions": {"1.0.0": version}}).encode()
    saved = [piece("a.json", answer), piece("p.json", packument)]
    bundle = npm.publish(key, "@acme/tool", "1.0.0", content)
    assert (
        names([other, tarball], [*saved, piece("b.sigstore.json", bundle)])
        == [["acme-tool-1.0.0.tgz"]] * 3
    )


def test_a_list_of_image_digests_is_about_images_and_its_signature_about_it() -> None:
    image, other = found("tool:1.0", b"manifest"), found("other:1.0", b"another")
    raw = f"sha256:{image.sha256}  ghcr.io/acme/copy:1\nsha256:{'0' * 64}  ghcr.io/a/other:1.0\n"
    pieces = [piece("image-digest.txt", raw.encode()), piece("image-digest.txt.asc", b"x")]
    assert names([image, other], pieces) == [["tool:1.0", "other:1.0"], ["image-digest.txt"]]
    assert names([image], [piece("image-digest.txt", b"nonsense")]) == [[]]
