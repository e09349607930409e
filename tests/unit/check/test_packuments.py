"""Packuments of a pack: which versions are put to which files, and that it stays bounded."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kit.check import hashing, packuments
from kit.check.jobs import Basis, Outcome
from kit.formats import npm_keys
from kit.formats.npm_packument import Published
from kit.model import Artifact, Digest, EvidenceFile, EvidenceKind
from kit.pack import writer
from kit.pack.reader import Pack
from kit.trust.npm_keys import NpmKeyring
from kit.verifiers.npm import RegistryKeys, Signed
from tests import packs
from tests.lab import Lab, npm
from tests.lab.npm import RegistryKey

KEY = RegistryKey(Lab("acme"))
AT = datetime(2026, 1, 1, tzinfo=UTC)
RAW = npm.targets(KEY)
KEYS = NpmKeyring(path="npm/keys.json", keys=npm_keys.parse(RAW), raw=RAW, origin="test")


def packument(name: str, contents: dict[str, bytes]) -> bytes:
    """Return a signed packument of these versions."""
    versions: dict[str, Any] = {}
    for version, content in contents.items():
        integrity = npm.integrity(content)
        dist = {"integrity": integrity, "signatures": [KEY.signs(name, version, integrity)]}
        versions[version] = {"name": name, "version": version, "dist": dist}
    return json.dumps({"name": name, "versions": versions}).encode()


def outcomes(folder: Path, raw: bytes, files: dict[str, bytes], *keys: NpmKeyring) -> list[Outcome]:
    """Put a packument to all files of a pack that says that it is about them."""
    contents = {f"artifacts/{name}": content for name, content in files.items()}
    head = {"README.txt": b"", "release.toml": b"", "ledger.json": b"[]\n"}
    every = head | contents | {"evidence/p.json": raw}
    piece = EvidenceFile(
        kind=EvidenceKind.NPM_PACKUMENT,
        name="p.json",
        member="evidence/p.json",
        about=tuple(sorted(contents)),
    )
    made = packs.manifest(
        every,
        evidence=(piece,),
        artifacts=tuple(
            Artifact(name=name, source="file:dl/", member=f"artifacts/{name}")
            for name in sorted(files)
        ),
    )
    path = folder / "x.pack.tar"
    path.unlink(missing_ok=True)
    writer.write(path, made, every)
    with Pack.open(path) as pack:
        known = {
            member: {
                name: Digest(name, hashlib.new(name, content).hexdigest())
                for name in ("sha256", "sha512")
            }
            for member, content in contents.items()
        }
        basis = Basis(anchors=(), at=AT, npm_keys=keys)
        return list(packuments.run(pack, known, [piece], basis))


def codes(found: list[Outcome]) -> list[list[str]]:
    return [[refusal.code for refusal in outcome.refusals] for outcome in found]


def test_a_file_is_put_to_the_version_of_its_integrity_whatever_its_name(tmp_path: Path) -> None:
    raw = packument("tool", {"1.0.0": b"one", "1.1.0": b"two"})
    found = outcomes(tmp_path, raw, {"renamed.tgz": b"two"}, KEYS)
    assert [claim.names for o in found for claim in o.claims] == [("pkg:npm/tool@1.1.0",)]


def test_a_file_of_a_versions_name_with_other_bytes_contradicts_it(tmp_path: Path) -> None:
    raw = packument("tool", {"1.0.0": b"one", "1.1.0": b"two"})
    found = outcomes(tmp_path, raw, {"tool-1.0.0.tgz": b"evil"}, KEYS)
    assert codes(found) == [["digest.mismatch"]]
    assert len(found[0].contradictions) == 1


def test_a_file_under_another_versions_name_is_both_told(tmp_path: Path) -> None:
    raw = packument("tool", {"1.0.0": b"one", "1.1.0": b"two"})
    (found,) = outcomes(tmp_path, raw, {"tool-1.1.0.tgz": b"one"}, KEYS)
    assert [claim.names for claim in found.claims] == [("pkg:npm/tool@1.0.0",)]
    assert len(found.contradictions) == 1


def test_a_packument_about_none_of_the_files_says_so(tmp_path: Path) -> None:
    raw = packument("tool", {"1.0.0": b"one"})
    assert codes(outcomes(tmp_path, raw, {"x.tgz": b"x"}, KEYS)) == [["npm.other-version"]]


def test_without_keys_of_a_registry_nothing_is_verified(tmp_path: Path) -> None:
    raw = packument("tool", {"1.0.0": b"one"})
    assert codes(outcomes(tmp_path, raw, {"x.tgz": b"one"})) == [["evidence.unsupported"]]


def test_what_is_no_packument_is_malformed(tmp_path: Path) -> None:
    assert codes(outcomes(tmp_path, b"{}", {"x.tgz": b"one"}, KEYS)) == [["evidence.malformed"]]


def test_a_version_is_verified_once_however_many_files_it_is_said_to_be_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Published] = []
    verify = RegistryKeys.verify

    def count(self: RegistryKeys, version: Published) -> Signed:
        asked.append(version)
        return verify(self, version)

    monkeypatch.setattr(RegistryKeys, "verify", count)
    raw = packument("tool", {"1.0.0": b"one"})
    files = {f"{number}.tgz": b"one" for number in range(50)}
    found = outcomes(tmp_path, raw, files, KEYS)
    assert sum(len(outcome.claims) for outcome in found) == 50
    assert len(asked) == 1


def test_a_packument_asks_for_the_algorithm_of_its_integrity() -> None:
    raw = packument("tool", {"1.0.0": b"one"})
    piece = EvidenceFile(kind=EvidenceKind.NPM_PACKUMENT, name="p", member="p", about=())
    assert hashing._algorithms(piece, raw) == {"sha512"}
