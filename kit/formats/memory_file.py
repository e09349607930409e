"""The memory of a checking host: the numbers of its last passes, one canonical JSON document.

Only authenticated numbers are in it. Any other spelling of the same values is malformed, and
what cannot be read is never taken for a memory that is empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kit.errors import MalformedError
from kit.formats import encodings, strictjson
from kit.formats.tuf_metadata import MAX_VERSION

SCHEMA = 1
MAX_BYTES = 16 << 20

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,79}")
_CHAIN = frozenset({"root", "root-sha256", "timestamp", "snapshot", "targets", "online-keys"})
_RELEASE = frozenset({"version", "signed-at", "files-sha256"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownChain:
    """The newest TUF versions of an instance that a pass rested on."""

    root: int
    root_sha256: str
    timestamp: int
    snapshot: int
    targets: int
    online_keys: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRelease:
    """The last pass of a release: its version, the digest of its files, the newest signing time.

    ``signed_at`` is ``None`` where nothing vouched for a time.
    """

    version: str
    files_sha256: str
    signed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is remembered: chains by instance, releases by name."""

    chains: Mapping[str, KnownChain] = field(default_factory=dict)
    releases: Mapping[str, KnownRelease] = field(default_factory=dict)


def parse(raw: bytes) -> Known:
    """Read a memory; raise :class:`MalformedError` for anything but one."""
    value = strictjson.parse(raw, max_bytes=MAX_BYTES, max_depth=4)
    top = _object(value, frozenset({"schema", "instances", "releases"}))
    if type(top["schema"]) is not int or top["schema"] != SCHEMA:
        raise MalformedError(f"schema is {top['schema']!r:.40}, not {SCHEMA}")
    known = Known(
        {name: parse_chain(item) for name, item in _named(top["instances"])},
        {name: _release(item) for name, item in _named(top["releases"])},
    )
    if render(known) != raw:
        raise MalformedError("is not written in the canonical form")
    return known


def render(known: Known) -> bytes:
    """Write a memory; what :func:`parse` reads back."""
    return strictjson.canonical(
        {
            "schema": SCHEMA,
            "instances": {name: render_chain(chain) for name, chain in known.chains.items()},
            "releases": {
                name: {
                    "version": release.version,
                    "files-sha256": release.files_sha256,
                    "signed-at": release.signed_at and encodings.render_time(release.signed_at),
                }
                for name, release in known.releases.items()
            },
        }
    )


def render_chain(chain: KnownChain) -> dict[str, int | str]:
    """Return the numbers of a chain as JSON has them; what :func:`parse_chain` reads back."""
    return {
        "root": chain.root,
        "root-sha256": chain.root_sha256,
        "timestamp": chain.timestamp,
        "snapshot": chain.snapshot,
        "targets": chain.targets,
        "online-keys": chain.online_keys,
    }


def parse_chain(value: Any) -> KnownChain:
    """Read the numbers of a chain; raise :class:`MalformedError` for anything but these."""
    item = _object(value, _CHAIN)
    return KnownChain(
        root=_version(item, "root"),
        root_sha256=_sha256(item, "root-sha256"),
        timestamp=_version(item, "timestamp"),
        snapshot=_version(item, "snapshot"),
        targets=_version(item, "targets"),
        online_keys=_sha256(item, "online-keys"),
    )


def _release(value: Any) -> KnownRelease:
    item = _object(value, _RELEASE)
    if not isinstance(item["version"], str) or not _WORD.fullmatch(item["version"]):
        raise MalformedError(f"version is {item['version']!r:.80}")
    signed_at = item["signed-at"]
    if signed_at is not None and not isinstance(signed_at, str):
        raise MalformedError("signed-at is no time")
    return KnownRelease(
        version=item["version"],
        files_sha256=_sha256(item, "files-sha256"),
        signed_at=None if signed_at is None else encodings.parse_time(signed_at),
    )


def _named(value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, dict) or not all(map(_WORD.fullmatch, value)):
        raise MalformedError("instances or releases are no object of names")
    return list(value.items())


def _object(value: Any, keys: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != keys:
        raise MalformedError(f"is no object of exactly {', '.join(sorted(keys))}")
    return value


def _version(item: dict[str, Any], key: str) -> int:
    value = item[key]
    if type(value) is not int or not 1 <= value <= MAX_VERSION:
        raise MalformedError(f"{key} is {value!r:.40}, no version")
    return value


def _sha256(item: dict[str, Any], key: str) -> str:
    value = item[key]
    if not isinstance(value, str):
        raise MalformedError(f"{key} is no digest")
    return encodings.digest("sha256", value).hex
