"""JSON Schemas (draft 2020-12) that a policy wants predicates to satisfy.

The schema is the operator's, read beside the release file. It may refer to nothing
outside itself, and its patterns must be anchored: JSON Schema *searches* with them, so an
unanchored one also takes what is around the match.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kit.errors import MalformedError
from kit.formats import strictjson

MAX_BYTES = 1 << 20
#: Keywords that hold schemas by a name of the author's, and those that hold no schema.
_NAMED_PARTS = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_VALUES = frozenset({"const", "enum", "default", "examples"})
DRAFT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class PredicateSchema:
    """A schema, the name of the file it stands in, and that file's SHA-256 in hex."""

    name: str
    value: Any = field(repr=False)
    sha256: str

    def first_fault(self, predicate: Any) -> str | None:
        """Return what is wrong with a predicate, or ``None`` where it satisfies the schema.

        A schema that turns out not to be applicable is satisfied by nothing.
        """
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - 0.1 s, only when needed
        from jsonschema.exceptions import best_match  # noqa: PLC0415
        from referencing import Registry  # noqa: PLC0415
        from referencing.exceptions import Unresolvable  # noqa: PLC0415

        validator = Draft202012Validator(_to_the_end(self.value), registry=Registry())
        try:
            error = best_match(validator.iter_errors(predicate))
        except RecursionError:
            return "the schema refers to itself without end, or the predicate is too deep for it"
        except Unresolvable as reason:
            return f"the schema refers to what is not there: {reason.ref!r:.200}"
        return None if error is None else f"{error.json_path}: {error.message:.300}"


def read(name: str, beside: Callable[[str], bytes], path: str) -> PredicateSchema:
    """Read and check a schema; raise :class:`MalformedError` that begins with ``path``."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - as above
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415

    try:
        raw = beside(name)
        value = strictjson.parse(raw, max_bytes=MAX_BYTES)
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        raise MalformedError(f"{path}: {name}: {error.json_path}: {error.message:.300}") from error
    except MalformedError as error:
        raise MalformedError(f"{path}: {name}: {error}") from error
    if isinstance(value, dict) and value.get("$schema", DRAFT) != DRAFT:
        raise MalformedError(f"{path}: {name}: $schema is not {DRAFT}")
    for keyword, said in _keywords(value):
        _demand_closed(keyword, said, f"{path}: {name}")
    _demand_resolved(value, f"{path}: {name}")
    return PredicateSchema(name, value, hashlib.sha256(raw).hexdigest())


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


def _demand_resolved(value: Any, path: str) -> None:
    """Raise :class:`MalformedError` for a reference to a part that the schema does not have."""
    from referencing import Registry  # noqa: PLC0415 - as above
    from referencing.exceptions import Unresolvable  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    base = value.get("$id", "") if isinstance(value, dict) else ""
    said = [(keyword, text) for keyword, text in _keywords(value) if isinstance(text, str)]
    if sum(keyword == "$id" for keyword, _ in said) > bool(base):
        return  # what a part with an id of its own refers to is only known when it is applied
    resource = DRAFT202012.create_resource(value)
    resolver = Registry().with_resource(base, resource).resolver(base)
    for keyword, text in said:
        if keyword in ("$ref", "$dynamicRef"):
            try:
                resolver.lookup(text)
            except Unresolvable as error:
                raise MalformedError(f"{path}: {keyword} {text!r} points at nothing") from error


def _to_the_end(schema: Any) -> Any:
    r"""Return a schema whose patterns end where the text does: ``$`` leaves out a last line feed.

    Every pattern ends with ``$`` (:func:`is_anchored`).
    """
    if isinstance(schema, list):
        return [_to_the_end(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {}
    for key, inner in schema.items():
        if key == "pattern" and isinstance(inner, str):
            found[key] = rf"{inner[:-1]}\Z"
        elif key == "patternProperties" and isinstance(inner, dict):
            found[key] = {rf"{name[:-1]}\Z": _to_the_end(rule) for name, rule in inner.items()}
        elif key in _NAMED_PARTS and isinstance(inner, dict):
            found[key] = {name: _to_the_end(rule) for name, rule in inner.items()}
        else:
            found[key] = inner if key in _VALUES else _to_the_end(inner)
    return found


def is_anchored(pattern: str) -> bool:
    """Say whether a pattern begins with ``^``, ends with ``$`` and has no ``|`` outside a group."""
    if not pattern.startswith("^") or re.search(r"(?<!\\)(\\\\)*\$\Z", pattern) is None:
        return False
    # An escaped character stands for itself: gone, it would let the class around it go on.
    outside = re.sub(r"\\.", "x", pattern, flags=re.DOTALL)
    outside = re.sub(r"\[\^?\]?[^\]]*\]", "", outside)  # character classes
    depth = 0
    for character in outside:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            return False
    return True
