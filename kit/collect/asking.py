"""Ask the places that a line names, each by the source that knows it.

One HTTP client serves all places that get no credential; a place that does has one of its
own, so that nothing meant for it can reach another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kit.collect.completing import Completing, Lookup
from kit.formats import npm_registry as npm_address
from kit.formats.release_line import Line
from kit.formats.source_text import Source
from kit.model import Answer, Gathered, Layout
from kit.sources import file as file_source
from kit.sources import github as github_source
from kit.sources import https as https_source
from kit.sources import index as package_index
from kit.sources import npm as npm_source
from kit.sources import npm_registry, oci_folder
from kit.sources import oci as oci_source
from kit.sources import pypi as pypi_source
from kit.sources.downloads import Downloads
from kit.sources.github_api import Access
from kit.sources.http import Client
from kit.sources.index import Index
from kit.sources.npm_registry import Registries, Registry
from kit.sources.oci_store import Store
from kit.sources.registry_access import Access as ImageAccess
from kit.sources.route import DIRECT, Route
from kit.sources.together import each
from kit.sources.traffic import Traffic, Watch, unwatched

NOTHING = Gathered(artifacts=(), evidence=(), asked=())

Made = TypeVar("Made")


class _made_once(cached_property[Made]):  # noqa: N801 - a decorator
    """A cached property of an object that threads share (Python 3.12 took the lock away)."""

    if not TYPE_CHECKING:

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            """Make it, if no thread has."""
            with instance.lock:
                return super().__get__(instance, owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How places are asked, as this host's operator has it set up.

    ``plain_http`` are hosts that may be spoken to without TLS, ``route`` is the way out.
    ``index`` is the package index, the public one if there is none, and ``npm`` are the
    registries likewise; ``github`` is GitHub's API, and the tokens for it;
    ``images`` is how registries of images are
    reached; ``lookup`` says which transparency logs may be asked for the proofs that
    signatures lack.
    """

    plain_http: frozenset[str] = frozenset()
    route: Route = DIRECT
    index: Index | None = None
    npm: Registries | None = None
    github: Access = field(default_factory=Access)
    images: ImageAccess = field(default_factory=ImageAccess)
    lookup: Lookup = field(default_factory=Lookup)


