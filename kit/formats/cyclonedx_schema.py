"""CycloneDX's own JSON schemas, as the project's Python library carries them. Its one door.

The library's validator takes half an hour over a document of 50 MB; jsonschema-rs, given
the same schemas, a second (``kit/DESIGN.md`` D36). No reference is ever resolved over the
network: what the schemas refer to is beside them, and nothing else is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Never

from kit.errors import MalformedError
from kit.formats import strictjson

if TYPE_CHECKING:
    from jsonschema_rs import Draft7Validator

VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6", "1.7")

#: Values of a document of which the first fault is named.
MAX_EXPLAINED = 2000
_MAX_SCHEMA = 4 << 20
_BESIDE = ("spdx", "jsf-0.82", "cryptography-defs")
_BASE = "http://cyclonedx.org/schema/"


def validate(value: Any, version: str) -> None:
    """Raise :class:`MalformedError`, naming the place, unless ``value`` follows its schema."""
    import jsonschema_rs  # noqa: PLC0415 - only where a document needs it

    validator = _validator(version)
    try:
        if validator.is_valid(value):
            return
        if not _is_small(value):
            raise MalformedError(f"the document does not follow CycloneDX's schema of {version}")
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        where = ".".join(str(part) for part in error.instance_path) or "the document"
        text = f"{where[:200]}: {' '.join(error.message[:300].split())}"
    except ValueError as error:  # what it cannot take at all, such as nesting beyond its bound
        text = f"the document: {str(error)[:300]}"
    else:  # pragma: no cover - the two would contradict each other
        text = "the document: it is not valid"
    raise MalformedError(text)


def _is_small(value: Any) -> bool:
    """Say whether a document has so few values that its first fault can be searched for.

    A fault in one of several alternatives holds all the faults of each of them, with what
    each allows: half a megabyte of unknown licences makes a gigabyte.
    """
    count, level = 0, [value]
    while level:
        count += len(level)
        if count > MAX_EXPLAINED:
            return False
        level = [inner for item in level for inner in _inside(item)]
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


@cache
def _validator(version: str) -> Draft7Validator:
    import jsonschema_rs  # noqa: PLC0415 - as above

    beside = [(f"{_BASE}{name}.SNAPSHOT.schema.json", _schema(name)) for name in _BESIDE]
    return jsonschema_rs.Draft7Validator(
        _schema(f"bom-{version}"),
        registry=jsonschema_rs.Registry(beside, retriever=_refuse),
        retriever=_refuse,
        # As draft 7 has it, a format (of a URL in a reference) is a remark and no rule.
        validate_formats=False,
    )


def _schema(name: str) -> Any:
    folder = resources.files("cyclonedx.schema").joinpath("_res")
    raw = folder.joinpath(f"{name}.SNAPSHOT.schema.json").read_bytes()
    return strictjson.parse(raw, max_bytes=_MAX_SCHEMA)


def _refuse(address: str) -> Never:
    raise ValueError(f"a schema refers to {address}, which is not beside it")
