"""Demands that others make void, and numbers of signers that cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kit.formats.release_file import ReleaseFile
from kit.formats.release_line import Line
from kit.formats.rules import Alternatives, BuildRule, Requirement, parts_of
from kit.model import Finding
from kit.policy.lint import identities
from kit.policy.lint.remark import note, warning


def findings(release: ReleaseFile) -> Iterator[Finding]:
    """Yield what there is to say about how each line's demands go together."""
    for number, line in enumerate(release.lines):
        path = f"artifact[{number}]"
        yield from _all(path, line)
        for count, demand in enumerate(line.require):
            where = f"{path}.require[{count}]"
            if isinstance(demand, Alternatives):
                yield from _ways(where, demand)
            if demand.optional is not None:
                yield note(
                    "lint.optional",
                    f"{where}.optional",
                    "nothing fails where this is not met: it proves nothing",
                    "take `optional` out once all releases have it",
                )


def _all(path: str, line: Line) -> Iterator[Finding]:
    bare = _without_rule(line)
    if bare:
        yield warning(
            "lint.no-rule",
            f"{path}.require",
            f"nothing is demanded that is not optional: {', '.join(bare[:3])} will fail",
            f"add [[artifact.require]] with a signer or a digest to {line.source.text!r}",
        )
    for count, demand in enumerate(line.require):
        first = line.require.index(demand)
        if first != count:
            yield warning(
                "lint.same-requirement",
                f"{path}.require[{count}]",
                f"it says again what require[{first}] says, and one piece of evidence meets both",
                "take it out; for two signers write at-least = 2 with any-of",
            )


def _without_rule(line: Line) -> list[str]:
    """Return the line's files of which nothing is demanded, for people."""
    firm = [demand for demand in line.require if demand.optional is None]
    if not firm:
        return ["every file of the line"]
    bare = [
        name
        for name in line.names
        if all(demand.optional is not None for demand in line.demands_of(name))
    ]
    asked = {pattern for demand in firm for pattern in demand.files or line.patterns}
    return bare + [pattern for pattern in line.patterns if pattern not in asked]


def _ways(path: str, demand: Alternatives) -> Iterator[Finding]:
    if demand.at_least == 1:
        yield from _void(path, demand.of)
    else:
        yield from _too_few(path, demand)


def _void(path: str, ways: Sequence[tuple[Requirement, ...]]) -> Iterator[Finding]:
    for number, way in enumerate(ways):
        if all(part.signer is None for part in way):
            yield warning(
                "lint.digest-alternative",
                f"{path}.any-of[{number}]",
                "these bytes pass without any signature: the other ways then prove nothing",
                "put the digest beside the signer in each way, or leave the other ways out",
            )
        weaker = next(
            (
                other
                for other, asked in enumerate(ways)
                if other != number
                and way_implies(way, asked)
                and (other < number or not way_implies(asked, way))
            ),
            None,
        )
        if weaker is not None:
            yield warning(
                "lint.weaker-alternative",
                f"{path}.any-of[{number}]",
                f"whatever meets it meets any-of[{weaker}] too, which asks no more: it is void",
                f"take out any-of[{weaker}], or this one if that is enough",
            )


def way_implies(way: Sequence[Requirement], asked: Sequence[Requirement]) -> bool:
    """Say whether whoever meets all of ``way`` surely meets all of ``asked``."""
    return all(any(implies(part, wanted) for part in way) for wanted in asked)


def implies(one: Requirement, other: Requirement) -> bool:
    """Say whether whatever meets ``one`` surely meets ``other``, as far as can be told."""
    if other.signer is None:
        return one.digest == other.digest
    types = {kind.written for kind in one.predicate_types}
    wanted_types = {kind.written for kind in other.predicate_types}
    return (
        (one.signer, one.listed_in, one.predicate_of)
        == (other.signer, other.listed_in, other.predicate_of)
        and (not wanted_types or (bool(types) and types <= wanted_types))
        and _keeps(one, other)
        and _build_implies(one.build, other.build)
        and one.at_least >= other.at_least
        and (not other.every or (one.every and replace(one, at_least=other.at_least) == other))
    )


def _keeps(one: Requirement, other: Requirement) -> bool:
    return all(
        getattr(other, name) in (None, getattr(one, name))
        for name in ("digest", "sbom", "scan", "predicate_schema")
    ) and (other.log == one.log or (one.log is True) or (other.log is False))


def _build_implies(one: BuildRule, other: BuildRule) -> bool:
    plain = ("builder_id", "source_repository", "ref", "source_digest", "signer_workflow",
             "runner_environment", "external_parameters")  # fmt: skip
    triggers = not other.build_trigger or (
        bool(one.build_trigger) and set(one.build_trigger) <= set(other.build_trigger)
    )
    return triggers and all(getattr(other, name) in (None, getattr(one, name)) for name in plain)


def _too_few(path: str, demand: Alternatives) -> Iterator[Finding]:
    keys = [identities.key_of(part.signer) for part in parts_of(demand) if part.signer is not None]
    most = len({key for key in keys if key is not None}) + keys.count(None)
    if most < demand.at_least:
        yield warning(
            "lint.same-signer",
            f"{path}.at-least",
            f"its ways have only {most} distinct signers (a workflow at two refs, or one under two "
            f"names, counts once): {demand.at_least} can never be reached",
            f"at-least = {most}, or name more signers",
        )
