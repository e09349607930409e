"""SARIF 2.1.0 (OASIS), as vulnerability scanners write it (formats.md 9.2).

Whatever could hide a result is read against whoever hid it: a suppressed result counts, a
result whose rule cannot be found has an unknown severity, and a run that does not say what
it found (results left out, or kept in other files, or a tool that failed) is malformed or
unsupported, never an empty scan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kit.errors import KitError, MalformedError, UnsupportedError
from kit.formats import encodings, severity
from kit.formats.fields import Fields
from kit.model.predicates import Scan, Severity, Vulnerability

FORMAT = "sarif"
VERSION = "2.1.0"
MAX_RUNS = 256
MAX_ITEMS = 1_000_000
#: Characters of a rule's id, and parts of it that are tried when a rule is looked up.
MAX_ID = 1024
MAX_PARTS = 16

#: SARIF 3.27.9: these say that there is no problem. `open` and `review` leave it to a person.
_NO_FINDING = frozenset({"pass", "notApplicable", "informational"})
_KINDS = _NO_FINDING | {"fail", "open", "review"}
#: SARIF 3.14.2: what of a run may be kept in other files.
_ELSEWHERE = frozenset({"results", "driver", "extensions", "runProperties", "invocations"})


def parse(value: Any) -> Scan:
    """Read a log; raise :class:`MalformedError` or :class:`UnsupportedError`."""
    try:
        return _log(Fields(value))
    except UnsupportedError:
        raise
    except KitError as error:
        raise MalformedError(error.message, code="scan.malformed") from error


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as SARIF, of any version."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("version"), str)
        and "runs" in value
        and ("sarif" in str(value.get("$schema"))[:300] or value["version"] == VERSION)
    )


def _log(top: Fields) -> Scan:
    version = top.needed_text("version")
    if version != VERSION:
        raise UnsupportedError(
            f"the SARIF version is {version[:20]!r}; {VERSION} is read", code="scan.unsupported"
        )
    if top.array("inlineExternalProperties", MAX_ITEMS):
        raise _elsewhere("inlineExternalProperties")
    runs = top.objects("runs", MAX_RUNS)
    if not runs:
        raise MalformedError("it has no run, so it says nothing of what was found")
    return Scan(
        format=FORMAT,
        tool=", ".join(dict.fromkeys(_tool(run) for run in runs))[:200],
        found=tuple(found for run in runs for found in _results(run)),
        finished_at=_oldest([_finished(run) for run in runs]),
    )


def _tool(run: Fields) -> str:
    driver = run.needed_object("tool").needed_object("driver")
    version = driver.text("semanticVersion") or driver.text("version")
    return driver.needed_text("name") + (f" {version}" if version else "")


def _oldest(moments: list[datetime | None]) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return min(known) if len(known) == len(moments) else None


def _finished(run: Fields) -> datetime | None:
    """Return when the run ended, where each of its invocations says so."""
    moments: list[datetime | None] = []
    for invocation in run.objects("invocations", MAX_RUNS):
        # SARIF 3.20.14: required; only `false` says that the tool failed.
        if invocation.get("executionSuccessful") is False:
            raise MalformedError(f"{invocation.path}: the scanner failed (executionSuccessful)")
        written = invocation.text("endTimeUtc")
        moments.append(encodings.parse_time(written) if written else None)
    return _oldest(moments) if moments else None


def _results(run: Fields) -> Iterator[Vulnerability]:
    outside = run.object("externalPropertyFileReferences")
    if outside is not None and any(outside.has(key) for key in _ELSEWHERE):
        raise _elsewhere(outside.path)
    # SARIF 3.14.23: left out or null means that nothing is known, not that nothing was found.
    run.need("results")
    rules = _Rules(run.needed_object("tool"))
    for result in run.each("results", MAX_ITEMS):
        kind = result.text("kind") or "fail"
        if kind not in _KINDS:
            raise MalformedError(f"{result.where('kind')} is {kind[:40]!r}")
        if kind not in _NO_FINDING:
            yield rules.vulnerability(result)


def _elsewhere(where: str) -> UnsupportedError:
    return UnsupportedError(
        f"{where}: parts of the log are kept elsewhere, which is not read", code="scan.unsupported"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What results get from their rule, read once however many they are.

    ``ids`` are all names of what it finds; ``stated`` the worst severity that it gives.
    """

    ids: tuple[str, ...]
    package: str
    stated: Severity | None

    def and_also(self, other: _Rule) -> _Rule:
        """Return both rules of one id as one: the worst severity, the first package."""
        return replace(
            self,
            package=self.package or other.package,
            stated=_worst(self.stated, other.stated),
        )


