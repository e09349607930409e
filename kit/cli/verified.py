"""Show what came of `verify`, to people and to machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.cli.verifying import Outcome
from kit.formats.encodings import render_time
from kit.report.escape import plain
from kit.report.text import builds


def text(outcome: Outcome, *, require_log: bool) -> str:
    """Return the outcome for people."""
    lines = []
    for claim in outcome.claims:
        when = "" if claim.signed_at is None else f"  signed {render_time(claim.signed_at)}"
        kind = f" ({plain(claim.predicate_type)})" if claim.predicate_type else ""
        by = " and ".join(claim.accepted_by)
        lines.append(f"PASS  {plain(outcome.subject)}  {plain(claim.identity.subject)}{kind}{when}")
        lines.append(f"      {plain(claim.evidence)}, accepted by {by}, of {plain(claim.instance)}")
        lines += builds([claim])
    if not outcome.claims:
        lines.append(f"FAIL  {plain(outcome.subject)}")
        if not outcome.refusals:
            lines.append("      there is no bundle in what was given: nothing was verified")
    for refusal in outcome.refusals:
        lines.append(f"      {plain(refusal.bundle)}: {refusal.code}: {plain(refusal.message)}")
        lines += [f"        {refusal.hint}"] if refusal.hint else []
    if not require_log:
        lines.append("      --no-log: nothing shows that the signature is in a transparency log")
    return "".join(f"{line}\n" for line in lines)


def result(outcome: Outcome, claims: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the outcome for machines; ``claims`` are those of the outcome, rendered."""
    return {
        "pack": None,
        "status": int(outcome.status),
        "error": None,
        "report": None,
        "verified": {
            "subject": outcome.subject,
            "claims": list(claims),
            "refused": [
                {"bundle": r.bundle, "code": r.code, "message": r.message} for r in outcome.refusals
            ],
        },
    }
