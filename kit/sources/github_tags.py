"""Which commit a tag on GitHub points to, as the API tells it."""

from __future__ import annotations

from functools import partial

from kit.formats import github_answers
from kit.formats.github_answers import Pointed
from kit.model import Answer, Asked
from kit.sources import urls
from kit.sources.failures import failure
from kit.sources.github_api import Api

_MAX_TAGS = 8  # an annotated tag may be of another one


def commit(api: Api, tag: str) -> tuple[Pointed | None, Asked]:
    """Return what the tag points to at first, and the row that tells its commit."""
    url = api.url("git", "ref", "tags", tag)
    first = at = api.read(url, partial(github_answers.reference, tag=tag))
    if first is None or at is None:
        return None, Asked(place=url, wanted=f"commit of {tag}", answer=Answer.ABSENT)
    for _ in range(_MAX_TAGS):
        if not at.annotated:
            note = f"commit {at.sha}"
            if first.annotated:
                note += f", by the annotated tag {first.sha}"
            row = Asked(place=url, wanted=f"commit of {tag}", answer=Answer.FOUND, note=note)
            return first, row
        there = api.url("git", "tags", at.sha)
        further = api.read(there, partial(github_answers.annotated, sha=at.sha))
        if further is None:
            raise failure("unexpected", urls.parse(there), "the tag points to it, and it is gone")
        at = further
    raise failure("unexpected", urls.parse(url), f"over {_MAX_TAGS} tags that point to tags")


def git_digest(pointed: Pointed) -> str:
    """Return the digest that attestations of what a tag points to are asked for by."""
    return f"{'sha1' if len(pointed.sha) == 40 else 'sha256'}:{pointed.sha}"
