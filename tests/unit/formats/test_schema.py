"""kit.formats.schema: what does not follow a schema is told by its path."""

from __future__ import annotations

from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import schema

RELEASE: dict[str, Any] = {
    "schema": 1,
    "name": "tool",
    "version": "1.0",
    "artifact": [{"source": "file:tool.whl", "require": [{"digest": "sha256:" + "a" * 64}]}],
}


def told(value: Any) -> str:
    with pytest.raises(MalformedError) as caught:
        schema.validate(value, "release")
    return str(caught.value)


def line(**changes: Any) -> dict[str, Any]:
    return RELEASE | {"artifact": [RELEASE["artifact"][0] | changes]}


def test_what_follows_the_schema_is_nothing_to_tell() -> None:
    schema.validate(RELEASE, "release")


@pytest.mark.parametrize("name", ["release", "manifest"])
def test_a_published_schema_is_a_schema(name: str) -> None:
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    Draft202012Validator.check_schema(schema.load(name))


@pytest.mark.parametrize("name", ["release", "manifest"])
def test_a_published_schema_refers_to_nothing_outside_itself(name: str) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for item in value.values() for found in references(item)]
        if isinstance(value, list):
            return [found for item in value for found in references(item)]
        return []

    assert all(reference.startswith("#/$defs/") for reference in references(schema.load(name)))


def test_an_unknown_key_is_told_with_its_path_and_the_known_ones() -> None:
    assert told(line(evil=1)).startswith(
        "artifact[0].evil: unknown key; known here: evidence, files, platforms, published-as, "
        "require, source"
    )


def test_every_unknown_key_of_one_place_is_told() -> None:
    assert told(RELEASE | {"b": 1, "a": 1}).startswith("a, b: unknown key")


def test_a_missing_key_is_told_with_its_path() -> None:
    assert told({k: v for k, v in RELEASE.items() if k != "version"}) == "version: is missing"


def test_a_missing_key_within_is_told_with_its_path() -> None:
    assert told(RELEASE | {"artifact": [{}]}) == "artifact[0].source: is missing"


def test_a_wrong_value_is_told_with_its_path_and_what_is_due() -> None:
    message = told(RELEASE | {"name": "two words"})
    assert message.startswith("name: ")
    assert message.endswith("letters, digits and . _ + ~ - only, beginning with a letter or digit")


def test_what_is_no_object_is_called_the_document() -> None:
    assert told([]).startswith("the document: ")


def test_a_message_is_short_however_long_the_value_is() -> None:
    assert len(told(RELEASE | {"name": "x" * 100_000})) < 500


# Rows C-049 and C-050 of the catalogue: a pattern is anchored at both ends.
@pytest.mark.parametrize("before", ["", "evil ", "\n"])
@pytest.mark.parametrize("after", ["", " evil", "\n"])
def test_a_digest_is_all_there_is(before: str, after: str) -> None:
    value = line(require=[{"digest": f"{before}sha256:{'a' * 64}{after}"}])
    if before or after:
        assert told(value).startswith("artifact[0].require[0].digest: ")
    else:
        schema.validate(value, "release")


# Row C-044.
@pytest.mark.parametrize("number", [True, "1", None, 1.5, 0, -1])
def test_a_number_of_another_type_is_no_schema(number: Any) -> None:
    assert told(RELEASE | {"schema": number}).startswith("schema: ")
