"""Validate a value by one of the kit's own JSON Schemas (draft 2020-12).

Schemas come from ``kit/schemas`` only. A reference to anywhere else fails instead of
being fetched: jsonschema would open the network for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from kit.errors import MalformedError
from kit.formats import strictjson

MAX_SCHEMA = 1 << 20


def validate(value: Any, name: str) -> None:
    """Check ``value`` against the schema ``name`` (such as ``release``).

    Raises :class:`MalformedError` that begins with the path of the offending key, as
    ``artifact[0].require[1].signer``.
    """
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - 0.1 s, only when needed

    error = best_match(_validator(name).iter_errors(value))
    if error is None:
        return
    path = _path(error.absolute_path)
    if error.validator == "additionalProperties":
        unknown = sorted(set(error.instance) - set(error.schema.get("properties", {})))
        keys = ", ".join(_join(path, key) for key in unknown)
        raise MalformedError(f"{keys}: unknown key; known here: {_known(error.schema)}")
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        raise MalformedError(f"{_join(path, missing[0])}: is missing")
    description = error.schema.get("description")
    because = f"; {description}" if description else ""
    raise MalformedError(f"{path or 'the document'}: {error.message:.300}{because}")


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 0.1 s, only when needed
    from referencing import Registry  # noqa: PLC0415

    return Draft202012Validator(load(name), registry=Registry())


def load(name: str) -> Any:
    """Return a published schema as a value."""
    raw = resources.files("kit").joinpath(f"schemas/{name}.schema.json").read_bytes()
    return strictjson.parse(raw, max_bytes=MAX_SCHEMA)


def _path(steps: Iterable[str | int]) -> str:
    path = ""
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else _join(path, step)
    return path


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _known(schema: dict[str, Any]) -> str:
    return ", ".join(sorted(schema.get("properties", {})))
