"""``npm:NAME@VERSION``: the tarball of one version in an npm registry, and its evidence.

The packument says where the tarball is and by which digests, and carries the registry's
signatures; publish and provenance attestations are asked for beside it. A clear 404 there
is an answer; any other failure leaves the question open, and ends the collect. The
registry's keys are asked for so that the ledger has them: nothing is verified by them.

Of the packument the pack carries this version alone, with what is signed as it stands. It
has megabytes of other versions, and private registries write tokens into its URLs.

What a packument names was not written by the operator: its URLs may lead no further than a
redirect of the registry could, and the registry's credential stays with its origin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kit.errors import MachineError, MalformedError
from kit.formats import npm_keys, npm_packument
from kit.formats.encodings import render_time
from kit.formats.manifest import can_name
from kit.formats.npm_attestations import MAX_BYTES as MAX_ATTESTATIONS
from kit.formats.npm_package import NpmPackage
from kit.formats.npm_packument import Published
from kit.formats.source_text import Source
from kit.model import Answer, Asked, Found, Gathered
from kit.sources import integrity, links, urls
from kit.sources.downloads import Downloads
from kit.sources.failures import failure
from kit.sources.http import Fetched, Want
from kit.sources.npm_registry import Registry
from kit.sources.reply import Reply, notes

MAX_TARBALL = 4 << 30
_SECONDS = 300.0
_JSON = "application/json"
_ABBREVIATED = "application/vnd.npm.install-v1+json"
_ATTESTATIONS = ".npm-attestations.json"
_PACKUMENT = ".npm-packument.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """One version being gathered: from where, and what the packument says of it."""

    registry: Registry
    downloads: Downloads
    packument: Fetched
    published: Published

    @property
    def package(self) -> NpmPackage:
        return self.published.package

    @property
    def place(self) -> str:
        return urls.public(self.registry.packument(self.package.name))


def places(source: Source, registry: Registry) -> Iterator[str]:
    """Yield what :func:`gather` asks for, a line each; asks nothing."""
    package = package_of(source)
    yield urls.public(registry.packument(package.name))
    yield f"{package.tarball}, where that says it is"
    yield urls.public(registry.attestations(package, None))
    yield urls.public(registry.keys)


def gather(
    source: Source,
    takes: Callable[[str], bool] | None,
    downloads: Downloads,
    registry: Registry,
) -> Gathered:
    """Gather a version's tarball, its registry signatures and its attestations.

    ``takes`` is ``None`` where the source is named as a place to look for evidence only:
    then the tarball is not fetched. Raises :class:`MachineError` for what is not there, or
    for a place that did not answer, or did not answer with what it announced.
    """
    package = package_of(source)
    fetched, published = _packument(source, package, downloads, registry)
    asking = _Asking(
        registry=registry,
        downloads=downloads,
        packument=fetched,
        published=published,
    )
    tarball = [] if takes is None else [_tarball(asking)]
    evidence = [_signatures(asking), _attestations(asking)]
    rows = [_of_packument(asking), *tarball, *evidence, _keys(asking)]
    return Gathered(
        artifacts=tuple(reply.found for reply in tarball if reply.found),
        evidence=tuple(reply.found for reply in evidence if reply.found),
        asked=tuple(reply.asked for reply in rows),
    )


def package_of(source: Source) -> NpmPackage:
    """Return the package that a source of this scheme names."""
    if not isinstance(source.package, NpmPackage):
        raise TypeError(f"{source.text} names no npm package")
    return source.package


# ---- the packument


def _packument(
    source: Source, package: NpmPackage, downloads: Downloads, registry: Registry
) -> tuple[Fetched, Published]:
    """Read the packument, always anew: what it says of a version may have changed since."""
    url = registry.packument(package.name)
    shown = urls.public(url)
    try:
        got = _document(downloads, url)
        if got is None:
            raise _absent(
                shown,
                "the registry has no package of this name",
                f"check the name in {source.text!r}, and the registry (--npm-registry)",
            )
        fetched, raw = got
        published = npm_packument.version(raw, package)
    except MalformedError as error:
        raise failure("unexpected", urls.parse(url), f"no packument: {error}") from error
    if published is None:
        raise _absent(
            shown,
            f"the registry has no version {package.version} of it",
            "check the version; what was published may have been withdrawn",
        )
    return fetched, published


def _document(downloads: Downloads, url: str) -> tuple[Fetched, bytes] | None:
    """Ask for all of it, which has times; where that is too large, for the abbreviated form."""
    limit = npm_packument.MAX_BYTES
    try:
        return downloads.read(url, limit=limit, within=_SECONDS, want=Want(accept=_JSON))
    except MachineError as error:
        if error.code != "machine.too-large":
            raise
        return downloads.read(url, limit=limit, within=_SECONDS, want=Want(accept=_ABBREVIATED))


def _of_packument(asking: _Asking) -> Reply:
    claimed = asking.published.claimed
    when = "it does not say when it published it"
    if claimed is not None:
        when = f"published, by its word, at {render_time(claimed)}"
    return Reply(
        Asked(
            place=asking.place,
            wanted=f"packument of {asking.package}",
            answer=Answer.FOUND,
            sha256=asking.packument.sha256,
            note=when,
        )
    )


def _signatures(asking: _Asking) -> Reply:
    """Keep what the registry signed, and the signatures, as a packument of one version."""
    name = f"{asking.package.tarball}{_PACKUMENT}"
    if not asking.published.signatures:
        return Reply(_row(asking.place, name, Answer.ABSENT, note="it has no signatures"))
    if not can_name(name):  # no pack could carry it
        return Reply(_row(asking.place, name, Answer.SKIPPED, note="its name is too long"))
    got = asking.downloads.keep(npm_packument.excerpt(asking.published))
    found = Found(name=name, path=got.path, size=got.size, sha256=got.sha256)
    return Reply(_row(asking.place, name, Answer.FOUND, found.sha256), found)


# ---- what stands beside it


def _tarball(asking: _Asking) -> Reply:
    published = asking.published
    if published.tarball is None:
        here = urls.parse(asking.packument.url)
        raise failure("unexpected", here, f"the packument names no tarball of {asking.package}")
    url = links.resolved(asking.packument, published.tarball, "the packument")
    want = Want(digests=integrity.announced(published), named_by=asking.packument)
    got = asking.downloads.fetch(url.full, limit=MAX_TARBALL, want=want)
    if got is None:
        raise _absent(
            url.public,
            f"the registry names it as the tarball of {asking.package}, and it is not there",
            "try again later; the registry and its files may not be in step",
        )
    asked = _row(
        url.public,
        asking.package.tarball,
        Answer.FOUND,
        got.sha256,
        note=notes(_deprecated(published), integrity.weakness(published)),
    )
    found = Found(name=asking.package.tarball, path=got.path, size=got.size, sha256=got.sha256)
    return Reply(asked, found)


def _attestations(asking: _Asking) -> Reply:
    """Ask the registry, even where its packument is silent: a mirror's may be."""
    name = f"{asking.package.tarball}{_ATTESTATIONS}"
    url = asking.registry.attestations(asking.package, asking.published.attestations)
    shown = urls.public(url)
    if not can_name(name):
        return Reply(_row(shown, name, Answer.SKIPPED, note="its name is too long"))
    got = asking.downloads.fetch(
        url, limit=MAX_ATTESTATIONS, within=_SECONDS, want=Want(accept=_JSON, name=name)
    )
    if got is None:
        named = asking.published.attestations is not None
        note = "the packument names them" if named else None
        return Reply(_row(shown, name, Answer.ABSENT, note=note))
    found = Found(name=name, path=got.path, size=got.size, sha256=got.sha256)
    return Reply(_row(shown, name, Answer.FOUND, got.sha256), found)


