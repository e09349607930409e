"""The report for machines: one JSON document for every status.

Its schema is published as ``kit/schemas/output.schema.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kit import __version__
from kit.errors import KitError, PackError
from kit.formats.encodings import render_time
from kit.model import AnchorRecord, Claim, Finding, Report, SealRecord, Verdict
from kit.model.chain import Chain
from kit.model.predicates import (
    Predicate,
    Provenance,
    Sbom,
    Scan,
    Severity,
    Unreadable,
    Vex,
)
from kit.report.text import NOT_PROVED

SCHEMA = 1


def document(command: str, status: int, results: Sequence[dict[str, Any]]) -> str:
    """Return the whole document: what ran, how it ended, and a result for each pack."""
    value = {
        "schema": SCHEMA,
        "kit": __version__,
        "command": command,
        "status": status,
        "results": list(results),
    }
    # ASCII only: a terminal that shows the document is steered by nothing in it.
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def failed(error: KitError, status: int, pack: str | None = None) -> dict[str, Any]:
    """Return the result of a pack, or a command, that came to no report."""
    faults = (
        [{"code": f.code, "subject": f.subject, "message": f.message} for f in error.faults]
        if isinstance(error, PackError)
        else []
    )
    return {
        "pack": pack,
        "status": status,
        "error": {
            "code": error.code,
            "subject": error.subject,
            "message": error.message,
            "hint": error.hint,
            "faults": faults,
        },
        "report": None,
    }


def succeeded(report: Report, status: int, pack: str) -> dict[str, Any]:
    """Return the result of a pack that was judged."""
    return {"pack": pack, "status": status, "error": None, "report": _report(report)}


def _report(report: Report) -> dict[str, Any]:
    return {
        "release": {"name": report.release_name, "version": report.release_version},
        "passed": report.passed,
        "at": render_time(report.at),
        "by-clock": report.by_clock,
        "policy-sha256": report.policy_sha256,
        "predicate-schemas": dict(report.predicate_schemas),
        "manifest-sha256": report.manifest_sha256,
        "pack-size": report.pack_size,
        "collected-at": render_time(report.collected_at),
        "anchors": [_anchor(anchor, report.at) for anchor in report.anchors],
        "custody": [render_seal(seal) for seal in report.custody],
        "artifacts": [_verdict(verdict) for verdict in report.verdicts],
        "findings": [render_finding(finding) for finding in report.findings],
        "not-proved": NOT_PROVED,
    }


def _anchor(anchor: AnchorRecord, at: datetime) -> dict[str, Any]:
    age = anchor.age(at)
    return {
        "instance": anchor.instance,
        "sha256": anchor.sha256,
        "origin": anchor.origin,
        "newest": _time(anchor.newest),
        "root-version": anchor.root_version,
        "root-expires": _time(anchor.root_expires),
        "vouched-until": _time(anchor.vouched_until),
        "age-days": None if age is None else age.days,
        "chain": None if anchor.chain is None else _chain(anchor.chain),
    }


def _chain(chain: Chain) -> dict[str, Any]:
    return {
        "root": chain.root,
        "root-sha256": chain.root_sha256,
        "timestamp": chain.timestamp,
        "valid-until": render_time(chain.valid_until),
        "snapshot": chain.snapshot,
        "targets": chain.targets,
        "trusted-root-sha256": chain.trusted_root_sha256,
    }


def render_seal(seal: SealRecord) -> dict[str, Any]:
    """Return a line of the custody file as the document has it."""
    return {
        "role": seal.role,
        "at": render_time(seal.at),
        "note": seal.note,
        "key": seal.key,
        "signer": seal.signer,
        "verified": seal.verified,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "source": verdict.source,
        "verdict": "pass" if verdict.passed else "fail",
        "digest": str(verdict.digest) if verdict.digest else None,
        "size": verdict.size,
        "claims": [render_claim(claim) for claim in verdict.claims],
        "findings": [render_finding(finding) for finding in verdict.findings],
    }


def render_claim(claim: Claim) -> dict[str, Any]:
    """Return a claim as the document has it."""
    return {
        "kind": claim.kind.value,
        "evidence": claim.evidence,
        "instance": claim.instance,
        "digest": str(claim.digest),
        "identity": {
            "subject": claim.identity.subject,
            "type": claim.identity.subject_type,
            "issuer": claim.identity.issuer,
            "facts": dict(claim.identity.facts),
        },
        "signed-at": _time(claim.signed_at),
        "accepted-by": list(claim.accepted_by),
        "names": list(claim.names),
        "predicate-type": claim.predicate_type,
        "listed-in": claim.listed_in,
        "document": claim.document,
        "predicate-of": claim.predicate_of,
        "completed-from": claim.completed_from,
        "log": dict(claim.log),
        "predicate": None if claim.predicate is None else _predicate(claim.predicate),
    }


def _predicate(predicate: Predicate) -> dict[str, Any]:
    """Return what a predicate or a document says, its lists counted."""
    match predicate:
        case Sbom():
            return {
                "kind": "sbom",
                "format": predicate.format,
                "version": predicate.version,
                "components": predicate.components,
            }
        case Scan():
            return {
                "kind": "scan",
                "format": predicate.format,
                "tool": predicate.tool,
                "finished-at": _time(predicate.finished_at),
                "database-at": _time(predicate.database_at),
                "results": {
                    severity.name.lower(): sum(one.severity is severity for one in predicate.found)
                    for severity in Severity
                },
            }
        case Vex():
            statements = len(predicate.statements)
            return {"kind": "vex", "author": predicate.author, "statements": statements}
        case Unreadable():
            return {"kind": "unreadable", "code": predicate.code, "message": predicate.message}
        case Provenance():
            return _provenance(predicate)


def _provenance(said: Provenance) -> dict[str, Any]:
    return {
        "kind": "provenance",
        "builder-id": said.builder_id,
        "build-type": said.build_type,
        "source-repository": said.source_repository,
        "source-ref": said.source_ref,
        "source-digest": said.source_digest,
        "workflow": said.workflow,
        "build-trigger": said.build_trigger,
        "runner-environment": said.runner_environment,
        "external-parameters": dict(said.external_parameters),
        "conflicts": list(said.conflicts),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else render_time(moment)


def render_finding(finding: Finding) -> dict[str, Any]:
    """Return a finding as the document has it."""
    return {
        "level": finding.level.value,
        "code": finding.code,
        "subject": finding.subject,
        "message": finding.message,
        "hint": finding.hint,
    }
