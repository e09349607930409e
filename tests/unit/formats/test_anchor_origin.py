"""`origin.json`: where anchors came from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import anchor_origin
from kit.formats.anchor_origin import FileOrigin, Origin, Source

DIGEST = "0" * 64
FILE = {"sha256": DIGEST, "sources": [{"package": "pkg:pypi/a@1", "file": "b"}]}
WHOLE: dict[str, Any] = {"schema": 1, "files": {"r": FILE}}


def parse(value: Any) -> Origin:
    return anchor_origin.parse(json.dumps(value).encode())


def test_what_is_written_reads_back() -> None:
    origin = Origin(
        files={
            "root.json": FileOrigin(sha256="1" * 64, signed_by=(Source(package="pkg:npm/a@1"),)),
            "trusted_root.json": FileOrigin(
                sha256=DIGEST,
                as_of=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                sources=(Source(pack="2" * 64), Source(repository="https://tuf.acme.test")),
            ),
        },
    )
    assert anchor_origin.parse(anchor_origin.render(origin)) == origin


def test_a_day_is_its_first_moment() -> None:
    origin = parse(WHOLE | {"files": {"r": FILE | {"as-of": "2026-10-23"}}})
    assert origin.files["r"].as_of == datetime(2026, 10, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"schema": None},
        {"other": 1},
        {"files": []},
        {"files": {str(n): FILE for n in range(17)}},
        {"files": {"r": FILE | {"sha256": "x"}}},
        {"files": {"r": FILE | {"other": 1}}},
        {"files": {"r": FILE | {"as-of": "yesterday"}}},
        {"files": {"r": FILE | {"sources": [{"file": "a"}]}}},
        {"files": {"r": FILE | {"sources": [{"pack": DIGEST, "package": "pkg:a"}]}}},
        {"files": {"r": FILE | {"sources": [{"pack": "x"}]}}},
        {"files": {"r": FILE | {"sources": [{"package": "pkg:a", "other": 1}]}}},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        parse(WHOLE | change)
