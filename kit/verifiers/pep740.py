"""PEP 740's rule of what an attestation is about, after its signature holds.

Exactly one subject, whose name parses to the same distribution as the file's (PEP 740;
so ``Foo.Bar`` and ``foo_bar`` are one project), and whose SHA-256 is the file's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kit.errors import RejectedError
from kit.formats import distribution
from kit.formats.statement import Statement
from kit.model import Claim, Digest, EvidenceKind
from kit.verifiers.sigstore.claims import Verified, VerifiedStatement

_STATEMENT = "https://in-toto.io/Statement/v1"


def claim_for(
    verified: Verified, evidence: str, known: Mapping[str, Digest], name: str | None
) -> Claim:
    """Return the claim about the file with these digests, or raise :class:`RejectedError`.

    ``name`` is the file's; ``None`` where only its digest is known.
    """
    if not isinstance(verified, VerifiedStatement):
        raise RejectedError("an attestation signs a statement", code="statement.subject")
    claim = verified.claim_for(evidence, known)
    _demand_one_subject(verified.statement)
    subject = verified.statement.subjects[0].name or "(no name)"
    if not any(digest.algorithm == "sha256" for digest in verified.statement.subjects[0].digests):
        raise _refused("its subject has no SHA-256")
    signed = distribution.parse_published(subject)
    if signed is None:
        raise _refused(f"its subject {subject[:120]} is no wheel or sdist")
    if name is not None and distribution.parse_published(name) != signed:
        raise _refused(f"it attests {subject[:120]}, and this file is {name}")
    return replace(claim, kind=EvidenceKind.PEP740)


def _demand_one_subject(statement: Statement) -> None:
    if statement.type != _STATEMENT:
        raise _refused(f"the statement is of {statement.type}, not of {_STATEMENT}")
    if len(statement.subjects) != 1:
        raise _refused(f"the statement has {len(statement.subjects)} subjects, not one")


def _refused(why: str) -> RejectedError:
    return RejectedError(why, code="statement.subject")
