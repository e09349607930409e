"""``github:OWNER/REPO@TAG``: the assets of a release, what signs them, and attestations.

A release is asked for by its tag, and its assets page by page; each is held against the
size and digest that the API lists while it arrives. Attestations are asked for by digest,
for every artifact and every digest manifest; for an immutable release also by what its tag
points to. Which commit that is goes into the ledger.

Without a tag the repository is a place to look for attestations of another source's files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from kit.errors import MachineError
from kit.formats import github_answers, kinds
from kit.formats.github_answers import Asset, Pointed
from kit.formats.release_file import Line
from kit.formats.source_text import Repository, Source
from kit.model import Answer, Asked, EvidenceKind, Found, Gathered
from kit.sources import attestations, urls
from kit.sources.failures import failure
from kit.sources.github_api import Access, Api
from kit.sources.http import Client, Fetched

MAX_ASSETS = 1000  # what GitHub allows in a release
MAX_ARTIFACT = 64 << 30
MAX_EVIDENCE = 16 << 20
_MAX_TAGS = 8  # an annotated tag may be of another one
_AT_ONCE = 4
_NOT_NAMED = "the line does not name it"
_IMMUTABLE = "release"  # the predicate type that the API calls so

One = TypeVar("One")
Many = TypeVar("Many")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a collect asks: the API and its tokens, the downloads, and a client without any."""

    access: Access
    into: Path
    plain: Client

    def api(self, repository: Repository) -> Api:
        """Return a repository's place in its API."""
        return Api(repository, self.access, self.into, self.plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """One source being gathered. ``line`` is ``None`` where only evidence is looked for."""

    repository: Repository
    tag: str
    api: Api
    into: Path
    line: Line | None
    known: Mapping[str, Found]

    def takes(self, name: str) -> bool:
        """Say whether an asset is one of the line's artifacts."""
        return self.line is not None and self.line.takes(name)

    def concerns(self, name: str) -> bool:
        """Say whether evidence about a file of this name is wanted."""
        return self.takes(name) or (self.line is None and name in self.known)


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
        return _with_attestations(api, where.into, (), known, (), asked)
    asking = _Asking(
        repository=repository,
        tag=repository.tag,
        api=api,
        into=where.into,
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


def _release(asking: _Asking) -> Gathered:
    api, tag = asking.api, asking.tag
    url = api.url("releases", "tags", tag)
    release = api.read(url, partial(github_answers.release, tag=tag))
    if release is None:
        raise _absent(api, url, f"no release of the tag {tag!r}, or none that may be seen")
    note = "immutable" if release.immutable else None
    rows = [Asked(place=url, wanted=f"release {tag}", answer=Answer.FOUND, note=note)]
    listed, page = _assets(asking, api.url("releases", f"{release.number}", "assets"))
    pointed, row = _commit(asking)
    rows.append(row)
    artifacts, evidence, asked = _files(asking, listed, page)
    about = (
        *(artifacts if asking.line is not None else asking.known.values()),
        *_manifests(evidence),
    )
    first: list[tuple[Asked, Found]] = []
    if release.immutable and pointed is not None:
        first = _immutable(asking, pointed)
        if not first:
            rows.append(attestations.row_of_none(api, _git_digest(pointed), "the release"))
    attested = _with_attestations(api, asking.into, first, about, evidence, rows + asked)
    return Gathered(artifacts=artifacts, evidence=attested.evidence, asked=attested.asked)


def _assets(asking: _Asking, url: str) -> tuple[dict[str, Asset], Fetched]:
    """Return all assets by name, and the page that names the last of them."""
    listed: dict[str, Asset] = {}
    last: Fetched | None = None
    for page, assets in asking.api.pages(f"{url}?per_page=100", github_answers.assets):
        for asset in assets:
            if listed.setdefault(asset.name, asset) != asset:
                raise failure("unexpected", urls.parse(url), f"two assets are {asset.name!r}")
        if len(listed) > MAX_ASSETS:
            raise failure("too-large", urls.parse(url), f"more than {MAX_ASSETS} assets")
        last = page
    if last is None:
        raise failure("unexpected", urls.parse(url), "the release is there, and its assets are not")
    return dict(sorted(listed.items())), last


def _files(
    asking: _Asking, listed: Mapping[str, Asset], page: Fetched
) -> tuple[tuple[Found, ...], tuple[Found, ...], list[Asked]]:
    """Fetch artifacts and evidence; return both, and a row for every asset."""
    wanted = {name: asset for name, asset in listed.items() if _wanted(asking, name, listed)}
    for asset in wanted.values():
        if not asset.uploaded:
            url = asking.api.url("releases", "assets", f"{asset.number}")
            raise failure("unexpected", urls.parse(url), f"{asset.name} is not uploaded yet")
    replies = dict(
        zip(
            wanted,
            _each(lambda asset: _fetched(asking, asset, page), list(wanted.values())),
            strict=True,
        )
    )
    place = asking.api.url("releases", "tags", asking.tag)
    rows = [_row(place, name, replies.get(name)) for name in listed]
    missing = () if asking.line is None else asking.line.names
    rows += [
        Asked(place=place, wanted=name, answer=Answer.ABSENT)
        for name in missing
        if name not in listed
    ]
    found = [reply for reply in replies.values() if reply is not None]
    artifacts = tuple(item for item in found if asking.takes(item.name))
    return artifacts, tuple(item for item in found if item not in artifacts), rows


def _wanted(asking: _Asking, name: str, listed: Mapping[str, Asset]) -> bool:
    """Say whether an asset is fetched: an artifact, or what may be evidence about one."""
    if asking.takes(name):
        return True
    if kinds.by_name(name) is None:
        # Signers also write `attestation.json`: what it is shows when it is there.
        return name.endswith((".json", ".jsonl")) and listed[name].size <= MAX_EVIDENCE
    target = kinds.named_after(name)
    if target is None or target not in listed:
        return True
    return asking.concerns(target) or (
        kinds.by_name(target) is not None and _wanted(asking, target, listed)
    )


def _fetched(asking: _Asking, asset: Asset, page: Fetched) -> Found | None:
    """Fetch an asset; ``None`` for one that turns out to be no evidence."""
    is_artifact = asking.takes(asset.name)
    limit = MAX_ARTIFACT if is_artifact else MAX_EVIDENCE
    url = urls.parse(asking.api.url("releases", "assets", f"{asset.number}"))
    if asset.size > limit:
        what = f"{asset.name} has {asset.size} bytes, over the limit of {limit}"
        raise failure("too-large", url, what)
    got = asking.api.asset(asset, page)
    if not is_artifact and kinds.by_content(asset.name, got.path.read_bytes()) is None:
        return None
    return Found(name=asset.name, path=got.path, size=got.size, sha256=got.sha256)


def _row(place: str, name: str, found: Found | None) -> Asked:
    if found is None:
        return Asked(place=place, wanted=name, answer=Answer.SKIPPED, note=_NOT_NAMED)
    return Asked(place=place, wanted=name, answer=Answer.FOUND, sha256=found.sha256)


# ---- the commit of a tag


def _commit(asking: _Asking) -> tuple[Pointed | None, Asked]:
    """Return what the tag points to at first, and the row that tells its commit."""
    api, tag = asking.api, asking.tag
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


def _git_digest(pointed: Pointed) -> str:
    return f"{'sha1' if len(pointed.sha) == 40 else 'sha256'}:{pointed.sha}"


def _immutable(asking: _Asking, pointed: Pointed) -> list[tuple[Asked, Found]]:
    """Ask for what GitHub itself attests of a release that cannot be changed."""
    digest = _git_digest(pointed)
    return attestations.ask(asking.api, asking.into, digest, "release", _IMMUTABLE)


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
    into: Path,
    first: Sequence[tuple[Asked, Found]],
    about: Sequence[Found],
    evidence: Sequence[Found],
    asked: Sequence[Asked],
) -> Gathered:
    """Ask for the attestations of every file, and return them with what was found before."""
    files = sorted({found.sha256: found for found in about}.values(), key=lambda item: item.name)
    answers = _each(
        lambda found: attestations.ask(api, into, f"sha256:{found.sha256}", found.name), files
    )
    rows = list(asked) + [row for row, _ in first]
    for found, answer in zip(files, answers, strict=True):
        rows += [row for row, _ in answer] or [
            attestations.row_of_none(api, f"sha256:{found.sha256}", found.name)
        ]
    replies = [*first, *(reply for answer in answers for reply in answer)]
    bundles = tuple(attestations.distinct(replies))
    return Gathered(artifacts=(), evidence=(*evidence, *bundles), asked=tuple(rows))


def _each(ask: Callable[[One], Many], items: Sequence[One]) -> list[Many]:
    """Ask for several at once; answers are in the order of the questions."""
    pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
    try:
        return list(pool.map(ask, items))
    finally:
        # After a failure nothing more is asked: it could not make a pack any more.
        pool.shutdown(cancel_futures=True)


def _absent(api: Api, url: str, what: str) -> MachineError:
    shown = urls.public(url)
    unseen = "" if api.authorized else "; a private one is shown only with a token (GH_TOKEN)"
    return MachineError(
        f"{shown}: {what}",
        code="machine.absent",
        subject=shown,
        hint=f"check the source's text{unseen}",
    )
