"""What a scan found that counts against a rule, and what is excepted, by whom and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kit.formats.encodings import render_time
from kit.formats.rules import ScanException, ScanRule
from kit.model import Claim
from kit.model.predicates import Scan, Severity, Vulnerability
from kit.policy.vex import Excepted, Statements, folded


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The results of a scan that count against a rule, and those that do not, with the reason.

    ``expired`` are exceptions that would have applied; ``idle`` are those that match nothing.
    ``allowed`` counts results of unknown severity that the rule lets pass.
    """

    counted: tuple[Vulnerability, ...]
    excepted: tuple[Excepted, ...]
    expired: tuple[ScanException, ...]
    idle: tuple[ScanException, ...]
    allowed: int = 0


def weigh(rule: ScanRule, claim: Claim, vex: Sequence[Claim], at: datetime) -> Weighed:
    """Sort what a scan found, at or over the rule's severity, into what counts and what not."""
    says = claim.predicate
    found = says.found if isinstance(says, Scan) else ()
    over = [vulnerability for vulnerability in found if _is_over(rule, vulnerability)]
    statements = Statements(rule, claim, vex, at)
    lasting = [exception for exception in rule.exceptions if exception.expires > at]
    expired = [exception for exception in rule.exceptions if exception.expires <= at]
    counted: list[Vulnerability] = []
    excepted: list[Excepted] = []
    ended: dict[str, ScanException] = {}
    for vulnerability in over:
        ids = folded(vulnerability.ids)
        mine = next((one for one in lasting if one.id.casefold() in ids), None)
        vexed = statements.excepting(vulnerability)
        if mine is not None:
            until = f"until {render_time(mine.expires)}"
            excepted.append(
                Excepted(found=vulnerability, by=f"the policy, {until}", why=mine.reason)
            )
        elif vexed is not None:
            excepted.append(vexed)
        else:
            counted.append(vulnerability)
            ended |= {one.id: one for one in expired if one.id.casefold() in ids}
    known = frozenset(name for vulnerability in found for name in folded(vulnerability.ids))
    return Weighed(
        counted=tuple(counted),
        excepted=tuple(excepted),
        expired=tuple(ended.values()),
        idle=tuple(one for one in rule.exceptions if one.id.casefold() not in known),
        allowed=sum(one.severity is Severity.UNKNOWN for one in found) if rule.allow_unknown else 0,
    )


def _is_over(rule: ScanRule, vulnerability: Vulnerability) -> bool:
    if vulnerability.severity is Severity.UNKNOWN:
        return not rule.allow_unknown
    return vulnerability.severity >= rule.fail_on
