"""``pypi:NAME==VERSION``: the files of one version on a package index, and their provenance.

The index's page (PEP 691) says which files there are, where, and with which digests; each
file is held against its digest while it arrives. Provenance (PEP 740) is asked for file by
file: at the URL that the page has for it, or at the integrity API beside the index. A clear
404 there is an answer; any other failure leaves the question open, and ends the collect.

What a page names was not written by the operator: its URLs may lead no further than a
redirect of the index could, and the index's credential stays with the index's origin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kit.errors import MachineError, MalformedError
from kit.formats import simple_page
from kit.formats.manifest import can_name
from kit.formats.simple_page import Listed, Page
from kit.formats.source_text import Package, Source
from kit.model import Answer, Asked, Found, Gathered
from kit.sources import links, urls
from kit.sources.downloads import Downloads
from kit.sources.failures import failure
from kit.sources.http import Fetched, Want
from kit.sources.index import Index
from kit.sources.reply import Reply, notes
from kit.sources.together import each

MAX_ARTIFACT = 64 << 30
MAX_PROVENANCE = 16 << 20
_SECONDS = 300.0
_PROVENANCE = ".provenance"
_INTEGRITY = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """One source being gathered: what for, from where, and the index's page."""

    source: Source
    package: Package
    index: Index
    downloads: Downloads
    page: Fetched

    @property
    def place(self) -> str:
        return urls.public(self.index.page(self.package.project))


def places(source: Source, index: Index) -> Iterator[str]:
    """Yield what :func:`gather` asks for, a line each; the files are known only to the index."""
    yield urls.public(index.page(_package(source).project))
    yield f"the files of {source.location} that the page names, and the provenance of each"


def gather(
    source: Source, takes: Callable[[str], bool] | None, downloads: Downloads, index: Index
) -> Gathered:
    """Gather the files of a version that a line takes, and their provenance.

    ``takes`` is ``None`` where the source is named as a place to look for evidence only:
    then no file is fetched. Raises :class:`MachineError` for what is not there, or for a
    place that did not answer.
    """
    package = _package(source)
    fetched, page = _page(source, package, downloads, index)
    asking = _Asking(
        source=source,
        package=package,
        index=index,
        downloads=downloads,
        page=fetched,
    )
    here = [file for file in page.files if package.holds(file.name)]
    if not here:
        raise MachineError(
            f"{asking.place}: the index has no wheel or sdist of {source.location}",
            code="machine.absent",
            subject=asking.place,
            hint="check the version; what was published may have been withdrawn",
        )
    chosen = (file for file in here if takes is None or takes(file.name))
    wanted = sorted(chosen, key=lambda file: file.name)
    rows = [_of_page(asking, page)]
    rows += [_left_out(asking, file) for file in here if file not in wanted]
    artifacts = [] if takes is None else each(lambda file: _file(asking, file), wanted)
    evidence = each(lambda file: _provenance(asking, file), wanted)
    return Gathered(
        artifacts=tuple(reply.found for reply in artifacts if reply.found),
        evidence=tuple(reply.found for reply in evidence if reply.found),
        asked=tuple(reply.asked for reply in (*rows, *artifacts, *evidence)),
    )


def _package(source: Source) -> Package:
    if not isinstance(source.package, Package):
        raise TypeError(f"{source.text} names no Python project")
    return source.package


# ---- the page


def _page(
    source: Source, package: Package, downloads: Downloads, index: Index
) -> tuple[Fetched, Page]:
    """Fetch the project's page, always anew: what it lists may have changed since."""
    url = index.page(package.project)
    shown = urls.public(url)
    want = Want(accept=simple_page.MEDIA_TYPE)
    try:
        got = downloads.read(url, limit=simple_page.MAX_BYTES, within=_SECONDS, want=want)
        if got is None:
            raise MachineError(
                f"{shown}: the index has no project of this name",
                code="machine.absent",
                subject=shown,
                hint=f"check the name in {source.text!r}, and the index (--index-url)",
            )
        return got[0], simple_page.parse(got[1], package.project)
    except MalformedError as error:
        raise failure("unexpected", urls.parse(url), f"no page of PEP 691: {error}") from error
    except MachineError as error:
        if error.code == "machine.portal":
            error.hint = f"an index must speak JSON (PEP 691); {error.hint}"
        raise


def _of_page(asking: _Asking, page: Page) -> Reply:
    note = None if page.status is None else f"the project is {page.status}"
    return Reply(
        Asked(
            place=asking.place,
            wanted=f"files of {asking.source.location}",
            answer=Answer.FOUND,
            sha256=asking.page.sha256,
            note=note,
        )
    )


def _left_out(asking: _Asking, file: Listed) -> Reply:
    note = notes("the line does not name it", _yanked(file))
    return Reply(
        Asked(place=asking.place, wanted=file.name, answer=Answer.SKIPPED, note=note),
    )


# ---- files and their provenance


def _file(asking: _Asking, file: Listed) -> Reply:
    url = links.resolved(asking.page, file.url, "the page")
    limit = MAX_ARTIFACT if file.size is None else min(file.size, MAX_ARTIFACT)
    want = Want(sha256=file.sha256, named_by=asking.page)
    got = asking.downloads.fetch(url.full, limit=limit, want=want)
    if got is None:
        raise MachineError(
            f"{url.public}: the index lists {file.name}, and it is not there",
            code="machine.absent",
            subject=url.public,
            hint="try again later; the index and its files may not be in step",
        )
    no_digest = None if file.sha256 else "the index gives no SHA-256"
    asked = Asked(
        place=url.public,
        wanted=file.name,
        answer=Answer.FOUND,
        sha256=got.sha256,
        note=notes(_yanked(file), no_digest),
    )
    return Reply(asked, Found(name=file.name, path=got.path, size=got.size, sha256=got.sha256))


def _provenance(asking: _Asking, file: Listed) -> Reply:
    name = f"{file.name}{_PROVENANCE}"
    if not can_name(name):  # no pack could carry the answer
        return _unasked(asking, name, Answer.SKIPPED, "its name is too long")
    if file.provenance is None and file.says_provenance:
        return _unasked(asking, name, Answer.ABSENT, "the index's page says that there is none")
    text = file.provenance or asking.index.provenance(
        asking.package.project, asking.source.location.partition("==")[2], file.name
    )
    if text is None:
        return _unasked(asking, name, Answer.ABSENT, "the index's page does not speak of any")
    url = links.resolved(asking.page, text, "the page")
    want = Want(accept=_INTEGRITY, named_by=asking.page, name=name)
    got = asking.downloads.fetch(url.full, limit=MAX_PROVENANCE, within=_SECONDS, want=want)
    if got is None:
        note = "the index's page names it" if file.provenance else None
        return Reply(Asked(place=url.public, wanted=name, answer=Answer.ABSENT, note=note))
    return Reply(
        Asked(place=url.public, wanted=name, answer=Answer.FOUND, sha256=got.sha256),
        Found(name=name, path=got.path, size=got.size, sha256=got.sha256),
    )


def _unasked(asking: _Asking, name: str, answer: Answer, note: str) -> Reply:
    return Reply(Asked(place=asking.place, wanted=name, answer=answer, note=note))


def _yanked(file: Listed) -> str | None:
    if file.yanked is None:
        return None
    return f"yanked: {file.yanked}" if file.yanked else "yanked"
