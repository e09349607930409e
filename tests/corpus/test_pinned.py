"""The pinned anchors beside copies of the same roots that others fetched."""

from __future__ import annotations

import pytest

from kit.formats import key_facts, trusted_root
from kit.trust import difference, places
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT

pytestmark = pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)


@pytest.mark.parametrize(
    ("instance", "theirs"), [("sigstore", "public-good"), ("github", "github")]
)
def test_what_is_pinned_has_the_keys_that_others_have(instance: str, theirs: str) -> None:
    # One package carries GitHub's; these came by other ways, and only their spacing differs.
    ours = places.packaged().folder / instance / "trusted_root.json"
    other = CORPUS / "trusted-roots" / theirs / "trusted_root.json"
    facts = [
        key_facts.of_trusted_root(trusted_root.parse(path.read_bytes())) for path in (ours, other)
    ]
    assert not difference.between(*facts)


def test_an_older_copy_shows_what_came_since() -> None:
    old = CORPUS / "trusted-roots/github/trusted_root-2025.json"
    new = places.packaged().folder / "github/trusted_root.json"
    was, now = (
        key_facts.of_trusted_root(trusted_root.parse(path.read_bytes())) for path in (old, new)
    )
    found = difference.between(was, now)
    assert sorted(fact.kind for fact in found.comes) == ["ca", "tsa"]
    assert not found.goes
    assert all(before.end is None and after.end for before, after in found.changes)
