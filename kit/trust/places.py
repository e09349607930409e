"""Where trust anchors are looked for, and how one file of them is read."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from kit.errors import AnchorError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder of anchors and what to call it in a report (never an absolute path)."""

    folder: Path
    label: str
    required: bool = False


def packaged() -> Place:
    """Return the anchors that travel with the kit: in the wheel, or in its checkout."""
    kit = Path(__file__).resolve().parent.parent
    inside = kit / "trust-roots"
    return Place(
        folder=inside if inside.is_dir() else kit.parent / "trust-roots",
        label="pinned with the kit",
    )


def stands(path: Path) -> bool:
    """Say whether a file has this path; one that nobody may look at has, till it is read."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def read(path: Path, limit: int, subject: str) -> bytes | None:
    """Return the bytes of an anchor; ``None`` where there is no such file.

    Raises :class:`AnchorError` for a file that cannot be read or is over ``limit`` bytes:
    of several lines, the last would be lost.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnchorError(
            f"{path}: {error.strerror}", code="trust.unreadable", subject=subject
        ) from error
    if len(raw) > limit:
        raise AnchorError(f"{path} is over {limit} bytes", code="trust.malformed", subject=subject)
    return raw
