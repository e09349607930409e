"""Why a claim does not meet a requirement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Miss:
    """One fact a claim lacks: the stable code, what was expected and found, what to do."""

    code: str
    message: str
    hint: str | None = None
