"""slsa-verifier's own regression tables, as release files: each row's verdict, and our code.

Each row becomes a policy of one line. What slsa-verifier has built in is written out: which
workflows may sign (``identity-regexp``), and for npm that the registry signed as well.
Three things a row may leave out must be said here:

* a ref, because all of its builders are shared ones. Where a row names none, the policy
  has the ref that was built; without it the code is ``policy.shared-builder``;
* an npm package's name or version: then the line has those that were published;
* the whole tag. Ranges of versions (``--source-versioned-tag v13`` for v13.0.30) are not
  offered: a range that holds is written out as its tag (`is_range`), and one that does not
  fails as a tag as well.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from kit.check.jobs import Basis, Job, Subject, run
from kit.errors import UsageError
from kit.formats import (
    bundled,
    npm_attestations,
    npm_keys,
    npm_package,
    release_file,
    trusted_root,
)
from kit.formats.encodings import parse_digest
from kit.formats.npm_package import NpmPackage
from kit.model import Artifact, Claim, EvidenceKind, Verdict
from kit.policy.facts import FileFacts
from kit.policy.judge import judge
from kit.trust.anchors import Anchor
from kit.trust.npm_keys import NpmKeyring
from tests import claims
from tests.corpus.cases import AT
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT
from tests.lab import ISSUER

pytestmark = pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)

FOLDER = CORPUS / "slsa-verifier"
PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
GENERATORS = r"https://github\.com/slsa-framework/slsa-github-generator/\.github/workflows/"
VERSION = r"@refs/tags/v[0-9]+\.[0-9]+\.[0-9]+"

#: Which of slsa-verifier's errors is which of our codes.
CODES = {
    "ErrorMismatchSource": "policy.source-repository",
    "ErrorMismatchTag": "policy.source-ref",
    "ErrorMismatchVersionedTag": "policy.source-ref",
    "ErrorInvalidRef": "policy.source-ref",
    "ErrorMismatchBranch": "policy.source-ref",
    "ErrorMismatchBuilderID": "policy.builder-id",
    "ErrorInvalidBuilderID": "policy.builder-id",
    "ErrorNotSupported": "policy.builder-id",
    "ErrorUntrustedReusableWorkflow": "policy.identity",
    "ErrorInvalidSignature": "policy.unmet",
    "ErrorMismatchPackageName": "npm.other-package",
    "ErrorMismatchPackageVersion": "npm.other-package",
}

#: Rows that no release file can say, each with the reason.
NOT_OFFERED = {
    **dict.fromkeys(
        ("slsa-1556", "slsa-1557", "slsa-1558"),
        "a verification summary, in an envelope that is no bundle, by a key of its own",
    ),
}


TEMPLATE = """
schema = 1
name = 'tool'
version = '1'
strict-names = {strict}

[signers.builder]
issuer = '{issuer}'
identity-regexp = '{pattern}'

[signers.npm]
npm-keys = 'npm/keys.json'

[[artifact]]
{artifact}

[[artifact.require]]
{signed}
predicate-type = 'slsa-provenance'
source-repository = 'https://{source}'
{ref}
"""
NPM = f"""
[[artifact.require]]
signer = 'npm'
predicate-type = '{PUBLISH}'
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the tables."""

    row: dict[str, Any]

    @property
    def id(self) -> str:
        """Its name."""
        return str(self.row["id"])

    @property
    def expected(self) -> str:
        """``pass``, or slsa-verifier's error."""
        return str(self.row["expected"])

    @property
    def is_npm(self) -> bool:
        """Whether its subject is an npm package."""
        return bool(self.row["table"] == "npm")

    @property
    def is_range(self) -> bool:
        """Whether it passes by a range of versions that is not the tag itself."""
        wanted = self.row.get("versioned_tag")
        return self.expected == "pass" and bool(wanted) and f"refs/tags/{wanted}" != self.built

    @property
    def built(self) -> str:
        """The ref that was built, which rows without one leave open."""
        for claim in accepted(self.row["provenance"], self.digests):
            if claim.predicate_type != PUBLISH:
                return claim.identity.facts["source-repository-ref"]
        return "refs/heads/unknown"  # nothing was accepted: it fails whatever is asked

    @property
    def digests(self) -> tuple[str, ...]:
        """Its artifact's digests."""
        (artifact,) = self.row["artifacts"]
        known = [name for name in ("sha256", "sha512") if name in artifact]
        return tuple(f"{name}:{artifact[name]}" for name in known)

    def ref(self) -> str:
        """Return what it asks for, as a whole ref."""
        row = self.row
        if row.get("branch"):
            return f"refs/heads/{row['branch']}"
        tag = row.get("tag") or row.get("versioned_tag")
        return f"refs/tags/{tag}" if tag and not self.is_range else self.built

    @property
    def package(self) -> NpmPackage:
        """The npm package it asks for; what it leaves open is what was published."""
        document = json.loads((FOLDER / "testdata" / self.row["provenance"]).read_bytes())
        envelope = document["attestations"][0]["bundle"]["dsseEnvelope"]
        subject = json.loads(base64.b64decode(envelope["payload"]))["subject"][0]["name"]
        published = npm_package.parse_purl(subject)
        assert published is not None
        name, version = self.row.get("package"), self.row.get("version")
        return npm_package.of(name or published.name, version or published.version)

    @property
    def artifact(self) -> Artifact:
        """The file as a pack has it: under the line that the row asks with."""
        source, name = "file:dist/", "artifact"
        if self.is_npm:
            source, name = f"npm:{self.package}", self.package.tarball
        return Artifact(name=name, source=source, member=f"artifacts/{name}")

    def policy(self, ref: str | None) -> str:
        """Return the release file that asks what the row asks; without ``ref``, for any."""
        builder = self.row["builder_id"]
        signed = f"signer = 'builder'\nbuilder-id = '{builder}'" if builder else ""
        if not builder and not self.is_npm:
            signed = "signer = 'builder'"  # then slsa-verifier trusts the generators alone
        text = TEMPLATE.format(
            issuer=ISSUER,
            pattern=self.signer(),
            signed=signed,
            source=self.row["source"],
            ref=f"source-ref = '{ref}'" if ref else "",
            strict="true" if self.is_npm else "false",
            artifact=f"source = '{self.artifact.source}'"
            + ("" if self.is_npm else "\nfiles = ['artifact']"),
        )
        return text + NPM if self.is_npm else text

    def signer(self) -> str:
        """Return who may sign: the builder, whoever vouches for it, or any workflow for npm."""
        builder, folder = self.row["builder_id"] or "", self.row["builder_dir"]
        if folder.startswith(("gha_delegator", "gha_maven")) or "builder_nodejs" in builder:
            return rf"{GENERATORS}delegator_(lowperms-)?generic_slsa3\.yml{VERSION}"
        if self.is_npm:
            return r"https://github\.com/[^@]+@.+"
        if not builder:
            return rf"{GENERATORS}[a-z_-]+_slsa3\.yml{VERSION}"
        return re.escape(builder).replace(r"\-", "-") + VERSION


