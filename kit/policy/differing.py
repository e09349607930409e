"""In which part the identity of a workflow differs from the one that is demanded, and why."""

from __future__ import annotations

#: What it most likely means, by the part that differs; the first that differs is told.
_LIKELY = {
    "repository": "another repository's workflow: a fork's, a shared builder's or somebody else's. "
    "Get the artifact from the project's own release, and look at the repository in the rule",
    "workflow": "another workflow of the same repository signed it, such as a nightly build: see "
    "which one releases, in the project's own words, before changing the rule",
    "ref": "it is of another tag, or a branch built it, as `latest` is: look at the version in the "
    "rule, and get the artifact that was built at that tag",
}


def words(wanted: str | None, found: str) -> str:
    """Return in which parts two workflow identities differ, for a message; may be empty."""
    differing = _parts_of(wanted, found)
    return f" (differs in: {', '.join(differing)})" if differing else ""


def hint(wanted: str | None, found: str) -> str | None:
    """Return the likely reason and what to do; ``None`` where they are no two workflows."""
    differing = _parts_of(wanted, found)
    return _LIKELY[differing[0]] if differing else None


def _parts_of(wanted: str | None, found: str) -> list[str]:
    one, other = _split(wanted or ""), _split(found)
    if one is None or other is None:
        return []
    return [part for part in one if one[part] != other[part]]


def _split(identity: str) -> dict[str, str] | None:
    repository, marker, rest = identity.partition("/.github/workflows/")
    workflow, at, ref = rest.partition("@")
    if not marker or not at:
        return None
    return {"repository": repository, "workflow": workflow, "ref": ref}
