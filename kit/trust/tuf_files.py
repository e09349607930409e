"""The files of a TUF repository by their names, and what is wrong with one of them.

A pack, a folder and a repository that is asked are read alike, through :class:`Files`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from kit.errors import AnchorError, MalformedError

if TYPE_CHECKING:
    from tuf.api.metadata import MetaFile, TargetFile

TIMESTAMP = "timestamp.json"
#: Where targets are, below the place of the metadata.
TARGETS = "targets/"

_ROOT = re.compile(r"([1-9][0-9]{0,9})[.]root[.]json")


class Files(Protocol):
    """Where a walk reads: a pack, a folder, or a repository that is asked."""

    def read(self, name: str, limit: int) -> bytes | None:
        """Return a file, ``None`` where it is not there.

        Of one that is over ``limit`` bytes it may raise :class:`MalformedError`, or return more
        bytes than that.
        """

    def names(self) -> Collection[str]:
        """Return the names of all files; none where a place cannot be listed."""


@dataclass(frozen=True, slots=True)
class Held:
    """Files that are held in memory."""

    files: Mapping[str, bytes]

    def read(self, name: str, limit: int) -> bytes | None:
        """Return the file, cut where it is over ``limit``."""
        raw = self.files.get(name)
        return None if raw is None else raw[: limit + 1]

    def names(self) -> Collection[str]:
        """Return the names."""
        return self.files.keys()


def roots_among(names: Collection[str]) -> list[int]:
    """Return the versions of the ``N.root.json`` among file names, ascending."""
    return sorted(int(match[1]) for match in map(_ROOT.fullmatch, names) if match)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An authenticated file: its version, when it expires, the SHA-256 of what was signed."""

    version: int
    expires: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the files of one instance's chain, and says of which one an error is."""

    instance: str
    files: Files

    def read(self, name: str, limit: int) -> bytes | None:
        """Return a file, ``None`` where it is not there."""
        with self.reading(name):
            return self.files.read(name, limit)

    def needed(self, name: str, limit: int) -> bytes:
        """Return a file; raise ``trust.incomplete`` where it is not there."""
        raw = self.read(name, limit)
        if raw is None:
            raise self.error("trust.incomplete", f"{name} is not there")
        return raw

    @contextmanager
    def reading(self, name: str) -> Iterator[None]:
        """Turn what is wrong with a file into an error of this chain that names it."""
        try:
            yield
        except MalformedError as error:
            known = error.code.startswith("trust.")
            code = error.code if known else "trust.tuf-malformed"
            raise self.error(code, f"{name}: {error.message}") from error
        except AnchorError as error:
            raise self.error(error.code, f"{name}: {error.message}") from error

    def error(self, code: str, message: str) -> AnchorError:
        """Return an error about this chain."""
        return AnchorError(
            f"the TUF chain of {self.instance!r}: {message}", code=code, subject=self.instance
        )


def demand_described(raw: bytes, described: MetaFile | TargetFile) -> None:
    """Raise ``trust.tuf-digest`` unless length and digests are those that metadata gives."""
    try:
        described.verify_length_and_hashes(raw)
    except Exception as error:  # python-tuf hands any name of an algorithm to hashlib
        raise AnchorError(f"not as described: {error}", code="trust.tuf-digest") from error
