"""``tuf.json``: what a host has written down about an instance's TUF repository.

::

    {"repository": "https://tuf-repo.example.org", "sha256": "…", "vouched-until": "…Z",
     "chain": {"root": 3, "snapshot": 40, …}}

``repository`` is where ``collect`` asks, ``target`` the name of the trusted root there if it is
another than ``trusted_root.json``. ``vouched-until`` is when the metadata expired that was the
newest when the trusted root of that ``sha256`` was pinned: until then somebody who could have
said otherwise vouched for it. ``chain`` has that metadata's versions, so that the anchor is
never replaced by an older one: dates cannot tell, where the root is what expires first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.errors import MalformedError
from kit.formats import encodings, memory_file, strictjson
from kit.formats.memory_file import KnownChain

MAX_BYTES = 1 << 14
TARGET = "trusted_root.json"

_TEXTS = frozenset({"repository", "target", "sha256", "vouched-until"})
_KEYS = _TEXTS | {"chain"}
_NAME = re.compile(r"[A-Za-z0-9_+~][A-Za-z0-9._+~-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A ``tuf.json``. ``sha256`` and ``vouched_until`` are there together, or neither is.

    ``chain`` is only where they are.
    """

    repository: str | None = None
    target: str = TARGET
    sha256: str | None = None
    vouched_until: datetime | None = None
    chain: KnownChain | None = None

    def vouches(self, sha256: str) -> datetime | None:
        """Return until when the trusted root of this digest was vouched for, if it is that."""
        return self.vouched_until if sha256 == self.sha256 else None


def parse(raw: bytes) -> Record:
    """Read a record; raise :class:`MalformedError` for anything but one."""
    value = strictjson.parse(raw, max_bytes=MAX_BYTES, max_depth=3)
    if not isinstance(value, dict) or not value.keys() <= _KEYS:
        raise MalformedError(f"is no object of {', '.join(sorted(_KEYS))}")
    if not all(isinstance(value[key], str) for key in value.keys() & _TEXTS):
        raise MalformedError("a value is no string")
    if ("sha256" in value) != ("vouched-until" in value):
        raise MalformedError("sha256 and vouched-until say nothing without each other")
    if "chain" in value and "sha256" not in value:
        raise MalformedError("chain says nothing without sha256")
    target = value.get("target", TARGET)
    if not _NAME.fullmatch(target):
        raise MalformedError(f"target: {target!r:.80} is no file name")
    until = value.get("vouched-until")
    digest = value.get("sha256")
    return Record(
        repository=value.get("repository"),
        target=target,
        sha256=None if digest is None else encodings.digest("sha256", digest).hex,
        vouched_until=None if until is None else encodings.parse_time(until),
        chain=memory_file.parse_chain(value["chain"]) if "chain" in value else None,
    )


def render(record: Record) -> bytes:
    """Write a record; what :func:`parse` reads back."""
    until = record.vouched_until
    value: dict[str, Any] = {
        "repository": record.repository,
        "target": None if record.target == TARGET else record.target,
        "sha256": record.sha256,
        "vouched-until": None if until is None else encodings.render_time(until),
        "chain": None if record.chain is None else memory_file.render_chain(record.chain),
    }
    return strictjson.canonical({key: held for key, held in value.items() if held is not None})
