"""The offline walk on a whole pack: damage ends it before anything is believed."""

from __future__ import annotations

import hashlib
import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kit.check import Options, check
from kit.check import jobs as check_jobs
from kit.check.jobs import Basis, Job, Subject
from kit.check.weighed import Weighed
from kit.collect import Request, collect
from kit.errors import PackError
from kit.formats import release_file, trusted_root
from kit.formats.release_file import ReleaseFile
from kit.model import (
    Artifact,
    Digest,
    EvidenceFile,
    EvidenceKind,
    Manifest,
    Member,
    Report,
)
from kit.pack import roster, writer
from kit.pack.reader import Pack
from kit.trust.anchors import Anchor
from tests.claims import claim, sha256
from tests.lab import IDENTITY, ISSUER, Lab

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = f"""\
schema = 1
name = "tool"
version = "1.0"
[signers.release]
issuer = "{ISSUER}"
identity = "{IDENTITY}"
trusted-root = "acme"
[[artifact]]
source = "file:dl"
files = ["tool-1.0.tgz"]
[[artifact.require]]
signer = "release"
""".encode()
TOOL = b"the tool"


def anchor(lab: Lab, instance: str = "acme") -> Anchor:
    """Trust a lab instance."""
    raw = lab.trusted_root()
    return Anchor(instance=instance, raw=raw, root=trusted_root.parse(raw), origin="test")


@pytest.fixture(scope="module")
def lab() -> Lab:
    """Return the trusted instance."""
    return Lab("acme")


@pytest.fixture(scope="module")
def release() -> ReleaseFile:
    """Return the policy."""
    return release_file.parse(POLICY, "release.toml")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, lab: Lab, release: ReleaseFile) -> bytes:
    """Collect a pack of one attested file; return its bytes."""
    base = tmp_path_factory.mktemp("base")
    (base / "dl").mkdir()
    (base / "dl/tool-1.0.tgz").write_bytes(TOOL)
    (base / "dl/tool-1.0.tgz.sigstore.json").write_bytes(lab.attest({"tool-1.0.tgz": TOOL}))
    folder = base / "working"
    folder.mkdir()
    request = Request(release=release, base=base, out=base / "out.pack.tar", now=NOW)
    return collect(request, folder).path.read_bytes()


def judged(path: Path, raw: bytes, release: ReleaseFile, lab: Lab, **options: object) -> Report:
    """Check these bytes as a pack."""
    path.write_bytes(raw)
    with Pack.open(path) as opened:
        return check(opened, release, {"acme": anchor(lab)}, Options(at=NOW, **options))  # type: ignore[arg-type]


def test_a_whole_pack_passes(tmp_path: Path, pack: bytes, release: ReleaseFile, lab: Lab) -> None:
    report = judged(tmp_path / "p", pack, release, lab)
    assert report.passed
    assert report.manifest_sha256 == hashlib.sha256(pack[512:].split(b"\n")[0] + b"\n").hexdigest()


def test_every_damaged_member_is_named(
    tmp_path: Path, pack: bytes, release: ReleaseFile, lab: Lab
) -> None:
    raw = bytearray(pack)
    raw[raw.index(TOOL)] ^= 1
    raw[raw.index(b'{"dsseEnvelope"' if b'{"dsseEnvelope"' in raw else b'{"mediaType"')] ^= 1
    with pytest.raises(PackError) as damaged:
        judged(tmp_path / "p", bytes(raw), release, lab)
    assert {fault.subject for fault in damaged.value.faults} == {
        "artifacts/tool-1.0.tgz",
        "evidence/tool-1.0.tgz.sigstore.json",
    }


def test_any_flipped_byte_ends_the_walk(
    tmp_path: Path, pack: bytes, release: ReleaseFile, lab: Lab
) -> None:
    # Every byte is tried in tests/unit/pack; here a sample goes through the whole walk.
    for place in random.Random(7).sample(range(len(pack)), 300):
        raw = bytearray(pack)
        raw[place] ^= 1
        with pytest.raises(PackError):
            judged(tmp_path / "p", bytes(raw), release, lab)


def test_any_cut_ends_the_walk(tmp_path: Path, pack: bytes, release: ReleaseFile, lab: Lab) -> None:
    for length in random.Random(7).sample(range(len(pack)), 300):
        with pytest.raises(PackError):
            judged(tmp_path / "p", pack[:length], release, lab)


