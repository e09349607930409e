"""``ledger.json``: every place that was asked while collecting, and what it answered.

It is the collector's record, and proves nothing. :func:`parse` and :func:`render` are exact
inverses; the shape is published as ``schemas/ledger.schema.json``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kit.errors import MalformedError
from kit.formats import strictjson
from kit.formats.fields import Fields
from kit.model import Answer, Asked

NAME = "ledger.json"
MAX_BYTES = 64 << 20
MAX_ROWS = 1_000_000
_SCHEMA = 1
_HEX = re.compile(r"[0-9a-f]{64}")
_ANSWERS = {answer.value: answer for answer in Answer}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What was asked for one line of the release file: its source's text, and the rows."""

    source: str
    asked: tuple[Asked, ...]


def render(inquiries: Sequence[Inquiry]) -> bytes:
    """Write a ledger."""
    lines = [
        {"source": inquiry.source, "asked": [_rendered(row) for row in inquiry.asked]}
        for inquiry in inquiries
    ]
    return strictjson.canonical({"schema": _SCHEMA, "lines": lines})


def parse(raw: bytes) -> tuple[Inquiry, ...]:
    """Read a ledger; raise :class:`MalformedError` for anything but one."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES, max_depth=5))
    if top.need("schema") != _SCHEMA or isinstance(top.need("schema"), bool):
        raise MalformedError(f"schema is not {_SCHEMA}")
    top.need("lines")
    found = tuple(_inquiry(item) for item in top.each("lines", MAX_ROWS))
    _demand_all_read(top)
    return found


def _inquiry(item: Fields) -> Inquiry:
    item.need("asked")
    source = item.text("source") or ""
    rows = tuple(_row(row) for row in item.each("asked", MAX_ROWS))
    _demand_all_read(item)
    return Inquiry(source=source, asked=rows)


def _row(item: Fields) -> Asked:
    answer, sha256 = item.needed_text("answer"), item.text("sha256")
    if answer not in _ANSWERS:
        raise MalformedError(f"{item.where('answer')} is {answer[:40]!r}")
    if sha256 is not None and not _HEX.fullmatch(sha256):
        raise MalformedError(f"{item.where('sha256')} is no SHA-256")
    carried = item.get("carried")
    if carried is not None and carried is not False:
        raise MalformedError(f"{item.where('carried')} is not false")
    added = item.get("added")
    if added is not None and added is not True:
        raise MalformedError(f"{item.where('added')} is not true")
    row = Asked(
        place=item.text("place") or "",
        wanted=item.text("wanted") or "",
        answer=_ANSWERS[answer],
        sha256=sha256,
        note=item.text("note"),
        carried=carried is None,
        added=added is not None,
    )
    _demand_all_read(item)
    return row


def _demand_all_read(item: Fields) -> None:
    for path in item.unread():
        raise MalformedError(f"{path}: unknown field")


def _rendered(row: Asked) -> dict[str, Any]:
    said: dict[str, Any] = {"place": row.place, "wanted": row.wanted, "answer": row.answer.value}
    if row.sha256 is not None:
        said["sha256"] = row.sha256
    if row.note is not None:
        said["note"] = row.note
    if not row.carried:
        said["carried"] = False
    if row.added:
        said["added"] = True
    return said
