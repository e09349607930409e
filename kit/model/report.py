"""What the operator reads: findings, verdicts, and what a whole check rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from kit.model.chain import Chain
from kit.model.claim import Claim
from kit.model.digest import Digest


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