def _keys(asking: _Asking) -> Reply:
    """Ask for the registry's keys, and keep no more than the answer's digest and their ids."""
    url = asking.registry.keys
    place, wanted = urls.public(url), "public keys of the registry"
    got = asking.downloads.fetch(
        url, limit=npm_keys.MAX_BYTES, within=_SECONDS, want=Want(accept=_JSON)
    )
    if got is None:
        return Reply(_row(place, wanted, Answer.ABSENT))
    try:
        ids = ", ".join(npm_keys.keyids(got.path.read_bytes())[:8])
    except MalformedError as error:
        ids = f"which cannot be read ({error})"
    note = f"{ids}; told by the registry, and nothing is verified by them"
    return Reply(_row(place, wanted, Answer.FOUND, got.sha256, note=note[:1000]))


# ---- rows


def _row(
    place: str, wanted: str, answer: Answer, sha256: str | None = None, note: str | None = None
) -> Asked:
    return Asked(place=place, wanted=wanted, answer=answer, sha256=sha256, note=note)


def _absent(shown: str, what: str, hint: str) -> MachineError:
    return MachineError(f"{shown}: {what}", code="machine.absent", subject=shown, hint=hint)


def _deprecated(published: Published) -> str | None:
    if published.deprecated is None:
        return None
    return f"deprecated: {published.deprecated}" if published.deprecated else "deprecated"
