"""Why a claim does not meet a requirement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Miss:
    """One fact a claim lacks: the stable code and what was expected and found."""

    code: str
    message: str
