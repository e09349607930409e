"""What a release file can demand: signers, and the parts of a requirement.

Values only. ``kit.formats.release_file`` reads them, ``kit.policy`` judges claims by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kit.formats.custody import Role
from kit.formats.predicate_schema import PredicateSchema
from kit.model import Digest
from kit.model.predicates import Severity

#: Predicate type aliases (cosign's words): exact URIs, and bases whose versions count.
ALIASES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "slsa-provenance": (
        tuple(f"https://slsa.dev/provenance/{v}" for v in ("v0.1", "v0.2", "v1")),
        None,
    ),
    "spdx": (("https://spdx.dev/Document",), "https://spdx.dev/Document/v"),
    "cyclonedx": (("https://cyclonedx.org/bom",), "https://cyclonedx.org/bom/v"),
    "vuln": (("https://cosign.sigstore.dev/attestation/vuln/v1",), None),
    "openvex": (("https://openvex.dev/ns",), "https://openvex.dev/ns/v"),
}
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who may sign, in one of four forms.

    A certificate's: ``issuer`` and either an exact ``identity`` or a regexp for the whole
    of it. A ``key``: the path of a public key under the host's anchors. ``openpgp``: a
    full primary fingerprint in upper case. ``npm_keys``: the path of an npm registry's keys
    there, and ``registry`` the URL that its publish attestations must name, the public one's
    where it is empty. ``accept_expired`` counts what the last two are said to have signed
    before they expired. ``trusted_root`` names the one Sigstore instance that may vouch for
    bundles.
    """

    name: str
    issuer: str = ""
    identity: str | None = None
    identity_regexp: re.Pattern[str] | None = None
    key: str | None = None
    openpgp: str | None = None
    npm_keys: str | None = None
    registry: str = ""
    accept_expired: bool = False
    trusted_root: str = "sigstore"

    def describe(self) -> str:
        """Return who it is, as the release file writes it."""
        if self.key is not None:
            return f"key {self.key}"
        if self.openpgp is not None:
            return f"OpenPGP key {self.openpgp}"
        if self.npm_keys is not None:
            return f"npm registry keys {self.npm_keys}"
        return self.identity or (self.identity_regexp.pattern if self.identity_regexp else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyRule:
    """A seal that must stand beside the pack: by whom, any one of ``signers``, and as what."""

    role: Role
    signers: tuple[Signer, ...]


@dataclass(frozen=True, slots=True)
class PredicateType:
    """A predicate type that a requirement names: a URI exactly, or an alias of several."""

    written: str

    def matches(self, uri: str | None) -> bool:
        """Say whether a statement's predicate type is this one."""
        if uri is None:
            return False
        exact, base = ALIASES.get(self.written, ((self.written,), None))
        if uri in exact:
            return True
        return (
            base is not None
            and uri.startswith(base)
            and _VERSION.fullmatch(uri.removeprefix(base)) is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRule:
    """What must hold of a build, by the certificate and by SLSA provenance alike.

    ``source_ref`` is a whole ref; ``source_tag`` and ``source_branch`` are short for
    ``refs/tags/…`` and ``refs/heads/…``. ``external_parameters`` must equal those of the
    provenance, key for key.
    """

    builder_id: str | None = None
    source_repository: str | None = None
    source_ref: str | None = None
    source_tag: str | None = None
    source_branch: str | None = None
    source_digest: str | None = None
    signer_workflow: str | None = None
    build_trigger: tuple[str, ...] = ()
    runner_environment: str | None = None
    external_parameters: Mapping[str, Any] | None = None

    @property
    def ref(self) -> str | None:
        """The whole ref that the rule demands, however it is written."""
        if self.source_tag is not None:
            return f"refs/tags/{self.source_tag}"
        if self.source_branch is not None:
            return f"refs/heads/{self.source_branch}"
        return self.source_ref


@dataclass(frozen=True, slots=True, kw_only=True)
class SbomRule:
    """An SBOM about the artifact: attested, or a ``file`` that the signer signed.

    ``format`` is ``spdx`` or ``cyclonedx``; ``None`` takes either.
    """

    format: str | None = None
    file: str | None = None
    minimum_components: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanException:
    """A vulnerability that the operator accepts, why, and until when."""

    id: str
    reason: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRule:
    """A vulnerability scan of the artifact that finds nothing at or over ``fail_on``.

    A result of unknown severity fails unless ``allow_unknown``. ``vex`` are signers whose
    OpenVEX statements count as exceptions. Ages are measured at the time of checking.
    """

    fail_on: Severity
    format: str | None = None
    file: str | None = None
    allow_unknown: bool = False
    max_age: timedelta | None = None
    max_database_age: timedelta | None = None
    exceptions: tuple[ScanException, ...] = ()
    vex: tuple[Signer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What one claim must show, all of it, for every file of its line.

    ``at_least`` distinct identities must each make such a claim. ``every``: all claims of
    this signer and type must meet the rest. ``log``: the claim must rest on a
    transparency log; ``None`` demands it of key signers only. ``each_platform``: not the
    index but each image in it must be claimed so. ``optional`` is the reason why nothing
    fails where it is not met. ``files`` are those of the line that it is about, all where it
    is empty.

    ``predicate_of`` names another artifact: the file must be, as JSON, the predicate of a
    statement about that one, which makes that statement the claim.
    """

    signer: Signer | None
    digest: Digest | None = None
    predicate_types: tuple[PredicateType, ...] = ()
    listed_in: str | None = None
    build: BuildRule = field(default_factory=BuildRule)
    sbom: SbomRule | None = None
    scan: ScanRule | None = None
    predicate_schema: PredicateSchema | None = None
    log: bool | None = None
    every: bool = False
    at_least: int = 1
    each_platform: bool = False
    optional: str | None = None
    files: tuple[str, ...] = ()
    predicate_of: str | None = None

    @property
    def names_content(self) -> bool:
        """Whether the policy says itself what is in the file: what it is called needs no proof."""
        return self.digest is not None or self.predicate_of is not None

    def describe(self) -> str:
        """Return the requirement in one line, for people."""
        parts = []
        if self.at_least > 1:
            parts.append(f"by at least {self.at_least} distinct signers")
        if self.signer:
            parts.append(f"signed by {self.signer.name!r} ({self.signer.describe()})")
        if self.predicate_types:
            parts.append("of type " + " or ".join(kind.written for kind in self.predicate_types))
        if self.sbom:
            parts.append(f"an SBOM{f' ({self.sbom.format})' if self.sbom.format else ''}")
        if self.scan:
            parts.append(f"a scan without {self.scan.fail_on.name.lower()} results or worse")
        parts += describe_build(self.build)
        given = {
            "listed in": self.listed_in,
            "a copy of what is attested of": self.predicate_of,
            "satisfying": self.predicate_schema and self.predicate_schema.name,
            "digest": self.digest,
            "for": "each platform" if self.each_platform else None,
        }
        parts += [f"{word} {value}" for word, value in given.items() if value is not None]
        return ", ".join(parts)


def describe_build(rule: BuildRule) -> list[str]:
    """Return what a rule demands of a build, a phrase each."""
    given = {
        "built by": rule.builder_id,
        "from": rule.source_repository,
        "at": rule.ref,
        "commit": rule.source_digest,
        "by workflow": rule.signer_workflow,
        "triggered by": " or ".join(rule.build_trigger) or None,
        "on a runner": rule.runner_environment,
    }
    said = [f"{word} {value}" for word, value in given.items() if value is not None]
    return said + (["with exact external parameters"] if rule.external_parameters else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternatives:
    """Several ways to meet one demand: each is a list of requirements that must all be met.

    ``at_least`` of them must be met, by as many distinct identities or keys. ``files`` are
    those of the line that it is about, all where it is empty.
    """

    of: tuple[tuple[Requirement, ...], ...]
    at_least: int = 1
    optional: str | None = None
    files: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return the alternatives in one line, for people."""
        said = ["; and ".join(part.describe() for part in parts) for parts in self.of]
        return f"{self.at_least} of: " + " | ".join(said)


#: One ``[[artifact.require]]``.
Demand = Requirement | Alternatives


def parts_of(demand: Demand) -> tuple[Requirement, ...]:
    """Return every requirement that a demand names, whichever way it may be met."""
    if isinstance(demand, Requirement):
        return (demand,)
    return tuple(part for parts in demand.of for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """What may never pass, whoever signed it.

    Identities are exact subjects; ``keys`` are ``sha256:`` fingerprints of public keys and
    OpenPGP fingerprints in upper case.
    """

    digests: frozenset[Digest] = frozenset()
    identities: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for all of a release file: until when it counts, and which signatures may.

    Signing times are compared with ``oldest_signature`` and ``newest_signature``, both
    inclusive. No file may be of a version below ``minimum_version``. ``max_root_age`` is for
    how long nobody may have vouched for a trusted root, ``max_collection_age`` how old the pack
    may say it is.
    """

    expires: datetime | None = None
    minimum_version: str | None = None
    oldest_signature: datetime | None = None
    newest_signature: datetime | None = None
    max_root_age: timedelta | None = None
    max_collection_age: timedelta | None = None
    denied: Denied = field(default_factory=Denied)
