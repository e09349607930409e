"""Exit statuses: one for each class of error, and which of several counts."""

from __future__ import annotations

import itertools

import pytest

from kit import errors
from kit.airgap import AirGapError
from kit.cli import status
from kit.cli.status import Status


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.UsageError("x"), 2),
        (errors.PackError("x", code="pack.x", subject="x"), 3),
        (errors.AnchorError("x"), 4),
        (errors.MachineError("x"), 5),
        (errors.RejectedError("x", code="x"), 1),
        (errors.MalformedError("x"), 1),
        (errors.KitError("x"), 70),
        (AirGapError("x"), 70),
    ],
)
def test_every_class_of_error_has_its_status(error: errors.KitError, expected: int) -> None:
    assert status.of_error(error) == expected


def test_every_class_of_error_has_a_status_of_its_own_or_of_its_parent() -> None:
    def below(kind: type[errors.KitError]) -> set[type[errors.KitError]]:
        found = set(kind.__subclasses__())
        return found.union(*(below(child) for child in found)) if found else found

    for kind in below(errors.KitError):
        made = kind.__new__(kind)
        assert status.of_error(made) in Status


def test_of_several_the_order_is_2_3_4_5_1_6() -> None:
    order = [Status(number) for number in (2, 3, 4, 5, 1, 6)]
    for first, second in itertools.combinations(order, 2):
        assert status.worst([second, first, Status.HOLDS]) == first


def test_of_no_result_nothing_was_verified() -> None:
    assert status.worst([]) == Status.NOTHING
    assert status.worst([Status.HOLDS, Status.NOTHING]) == Status.NOTHING
