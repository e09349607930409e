"""What came of one thing that was asked for: the ledger's row, and the file, if it is one."""

from __future__ import annotations

from dataclasses import dataclass

from kit.model import Asked, Found


@dataclass(frozen=True, slots=True)
class Reply:
    """A row of the ledger; ``found`` is the file that it tells of."""

    asked: Asked
    found: Found | None = None


def notes(*said: str | None) -> str | None:
    """Return several notes as the one of a row, leaving out those that say nothing."""
    return "; ".join(note for note in said if note) or None
