"""Show and compare anchors for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from kit.cli import environment
from kit.cli.status import Status
from kit.errors import UsageError
from kit.report import anchors as report
from kit.trust import inventory
from kit.trust.inventory import Held


def held(trust_roots: Path | None) -> Sequence[Held]:
    """Return every anchor of this host; raise :class:`UsageError` for a folder not there."""
    places = environment.anchor_places(trust_roots)
    for place in places:
        if place.required and not place.folder.is_dir():
            raise UsageError(
                f"{place.label}: no such folder", subject=str(place.folder), code="trust.no-folder"
            )
    return inventory.held(places)


def status_of(found: Sequence[Held]) -> Status:
    """Return the status of a look at anchors: expired or not does not matter, unreadable does."""
    return Status.ANCHOR if any(one.error is not None for one in found) else Status.HOLDS


def shown(found: Sequence[Held], at: datetime) -> dict[str, Any]:
    """Return what was found for machines."""
    return {
        "pack": None,
        "status": int(status_of(found)),
        "error": None,
        "report": None,
        "anchors": report.value(found, at),
    }
