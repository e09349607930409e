"""Errors cross from the process that checks with all that they say."""

import pickle

import pytest

from kit import errors
from kit.errors import Fault, KitError, PackError


@pytest.mark.parametrize(
    "error",
    [
        errors.UsageError("a", code="usage.x", subject="s", hint="h"),
        errors.AnchorError("b", hint="h"),
        errors.MachineError("c", code="machine.x"),
        errors.RejectedError("d", code="e"),
        PackError("f", code="pack.digest", subject="m"),
        PackError.of((Fault(code="x", subject="y", message="z"),) * 2),
    ],
)
def test_an_error_is_the_same_on_the_other_side(error: KitError) -> None:
    found = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(found) is type(error)
    assert found.args == error.args
    assert vars(found) == vars(error)
