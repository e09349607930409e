"""OpenPGP evidence of a pack: put to gpg, over members and over digest manifests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kit import collect as collecting
from kit.check import Options, check, detached, hashing, weighing
from kit.check.jobs import Basis
from kit.check.weighed import Weighed
from kit.collect import Request
from kit.errors import MachineError
from kit.formats import release_file
from kit.formats.openpgp import Detached
from kit.formats.release_file import ReleaseFile
from kit.model import EvidenceFile, EvidenceKind
from kit.pack import writer
from kit.pack.reader import Pack
from kit.verifiers.openpgp import OpenPgpVerifier, Verified
from kit.verifiers.openpgp.program import Data
from tests import packs
from tests.lab import IDENTITY, ISSUER
from tests.openpgp import GPG, NOW, Key, Pair, armored, verifier

pytestmark = pytest.mark.skipif(not GPG.exists(), reason="gpg is not installed")

OWNER = Key("owner")
NEXT = Key("next")
TOOL = b"the tool"
OTHER = b"another"
SUMS = "".join(
    f"{hashlib.sha256(raw).hexdigest()}  {name}\n"
    for name, raw in (("tool-1.0.tgz", TOOL), ("other-1.0.tgz", OTHER))
).encode()


def release(*names: str) -> ReleaseFile:
    listed = ", ".join(f'"{name}"' for name in names)
    return release_file.parse(
        f"""\
