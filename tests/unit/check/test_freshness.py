"""kit.check.freshness: age by the clock, and a clock that cannot be right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kit.check import freshness
from kit.formats.rules import Terms
from kit.model import AnchorRecord, Level
from kit.model.chain import Chain

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def anchor(
    *,
    newest: datetime | None = NOW - 900 * DAY,
    vouched_until: datetime | None = None,
    expires: datetime | None = None,
    chain: Chain | None = None,
) -> AnchorRecord:
    """Return the record of an anchor."""
    return AnchorRecord(
        instance="acme",
        sha256="a" * 64,
        origin="here",
        newest=newest,
        root_version=None if expires is None else 15,
        root_expires=expires,
        vouched_until=vouched_until,
        chain=chain,
    )


def of_anchor(record: AnchorRecord, limit: timedelta | None = None) -> set[tuple[Level, str]]:
    """Return levels and codes of what there is to say of it now."""
    found = freshness.of_anchors([record], Terms(max_root_age=limit), NOW)
    return {(finding.level, finding.code) for finding in found}


@pytest.mark.parametrize(
    ("expires", "code"),
    [
        (NOW - DAY, "trust.root-expired"),
        (NOW, "trust.root-expired"),
        (NOW + timedelta(seconds=1), "trust.root-expiring"),
        (NOW + 30 * DAY, "trust.root-expiring"),
    ],
)
def test_a_root_that_ends_is_told_of_and_fails_nothing(expires: datetime, code: str) -> None:
    assert of_anchor(anchor(expires=expires)) == {(Level.WARNING, code)}


@pytest.mark.parametrize("year", [1, 9999])
def test_a_root_may_end_in_any_year(year: int) -> None:
    of_anchor(anchor(expires=datetime(year, 1, 1, tzinfo=UTC)))


def test_a_root_that_does_not_end_soon_is_not_told_of() -> None:
    assert of_anchor(anchor(expires=NOW + 31 * DAY)) == set()
    assert of_anchor(anchor()) == set()


@pytest.mark.parametrize(
    ("record", "days"),
    [
        (anchor(vouched_until=NOW - 10 * DAY), 10),
        (anchor(vouched_until=NOW + 5 * DAY), 0),
        (anchor(), 900),
    ],
)
def test_age_counts_from_what_is_signed_else_from_the_newest_entry(
    record: AnchorRecord, days: int
) -> None:
    age = record.age(NOW)
    assert age is not None
    assert age.days == days


@pytest.mark.parametrize(("days", "fails"), [(9, True), (10, False), (11, False)])
def test_a_policy_bounds_the_age(days: int, fails: bool) -> None:
    found = of_anchor(anchor(vouched_until=NOW - 10 * DAY), timedelta(days=days))
    assert found == ({(Level.ERROR, "trust.too-old")} if fails else set())


def test_what_does_not_age_is_not_too_old() -> None:
    assert of_anchor(anchor(newest=None), DAY) == set()


def collected(
    at: datetime, limit: timedelta | None = None, signed: datetime | None = None
) -> set[tuple[Level, str]]:
    """Return levels and codes of what there is to say of a pack's own date."""
    terms = Terms(max_collection_age=limit)
    found = freshness.of_collection(at, terms, NOW, signed)
    return {(finding.level, finding.code) for finding in found}


@pytest.mark.parametrize("limit", [None, 3 * DAY])
def test_a_date_that_cannot_be_true_fails_where_an_age_is_demanded(
    limit: timedelta | None,
) -> None:
    level = Level.WARNING if limit is None else Level.ERROR
    assert collected(NOW + DAY, limit) == {(level, "clock.behind")}
    assert collected(NOW - 2 * DAY, limit, NOW - DAY) == {(level, "clock.collector")}
    assert collected(NOW - DAY, limit, NOW - DAY) == set()


def test_a_policy_bounds_the_age_of_a_pack() -> None:
    assert collected(NOW - 4 * DAY, 3 * DAY) == {(Level.ERROR, "pack.too-old")}
    assert collected(NOW - 3 * DAY, 3 * DAY) == set()
    assert collected(NOW - 4 * DAY) == set()


@pytest.mark.parametrize(
    ("at", "seen", "wrong"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), [], True),
        (freshness.WRITTEN - timedelta(seconds=1), [], True),
        (freshness.WRITTEN, [], False),
        (NOW, [None, NOW], False),
        (NOW, [NOW + timedelta(seconds=1)], True),
        (datetime(2099, 1, 1, tzinfo=UTC), [NOW], False),
    ],
)
def test_a_clock_before_what_it_must_be_after_is_wrong(
    at: datetime, seen: list[datetime | None], wrong: bool
) -> None:
    found = list(freshness.of_clock(at, seen))
    assert [finding.code for finding in found] == (["clock.impossible"] if wrong else [])
    assert all(finding.level is Level.ERROR for finding in found)
