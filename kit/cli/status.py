"""Exit statuses, the same for every command (design section 4). The one place that knows them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from kit.airgap import AirGapError
from kit.errors import (
    AnchorError,
    EvidenceError,
    KitError,
    MachineError,
    PackError,
    UsageError,
)
from kit.model import Level, Report


class Status(IntEnum):
    """What the process ends with."""

    HOLDS = 0
    DOES_NOT_HOLD = 1
    USAGE = 2
    PACK = 3
    ANCHOR = 4
    MACHINE = 5
    NOTHING = 6
    UNEXPECTED = 70
    INTERRUPTED = 130
    CLOSED_PIPE = 141
    TERMINATED = 143


#: Where several apply, the first of these is the command's.
_PRECEDENCE = (
    Status.UNEXPECTED,
    Status.USAGE,
    Status.PACK,
    Status.ANCHOR,
    Status.MACHINE,
    Status.DOES_NOT_HOLD,
    Status.NOTHING,
    Status.HOLDS,
)

_BY_CLASS: tuple[tuple[type[KitError], Status], ...] = (
    (UsageError, Status.USAGE),
    (PackError, Status.PACK),
    (AnchorError, Status.ANCHOR),
    (MachineError, Status.MACHINE),
    (EvidenceError, Status.DOES_NOT_HOLD),
    (AirGapError, Status.UNEXPECTED),
)


def of_error(error: KitError) -> Status:
    """Return the status that an error ends a command with."""
    for kind, status in _BY_CLASS:
        if isinstance(error, kind):
            return status
    return Status.UNEXPECTED


def of_report(report: Report) -> Status:
    """Return the status of a report; one without a verdict verified nothing.

    An anchor that the policy finds too old is no usable anchor.
    """
    if any(f.level is Level.ERROR and f.code.startswith("trust.") for f in report.findings):
        return Status.ANCHOR
    if not report.verdicts:
        return Status.NOTHING
    return Status.HOLDS if report.passed else Status.DOES_NOT_HOLD


def worst(statuses: Iterable[Status]) -> Status:
    """Return the one status of several results; of none, that nothing was verified."""
    given = set(statuses)
    return next((status for status in _PRECEDENCE if status in given), Status.NOTHING)