@cache
def basis() -> Basis:
    """Return the public good instance, and npm's keys."""
    raw = (CORPUS / "trusted-roots/public-good/trusted_root.json").read_bytes()
    anchor = Anchor(instance="sigstore", raw=raw, root=trusted_root.parse(raw), origin="test")
    raw = (CORPUS / "npm/npm-keys.json").read_bytes()
    keys = NpmKeyring(path="npm/keys.json", keys=npm_keys.parse(raw), raw=raw, origin="corpus")
    return Basis(anchors=(anchor,), at=AT, npm_keys=(keys,))


@cache
def accepted(provenance: str, digests: tuple[str, ...]) -> tuple[Claim, ...]:
    """Return the claims that a file of bundles makes about an artifact."""
    raw = (FOLDER / "testdata" / provenance).read_bytes()
    known = {digest.algorithm: digest for digest in map(parse_digest, digests)}
    is_npm = npm_attestations.looks_like(json.loads(raw))
    kind = EvidenceKind.NPM_ATTESTATIONS if is_npm else EvidenceKind.SIGSTORE
    subject = Subject(member="m", digests=known)
    jobs = [
        Job(label=provenance, raw=bundle, subjects=(subject,), kind=kind)
        for bundle in (bundled.split(kind, raw) if is_npm else [raw])
    ]
    return tuple(claim for outcome in run(jobs, basis(), 1) for claim in outcome.claims)


def judged(row: Row, policy: str) -> Verdict:
    """Return the verdict of a release file on the row's artifact."""
    digests = [parse_digest(digest) for digest in row.digests]
    file = FileFacts(
        artifact=row.artifact,
        size=row.row["artifacts"][0]["size"],
        digests={digest.algorithm: digest for digest in digests},
        claims=accepted(row.row["provenance"], row.digests),
        contradictions=(),
        findings=(),
    )
    release = release_file.parse(policy.encode(), "policy.toml")
    (verdict,), _ = judge(release, [file], claims.UNREADABLE, AT)
    return verdict


def load() -> list[Row]:
    """Return the rows that need nothing from the network."""
    text = (FOLDER / "cases.jsonl").read_text()
    rows = [Row(json.loads(line)) for line in text.splitlines()]
    return [row for row in rows if row.row["offline"] == "offline"]


ROWS = load() if PRESENT else []
OFFERED = [row for row in ROWS if row.id not in NOT_OFFERED]
SHARED = [row for row in OFFERED if row.expected == "pass" and not row.is_npm]


@pytest.mark.parametrize("row", OFFERED, ids=lambda row: row.id)
def test_a_row_has_its_verdict(row: Row) -> None:
    if row.is_npm and not row.row["builder_id"]:
        with pytest.raises(UsageError, match="says nothing without a signer"):
            judged(row, row.policy(row.ref()))
        return
    verdict = judged(row, row.policy(row.ref()))
    found = {finding.code for finding in verdict.findings}
    assert verdict.passed == (row.expected == "pass"), found
    if row.expected != "pass":
        code = CODES[row.expected]
        assert code in found
        assert "policy.unmet" in found or code == "npm.other-package"


@pytest.mark.parametrize("row", SHARED, ids=lambda row: row.id)
def test_without_a_ref_a_shared_builder_proves_nothing(row: Row) -> None:
    verdict = judged(row, row.policy(None))
    assert not verdict.passed
    assert "policy.shared-builder" in {finding.code for finding in verdict.findings}


def test_every_row_is_accounted_for() -> None:
    assert set(NOT_OFFERED) <= {row.id for row in ROWS}
    counted = Counter("pass" if row.expected == "pass" else "fail" for row in OFFERED)
    ranges = sum(row.is_range for row in OFFERED)
    assert (len(ROWS), len(OFFERED)) == (231, 228)
    assert (counted["pass"], counted["fail"], ranges) == (61, 167, 16)


def test_no_row_passes_with_another_digest() -> None:
    row = next(row for row in OFFERED if row.expected == "pass")
    other = hashlib.sha256(b"another").hexdigest()
    assert accepted(row.row["provenance"], (f"sha256:{other}",)) == ()
