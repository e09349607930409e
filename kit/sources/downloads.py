"""Downloads that are whole are kept: an interrupted collect does not fetch them again.

``fetched.jsonl`` in the folder says which they are, a line each; what a crash left of its
last line is not one, and the last line about a file counts. A file's name there is the hash
of its URL, of whose credentials it came by, and, where two are announced at one URL, of what
the second is announced to be: never a name that a server sent. Within one run a URL is
asked once, whoever asks, but for such a second one. That something was absent is not
remembered any longer than that: it may have come since.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.errors import MachineError, MalformedError
from kit.formats import strictjson
from kit.sources import hashing, keeping
from kit.sources.exchange import ANYTHING, Fetched, Want
from kit.sources.http import Client, public

_STATE = "fetched.jsonl"
_MAX_STATE = 256 << 20
_MAX_ROW = 1 << 16
_ROW = frozenset({"key", "size", "sha256", "url"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A whole file in the folder."""

    path: Path
    size: int
    sha256: str


class Downloads:
    """What one client brings into a folder. Threads may share it, processes may not.

    Several clients may bring into one folder, where ``whose`` tells their credentials apart.
    """

    def __init__(self, folder: Path, client: Client, whose: str = "") -> None:
        """Take up what an earlier run left; a record that cannot be read says nothing."""
        self.folder = folder
        self.client = client
        self._whose = whose
        self._lock = threading.Lock()
        self._asked: dict[str, Future[Download | None]] = {}
        self._rows = {row["key"]: row for row in _read(folder / _STATE)}

    def fetch(
        self, url: str, *, limit: int, within: float | None = None, want: Want = ANYTHING
    ) -> Download | None:
        """Return the file of a URL, fetched now or before; ``None`` if it is clearly absent.

        Who asks for a URL that another thread is asking for gets that thread's answer.
        """
        key = hashlib.sha256("\0".join(filter(None, (self._whose, url))).encode()).hexdigest()

        def fetched(key: str) -> Download | None:
            return self._fetched(key, url, limit, within, want)

        got, asked = self._once(key, fetched)
        if asked or got is None:
            return got
        # Two documents may announce two files at one place: who was handed the one keeps it,
        # and the other, if it comes, has a name of its own.
        other = hashlib.sha256(
            f"{key}\0{want.size}\0{sorted(want.announced.items())}".encode()
        ).hexdigest()
        return self._kept(key, got.path, limit, want) or self._once(other, fetched)[0]

    def read(
        self, url: str, *, limit: int, within: float | None = None, want: Want = ANYTHING
    ) -> tuple[Fetched, bytes] | None:
        """Return a document, always asked for anew, or ``None``; it is not kept."""
        return self.client.read(url, limit=limit, within=within, want=want)

    def keep(self, raw: bytes) -> Download:
        """Keep what was read, or made of it, as a file that is named by its content."""
        sha256 = hashlib.sha256(raw).hexdigest()
        path = self.folder / f"{sha256}.kept"
        keeping.keep(raw, path)
        return Download(path=path, size=len(raw), sha256=sha256)

    def _once(
        self, key: str, ask: Callable[[str], Download | None]
    ) -> tuple[Download | None, bool]:
        """Return what is under a key, and whether it was asked for now and not before."""
        with self._lock:
            before = self._asked.get(key)
            answer = before or self._asked.setdefault(key, Future())
        if before is None:
            try:
                answer.set_result(ask(key))
            except BaseException as error:
                answer.set_exception(error)
                raise
        return answer.result(), before is None

    def _fetched(
        self, key: str, url: str, limit: int, within: float | None, want: Want
    ) -> Download | None:
        path = self.folder / key
        kept = self._kept(key, path, limit, want)
        if kept is not None:
            return kept
        fetched = self.client.fetch(url, path, limit=limit, within=within, want=want)
        if fetched is None:
            return None
        row = {"key": key, "url": public(url), "size": fetched.size, "sha256": fetched.sha256}
        self._rows[key] = row
        self._remember(row)
        return Download(path=path, size=fetched.size, sha256=fetched.sha256)

    def _kept(self, key: str, path: Path, limit: int, want: Want) -> Download | None:
        """Return an earlier download that is still what was recorded of it, and is wanted."""
        row = self._rows.get(key)
        with suppress(OSError):
            if row is None or path.stat().st_size != row["size"] or row["size"] > limit:
                return None
            found = hashing.of_file(path, want.algorithms)
            whole = (found.size, found.sha256) == (row["size"], row["sha256"])
            if whole and want.differing(found.size, found.digests) is None:
                return Download(path=path, size=found.size, sha256=found.sha256)
        return None

    def _remember(self, row: dict[str, Any]) -> None:
        try:
            # One write at the end of the file; a cut line is no line (above).
            with self._lock, (self.folder / _STATE).open("ab", buffering=0) as file:
                file.write(strictjson.canonical(row))
        except OSError as error:
            raise MachineError(
                f"{_STATE} cannot be written: {error.strerror}", code="machine.unwritable"
            ) from error


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """Read the record, row by row; nothing in it is believed before the file is hashed again."""
    with suppress(FileNotFoundError, OSError), path.open("rb") as file:
        read = 0
        while (line := file.readline(_MAX_ROW)) and read <= _MAX_STATE:
            read += len(line)
            with suppress(MalformedError):
                row = strictjson.parse(line, max_bytes=_MAX_ROW)
                if isinstance(row, dict) and row.keys() == _ROW and isinstance(row["key"], str):
                    yield row
