"""The seals beside a pack: what they say, and whether those that the policy demands hold.

A seal never stands for evidence about the artifacts. It says who vouches for the pack, so it
can only fail what would else pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kit.errors import EvidenceError
from kit.formats import custody
from kit.formats.custody import Seal
from kit.formats.encodings import render_time
from kit.formats.rules import CustodyRule, Signer
from kit.model import Finding, Level, SealRecord
from kit.trust.keyrings import Keyring
from kit.trust.keys import KeyAnchor
from kit.verifiers import custody as verifier
from kit.verifiers.custody import Sealers

#: How much later than the check a sealer's clock may have been.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """The custody file beside a pack, and the keys of this host that seals may be by.

    ``raw`` is ``None`` where there is no such file. ``denied`` are keys that may not count.
    """

    raw: bytes | None = None
    keys: tuple[KeyAnchor, ...] = ()
    openpgp_keys: Mapping[str, Keyring] = field(default_factory=dict)
    denied: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The lines of a custody file that hold together, and what is wrong with any."""

    seals: tuple[SealRecord, ...] = ()
    findings: tuple[Finding, ...] = ()


def judge(
    sealed: Sealed,
    pack: str,
    rules: Sequence[CustodyRule],
    sealers: Sealers,
    at: datetime,
) -> Judged:
    """Return what the custody file of the pack with the manifest digest ``pack`` says.

    A fault of the file is an error where ``rules`` demand anything, else a warning.
    """
    level = Level.ERROR if rules else Level.WARNING
    if sealed.raw is None:
        return Judged(findings=tuple(_missing(rules, (), sealed, "there is no custody file")))
    try:
        seals = custody.parse(sealed.raw)
        verifier.demand_chain(seals, pack)
    except EvidenceError as error:
        return Judged(findings=(_finding(level, error),))
    findings: list[Finding] = []
    records = []
    forged = False
    for seal in seals:
        # After a forgery nothing is verified: gpg would be started for each line that follows.
        found, record = _weighed(seal, sealers, sealed, None if forged else level)
        findings += found
        forged = forged or any(finding.level is level for finding in found)
        records.append(record)
    findings += _times(seals, at)
    findings += _missing(rules, records, sealed, "no seal of that role by that key holds")
    return Judged(seals=tuple(records), findings=tuple(findings))


def _weighed(
    seal: Seal, sealers: Sealers, sealed: Sealed, level: Level | None
) -> tuple[list[Finding], SealRecord]:
    signer, verified = sealers.name(seal.key), False
    findings: list[Finding] = []
    if seal.key.removeprefix("openpgp:") in sealed.denied:
        findings.append(_note("custody.denied", "the policy denies the key", seal))
    elif signer is None:
        findings.append(_note("custody.unknown-key", "this host does not have the key", seal))
    elif level is not None:
        try:
            verified = not sealers.signing_keys(seal) & sealed.denied
            if not verified:
                findings.append(_note("custody.denied", "the policy denies the subkey", seal))
        except EvidenceError as error:
            findings.append(_finding(level, error))
    record = seal.record
    return findings, SealRecord(
        role=record.role.value,
        at=record.at,
        note=record.note,
        key=seal.key,
        signer=signer,
        verified=verified,
    )


def _missing(
    rules: Sequence[CustodyRule], records: Sequence[SealRecord], sealed: Sealed, why: str
) -> Iterator[Finding]:
    for number, rule in enumerate(rules):
        wanted = {_key(signer, sealed) for signer in rule.signers}
        if not any(r.verified and r.role == rule.role and r.key in wanted for r in records):
            who = " or ".join(signer.describe() for signer in rule.signers)
            yield Finding(
                level=Level.ERROR,
                code="custody.missing",
                subject=f"custody[{number}]",
                message=f"the policy demands a seal `{rule.role}` by {who}: {why}",
                hint="carry the custody file (PACK.custody.jsonl) along with the pack",
            )


def _key(signer: Signer, sealed: Sealed) -> str | None:
    """Return how a seal names a signer's key, as this host has it."""
    if signer.openpgp is not None:
        return f"openpgp:{signer.openpgp}"
    paths = (f"sha256:{key.sha256}" for key in sealed.keys if key.path == signer.key)
    return next(paths, None)


def _times(seals: Sequence[Seal], at: datetime) -> Iterator[Finding]:
    before = seals[0].record.at
    for seal in seals:
        moment = seal.record.at
        if moment < before or moment > at + _SKEW:
            other = "the line before it" if moment < before else "the time of this check"
            yield Finding(
                level=Level.WARNING,
                code="custody.time",
                subject=seal.key,
                message=f"{seal.record.role} at {render_time(moment)} does not fit {other}: "
                "somebody's clock is wrong, or somebody lies",
            )
        before = moment


def _finding(level: Level, error: EvidenceError) -> Finding:
    return Finding(
        level=level,
        code=error.code,
        subject="custody",
        message=error.message,
        hint=error.hint,
    )


def _note(code: str, why: str, seal: Seal) -> Finding:
    message = (
        f"{seal.record.role} at {render_time(seal.record.at)}: {why}, so it counts for nothing"
    )
    return Finding(level=Level.NOTE, code=code, subject=seal.key, message=message)
