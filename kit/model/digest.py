"""A digest and its algorithm."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A digest and its algorithm: ``sha256``, ``sha384`` or ``sha512``."""

    algorithm: str
    hex: str

    def __str__(self) -> str:
        """Write it as ``sha256:HEX``, as OCI and GitHub do."""
        return f"{self.algorithm}:{self.hex}"
