"""Which results of a scan OpenVEX statements except (openvex/spec, OPENVEX-SPEC.md).

A statement counts only where a signer signed it whom the policy names for that, and only
about the artifact that was scanned. Of several on one result the newest decides. Where it
cannot be told whether a statement is about the artifact or the package, it excepts nothing,
and one that says ``affected`` stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.formats.rules import ScanRule
from kit.model import Claim
from kit.model.predicates import Vex, VexStatement, Vulnerability
from kit.policy import requirements

#: How far a stated time may lie ahead of another clock's.
CLOCK_SKEW = timedelta(minutes=5)

_EXCEPTING = frozenset({"not_affected", "fixed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Excepted:
    """A result that does not count, by whom, and why."""

    found: Vulnerability
    by: str
    why: str


def folded(ids: Sequence[str]) -> frozenset[str]:
    """Return ids so that they compare whatever their case."""
    return frozenset(name.casefold() for name in ids)


class Statements:
    """The VEX statements of the rule's signers that may speak of a claim's artifact."""

    def __init__(self, rule: ScanRule, scan: Claim, vex: Sequence[Claim], at: datetime) -> None:
        """Keep the statements by the ids of their vulnerability."""
        self._at = at
        self._by_id: dict[str, list[tuple[VexStatement, Claim]]] = {}
        for claim in vex:
            trusted = any(not requirements.by_signer(signer, claim) for signer in rule.vex)
            if trusted and isinstance(claim.predicate, Vex) and claim.digest == scan.digest:
                self._take(claim, claim.predicate)

    def _take(self, claim: Claim, says: Vex) -> None:
        for statement in says.statements:
            if _may_be_about(statement, claim):
                for name in folded(statement.ids):
                    self._by_id.setdefault(name, []).append((statement, claim))

    def excepting(self, vulnerability: Vulnerability) -> Excepted | None:
        """Return the exception that the newest statement on a result makes, if it makes one."""
        about = [
            (statement, claim)
            for name in sorted(folded(vulnerability.ids))
            for statement, claim in self._by_id.get(name, ())
            if _may_mean(statement, vulnerability)
        ]
        newest = max((_moment(statement) for statement, _ in about), default=None)
        last = [(one, claim) for one, claim in about if _moment(one) == newest]
        if newest is None or newest > self._at.timestamp() + CLOCK_SKEW.total_seconds():
            return None
        if not all(one.status in _EXCEPTING and _surely(one, c, vulnerability) for one, c in last):
            return None
        statement, claim = last[0]
        why = f"{statement.status}: {statement.justification}".removesuffix(": ")
        return Excepted(found=vulnerability, by=claim.identity.subject, why=why)


def _moment(statement: VexStatement) -> float:
    return statement.at.timestamp() if statement.at is not None else float("-inf")


def _is_about(statement: VexStatement, claim: Claim) -> bool:
    """Say whether a statement is about the artifact: by digest, or by its signed name."""
    if not statement.products:
        return claim.document is None  # an attestation's subject is its product
    return str(claim.digest) in statement.products or any(
        name in statement.products for name in claim.names
    )


def _may_be_about(statement: VexStatement, claim: Claim) -> bool:
    """Say whether a statement is, or may be, about the artifact.

    One that says `affected` of a product whose id cannot be compared stands in the way of
    an older exception; it never makes one.
    """
    if _is_about(statement, claim):
        return True
    # By another digest of the same algorithm it is another artifact; by one of another
    # algorithm, who knows.
    algorithm = f"{claim.digest.algorithm}:"
    told = any(product.startswith(algorithm) for product in statement.products)
    return statement.status not in _EXCEPTING and not told


def _may_mean(statement: VexStatement, vulnerability: Vulnerability) -> bool:
    """Say whether a statement means, or may mean, the package that a result is about."""
    if not statement.components or _means(statement, vulnerability):
        return True
    if statement.status in _EXCEPTING:
        return False
    packages = (vulnerability.package, *statement.components)
    return not all(package.startswith("pkg:") for package in packages)


def _means(statement: VexStatement, vulnerability: Vulnerability) -> bool:
    return _bare(vulnerability.package) in map(_bare, statement.components)


def _surely(statement: VexStatement, claim: Claim, vulnerability: Vulnerability) -> bool:
    return _is_about(statement, claim) and (
        not statement.components or _bare(vulnerability.package) in map(_bare, statement.components)
    )


def _bare(package: str) -> str:
    """Return a purl without qualifiers and subpath: tools add what they found it by."""
    return package.partition("?")[0].partition("#")[0] if package.startswith("pkg:") else package
