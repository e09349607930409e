"""What is said of an identity that is not the one demanded."""

from __future__ import annotations

import pytest

from kit.policy import differing

WANTED = "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1.0"


@pytest.mark.parametrize(
    ("change", "parts", "likely"),
    [
        (("acme/tool", "mallory/tool"), "repository", "another repository's workflow: a fork's"),
        (("release.yml", "nightly.yml"), "workflow", "another workflow of the same repository"),
        (("tags/v1.0", "heads/main"), "ref", "a branch built it"),
    ],
)
def test_the_part_that_differs_is_named(change: tuple[str, str], parts: str, likely: str) -> None:
    found = WANTED.replace(*change)
    assert differing.words(WANTED, found) == f" (differs in: {parts})"
    assert likely in (differing.hint(WANTED, found) or "")


def test_of_several_parts_the_first_is_explained() -> None:
    found = WANTED.replace("acme", "mallory").replace("v1.0", "v2.0")
    assert differing.words(WANTED, found) == " (differs in: repository, ref)"
    assert "another repository's workflow: a fork's" in (differing.hint(WANTED, found) or "")


@pytest.mark.parametrize("found", ["ann@acme.example", "https://gitlab.com/a/b//c.yml@refs/tags/1"])
def test_nothing_is_guessed_of_what_is_no_workflow(found: str) -> None:
    assert (differing.words(WANTED, found), differing.hint(WANTED, found)) == ("", None)
    assert (differing.words(None, WANTED), differing.hint(None, WANTED)) == ("", None)
