"""The custody file beside a pack: where it is, and its bytes."""

from __future__ import annotations

from pathlib import Path

from kit.errors import MachineError
from kit.formats import custody


def of(pack: Path) -> Path:
    """Return the name of the custody file beside a pack."""
    return pack.with_name(pack.name + custody.SUFFIX)


def read(pack: Path) -> bytes | None:
    """Return the custody file beside a pack; ``None`` where there is none.

    Raises :class:`MachineError` where it is there and cannot be read.
    """
    path = of(pack)
    try:
        with path.open("rb") as file:
            return file.read(custody.MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MachineError(
            f"{path}: {error.strerror}", code="machine.unreadable", subject=path.name
        ) from error
