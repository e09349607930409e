"""The values that flow through the kit, in the words of the design.

All are frozen. Unverified things say so by their type: :class:`EvidenceFile` is
carried bytes, :class:`Claim` is what a verifier accepted, and only
``kit.verifiers`` makes one. Policy sees claims and nothing else.

Sizes are bytes. Times are timezone-aware UTC. Digests are lower-case hex.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from kit.model.chain import Chain
from kit.model.digest import Digest as Digest
from kit.model.predicates import Predicate


class EvidenceKind(StrEnum):
    """What a piece of carried evidence is, as ``formats.kinds`` recognised it."""

    SIGSTORE = "sigstore-bundle"
    DIGESTS = "digest-manifest"
    PEP740 = "pep740-attestation"
    NPM_ATTESTATIONS = "npm-attestations"
    NPM_PACKUMENT = "npm-packument"
    OPENPGP = "openpgp-signature"
    DSSE = "dsse-envelope"
    SIGN_BLOB = "sign-blob-bundle"
    SIGNATURE = "bare-signature"
    CERTIFICATE = "certificate"
    IMAGE_DIGESTS = "image-digests"
    SBOM = "sbom"
    SCAN = "scan"
    VEX = "vex"
    COSIGN_SIGNATURE = "cosign-signature"
    COSIGN_ATTESTATION = "cosign-attestation"
    BUILDKIT = "buildkit-attestation"
    UNKNOWN = "unknown"


# ---- the pack -------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file in a pack: where, how long, and its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A release file in a pack, or the manifest or index of an image.

    ``name`` is the published name; ``source`` the text of the release file's line that
    brought it, which is the line's identity on both sides of the gap; ``member`` where
    its bytes are. All three are the collector's claims until ``check`` proves them.
    """

    name: str
    source: str
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """Carried bytes that claim something; unverified.

    ``about`` lists the member paths the collector says it speaks of.
    """

    kind: EvidenceKind
    name: str
    member: str
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a pack says it holds. ``members`` are all but the manifest and SHA256SUMS, in order."""

    release_name: str
    release_version: str
    collected_at: datetime
    kit: str
    artifacts: tuple[Artifact, ...]
    evidence: tuple[EvidenceFile, ...]
    members: tuple[Member, ...]


# ---- what collecting gathers ----------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that a source brought: its published name, and where its bytes are now."""

    name: str
    path: Path
    size: int
    sha256: str


