"""Downloads that are whole are kept: an interrupted collect does not fetch them again.

``fetched.json`` in the folder says which they are. A file's name there is the hash of its
URL, never anything a server sent. That something was absent is not remembered: it may
have come since.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.errors import MachineError, MalformedError
from kit.formats import strictjson
from kit.sources.http import ANYTHING, Client, Want, public

_STATE = "fetched.json"
_SCHEMA = 1
_MAX_STATE = 64 << 20
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A whole file in the folder."""

    path: Path
    size: int
    sha256: str


class Downloads:
    """One folder of downloads. Threads may share it, processes may not."""

    def __init__(self, folder: Path, client: Client) -> None:
        """Take up what an earlier run left; a record that cannot be read says nothing."""
        self._folder = folder
        self._client = client
        self._lock = threading.Lock()
        self._files = _read(folder / _STATE)

    def fetch(
        self, url: str, *, limit: int, within: float | None = None, want: Want = ANYTHING
    ) -> Download | None:
        """Return the file of a URL, fetched now or before; ``None`` if it is clearly absent."""
        key = hashlib.sha256(url.encode()).hexdigest()
        path = self._folder / key
        kept = self._kept(key, path, limit)
        if kept is not None and _is_wanted(kept, want):
            return kept
        fetched = self._client.fetch(url, path, limit=limit, within=within, want=want)
        if fetched is None:
            return None
        row = {"url": public(url), "size": fetched.size, "sha256": fetched.sha256}
        self._remember(key, row)
        return Download(path=path, size=fetched.size, sha256=fetched.sha256)

    def _kept(self, key: str, path: Path, limit: int) -> Download | None:
        """Return an earlier download that is still what was recorded of it."""
        row = self._files.get(key)
        if row is None or not path.is_file():
            return None
        size = path.stat().st_size
        if size > limit or size != row["size"] or _sha256(path) != row["sha256"]:
            return None
        return Download(path=path, size=size, sha256=row["sha256"])

    def _remember(self, key: str, row: dict[str, Any]) -> None:
        part = self._folder / f"{_STATE}.part"
        with self._lock:
            self._files[key] = row
            try:
                part.write_bytes(strictjson.canonical({"schema": _SCHEMA, "files": self._files}))
                part.replace(self._folder / _STATE)
            except OSError as error:
                raise MachineError(
                    f"{_STATE} cannot be written: {error.strerror}", code="machine.unwritable"
                ) from error


def _is_wanted(kept: Download, want: Want) -> bool:
    return want.size in (None, kept.size) and want.sha256 in (None, kept.sha256)


def _read(path: Path) -> dict[str, Any]:
    """Read the record, row by row; nothing in it is believed before the file is hashed again."""
    try:
        value = strictjson.parse(path.read_bytes(), max_bytes=_MAX_STATE)
    except (OSError, MalformedError):
        return {}
    if not isinstance(value, dict) or value.get("schema") != _SCHEMA:
        return {}
    files = value.get("files")
    rows = files.items() if isinstance(files, dict) else ()
    return {
        key: row for key, row in rows if isinstance(row, dict) and {"size", "sha256"} <= set(row)
    }


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
