"""Say, of a bundle that lies beside one file and is about another, which file that is.

Evidence is put to files by the digests in it, so that a bundle under a wrong name still
serves its own file. Whoever looks at the file that then has none wants to be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kit.formats import kinds
from kit.model import Finding, Level, Manifest, Verdict

_CODE = "evidence.other-file"


def told(verdicts: Sequence[Verdict], manifest: Manifest) -> tuple[Verdict, ...]:
    """Return the verdicts; those that fail with what was verified of evidence named after them.

    Only what a verifier accepted about another file of the pack is told, and it changes no
    verdict.
    """
    names = {evidence.member: evidence.name for evidence in manifest.evidence}
    found: dict[str, dict[str, str]] = {}
    for verdict in verdicts:
        for claim in verdict.claims:
            member = claim.evidence.partition(" ")[0]  # a label may end ` line 2`
            beside = kinds.named_after(names.get(member, ""))
            own = claim.predicate_of is None  # a copy is not what it is about
            if own and beside is not None and beside != verdict.name:
                found.setdefault(beside, {})[member] = verdict.name
    return tuple(_told(verdict, found.get(verdict.name, {}), names) for verdict in verdicts)


def _told(verdict: Verdict, others: Mapping[str, str], names: Mapping[str, str]) -> Verdict:
    if verdict.passed or not others:
        return verdict
    findings = (
        Finding(
            level=Level.WARNING,
            code=_CODE,
            subject=verdict.name,
            message=f"{names[member]} is named after this file, and is about {other}, which is in "
            "this pack too",
            hint="the two are not of one release, or were put under each other's names, by the "
            "publisher or on the way: get file and bundle again, both from the same release",
        )
        for member, other in others.items()
        if member not in verdict.evidence  # one statement may be about several files
    )
    return replace(verdict, findings=(*verdict.findings, *findings))
