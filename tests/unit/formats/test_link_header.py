"""kit.formats.link_header: the one next page, or none, or nothing that can be followed."""

from __future__ import annotations

import pytest

from kit.errors import MalformedError
from kit.formats import link_header

NEXT = '<https://a.test/?page=2>; rel="next"'
LAST = '<https://a.test/?page=9>; rel="last"'


@pytest.mark.parametrize(
    "links",
    [
        [NEXT],
        [f"{LAST}, {NEXT}"],
        [LAST, NEXT],
        [NEXT, NEXT],
        ["<https://a.test/?page=2>;rel=next"],
    ],
)
def test_the_next_page_is_found(links: list[str]) -> None:
    assert link_header.next_page(links) == "https://a.test/?page=2"


@pytest.mark.parametrize("links", [[], [LAST], [""], ['<https://a.test/>; rel="nextish"']])
def test_where_none_is_named_there_is_none(links: list[str]) -> None:
    assert link_header.next_page(links) is None


@pytest.mark.parametrize(
    "links",
    [[NEXT, '<https://b.test/>; rel="next"'], [f'<https://a.test/{"x" * 9000}>; rel="next"']],
    ids=["two", "too long"],
)
def test_several_or_one_without_end_are_none_to_follow(links: list[str]) -> None:
    with pytest.raises(MalformedError):
        link_header.next_page(links)
