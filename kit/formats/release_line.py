"""A line of a release file: what to collect, what must hold of it, and which names it means.

Decided by the text alone, so that both sides of the gap agree.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from kit.formats import kinds
from kit.formats.oci_platform import Platform
from kit.formats.oci_reference import Repository
from kit.formats.rules import Demand, Requirement, parts_of
from kit.formats.source_text import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One ``[[artifact]]``: a source, the files it names, where else to look, what must hold.

    Of an image from a mirror, ``published_as`` is the repository that its signatures name;
    ``platforms`` are those to collect, all where it is empty.
    """

    source: Source
    files: tuple[str, ...]
    evidence: tuple[Source, ...]
    require: tuple[Demand, ...]
    published_as: Repository | None = None
    platforms: tuple[Platform, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The file names the line writes out, without wildcards: each must be there."""
        if self.source.file_name is not None:
            return (self.source.file_name,)
        return tuple(name for name in self.files if not is_pattern(name))

    @property
    def patterns(self) -> tuple[str, ...]:
        """The line's wildcards: each must match something, and none can show what was withheld."""
        if self.source.file_name is not None or not self.files:
            return () if self.source.file_name is not None else ("*",)
        return tuple(name for name in self.files if is_pattern(name))

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """Every requirement that the line names, also those of which one is enough."""
        return tuple(part for demand in self.require for part in parts_of(demand))

    def demands_of(self, name: str) -> tuple[Demand, ...]:
        """Return what the line demands of a file of this name."""
        return tuple(demand for demand in self.require if is_about(demand, name))

    def is_named(self, text: str) -> bool:
        """Say whether a text is the line's source, which is that of one artifact."""
        return self.source.text == text and self.source.file_name is not None

    def takes(self, name: str) -> bool:
        """Say whether a file of this name is one of the line's artifacts.

        Decided by the text alone, so that both sides of the gap agree. A wildcard never
        takes a file whose name makes it evidence or a trusted root; a name that is written
        out does.
        """
        if name in self.names:
            return True
        if kinds.by_name(name) is not None or kinds.is_anchor(name):
            return False
        return any(matches(pattern, name) for pattern in self.patterns)


def matches(pattern: str, name: str) -> bool:
    """Say whether a file name matches a pattern of ``*`` and ``?``; other characters are plain."""
    return _expression(pattern).fullmatch(name) is not None


def lines_of(name: str, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines that write a name out; where none does, those whose wildcards take it.

    A line of one artifact may be named by its source instead: an image and its chart are
    often called alike.
    """
    by_source = tuple(line for line in lines if line.is_named(name))
    written = by_source or tuple(line for line in lines if name in line.names)
    return written or tuple(line for line in lines if line.takes(name))


def is_about(demand: Demand, name: str) -> bool:
    """Say whether a demand of a line is about its file of this name."""
    written, patterns = _parted(demand.files)
    return not demand.files or name in written or any(matches(entry, name) for entry in patterns)


@cache
def _parted(files: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the entries that are names, and those that are patterns.

    A requirement may write a thousand names out, and is asked about every file of a pack.
    """
    patterns = tuple(filter(is_pattern, files))
    return frozenset(files) - frozenset(patterns), patterns


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    # fnmatch's `*` never tries again what failed: `*a*a*a*b` takes no exponential time.
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def is_pattern(name: str) -> bool:
    """Say whether an entry of ``files`` has wildcards, and is no name."""
    return "*" in name or "?" in name
