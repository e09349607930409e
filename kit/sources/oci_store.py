"""Blobs on this disk by their SHA-256: whatever lists one brings it once.

A file here is whole, since it got its name when its digest held. One that an earlier run
left is hashed again before it counts.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.errors import MachineError
from kit.formats.oci_manifest import Descriptor
from kit.model import Found
from kit.sources import hashing, keeping


class Store:
    """One folder of blobs. Threads may share it, processes may not."""

    def __init__(self, folder: Path) -> None:
        """Make the folder if it is not there."""
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self._turns: dict[str, threading.Lock] = {}

    @contextmanager
    def turn(self, sha256: str) -> Iterator[None]:
        """Let one thread at a time see to a blob; several lines may name the same."""
        with self._lock:
            turn = self._turns.setdefault(sha256, threading.Lock())
        with turn:
            yield

    def path(self, sha256: str) -> Path:
        """Return where a blob is, or will be."""
        return self._folder / sha256

    def has(self, wanted: Descriptor) -> bool:
        """Say whether a blob is here, whole and of the size that is wanted."""
        sha256 = wanted.digest.hex
        with self._lock:
            size = self._sizes.get(sha256)
        if size is None:
            size = self._left(sha256)
        return size == wanted.size

    def take(self, wanted: Descriptor) -> None:
        """Count a blob as here that was fetched to its :meth:`path`, its digest compared."""
        with self._lock:
            self._sizes[wanted.digest.hex] = wanted.size

    def keep(self, raw: bytes) -> Found:
        """Write a small blob."""
        sha256 = hashlib.sha256(raw).hexdigest()
        keeping.keep(raw, self.path(sha256))
        with self._lock:
            self._sizes[sha256] = len(raw)
        return self.found(sha256, len(raw))

    def found(self, sha256: str, size: int, name: str | None = None) -> Found:
        """Return a blob as what a source brings."""
        return Found(name=name or sha256, path=self.path(sha256), size=size, sha256=sha256)

    def demand_room(self, wanted: Iterable[Descriptor]) -> None:
        """Ask, before the first byte, for room for blobs and for the pack that holds them too."""
        sizes = {part.digest.hex: part.size for part in wanted}
        missing = [part for part in wanted if not self.has(part)]
        due = sum(sizes.values()) + sum({p.digest.hex: p.size for p in missing}.values())
        free = shutil.disk_usage(self._folder).free
        if free < due:
            raise MachineError(
                f"the images and their pack need {due} bytes, {self._folder} has {free} free",
                code="machine.disk-full",
                subject=str(self._folder),
                hint="free some space, or write the pack elsewhere with -o",
            )

    def _left(self, sha256: str) -> int | None:
        """Return the size of what an earlier run left, if it is whole."""
        path = self.path(sha256)
        if not path.is_file():
            return None
        found = hashing.of_file(path)
        if found.sha256 != sha256:
            return None
        with self._lock:
            self._sizes[sha256] = found.size
        return found.size