class _Rules:
    """The rules of a run's tool and of its extensions, by id and by place."""

    def __init__(self, tool: Fields) -> None:
        components = [tool.needed_object("driver"), *tool.objects("extensions", MAX_RUNS)]
        self._places = [
            [_rule(rule) for rule in component.each("rules", MAX_ITEMS)] for component in components
        ]
        self._by_id: dict[str, _Rule] = {}
        for rule in (rule for rules in self._places for rule in rules):
            known = self._by_id.get(rule.ids[0])
            self._by_id[rule.ids[0]] = rule if known is None else known.and_also(rule)

    def vulnerability(self, result: Fields) -> Vulnerability:
        """Return what a result says: its severity is the worst that its rules or it state."""
        reference = result.object("rule")
        written = _id(result, "ruleId") or (_id(reference, "id") if reference else None)
        rule = self._of(result, reference, written)
        ids = rule.ids if rule is not None else ("(a result without a rule)",)
        if written is not None and written != ids[0]:
            ids = _ids(written)
        if rule is None:
            return Vulnerability(ids=ids, severity=Severity.UNKNOWN, package=_after_id(ids[0]))
        stated = _worst(rule.stated, _stated(result))
        return Vulnerability(
            ids=ids,
            severity=Severity.UNKNOWN if stated is None else stated,
            package=rule.package or _after_id(ids[0]),
        )

    def _of(self, result: Fields, reference: Fields | None, written: str | None) -> _Rule | None:
        """Return the rule that a result means; none where its id and its place differ."""
        placed = self._placed(result, reference)
        if placed is None:
            return self._named(written)
        identity = placed.ids[0]
        # SARIF 3.27.5: the result's id may be more precise, by further parts after a slash.
        if written is not None and written != identity and not written.startswith(f"{identity}/"):
            return None
        return placed

    def _placed(self, result: Fields, reference: Fields | None) -> _Rule | None:
        index = _index(result, "ruleIndex")
        component = 0
        if reference is not None:
            index = _index(reference, "index") if index is None else index
            named = reference.object("toolComponent")
            if named is not None:
                number = _index(named, "index")
                if number is None:
                    return None  # named by guid or name: then its id says which rule
                component = number + 1
        if index is None:
            return None
        if component >= len(self._places) or index >= len(self._places[component]):
            raise MalformedError(f"{result.path}: no rule has the index {index}")
        return self._places[component][index]

    def _named(self, written: str | None) -> _Rule | None:
        for _ in range(MAX_PARTS):
            if not written:
                return None
            if written in self._by_id:
                return self._by_id[written]
            written = written.rpartition("/")[0]
        return None


def _rule(fields: Fields) -> _Rule:
    fields.needed_text("id")
    return _Rule(
        ids=_ids(_id(fields, "id") or ""), package=_first_purl(fields), stated=_stated(fields)
    )


def _id(fields: Fields, key: str) -> str | None:
    text = fields.text(key)
    if text is not None and len(text) > MAX_ID:
        # Every result of a rule repeats its id.
        raise MalformedError(f"{fields.where(key)} is over {MAX_ID} characters")
    return text or None


def _ids(name: str) -> tuple[str, ...]:
    """Return a rule's id and the vulnerabilities that it names."""
    return tuple(dict.fromkeys((name, *severity.ids_in(name))))


def _index(fields: Fields, key: str) -> int | None:
    value = fields.get(key)
    if value is None or value == -1:  # SARIF 3.27.6: the default, there is none
        return None
    if type(value) is not int or value < 0:
        raise MalformedError(f"{fields.where(key)} is not an index")
    return value


def _properties(fields: Fields) -> Mapping[str, Any]:
    value = fields.get("properties")
    return value if isinstance(value, dict) else {}


def _stated(fields: Fields) -> Severity | None:
    score = _properties(fields).get("security-severity")
    return None if score is None else severity.of_score(score)


def _worst(one: Severity | None, other: Severity | None) -> Severity | None:
    return max((stated for stated in (one, other) if stated is not None), default=None)


def _first_purl(rule: Fields) -> str:
    value = _properties(rule).get("purls")
    purls = value if isinstance(value, list) else []
    return next((purl for purl in purls if isinstance(purl, str)), "")


def _after_id(name: str) -> str:
    """Return the package in a rule id such as ``CVE-2026-1-libx``, grype's way of writing it."""
    first = next(iter(severity.ids_in(name)), "")
    return name.removeprefix(first).lstrip("-") if first and name.startswith(first) else ""
