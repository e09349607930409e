"""Look at the custody file of a pack for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kit.check import Options
from kit.check import custody as checking_custody
from kit.check.custody import Judged, Sealed
from kit.check.walk import openpgp
from kit.cli import checking, custody_file, environment
from kit.cli.status import Status
from kit.formats import custody
from kit.model import Level, SealRecord
from kit.pack.reader import Pack
from kit.report import json as json_report
from kit.report import text as text_report
from kit.report.escape import plain
from kit.trust import known
from kit.verifiers.custody import Sealers


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a look came to."""

    status: Status
    text: str
    result: dict[str, Any]


def manifest_of(pack: Path) -> str:
    """Return the SHA-256 of a pack's manifest, which stands for the pack."""
    with Pack.open(pack) as opened:
        return opened.manifest_sha256


def look(pack: Path, trust_roots: Path | None, at: datetime) -> Shown:
    """Judge the custody file of ``pack`` under all keys of this host."""
    places = environment.anchor_places(trust_roots)
    raw = custody_file.read(pack)
    keyrings = known.usable_keyrings(places)
    named = raw is not None and b'"openpgp:' in raw
    gpg = checking.seal(gpg_needed=bool(keyrings) and named)
    sealed = Sealed(raw=raw, keys=known.usable_keys(places), openpgp_keys=keyrings if named else {})
    manifest_sha256 = manifest_of(pack)
    with openpgp(sealed.openpgp_keys, Options(at=at, gpg=gpg)) as verifier:
        sealers = Sealers(
            keys=sealed.keys, openpgp=verifier, fingerprints=tuple(sealed.openpgp_keys)
        )
        judged = checking_custody.judge(sealed, manifest_sha256, (), sealers, at)
    status = _status(judged)
    return Shown(
        status=status,
        text=_text(judged, pack, there=raw is not None),
        result=_result(pack, status, manifest_sha256, judged),
    )


def added(pack: Path, manifest_sha256: str) -> dict[str, Any]:
    """Return the lines that are there now, none of them verified, for machines."""
    seals = custody.parse(custody_file.read(pack) or b"")
    records = tuple(
        SealRecord(
            role=seal.record.role.value,
            at=seal.record.at,
            note=seal.record.note,
            key=seal.key,
            signer=None,
            verified=False,
        )
        for seal in seals
    )
    return _result(pack, Status.HOLDS, manifest_sha256, Judged(seals=records))


def _status(judged: Judged) -> Status:
    if any(finding.level is not Level.NOTE for finding in judged.findings):
        return Status.DOES_NOT_HOLD
    return Status.HOLDS if any(seal.verified for seal in judged.seals) else Status.NOTHING


def _text(judged: Judged, pack: Path, *, there: bool) -> str:
    if not there:
        return f"there is no {plain(custody_file.of(pack).name)}: nobody sealed the pack\n"
    lines = "".join(f"{line}\n" for line in text_report.seals(judged.seals))
    return lines + text_report.render_findings(judged.findings)


def _result(pack: Path, status: Status, manifest_sha256: str, judged: Judged) -> dict[str, Any]:
    return {
        "pack": pack.name,
        "status": int(status),
        "error": None,
        "report": None,
        "custody": {
            "manifest-sha256": manifest_sha256,
            "seals": [json_report.render_seal(seal) for seal in judged.seals],
            "findings": [json_report.render_finding(finding) for finding in judged.findings],
        },
    }
