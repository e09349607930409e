"""kit.formats.manifest: one spelling, one meaning, and the same as the published schema."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from kit.errors import MalformedError, PackError
from kit.formats import manifest, schema
from kit.model import EvidenceKind
from tests import packs
from tests.manifests import VALUE, nodes, put, variants


def code(raw: bytes) -> str | None:
    try:
        manifest.parse(raw)
    except PackError as error:
        return error.code
    return None


def accepted_by_schema(document: Any) -> bool:
    try:
        schema.validate(document, "manifest")
    except MalformedError:
        return False
    return True


# ---- what is accepted -------------------------------------------------------


def test_what_is_rendered_is_parsed_back() -> None:
    described = packs.manifest()
    assert manifest.parse(manifest.render(described)) == described


def test_what_is_parsed_is_rendered_back() -> None:
    raw = packs.encode(VALUE)
    assert manifest.render(manifest.parse(raw)) == raw


def test_a_manifest_may_be_empty_of_artifacts_evidence_and_members() -> None:
    assert code(packs.encode(packs.value(packs.manifest({})))) is None


@pytest.mark.parametrize("name", ["wörk.whl", "名前.tar", " a", "a,b;c$", "\U0001d4b3", "-", "..."])
def test_a_published_name_may_be_what_no_member_may(name: str) -> None:
    assert code(packs.encode(put(("artifacts", 0, "name"), name))) is None


# ---- one spelling -----------------------------------------------------------

CANONICAL = packs.encode(VALUE)
TEXT = CANONICAL.decode()
OTHER_SPELLINGS = {
    "no final newline": CANONICAL[:-1],
    "two final newlines": CANONICAL + b"\n",
    "CRLF": CANONICAL[:-1] + b"\r\n",
    "spaces": json.dumps(VALUE, sort_keys=True).encode() + b"\n",
    "unsorted": json.dumps(VALUE, separators=(",", ":")).encode() + b"\n",
    "leading space": b" " + CANONICAL,
    "byte order mark": b"\xef\xbb\xbf" + CANONICAL,
    "UTF-16": TEXT.encode("utf-16"),
    "escaped character": TEXT.replace("tool", "\\u0074ool").encode(),
    "escaped slash": TEXT.replace("/", "\\/").encode(),
    "equal key twice": TEXT.replace('"kit":', '"kit":"0.1.0","kit":').encode(),
    "other key twice": TEXT.replace('"kit":', '"kit":"9","kit":').encode(),
    "nested key twice": TEXT.replace('"size":', '"size":5,"size":').encode(),
    "size as float": TEXT.replace('"size":5', '"size":5.0').encode(),
    "size with exponent": TEXT.replace('"size":5', '"size":5e0').encode(),
    "negative zero": TEXT.replace('"size":5', '"size":-0').encode(),
    "schema as float": TEXT.replace('"schema":1', '"schema":1.0').encode(),
    "5000 digits": TEXT.replace('"size":5', '"size":' + "5" * 5000).encode(),
    "NaN": TEXT.replace('"size":5', '"size":NaN').encode(),
    "comment": CANONICAL + b"//",
    "trailing comma": TEXT.replace("}\n", ",}\n").encode(),
    "single quotes": TEXT.replace('"', "'").encode(),
    "second document": CANONICAL + CANONICAL,
    "invalid UTF-8": TEXT.replace("tool.whl", "\udcfftool.whl").encode(errors="surrogateescape"),
    "overlong UTF-8": CANONICAL.replace(b"tool.whl", b"\xc0\xaf.whl"),
    "lone surrogate": TEXT.replace('"name":"tool.whl"', '"name":"\\ud800"').encode(),
    "unescaped control": TEXT.replace("0.1.0", "0.\t.0").encode(),
    "nested 200": b"[" * 200 + b"]" * 200,
    "nested 100 000": b"[" * 100_000 + b"]" * 100_000,
    "nothing": b"",
    "null": b"null\n",
}


@pytest.mark.parametrize("raw", OTHER_SPELLINGS.values(), ids=OTHER_SPELLINGS.keys())
def test_any_other_spelling_is_malformed(raw: bytes) -> None:
    assert raw != CANONICAL
    assert code(raw) == "pack.manifest"


# ---- the same as the published schema ---------------------------------------


def test_the_reader_and_the_published_schema_accept_and_refuse_the_same() -> None:
    accepted = refused = 0
    for document in variants():
        ours = code(packs.encode(document)) is None
        assert ours == accepted_by_schema(document), document
        accepted += ours
        refused += not ours
    assert accepted > 100
    assert refused > 1000


def test_a_time_that_no_calendar_has_is_refused_beyond_the_schema() -> None:
    for text in ("2026-02-30T03:04:05Z", "2026-13-02T03:04:05Z", "2026-01-02T24:04:05Z"):
        document = put(("collected-at",), text)
        assert accepted_by_schema(document)
        assert code(packs.encode(document)) == "pack.manifest"


def test_a_name_of_256_bytes_is_refused_beyond_the_schema() -> None:
    for name, expected in (("ü" * 127 + "x", None), ("ü" * 128, "pack.manifest")):
        document = put(("evidence", 0, "name"), name)
        assert accepted_by_schema(document)
        assert code(packs.encode(document)) == expected


def test_the_schema_knows_every_kind_of_evidence() -> None:
    kinds = schema.load("manifest")["$defs"]["evidence"]["properties"]["kind"]["enum"]
    assert kinds == [kind.value for kind in EvidenceKind]


def test_the_schema_allows_no_unknown_key_and_anchors_every_pattern() -> None:
    for path in nodes(loaded := schema.load("manifest")):
        value: Any = loaded
        for step in path:
            value = value[step]
        if isinstance(value, dict) and value.get("type") == "object":
            assert value["additionalProperties"] is False
            assert set(value["required"]) == set(value["properties"])
        if path and path[-1] == "pattern":
            assert re.fullmatch(r"\^.*\$\(\?!\\n\)", value, re.DOTALL)


def test_every_character_that_does_not_show_is_refused_in_published_names() -> None:
    form = re.compile(f"[{manifest.HIDDEN}]")
    hidden = {"Cc", "Cf", "Zl", "Zp"}
    for number in range(sys.maxunicode + 1):
        if unicodedata.category(chr(number)) in hidden:
            assert form.match(chr(number)), hex(number)


# ---- orders, limits, versions -----------------------------------------------


def two(key: str, **second: str) -> bytes:
    first = VALUE[key][0]
    return packs.encode(put((key,), [first, first | second]))


def test_artifacts_ascend_by_source_then_name() -> None:
    assert code(two("artifacts", name="z")) is None
    assert code(two("artifacts", source="file:z", name="a")) is None
    assert code(two("artifacts")) == "pack.manifest"
    assert code(two("artifacts", name="a")) == "pack.manifest"
    assert code(two("artifacts", source="a")) == "pack.manifest"


def test_evidence_ascends_by_member_and_names_each_once() -> None:
    assert code(two("evidence", name="z")) == "pack.manifest"
    assert code(two("evidence", kind="unknown")) == "pack.manifest"
    assert code(two("evidence", name="a")) == "pack.manifest"
    assert code(two("evidence", member="a")) == "pack.manifest"


def test_order_is_that_of_utf8_bytes() -> None:
    # UTF-16 would put U+1D4B3 before U+FB01.
    names = ("\ufb01", "\U0001d4b3")
    document = put(("artifacts",), [VALUE["artifacts"][0] | {"name": name} for name in names])
    assert code(packs.encode(document)) is None


def test_about_ascends_without_repetition() -> None:
    for about, expected in (
        (["a", "b"], None),
        (["b", "a"], "pack.manifest"),
        (["a", "a"], "pack.manifest"),
    ):
        document = put(("evidence", 0, "about"), about)
        assert code(packs.encode(document)) == expected


def test_a_newer_schema_is_told_from_a_wrong_one() -> None:
    for number, expected in ((2, "newer"), (10**30, "newer"), (0, ""), (-1, ""), (True, "")):
        raw = packs.encode(put(("schema",), number))
        assert code(raw) == ("pack.manifest-newer" if expected else "pack.manifest")


def test_a_newer_schema_may_have_keys_we_do_not_know() -> None:
    assert code(b'{"schema":2,"sealed":[]}') == "pack.manifest-newer"


def test_a_manifest_over_64_mib_is_not_even_decoded() -> None:
    assert code(b"\xff" * (64 * 1024 * 1024 + 1)) == "pack.oversized"


def test_a_manifest_of_countless_empty_values_is_not_decoded() -> None:
    assert code(b"[" + b"{}," * 4_000_001 + b"{}]") == "pack.oversized"


def test_over_200_000_members_are_refused() -> None:
    members = [{"path": f"{n:06}", "sha256": "0" * 64, "size": 0} for n in range(200_001)]
    assert code(packs.encode(VALUE | {"members": members})) == "pack.oversized"
    assert code(packs.encode(VALUE | {"members": members[1:]})) is None


def test_a_size_that_not_every_json_reader_keeps_is_refused() -> None:
    for size, expected in ((2**53 - 1, None), (2**53, "pack.oversized"), (2**64, "pack.oversized")):
        document = put(("members", 0, "size"), size)
        assert code(packs.encode(document)) == expected


# ---- what cannot be written -------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"collected_at": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)},
        {"collected_at": datetime(1969, 1, 2, tzinfo=UTC)},
        {"collected_at": datetime(2026, 1, 2)},  # noqa: DTZ001
        {"kit": ""},
        {"kit": "\udc80"},
        {"release_name": "a/b"},
        {"release_version": "-1"},
        {"members": []},
    ],
)
def test_what_parse_would_not_return_is_not_rendered(changes: dict[str, Any]) -> None:
    with pytest.raises(PackError) as raised:
        manifest.render(replace(packs.manifest(), **changes))
    assert raised.value.code == "pack.manifest"


def test_a_time_in_another_zone_is_written_in_utc() -> None:
    moment = datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    raw = manifest.render(packs.manifest(collected_at=moment))
    assert b'"collected-at":"2026-01-02T03:04:05Z"' in raw