class Places:
    """Asks what lines name; downloads go into the folder ``into``.

    ``base`` is the release file's folder, and ``ours`` are paths in it that the collect itself
    writes to. ``say`` is told what is going on, a line each, and ``watch`` of every file on
    its way. Threads may share it.
    """

    def __init__(
        self,
        settings: Settings,
        base: Path,
        ours: Collection[Path],
        into: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
        watch: Watch = unwatched,
    ) -> None:
        """Ask nothing yet; without ``into`` there is only :meth:`planned`."""
        self._settings = settings
        self._base = base
        self._ours = ours
        self._into = into or base
        self._traffic = Traffic(watch=watch)
        self.lock = threading.RLock()
        self._say = say
        self._credentialed: dict[tuple[tuple[str, str], ...], Downloads] = {}
        self._completing = Completing(settings.lookup, lambda: self._plain, say)

    def planned(self, line: Line) -> Iterator[str]:
        """Yield what :meth:`gathered_of` would take or ask for, a line each; asks nothing."""
        plans = self._plans
        for source in (line.source, *line.evidence):
            yield from plans[source.scheme](source, line if source is line.source else None)
        if self._settings.lookup.off is None:
            for log in self._settings.lookup.logs:
                yield f"  would ask: {log.place} for what lacks its proof"

    def gathered(self, lines: Sequence[Line]) -> list[Gathered]:
        """Gather what several lines name, at once; see :meth:`gathered_of`.

        Then ask a log for what signatures among it lack.
        """
        brought = each(self.gathered_of, lines)
        return [self._completing.completed(one) for one in brought]

    def gathered_of(self, line: Line) -> Gathered:
        """Gather a line's artifacts, and evidence from everywhere it says to look.

        Raises :class:`UsageError` for sources that are not there, :class:`MachineError` for
        whatever could not be asked.
        """
        brought = self._ask(line.source, line)
        for source in line.evidence:
            more = self._ask(source, None, brought)
            brought = replace(
                brought,
                evidence=(*brought.evidence, *more.evidence),
                asked=(*brought.asked, *more.asked),
                layout=_joined(brought.layout, more.layout),
            )
        return brought

    def _ask(self, source: Source, line: Line | None, known: Gathered = NOTHING) -> Gathered:
        what = "looking for evidence" if line is None else "gathering"
        self._say(f"{source.text}: {what}")
        brought = self._gathers[source.scheme](source, line, known)
        if source.scheme != "file":
            for row in brought.asked:  # such as that a file was yanked
                if row.note is not None and row.answer is Answer.FOUND:
                    self._say(f"{row.wanted}: {row.note}")
        return brought

    # ---- what each scheme's places are, and how they are asked

    @cached_property
    def _plans(self) -> Mapping[str, Callable[[Source, Line | None], Iterator[str]]]:
        return {
            "file": self._plan_file,
            "https": lambda source, _: _would(https_source.places(source.location)),
            "pypi": lambda source, _: _would(pypi_source.places(source, self._index)),
            "npm": lambda source, _: _would(npm_source.places(source, self._registry(source))),
            "github": lambda source, _: _would(github_source.places(source, self._settings.github)),
            "oci": self._plan_image,
            "helm": self._plan_image,
        }

    @cached_property
    def _gathers(
        self,
    ) -> Mapping[str, Callable[[Source, Line | None, Gathered], Gathered]]:
        return {
            "file": self._from_file,
            "https": self._from_https,
            "pypi": self._from_pypi,
            "npm": self._from_npm,
            "github": self._from_github,
            "oci": self._from_images,
            "helm": self._from_images,
        }

    def _plan_file(self, source: Source, line: Line | None) -> Iterator[str]:
        for asked in self._from_file(source, line, NOTHING).asked:
            note = f" ({asked.note})" if asked.note else ""
            yield f"  {asked.answer.value}: {asked.wanted}{note}"

    def _from_file(self, source: Source, line: Line | None, _: Gathered) -> Gathered:
        folder = self._base / source.location
        if line is not None and source.is_folder and oci_folder.is_layout(folder):
            return oci_folder.gather(source, folder, line.takes)
        return file_source.gather(source, self._base, _takes(line), self._ours)

    def _from_https(self, source: Source, line: Line | None, _: Gathered) -> Gathered:
        gather = https_source.gather_evidence if line is None else https_source.gather
        return gather(source.location, self._plain)

    def _from_pypi(self, source: Source, line: Line | None, _: Gathered) -> Gathered:
        return pypi_source.gather(
            source, _takes(line), self._with(self._index.credentials), self._index
        )

    def _from_npm(self, source: Source, line: Line | None, _: Gathered) -> Gathered:
        registry = self._registry(source)
        downloads = self._with(registry.credentials)
        return npm_source.gather(source, _takes(line), downloads, registry)

    def _from_github(self, source: Source, line: Line | None, known: Gathered) -> Gathered:
        return github_source.gather(source, line, known.artifacts, self._github)

    def _plan_image(self, source: Source, _: Line | None) -> Iterator[str]:
        return _would(oci_source.places(source, self._settings.images))

    def _from_images(self, source: Source, line: Line | None, known: Gathered) -> Gathered:
        if line is None:
            return oci_source.gather_evidence(source, known, self._images)
        return oci_source.gather(source, line, self._images)

    # ---- who asks: nothing that is meant for one place may reach another

    @_made_once
    def _plain(self) -> Downloads:
        return Downloads(self._into, self._client())

    @_made_once
    def _index(self) -> Index:
        return self._settings.index or package_index.default()

    def _with(self, credentials: Mapping[str, str]) -> Downloads:
        """Return what asks with these credentials, which are by the origin that each is for."""
        if not credentials:
            return self._plain
        # Two registries on one origin may have a token each.
        key, whose = tuple(sorted(credentials.items())), " ".join(sorted(credentials))
        with self.lock:
            if key not in self._credentialed:
                self._credentialed[key] = Downloads(self._into, self._client(credentials), whose)
            return self._credentialed[key]

    def _registry(self, source: Source) -> Registry:
        return self._registries.of(npm_source.package_of(source))

    @_made_once
    def _registries(self) -> Registries:
        return self._settings.npm or Registries(usual=npm_registry.read(npm_address.public()))

    @_made_once
    def _github(self) -> github_source.Places:
        return github_source.Places(access=self._settings.github, plain=self._plain)

    @_made_once
    def _images(self) -> oci_source.Places:
        return oci_source.Places(
            access=self._settings.images,
            client=self._client(),
            store=Store(self._into / "oci"),
            say=self._say,
        )

    def _client(self, credentials: Mapping[str, str] | None = None) -> Client:
        return Client(
            plain_http=self._settings.plain_http,
            route=self._settings.route,
            credentials=credentials,
            traffic=self._traffic,
        )


def _joined(one: Layout, other: Layout) -> Layout:
    return Layout(
        blobs=(*one.blobs, *other.blobs),
        entries=(*one.entries, *other.entries),
        attached=(*one.attached, *other.attached),
    )


def _takes(line: Line | None) -> Callable[[str], bool] | None:
    return None if line is None else line.takes


def _would(places: Iterator[str]) -> Iterator[str]:
    return (f"  would ask: {place}" for place in places)
