"""kit.formats.oci_platform: what an image runs on, and whether that is what is wanted."""

from __future__ import annotations

import pytest

from kit.errors import MalformedError
from kit.formats import oci_platform


def test_a_platform_is_read_from_text_and_written_back() -> None:
    for text in ("linux/amd64", "linux/arm64/v8"):
        assert str(oci_platform.parse(text)) == text


@pytest.mark.parametrize("text", ["linux", "linux/", "/amd64", "a/b/c/d", "linux/am d64/\n"])
def test_what_is_no_platform_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        oci_platform.parse(text)


@pytest.mark.parametrize(
    ("is_", "wanted", "fits", "or_silent"),
    [
        ("linux/amd64", "linux/amd64", True, True),
        ("linux/amd64", "linux/arm64", False, False),
        ("windows/amd64", "linux/amd64", False, False),
        ("linux/arm/v7", "linux/arm", True, True),
        ("linux/arm/v7", "linux/arm/v6", False, False),
        ("linux/arm", "linux/arm/v7", False, True),
    ],
)
def test_a_platform_is_the_wanted_one_or_not(
    is_: str, wanted: str, fits: bool, or_silent: bool
) -> None:
    found, due = oci_platform.parse(is_), oci_platform.parse(wanted)
    assert found.fits(due) is fits
    assert found.fits(due, or_silent=True) is or_silent
