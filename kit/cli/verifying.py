"""Verify one artifact by flags instead of a policy (design section 5). No network, no pack."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from kit import airgap
from kit.cli.status import Status
from kit.errors import (
    AnchorError,
    EvidenceError,
    ForeignError,
    MalformedError,
    RejectedError,
    UsageError,
)
from kit.formats import bundled, encodings, kinds, public_key, sigstore_bundle, trusted_root
from kit.model import Claim, Digest, EvidenceKind
from kit.policy import expectations
from kit.policy.builds import GITHUB_ISSUER
from kit.policy.expectations import Expectations
from kit.trust import anchors, places
from kit.trust.anchors import Anchor
from kit.verifiers import npm, pep740, unlogged
from kit.verifiers.sigstore import SigstoreVerifier

_DIGEST = re.compile(r"(sha256|sha384|sha512):[0-9a-fA-F]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to verify, with which bundles, under which anchors, asking what."""

    subject: str
    bundles: Sequence[Path]
    trusted_roots: Sequence[Path]
    key: Path | None
    require_log: bool
    wanted: Expectations
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a bundle does not vouch for the artifact, and whom it names.

    ``foreign`` says that it is of another instance than the one that refused it.
    """

    bundle: str
    code: str
    message: str
    hint: str | None = None
    foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The claims that hold and are what is asked for, or why there is none."""

    subject: str
    claims: tuple[Claim, ...]
    refusals: tuple[Refusal, ...]

    @property
    def status(self) -> Status:
        """One good bundle is enough; without any bundle nothing was verified."""
        if self.claims:
            return Status.HOLDS
        return Status.DOES_NOT_HOLD if self.refusals else Status.NOTHING


def expecting(wanted: Expectations, *, require_log: bool) -> Expectations:
    """Return what is asked for, complete; raise :class:`UsageError` where it names nobody."""
    names = (wanted.identity, wanted.identity_regexp, wanted.signer_workflow)
    if wanted.by_key:
        if any(name is not None for name in (*names, wanted.issuer, wanted.source_repository)):
            raise UsageError("--key names the signer: no identity or source goes with it")
        return wanted
    if not require_log:
        raise UsageError("--no-log goes with --key only")
    of_github = wanted.signer_workflow is not None or wanted.source_repository is not None
    if not of_github and all(name is None for name in names):
        raise UsageError(
            "who must have signed it is not said",
            hint="give --key, or --certificate-identity (or --certificate-identity-regexp, "
            "--signer-workflow, --source-repository) and --certificate-oidc-issuer",
        )
    if wanted.issuer is None:
        if not of_github:
            raise UsageError("an identity says nothing without --certificate-oidc-issuer")
        return replace(wanted, issuer=GITHUB_ISSUER)
    return wanted


def pattern(text: str | None) -> re.Pattern[str] | None:
    """Compile a regular expression, which matches whole identities; raise :class:`UsageError`."""
    try:
        return None if text is None else re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"--certificate-identity-regexp does not compile: {error}") from error


