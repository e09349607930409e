"""``github:OWNER/REPO@TAG``: the assets of a release, what signs them, and attestations.

A release is asked for by its tag, and its assets page by page; each is held against the
size and digest that the API lists while it arrives. Attestations are asked for by digest,
for every artifact and every digest manifest; for an immutable release also by what its tag
points to. Which commit that is goes into the ledger.

Without a tag the repository is a place to look for attestations of another source's files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from kit.errors import MachineError
from kit.formats import github_answers, kinds
from kit.formats.github_answers import Pointed
from kit.formats.release_line import Line
from kit.formats.source_text import Repository, Source
from kit.model import Answer, Asked, EvidenceKind, Found, Gathered
from kit.sources import attestations, urls
from kit.sources.downloads import Downloads
from kit.sources.github_api import Access, Api
from kit.sources.github_assets import Asking, listed_assets, wanted_files
from kit.sources.github_tags import commit, git_digest
from kit.sources.together import each

_IMMUTABLE = "release"  # the predicate type that the API calls so


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a collect asks: the API and its tokens, and downloads without any, and with each."""

    access: Access
    plain: Downloads
    asking: dict[str, Downloads] = field(default_factory=dict)

    def api(self, repository: Repository) -> Api:
        """Return a repository's place in its API."""
        return Api(repository, self.access, self.plain, self.asking)


def places(source: Source, access: Access) -> Iterator[str]:
    """Yield what :func:`gather` asks for, a line each; the files are known only to the API."""
    repository = _repository(source)
    root = f"{access.base(repository)}/repos/{repository.owner}/{repository.name}"
    if repository.tag is not None:
        yield f"{root}/releases/tags/{repository.tag}"
        yield "the assets of the release that the line names, and the evidence among them"
        yield f"{root}/git/ref/tags/{repository.tag}"
    yield f"{root}/attestations/sha256:… for every file"


def gather(source: Source, line: Line | None, known: Sequence[Found], where: Places) -> Gathered:
    """Gather the assets that a line takes, and the evidence about them or about ``known``.

    ``known`` are files of another source, where this one is named as a place to look for
    evidence. Raises :class:`MachineError` for a release that is not there, and for
    whatever could not be asked.
    """
    repository = _repository(source)
    api = where.api(repository)
    if repository.tag is None:
        asked = [_seen(repository, api)]
        return _with_attestations(api, (), known, (), asked)
    asking = Asking(
        tag=repository.tag,
        api=api,
        line=line,
        known={found.name: found for found in known},
    )
    return _release(asking)


def _repository(source: Source) -> Repository:
    if source.repository is None:
        raise AssertionError(f"{source.text} names no repository")
    return source.repository


def _seen(repository: Repository, api: Api) -> Asked:
    """Ask for the repository itself: one that cannot be seen has no attestations either."""
    url = api.url()
    if api.read(url, github_answers.document) is None:
        raise _absent(api, url, "no such repository, or none that may be seen")
    name = f"{repository.owner}/{repository.name}"
    return Asked(place=url, wanted=f"repository {name}", answer=Answer.FOUND)


# ---- a release


def _release(asking: Asking) -> Gathered:
    api, tag = asking.api, asking.tag
    url = api.url("releases", "tags", tag)
    release = api.read(url, partial(github_answers.release, tag=tag))
    if release is None:
        raise _absent(api, url, f"no release of the tag {tag!r}, or none that may be seen")
    note = "immutable" if release.immutable else None
    rows = [Asked(place=url, wanted=f"release {tag}", answer=Answer.FOUND, note=note)]
    listed, page = listed_assets(asking, api.url("releases", f"{release.number}", "assets"))
    pointed, row = commit(api, tag)
    rows.append(row)
    artifacts, evidence, asked = wanted_files(asking, listed, page)
    about = (
        *(artifacts if asking.line is not None else asking.known.values()),
        *_manifests(evidence),
    )
    first: list[tuple[Asked, Found]] = []
    if release.immutable and pointed is not None:
        first = _immutable(asking, pointed)
        if not first:
            rows.append(attestations.row_of_none(api, git_digest(pointed), "the release"))
    attested = _with_attestations(api, first, about, evidence, rows + asked)
    return Gathered(artifacts=artifacts, evidence=attested.evidence, asked=attested.asked)


def _immutable(asking: Asking, pointed: Pointed) -> list[tuple[Asked, Found]]:
    """Ask for what GitHub itself attests of a release that cannot be changed."""
    digest = git_digest(pointed)
    return attestations.ask(asking.api, digest, "release", _IMMUTABLE)


# ---- attestations


def _manifests(evidence: Sequence[Found]) -> list[Found]:
    """Return the digest manifests of several files: they too may be attested."""
    return [
        found
        for found in evidence
        if kinds.by_name(found.name) is EvidenceKind.DIGESTS
        and kinds.named_after(found.name) is None
    ]


def _with_attestations(
    api: Api,
    first: Sequence[tuple[Asked, Found]],
    about: Sequence[Found],
    evidence: Sequence[Found],
    asked: Sequence[Asked],
) -> Gathered:
    """Ask for the attestations of every file, and return them with what was found before."""
    files = sorted({found.sha256: found for found in about}.values(), key=lambda item: item.name)
    answers = each(lambda found: attestations.ask(api, f"sha256:{found.sha256}", found.name), files)
    rows = list(asked) + [row for row, _ in first]
    for found, answer in zip(files, answers, strict=True):
        rows += [row for row, _ in answer] or [
            attestations.row_of_none(api, f"sha256:{found.sha256}", found.name)
        ]
    replies = [*first, *(reply for answer in answers for reply in answer)]
    bundles = tuple(attestations.distinct(replies))
    return Gathered(artifacts=(), evidence=(*evidence, *bundles), asked=tuple(rows))


def _absent(api: Api, url: str, what: str) -> MachineError:
    shown = urls.public(url)
    unseen = "" if api.authorized else "; a private one is shown only with a token (GH_TOKEN)"
    return MachineError(
        f"{shown}: {what}",
        code="machine.absent",
        subject=shown,
        hint=f"check the source's text{unseen}",
    )