def test_a_clock_behind_the_signature_is_told_and_fails(
    tmp_path: Path, pack: bytes, release: ReleaseFile, lab: Lab
) -> None:
    path = tmp_path / "p"
    path.write_bytes(pack)
    with Pack.open(path) as opened:
        early = Options(at=datetime(2020, 1, 1, tzinfo=UTC))
        report = check(opened, release, {"acme": anchor(lab)}, early)
    assert not report.passed
    codes = {f.code for f in (*report.findings, *report.verdicts[0].findings)}
    assert {"clock.behind", "policy.unmet"} <= codes


def test_a_pack_collected_after_the_hosts_time_is_told(
    tmp_path: Path, pack: bytes, release: ReleaseFile, lab: Lab
) -> None:
    path = tmp_path / "p"
    path.write_bytes(pack)
    with Pack.open(path) as opened:
        options = Options(at=NOW - timedelta(days=1))
        report = check(opened, release, {"acme": anchor(lab)}, options)
    assert [f.code for f in report.findings] == ["clock.behind"]


def test_another_instances_refusal_is_not_told_where_one_accepts(lab: Lab) -> None:
    digest = Digest("sha256", hashlib.sha256(TOOL).hexdigest())
    subject = Subject(member="artifacts/x", digests={"sha256": digest})
    job = Job(label="evidence/x", raw=lab.sign(TOOL), subjects=(subject,))
    both = (anchor(Lab("other"), "other"), anchor(lab))
    (outcome,) = check_jobs.run([job], check_jobs.Basis(anchors=both, at=NOW), 1)
    assert [claim.instance for claim in outcome.claims] == ["acme"]
    assert outcome.refusals == ()


def test_a_claim_names_the_instance_that_accepted_it_and_no_other(lab: Lab) -> None:
    digest = Digest("sha256", hashlib.sha256(TOOL).hexdigest())
    subject = Subject(member="artifacts/x", digests={"sha256": digest})
    job = Job(label="evidence/x", raw=Lab("other").sign(TOOL), subjects=(subject,))
    (outcome,) = check_jobs.run([job], check_jobs.Basis(anchors=(anchor(lab),), at=NOW), 1)
    assert outcome.claims == ()
    assert [refusal.code for refusal in outcome.refusals] == ["sigstore.chain"]


# ---- a courier who writes while we read ----------------------------------------------


def test_metadata_is_read_only_from_bytes_that_were_hashed(tmp_path: Path, pack: bytes) -> None:
    # C-170: between hashing and opening the archive, the medium gives other bytes.
    path = tmp_path / "p"
    path.write_bytes(pack)
    times = path.stat()
    with Pack.open(path) as opened:
        with path.open("r+b") as file:
            file.seek(pack.index(TOOL))
            file.write(b"EVIL")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(PackError) as changed:
            opened.member_file("artifacts/tool-1.0.tgz")
    assert changed.value.code == "pack.rewritten"


def test_a_chunk_that_changes_after_it_was_hashed_is_not_handed_out(
    tmp_path: Path, pack: bytes
) -> None:
    path = tmp_path / "p"
    path.write_bytes(pack)
    times = path.stat()
    with Pack.open(path) as opened, opened.member_file("artifacts/tool-1.0.tgz") as view:
        with path.open("r+b") as file:
            file.seek(pack.index(TOOL))
            file.write(b"EVIL")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        with pytest.raises(PackError) as changed:
            view.read()
    assert changed.value.code == "pack.rewritten"


# ---- a collector who multiplies ------------------------------------------------------


def hostile(path: Path, evidence: dict[str, tuple[str, bytes]], artifacts: int) -> Pack:
    """Write a pack of small artifacts where every piece of evidence is about all of them."""
    contents: dict[str, bytes] = dict.fromkeys(roster.HEAD, b"")
    contents |= {f"artifacts/{n}.bin": str(n).encode() for n in range(artifacts)}
    contents |= {member: raw for member, (_, raw) in evidence.items()}
    head, rest = list(roster.HEAD), sorted(p for p in contents if p not in roster.HEAD)
    about = tuple(p for p in rest if not p.startswith("trust/"))
    described = Manifest(
        release_name="tool",
        release_version="1.0",
        collected_at=NOW,
        kit="test",
        artifacts=tuple(
            Artifact(name=p.rpartition("/")[2], source="file:dl", member=p)
            for p in sorted(rest)
            if p.startswith("artifacts/")
        ),
        evidence=tuple(
            EvidenceFile(kind=EvidenceKind(kind), name=p.rpartition("/")[2], member=p, about=about)
            for p, (kind, _) in sorted(evidence.items())
        ),
        members=tuple(
            Member(path=p, size=len(contents[p]), sha256=hashlib.sha256(contents[p]).hexdigest())
            for p in (*head, *rest)
        ),
    )
    writer.write(path, described, dict(contents))
    return Pack.open(path)


