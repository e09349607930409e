"""kit.policy.images: what proves whose an image is, and which of its tags."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.model import Claim
from kit.policy import images
from kit.policy.facts import ImageFacts
from tests import claims
from tests.claims import claim, file

HOME = "ghcr.io/acme/tool"
LINE = f'[[artifact]]\nsource = "oci:{HOME}:1.0"\n[[artifact.require]]\nsigner = "release"\n'
FACTS = ImageFacts(is_index=False, platforms=(), blobs=frozenset(), chart=None)


def unproved(*met: Claim) -> list[str]:
    """Return the codes of what these claims leave open of the image."""
    (line,) = claims.release(lines=LINE).lines
    image = replace(file(*met, name="tool:1.0"), image=FACTS)
    return [found.code for found in images.unproved(line, image, met, line.requirements)]


@pytest.mark.parametrize("name", [HOME, f"{HOME}:1.0"])
def test_what_was_signed_over_the_image_says_whose_it_is(name: str) -> None:
    assert unproved(claim(names=(name,))) == []


def test_a_document_about_the_image_does_not_say_whose_it_is() -> None:
    """Whoever signs SBOMs speaks of many images, and is not asked whose they are."""
    spoken = claim(names=(f"{HOME}:1.0",), document="tool.spdx.json")
    assert unproved(spoken) == ["artifact.name-unproved"]


def test_what_was_signed_over_another_digest_does_not_say_whose_it_is() -> None:
    assert unproved(claim(b"its platform", names=(f"{HOME}:1.0",))) == ["artifact.name-unproved"]