class Answer(StrEnum):
    """What a place answered. A place that could not be asked is an error, never an answer."""

    FOUND = "found"
    ABSENT = "absent"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One row of the ledger: a place, what it was asked for, and its answer.

    ``place`` is a URL without query, fragment and credentials, or a ``file:`` path as the
    release file writes it; never an absolute path. ``note`` says why something was skipped.
    ``sha256`` is that of what was found, and ``carried`` whether the pack has it: a page that
    was only read, or evidence about none of the files, is not. ``added`` says that nobody
    published it so: collecting made it of what was published and of this place's answer.
    """

    place: str
    wanted: str
    answer: Answer
    sha256: str | None = None
    note: str | None = None
    carried: bool = True
    added: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A manifest that ``oci/index.json`` lists: its type, SHA-256 in hex, size, and tag if any."""

    media_type: str
    sha256: str
    size: int
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Evidence in an image layout: the blob that is it, and the manifests that it is about.

    Blobs go by their SHA-256 in hex.
    """

    kind: EvidenceKind
    name: str
    sha256: str
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What an image brought beside its manifest: every blob, and the evidence among them.

    Blobs are named by their SHA-256. ``entries`` are the manifests that nothing else leads to.
    """

    blobs: tuple[Found, ...] = ()
    entries: tuple[Entry, ...] = ()
    attached: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What one source brought: artifacts, evidence, and every place it asked.

    Of an image the artifact is its manifest or index, and ``layout`` has all that belongs to it.
    """

    artifacts: tuple[Found, ...]
    evidence: tuple[Found, ...]
    asked: tuple[Asked, ...]
    layout: Layout = field(default_factory=Layout)


# ---- what verifiers accept ------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a signing certificate names, as the CA vouched for it.

    ``facts`` are the Fulcio extensions by their names in Fulcio's documentation
    (``source-repository-ref`` …), both for people and for requirements.
    """

    subject: str
    subject_type: str
    issuer: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Evidence that a verifier accepted: this signer vouched for this digest then.

    ``names`` are the names the signed bytes give the digest (in-toto subjects, a digest
    manifest's line); empty when the signature is over the bare bytes. ``listed_in`` is the
    digest manifest the claim came through, if any. ``accepted_by`` names the verifiers.
    ``signed_at`` is ``None`` only where a key signed and nothing vouches for the time.
    ``predicate`` is what a signed predicate, or a document that the claim came through,
    says; ``predicate_json`` all of the predicate, kept only where the policy asks for it.

    ``document`` is there where the claim came through a document beside the artifact (an
    SBOM, a scan, a VEX document) whose bytes the signer signed: the name that the signed
    evidence gives it, empty where it gives none. Such a claim names no artifact. It is about
    one whose digest the document gives (``predicate.about`` then has the claim's digest),
    else only about one for which the policy names the document.

    ``predicate_of`` is there where the file is a copy of what was attested of another artifact:
    that one's name. ``names`` are then empty, as what was signed names only that one.

    ``completed_from`` is there where the log's proof was added while collecting: the member of
    the signature as it was published.
    """

    kind: EvidenceKind
    evidence: str
    instance: str
    digest: Digest
    identity: Identity
    signed_at: datetime | None
    accepted_by: tuple[str, ...]
    names: tuple[str, ...] = ()
    predicate_type: str | None = None
    listed_in: str | None = None
    log: Mapping[str, str] = field(default_factory=dict)
    predicate: Predicate | None = None
    predicate_json: str | None = None
    document: str | None = None
    predicate_of: str | None = None
    completed_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """An accepted digest manifest that lists a file under another digest, and who signed it."""

    over: Claim
    message: str


# ---- what the operator reads ----------------------------------------------


class Level(StrEnum):
    """How much a finding matters: only an error fails a verdict."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the operator must know. ``code`` is stable; the message is for people."""

    level: Level
    code: str
    subject: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one artifact: the claims that met the policy, and everything found.

    ``members`` are those of the pack that it is made of, its own first, and ``evidence`` those
    of which a verifier accepted something about it, whoever signed.
    """

    name: str
    source: str
    digest: Digest | None
    size: int | None
    claims: tuple[Claim, ...]
    findings: tuple[Finding, ...]
    members: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed it. A verdict without a digest or a finding cannot pass."""
        return self.digest is not None and not any(
            finding.level is Level.ERROR for finding in self.findings
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorRecord:
    """Which trust anchor a report rests on, and where this host had it from.

    ``newest`` is the start of its newest entry. ``root_version`` and ``root_expires`` are of the
    newest TUF root that is known, ``vouched_until`` of the newest timestamp that is known to
    have named this very trusted root. ``chain`` is what the pack carries, authenticated.
    """

    instance: str
    sha256: str
    origin: str
    newest: datetime | None
    root_version: int | None = None
    root_expires: datetime | None = None
    vouched_until: datetime | None = None
    chain: Chain | None = None

    def age(self, at: datetime) -> timedelta | None:
        """Return for how long nobody has vouched for it; ``None`` for what nobody ever does.

        Counted from ``vouched_until``, else from ``newest``, which is no later than it was made.
        """
        basis = self.vouched_until or self.newest
        return None if basis is None else max(at - basis, timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRecord:
    """One line of the custody file: what it says, and whether a key of this host signed it.

    ``key`` is how the line names its key; ``signer`` what this host calls that key.
    """

    role: str
    at: datetime
    note: str
    key: str
    signer: str | None
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All verdicts of one check, and what they rest on. Every renderer reads only this.

    ``predicate_schemas`` are what the policy reads beside its file: SHA-256 in hex, by name.
    ``by_clock`` says that ``at`` is this host's clock, and not a time that was given.
    """

    release_name: str
    release_version: str
    policy_sha256: str
    manifest_sha256: str
    pack_size: int
    collected_at: datetime
    at: datetime
    anchors: tuple[AnchorRecord, ...]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    by_clock: bool = False
    custody: tuple[SealRecord, ...] = ()
    predicate_schemas: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether something was checked, and all of it held."""
        return bool(self.verdicts) and len(self.released) == len(self.verdicts)

    @property
    def released(self) -> tuple[Verdict, ...]:
        """The verdicts of what may leave the pack: none where an error is about all of it."""
        if any(finding.level is Level.ERROR for finding in self.findings):
            return ()
        return tuple(verdict for verdict in self.verdicts if verdict.passed)
