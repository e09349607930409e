"""The table of requirements is current, and every requirement has its tests."""

from __future__ import annotations

import pytest

from tests.systems import table
from tests.systems.suite import broken, each

#: How many requirements each page has.
NUMBERS = {
    "stigmem": ("ST", 14),
    "securescan": ("SC", 11),
    "openmed": ("OM", 10),
    "wellmaintained": ("WM", 6),
    "aotanami": ("AO", 7),
}


def test_the_readme_has_the_table_as_the_tests_have_it() -> None:
    text = table.README.read_text(encoding="utf-8")
    assert text == table.written(text), "run: python -m tests.systems.table"


@pytest.mark.parametrize("name", NUMBERS)
def test_every_requirement_passes_once_and_fails_once(name: str) -> None:
    prefix, last = NUMBERS[name]
    numbers = {f"{prefix}{number}" for number in range(1, last + 1)}
    asked = table.SYSTEMS[name]
    passing = [mark.args[0] for param in each(asked) for mark in param.marks]
    failing = [mark.args[0] for param in broken(asked) for mark in param.marks]
    assert sorted(passing) == sorted(numbers)
    assert set(failing) == numbers


@pytest.mark.parametrize("name", NUMBERS)
def test_every_finding_is_described(name: str) -> None:
    told = (table.README.parents[1] / "kit/FINDINGS.md").read_text(encoding="utf-8")
    codes = {way.code for asked in table.SYSTEMS[name] for way in asked.breaks}
    assert {code for code in codes if f"`{code}`" not in told} == set()
