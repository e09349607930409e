"""JSON Schemas (draft 2020-12) that a policy wants predicates to satisfy.

The schema is the operator's, read beside the release file. It may refer to nothing
outside itself, and its patterns must be anchored: JSON Schema *searches* with them, so an
unanchored one also takes what is around the match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kit.errors import MalformedError
from kit.formats import strictjson

MAX_BYTES = 1 << 20
DRAFT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class PredicateSchema:
    """A schema and the name of the file it stands in."""

    name: str
    value: Any = field(repr=False)

    def first_fault(self, predicate: Any) -> str | None:
        """Return what is wrong with a predicate, or ``None`` where it satisfies the schema."""
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - 0.1 s, only when needed
        from jsonschema.exceptions import best_match  # noqa: PLC0415
        from referencing import Registry  # noqa: PLC0415

        validator = Draft202012Validator(self.value, registry=Registry())
        try:
            error = best_match(validator.iter_errors(predicate))
        except RecursionError:
            return "the schema or the predicate is nested too deeply to be judged"
        return None if error is None else f"{error.json_path}: {error.message:.300}"


def read(name: str, beside: Callable[[str], bytes], path: str) -> PredicateSchema:
    """Read and check a schema; raise :class:`MalformedError` that begins with ``path``."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - as above
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415

    try:
        value = strictjson.parse(beside(name), max_bytes=MAX_BYTES)
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        raise MalformedError(f"{path}: {name}: {error.json_path}: {error.message:.300}") from error
    except MalformedError as error:
        raise MalformedError(f"{path}: {name}: {error}") from error
    if isinstance(value, dict) and value.get("$schema", DRAFT) != DRAFT:
        raise MalformedError(f"{path}: {name}: $schema is not {DRAFT}")
    for keyword, said in _keywords(value):
        _demand_closed(keyword, said, f"{path}: {name}")
        if keyword in ("$ref", "$dynamicRef"):
            _demand_there(value, str(said), f"{path}: {name}")
    return PredicateSchema(name, value)


def _keywords(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _keywords(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keywords(inner)


def _demand_closed(keyword: str, said: Any, path: str) -> None:
    if keyword in ("$ref", "$dynamicRef") and not str(said).startswith("#"):
        raise MalformedError(f"{path}: {keyword} {said!r} points outside the schema")
    patterns: tuple[str, ...] = ()
    if keyword == "pattern" and isinstance(said, str):
        patterns = (said,)
    elif keyword == "patternProperties" and isinstance(said, dict):
        patterns = tuple(said)
    for pattern in patterns:
        if not is_anchored(pattern):
            raise MalformedError(
                f"{path}: the pattern {pattern!r} is not anchored; begin it with ^ and end it "
                "with $, and put alternatives into a group"
            )


def _demand_there(schema: Any, reference: str, path: str) -> None:
    from referencing import Registry  # noqa: PLC0415 - as above
    from referencing.exceptions import Unresolvable  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    base = schema.get("$id", "") if isinstance(schema, dict) else ""
    registry: Registry[Any] = Registry().with_resource(base, DRAFT202012.create_resource(schema))
    try:
        registry.resolver(base).lookup(reference)
    except Unresolvable as error:
        raise MalformedError(f"{path}: nothing is at $ref {reference!r}") from error


def is_anchored(pattern: str) -> bool:
    """Say whether a pattern begins with ``^``, ends with ``$`` and has no ``|`` outside a group."""
    if not pattern.startswith("^") or re.search(r"(?<!\\)(\\\\)*\$\Z", pattern) is None:
        return False
    outside = re.sub(r"\\.", "", pattern, flags=re.DOTALL)  # escaped characters
    outside = re.sub(r"\[\^?\]?[^\]]*\]", "", outside)  # character classes
    depth = 0
    for character in outside:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            return False
    return True
