"""Claims and files as check would hand them to policy, made by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kit.errors import MalformedError
from kit.formats import release_file
from kit.formats.distribution import Named
from kit.formats.npm_package import NpmPackage
from kit.formats.release_file import ReleaseFile
from kit.formats.rules import Terms
from kit.model import (
    Artifact,
    Claim,
    Contradiction,
    Digest,
    EvidenceKind,
    Finding,
    Identity,
)
from kit.policy.facts import Circumstances, FileFacts, Inside
from tests.lab import AT, IDENTITY, ISSUER

SOURCE = "file:dist/"
WHEEL = "tool-1.0-py3-none-any.whl"
PROVENANCE = "https://slsa.dev/provenance/v1"
WHERE = Circumstances(terms=Terms(), at=AT)
RELEASE = f'issuer = "{ISSUER}"\nidentity = "{IDENTITY}"'


def sha256(raw: bytes) -> Digest:
    """Return the digest of some bytes."""
    return Digest("sha256", hashlib.sha256(raw).hexdigest())


def claim(raw: bytes = b"artifact", **changes: Any) -> Claim:
    """Return an accepted message signature over these bytes, by the lab's usual identity.

    ``subject`` and ``issuer`` change the identity, everything else the claim.
    """
    who = Identity(
        subject=changes.pop("subject", IDENTITY),
        subject_type="uri",
        issuer=changes.pop("issuer", ISSUER),
    )
    usual = Claim(
        kind=EvidenceKind.SIGSTORE,
        evidence="evidence/tool.sigstore.json",
        instance="sigstore",
        digest=sha256(raw),
        identity=who,
        signed_at=AT,
        accepted_by=("tests",),
    )
    return replace(usual, **changes)


def statement(raw: bytes = b"artifact", name: str = WHEEL, **changes: Any) -> Claim:
    """Return an accepted statement about these bytes, which it gives a name."""
    return claim(raw, **{"names": (name,), "predicate_type": PROVENANCE} | changes)


def line(raw: bytes = b"artifact", name: str = WHEEL, **changes: Any) -> Claim:
    """Return what a signed digest manifest says of these bytes."""
    kind = EvidenceKind.DIGESTS
    return claim(raw, **{"names": (name,), "listed_in": "SHA256SUMS", "kind": kind} | changes)


def file(
    *claims: Claim,
    raw: bytes = b"artifact",
    name: str = WHEEL,
    source: str = SOURCE,
    contradictions: tuple[Contradiction, ...] = (),
    findings: tuple[Finding, ...] = (),
) -> FileFacts:
    """Return a file of a pack with the claims that were made about it."""
    return FileFacts(
        artifact=Artifact(name=name, source=source, member=f"artifacts/{name}"),
        size=len(raw),
        digests={"sha256": sha256(raw)},
        claims=claims,
        contradictions=contradictions,
        findings=findings,
    )


def release(
    require: str | None = 'signer = "release"',
    *,
    lines: str | None = None,
    version: str = "1.0",
    signers: str = "",
    strict: bool = True,
    top: str = "",
    beside: Mapping[str, bytes] | None = None,
) -> ReleaseFile:
    """Return a policy of one line, unless ``lines`` says otherwise.

    ``require`` holds the one requirement's keys, or none; ``signers`` are tables besides
    ``[signers.release]``; ``top`` are keys at the top, ``beside`` files beside it.
    """
    required = "" if require is None else f"[[artifact.require]]\n{require}\n"
    written = f'[[artifact]]\nsource = "{SOURCE}"\nfiles = ["{WHEEL}"]\n{required}'
    text = (
        f'schema = 1\nname = "tool"\nversion = "{version}"\nstrict-names = {str(strict).lower()}\n'
        f"{top}\n"
        f"[signers.release]\n{RELEASE}\n{signers}\n{written if lines is None else lines}"
    )
    return release_file.parse(text.encode(), "policy.toml", dict(beside or {}).__getitem__)


def unreadable(_: object = None) -> Named:
    """Stand in for a file whose inside says nothing."""
    raise MalformedError("it has no metadata")


def reading(package: Callable[[Artifact], Named | NpmPackage]) -> Inside:
    """Return what reads packages so, and no documents."""
    return Inside(package=package, document=unreadable)


#: Stands in for files of which nothing can be read.
UNREADABLE = reading(unreadable)