def test_manifests_about_each_other_and_themselves_do_not_multiply(
    tmp_path: Path, release: ReleaseFile, lab: Lab
) -> None:
    sums = f"{'0' * 64}  0.bin\n".encode()
    evidence = {f"evidence/{n}SUMS": ("digest-manifest", sums) for n in range(40)}
    with hostile(tmp_path / "p", evidence, 3) as opened:
        report = check(opened, release, {"acme": anchor(lab)}, Options(at=NOW))
    assert not report.passed
    assert all(len(verdict.findings) < 100 for verdict in report.verdicts)


def test_many_refused_lines_about_many_files_are_told_in_bounds(
    tmp_path: Path, release: ReleaseFile, lab: Lab
) -> None:
    lines = b"\n".join(b'{"a":%d}' % n for n in range(1000))
    evidence = {"evidence/all.jsonl": ("sigstore-bundle", lines)}
    with hostile(tmp_path / "p", evidence, 200) as opened:
        report = check(opened, release, {"acme": anchor(lab)}, Options(at=NOW))
    assert all(len(verdict.findings) < 100 for verdict in report.verdicts)
    assert "evidence.more" in {f.code for f in report.verdicts[0].findings}


def test_what_a_bundle_makes_a_finding_quote_is_cut(
    tmp_path: Path, release: ReleaseFile, lab: Lab
) -> None:
    names = {"n" * 4000 + str(n): str(n).encode() for n in range(100, 110)}
    evidence = {
        "evidence/a.json": ("sigstore-bundle", lab.attest(names)),
        "evidence/b.json": ("sigstore-bundle", lab.envelope(b"{}", payload_type="t" * 1_000_000)),
    }
    with hostile(tmp_path / "p", evidence, 2) as opened:
        report = check(opened, release, {"acme": anchor(lab)}, Options(at=NOW))
    found = [finding for verdict in report.verdicts for finding in verdict.findings]
    assert {"statement.subject", "evidence.unsupported"} <= {f.code for f in found}
    assert max(len(finding.message) for finding in found) < 5000


def whole_predicates(*jobs: Job, lab: Lab) -> list[str | None]:
    """Return what claims carry of predicates where a requirement looks at those of the lab's."""
    asking = POLICY + b'predicate-type = "urn:t"\npredicate-schema = "s"'
    policy = release_file.parse(asking, "release.toml", lambda _: b"{}")
    basis = Basis(anchors=(anchor(lab),), at=NOW, whole_predicates=policy.of_whole_predicates)
    outcomes = check_jobs.run(jobs, basis, 1)
    return [claim.predicate_json for outcome in outcomes for claim in outcome.claims]


def test_the_claims_of_one_bundle_share_one_whole_predicate(lab: Lab) -> None:
    files = {f"{n}.bin": str(n).encode() for n in range(3)}
    subjects = tuple(
        Subject(member=name, digests={"sha256": sha256(raw)}) for name, raw in files.items()
    )
    raw = lab.attest(files, predicate={"long": "text"}, predicate_type="urn:t")
    made = whole_predicates(Job(label="a", raw=raw, subjects=subjects), lab=lab)
    assert made == ['{"long": "text"}'] * len(files)
    assert len(set(map(id, made))) == 1


def test_nobody_else_s_predicate_is_kept_whole(lab: Lab) -> None:
    subjects = (Subject(member="a", digests={"sha256": sha256(b"a")}),)
    others = (
        lab.attest({"a": b"a"}, predicate_type="urn:t", identity="https://mallory.test/x"),
        lab.attest({"a": b"a"}, predicate_type="urn:u"),
    )
    made = [Job(label="a", raw=raw, subjects=subjects) for raw in others]
    assert whole_predicates(*made, lab=lab) == [None, None]


def test_a_predicate_that_is_carried_often_is_kept_once() -> None:
    weighed = Weighed()
    for number in range(3):
        text = json.dumps({"a": 1})  # made anew for each
        weighed.accept("a", claim(evidence=f"evidence/{number}", predicate_json=text))
    assert len({id(kept.predicate_json) for kept in weighed.claims["a"]}) == 1


def test_one_bundle_repeated_makes_one_claim(
    tmp_path: Path, release: ReleaseFile, lab: Lab
) -> None:
    bundle = b"".join(lab.attest({"0.bin": b"0"}).split(b"\n"))
    lines = b"\n".join([bundle] * 500)
    with hostile(tmp_path / "p", {"evidence/all.jsonl": ("sigstore-bundle", lines)}, 1) as opened:
        report = check(opened, release, {"acme": anchor(lab)}, Options(at=NOW))
    codes = [f.code for f in report.verdicts[0].findings]
    assert "evidence.more" not in codes
