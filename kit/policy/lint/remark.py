"""What a lint has to say, and about which demand of a release file.

Two grades: a warning says that the file likely does not mean what it says, and makes the
status 1; a note is advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kit.formats.release_file import ReleaseFile
from kit.formats.release_line import Line, is_about
from kit.formats.rules import Demand, Requirement, Signer
from kit.model import Finding, Level


def warning(code: str, path: str, message: str, hint: str) -> Finding:
    """Return what likely is a mistake: the key's path, what could happen, what to write."""
    return Finding(level=Level.WARNING, code=code, subject=path, message=message, hint=hint)


def note(code: str, path: str, message: str, hint: str) -> Finding:
    """Return advice: the file is weaker or more laborious than it need be."""
    return Finding(level=Level.NOTE, code=code, subject=path, message=message, hint=hint)


@dataclass(frozen=True, slots=True)
class Use:
    """A requirement at its path, the line that it stands in, and the files it is about there."""

    path: str
    requirement: Requirement
    line: Line
    files: tuple[str, ...]


def demands(release: ReleaseFile) -> Iterator[tuple[str, Demand]]:
    """Yield every ``[[artifact.require]]`` with its path."""
    for number, line in enumerate(release.lines):
        for count, demand in enumerate(line.require):
            yield f"artifact[{number}].require[{count}]", demand


def uses(release: ReleaseFile) -> Iterator[Use]:
    """Yield every requirement, also those of which one is enough, with its path."""
    for number, line in enumerate(release.lines):
        for count, demand in enumerate(line.require):
            path = f"artifact[{number}].require[{count}]"
            if isinstance(demand, Requirement):
                yield Use(path, demand, line, _files(line, demand))
                continue
            for way, parts in enumerate(demand.of):
                for place, part in enumerate(parts):
                    inner = f".all-of[{place}]" if len(parts) > 1 else ""
                    where = f"{path}.any-of[{way}]{inner}"
                    yield Use(where, part, line, _files(line, demand))


def _files(line: Line, demand: Demand) -> tuple[str, ...]:
    """Return the files that the line writes out and the demand is about."""
    return tuple(name for name in line.names if is_about(demand, name))


def by(signer: Signer, release: ReleaseFile) -> tuple[Use, ...]:
    """Return the requirements that a signer is named in."""
    return tuple(use for use in uses(release) if use.requirement.signer == signer)
