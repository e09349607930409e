"""What holds for all of a release file, and the files that it names."""

from __future__ import annotations

import pytest

from tests.lints import codes, release, the


def test_names_that_nothing_proves_are_told() -> None:
    assert codes(release(top="strict-names = false")) == {"lint.strict-names"}
    assert codes(release(top="strict-names = true")) == set()


@pytest.mark.parametrize(
    ("expires", "expected"),
    [("2025-06-01", {"lint.expired"}), ("1970-01-01", {"lint.expired"}), ("2025-06-02", set())],
)
def test_a_policy_that_is_over_is_told(expires: str, expected: set[str]) -> None:
    assert codes(release(top=f"expires = {expires}")) == expected


@pytest.mark.parametrize(
    ("oldest", "newest", "expected"),
    [
        ("2025-05-02", "2025-05-01", {"lint.signing-times"}),
        ("2025-05-01", "2025-05-01", set()),
        ("2026-01-01", "2026-02-01", {"lint.signing-times"}),
    ],
)
def test_signing_times_that_leave_nothing_are_told(
    oldest: str, newest: str, expected: set[str]
) -> None:
    top = f"oldest-signature = {oldest}\nnewest-signature = {newest}"
    assert codes(release(top=top)) == expected


@pytest.mark.parametrize(("age", "expected"), [("367d", {"lint.root-age"}), ("366d", set())])
def test_an_age_that_nobody_would_notice_is_told(age: str, expected: set[str]) -> None:
    assert codes(release(top=f'max-root-age = "{age}"')) == expected
    assert codes(release(top=f'max-collection-age = "{age}"')) == set()


@pytest.mark.parametrize(
    ("floor", "expected"),
    [("1.1", {"lint.minimum-version"}), ("1.0", set()), ("0.9", set())],
)
def test_a_floor_above_the_release_is_told(floor: str, expected: set[str]) -> None:
    assert codes(release(top=f'minimum-version = "{floor}"')) == expected


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('source = "file:downloads"', "artifact[0].files"),
        ('source = "file:downloads"\nfiles = ["a-1.0.zip", "*.whl"]', "artifact[0].files[1]"),
        ('source = "file:downloads"\nfiles = ["a-1.?.zip"]', "artifact[0].files[0]"),
    ],
)
def test_files_that_are_not_written_out_are_told(line: str, path: str) -> None:
    assert the("lint.files", release(line=line)).subject == path


@pytest.mark.parametrize(
    "line",
    ['source = "file:tool.whl"', 'source = "https://acme.test/tool-1.0.zip"',
     'source = "file:downloads"\nfiles = ["a-1.0.zip"]'],
)  # fmt: skip
def test_files_that_are_written_out_are_clean(line: str) -> None:
    assert codes(release(line=line)) == set()