def verify(request: Request) -> Outcome:
    """Put every bundle to every instance, in a sealed process."""
    known = _known(request.subject)
    verifiers = _verifiers(request)
    airgap.seal()
    claims: list[Claim] = []
    refusals: list[Refusal] = []
    for path in request.bundles:
        kind, split = _split(path)
        parts = [part for part in split if part.strip()]
        for number, part in enumerate(parts, start=1):
            which = f" {bundled.part(kind)} {number}" if len(parts) > 1 else ""
            piece = _Piece(label=path.name + which, raw=part, kind=kind)
            outcomes = [_ask(verifier, piece, known, request) for verifier in verifiers]
            good = [outcome for outcome in outcomes if isinstance(outcome, Claim)]
            claims += good
            if not good:
                refusals.append(_nearest([o for o in outcomes if isinstance(o, Refusal)]))
    return Outcome(subject=request.subject, claims=tuple(claims), refusals=tuple(refusals))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One bundle of a file, and what kind of file that is."""

    label: str
    raw: bytes
    kind: EvidenceKind


def _ask(
    verifier: SigstoreVerifier, piece: _Piece, known: Mapping[str, Digest], request: Request
) -> Claim | Refusal:
    label = piece.label
    try:
        verified = verifier.verify(piece.raw)
        if piece.kind is EvidenceKind.PEP740:
            claim = pep740.claim_for(verified, label, known, _name(request.subject))
        elif piece.kind is EvidenceKind.NPM_ATTESTATIONS:
            claim = npm.claim_for(verified, label, known, _name(request.subject))
        else:
            claim = verified.claim_for(label, known)
    except EvidenceError as error:
        told = unlogged.explained(error, piece.kind)
        foreign = isinstance(told, ForeignError)
        return Refusal(
            bundle=label, code=told.code, message=told.message, hint=told.hint, foreign=foreign
        )
    missed = expectations.misses(request.wanted, claim)
    if missed:
        who = f"{claim.identity.subject} (issuer {claim.identity.issuer or 'none'})"
        reasons = "; ".join(miss.message for miss in missed)
        return Refusal(bundle=label, code=missed[0].code, message=f"signed by {who}: {reasons}")
    return claim


def _nearest(refusals: Sequence[Refusal]) -> Refusal:
    """Return the refusal of the instance that issued the certificate, or that got furthest.

    Each instance judges alone: nothing of one makes up for what another lacks. Of several
    that refuse alike it is the first given.
    """
    return min(refusals, key=lambda it: (it.foreign, it.code == "sigstore.log-key"))


def _known(subject: str) -> dict[str, Digest]:
    """Return the digests of the artifact: all of a file's, or the one that is given."""
    if _DIGEST.fullmatch(subject):
        try:
            digest = encodings.parse_digest(subject.lower())
        except MalformedError as error:
            raise UsageError(str(error)) from error
        return {digest.algorithm: digest}
    hashes = {name: hashlib.new(name) for name in encodings.DIGEST_BYTES}
    try:
        with Path(subject).open("rb") as file:
            while block := file.read(1 << 20):
                for each in hashes.values():
                    each.update(block)
    except OSError as error:
        raise UsageError(f"{subject}: {error.strerror}", code="file.missing") from error
    return {name: Digest(name, each.hexdigest()) for name, each in hashes.items()}


def _name(subject: str) -> str | None:
    return None if _DIGEST.fullmatch(subject) else Path(subject).name


def _split(path: Path) -> tuple[EvidenceKind, Sequence[bytes]]:
    raw = _read(path, sigstore_bundle.MAX_BYTES * 4)
    kind = kinds.of_bundle(raw)
    return kind, bundled.split(kind, raw)


def _verifiers(request: Request) -> list[SigstoreVerifier]:
    """Return a verifier for each instance: each line of each trusted root is one."""
    found = _anchors(request.trusted_roots)
    keys = [] if request.key is None else [_key(request.key)]
    if request.key is not None and request.require_log:
        found = [anchor for anchor in found if anchor.root.lists_tlogs]
        if not found:
            raise AnchorError(
                "no given trusted root lists a log, and a signature by a key must be logged",
                code="trust.no-log",
                hint="--no-log verifies the signature alone",
            )
    return [
        SigstoreVerifier(anchor, request.at, public_keys=keys, require_log=request.require_log)
        for anchor in found
    ]


def _anchors(files: Sequence[Path]) -> list[Anchor]:
    if not files:
        return list(anchors.find(["sigstore"], [places.packaged()]).values())
    found = []
    for path in files:
        lines = trusted_root.split(_read(path, trusted_root.MAX_BYTES))
        for number, raw in enumerate(lines, start=1):
            name = path.name if len(lines) == 1 else f"{path.name} line {number}"
            try:
                root = trusted_root.parse(raw)
            except MalformedError as error:
                raise AnchorError(f"{name}: {error}", code="trust.malformed") from error
            found.append(Anchor(instance=name, raw=raw, root=root, origin="--trusted-root"))
    return found


def _key(path: Path) -> bytes:
    try:
        return public_key.from_pem(_read(path, public_key.MAX_BYTES))
    except EvidenceError as error:
        raise AnchorError(f"{path.name}: {error}", code="trust.malformed") from error


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", code="file.missing") from error
    if len(raw) > limit:
        raise RejectedError(f"{path.name} is over {limit} bytes", code="evidence.malformed")
    return raw
