"""What a 401 asks for is read in one way, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import challenge
from kit.formats.challenge import Challenge


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        (
            'Bearer realm="https://auth.test/token",service="r",scope="repository:a/b:pull,push"',
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.test/token",
                        "service": "r",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        ('Basic realm="a, \\"b\\" = c"', [("basic", {"realm": 'a, "b" = c'})]),
        ("Basic", [("basic", {})]),
        ('BEARER Realm = "x" , Service=y', [("bearer", {"realm": "x", "service": "y"})]),
        (
            'Negotiate, Basic realm="x", Bearer realm="y"',
            [("negotiate", {}), ("basic", {"realm": "x"}), ("bearer", {"realm": "y"})],
        ),
        ('Negotiate YWJj==, Basic realm=""', [("negotiate", {}), ("basic", {"realm": ""})]),
    ],
)
def test_challenges_are_read(header: str, challenges: list[tuple[str, dict[str, str]]]) -> None:
    assert challenge.parse([header]) == tuple(Challenge(*item) for item in challenges)


@pytest.mark.parametrize(
    "header",
    [
        'Bearer realm="https://one.test", realm="https://two.test"',
        'Bearer realm="https://one.test" realm="https://two.test"',
        'Bearer realm="https://one.test',
        'Bearer realm="a"b',
        "Bearer realm=https://one.test/",
        'Bearer realm="é"',
        "=x",
        'Bearer realm="' + "x" * challenge.MAX_BYTES + '"',
    ],
)
def test_what_two_readers_could_read_differently_is_malformed(header: str) -> None:
    with pytest.raises(MalformedError):
        challenge.parse([header])


@given(st.lists(st.text(alphabet='aB"=,\\ \t:/', max_size=40), max_size=3))
def test_any_header_reads_or_is_malformed(values: list[str]) -> None:
    try:
        challenge.parse(values)
    except MalformedError:
        return