schema = 1
name = "tool"
version = "1.0"
[signers.release]
issuer = "{ISSUER}"
identity = "{IDENTITY}"
[[artifact]]
source = "file:dl/"
files = [{listed}]
[[artifact.require]]
signer = "release"
""".encode(),
        "release.toml",
    )


def collected(base: Path, files: Mapping[str, bytes], *names: str) -> Path:
    """Collect these files; ``names`` are the artifacts among them."""
    (base / "dl").mkdir(parents=True)
    for name, raw in files.items():
        (base / "dl" / name).write_bytes(raw)
    folder = base / "working"
    folder.mkdir()
    request = Request(release=release(*names), base=base, out=base / "out.pack.tar", now=NOW)
    return collecting.collect(request, folder).path


def weigh(path: Path, asked: OpenPgpVerifier | None) -> Weighed:
    with Pack.open(path) as pack:
        known = hashing.hash_members(pack, release("tool-1.0.tgz"), None)
        basis = Basis(anchors=(), at=NOW)
        if asked is None:
            return weighing.weigh(pack, known, basis, 1)
        with asked:
            return weighing.weigh(pack, known, basis, 1, asked)


def codes(weighed: Weighed, member: str = "artifacts/tool-1.0.tgz") -> list[str]:
    return [finding.code for finding in weighed.findings.get(member, ())]


@pytest.mark.parametrize("suffix", [".asc", ".gpg", ".sig"])
def test_a_detached_signature_makes_a_claim(tmp_path: Path, suffix: str) -> None:
    signature = OWNER.sign(TOOL) if suffix == ".sig" else armored(OWNER.sign(TOOL))
    path = collected(
        tmp_path, {"tool-1.0.tgz": TOOL, f"tool-1.0.tgz{suffix}": signature}, "tool-1.0.tgz"
    )
    weighed = weigh(path, verifier(OWNER))
    (claim,) = weighed.claims["artifacts/tool-1.0.tgz"]
    assert claim.kind is EvidenceKind.OPENPGP
    assert claim.evidence == f"evidence/tool-1.0.tgz{suffix}"
    assert claim.identity.subject == OWNER.fingerprint
    assert claim.digest.hex == hashlib.sha256(TOOL).hexdigest()
    assert codes(weighed) == []


def test_a_policy_without_openpgp_says_so(tmp_path: Path) -> None:
    files = {"tool-1.0.tgz": TOOL, "tool-1.0.tgz.asc": armored(OWNER.sign(TOOL))}
    weighed = weigh(collected(tmp_path, files, "tool-1.0.tgz"), None)
    (finding,) = weighed.findings["artifacts/tool-1.0.tgz"]
    assert finding.code == "evidence.unsupported"
    assert "names no OpenPGP signer" in finding.message
    assert not weighed.claims


@pytest.mark.parametrize("name", ["SHA256SUMS", "checksums.txt"])
@pytest.mark.parametrize("suffix", [".asc", ".gpg", ".sig"])
def test_a_signed_digest_manifest_speaks_of_what_it_lists(
    tmp_path: Path, name: str, suffix: str
) -> None:
    files = {
        "tool-1.0.tgz": TOOL,
        "other-1.0.tgz": OTHER,
        name: SUMS,
        name + suffix: armored(OWNER.sign(SUMS)),
    }
    path = collected(tmp_path, files, "tool-1.0.tgz", "other-1.0.tgz")
    weighed = weigh(path, verifier(OWNER))
    for listed in ("tool-1.0.tgz", "other-1.0.tgz"):
        (claim,) = weighed.claims[f"artifacts/{listed}"]
        assert (claim.listed_in, claim.names) == (name, (listed,))
        assert claim.kind is EvidenceKind.DIGESTS
        assert claim.identity.subject == OWNER.fingerprint


def test_a_digest_manifest_that_a_stranger_signed_speaks_of_nothing(tmp_path: Path) -> None:
    files = {"tool-1.0.tgz": TOOL, "SHA256SUMS": SUMS, "SHA256SUMS.asc": armored(NEXT.sign(SUMS))}
    weighed = weigh(collected(tmp_path, files, "tool-1.0.tgz"), verifier(OWNER))
    assert "artifacts/tool-1.0.tgz" not in weighed.claims
    assert codes(weighed) == ["openpgp.unknown-key", "evidence.unsigned"]


def test_a_changed_file_contradicts_its_signed_digest_manifest(tmp_path: Path) -> None:
    files = {
        "tool-1.0.tgz": b"evil",
        "SHA256SUMS": SUMS,
        "SHA256SUMS.asc": armored(OWNER.sign(SUMS)),
    }
    weighed = weigh(collected(tmp_path, files, "tool-1.0.tgz"), verifier(OWNER))
    assert weighed.contradictions["artifacts/tool-1.0.tgz"][0].over.identity.subject == (
        OWNER.fingerprint
    )


def test_a_cleartext_signed_manifest_is_refused_by_name(tmp_path: Path) -> None:
    text = b"-----BEGIN PGP SIGNED MESSAGE-----\n\n" + SUMS + armored(OWNER.sign(SUMS))
    files = {"tool-1.0.tgz": TOOL, "SHA256SUMS": SUMS, "SHA256SUMS.asc": text}
    weighed = weigh(collected(tmp_path, files, "tool-1.0.tgz"), verifier(OWNER))
    assert "openpgp.cleartext" in codes(weighed)
    assert not weighed.claims


def test_a_second_signature_by_a_stranger_is_a_note(tmp_path: Path) -> None:
    signature = armored(OWNER.sign(TOOL) + NEXT.sign(TOOL))
    files = {"tool-1.0.tgz": TOOL, "tool-1.0.tgz.asc": signature}
    weighed = weigh(collected(tmp_path, files, "tool-1.0.tgz"), verifier(OWNER))
    (finding,) = weighed.findings["artifacts/tool-1.0.tgz"]
    assert (finding.level.value, finding.code) == ("note", "openpgp.unknown-key")
    assert len(weighed.claims["artifacts/tool-1.0.tgz"]) == 1


@pytest.mark.parametrize("name", ["--output=x", "-", "@x", "-----", "a b;c"])
def test_no_name_of_a_file_reaches_gpg(tmp_path: Path, name: str) -> None:
    # C-144
    files = {name: TOOL, f"{name}.asc": armored(OWNER.sign(TOOL))}
    path = collected(tmp_path, files, name)
    with Pack.open(path) as pack:
        (member,) = {artifact.member for artifact in pack.manifest.artifacts}
    weighed = weigh(path, verifier(OWNER))
    assert len(weighed.claims[member]) == 1


def test_the_report_says_which_keys_it_rests_on(tmp_path: Path) -> None:
    files = {"tool-1.0.tgz": TOOL, "tool-1.0.tgz.asc": armored(OWNER.sign(TOOL))}
    path = collected(tmp_path, files, "tool-1.0.tgz")
    policy = release("tool-1.0.tgz")
    keys = {OWNER.fingerprint: OWNER.keyring}
    with Pack.open(path) as pack:
        report = check(pack, policy, {}, Options(at=NOW, gpg=GPG), keys)
        assert [anchor.instance for anchor in report.anchors] == [f"openpgp {OWNER.fingerprint}"]
        with pytest.raises(MachineError) as caught:
            check(pack, policy, {}, Options(at=NOW), keys)
    assert caught.value.code == "machine.no-gpg"


# ---- packs that nobody would collect ---------------------------------------


def hostile(path: Path, artifacts: int, signatures: Mapping[str, bytes]) -> Path:
    """Write a pack in which each signature is said to be about each artifact."""
    files = dict.fromkeys(("README.txt", "release.toml", "ledger.json"), b"")
    files |= {f"artifacts/tool-{n}": b"tool %d" % n for n in range(artifacts)}
    files |= {f"evidence/{name}": raw for name, raw in signatures.items()}
    made = packs.manifest(files)
    about = tuple(artifact.member for artifact in made.artifacts)
    evidence = tuple(
        EvidenceFile(kind=EvidenceKind.OPENPGP, name=piece.name, member=piece.member, about=about)
        for piece in made.evidence
    )
    described = packs.manifest(files, evidence=evidence)
    writer.write(path, described, files)
    return path


def counted(asked: OpenPgpVerifier) -> list[Detached]:
    """Return a list that grows with every signature that is put to gpg."""
    runs: list[Detached] = []
    real = asked.verify

    def verify(detached: Detached, data: Callable[[], Data]) -> Verified:
        runs.append(detached)
        return real(detached, data)

    asked.verify = verify  # type: ignore[method-assign]
    return runs


def test_one_signature_about_many_files_is_not_tried(tmp_path: Path) -> None:
    signatures = {"a.asc": OWNER.sign(b"tool 0")}
    path = hostile(tmp_path / "p", detached.MAX_CONTENTS + 1, signatures)
    weighed = weigh(path, verifier(OWNER, program=None))
    assert codes(weighed, "artifacts/tool-0") == ["openpgp.too-many"]


def test_many_signatures_about_one_file_are_tried_up_to_a_number(tmp_path: Path) -> None:
    signatures = {f"a{n:03}.asc": OWNER.sign(b"%d" % n) for n in range(detached.MAX_RUNS + 3)}
    signatures |= {f"b{n:03}.asc": NEXT.sign(b"%d" % n) for n in range(100)}
    signatures |= {f"c{n:03}.asc": OWNER.sign(b"0") for n in range(100)}
    asked = verifier(OWNER)
    runs = counted(asked)
    weighed = weigh(hostile(tmp_path / "p", 1, signatures), asked)
    assert len(runs) == detached.MAX_RUNS
    assert not weighed.claims
    assert weighed.left_out


def test_one_signature_of_one_content_is_asked_about_once(tmp_path: Path) -> None:
    subkey = Pair("subkey")
    key = Key("owner", subkey=subkey)
    signatures = {f"a{n}.asc": subkey.sign(b"tool 0") for n in range(5)}
    asked = verifier(key)
    runs = counted(asked)
    weighed = weigh(hostile(tmp_path / "p", 2, signatures), asked)
    assert len(runs) == 2
    assert len(weighed.claims["artifacts/tool-0"]) == 5
    assert "artifacts/tool-1" not in weighed.claims
