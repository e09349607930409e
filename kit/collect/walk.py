"""From a release file to a pack: gather, assemble, write aside. The name comes last.

The pack is written into the working folder and stays there until the command line has
rehearsed the check on it; :func:`kit.collect.target.keep` then gives it its final name,
or the name that says that the policy is not met.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from kit.collect import assembly, staging, target
from kit.collect.assembly import Brought
from kit.errors import EvidenceError, MachineError, PackError, UsageError
from kit.formats import manifest
from kit.formats.release_file import Line, ReleaseFile
from kit.formats.source_text import Source
from kit.model import Answer, Found, Gathered
from kit.pack import layout, writer
from kit.sources import file as file_source
from kit.sources import github as github_source
from kit.sources import https as https_source
from kit.sources import index as package_index
from kit.sources import pypi as pypi_source
from kit.sources.github_api import Access
from kit.sources.http import Client
from kit.sources.index import Index

#: FAT32, which most sticks are sold with, holds files of up to 4 GiB less one byte.
FAT32_LIMIT = (4 << 30) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to collect, and where to.

    ``base`` is the release file's folder. ``epoch`` is ``SOURCE_DATE_EPOCH`` where it is
    set; else the pack's date is when this collect was first started. ``index`` is the
    package index, the public one if there is none. ``github`` is GitHub's API, and the
    tokens for it. ``say`` is told what is going on, a line each.
    """

    release: ReleaseFile
    base: Path
    out: Path
    now: datetime
    epoch: datetime | None = None
    plain_http: frozenset[str] = frozenset()
    index: Index | None = None
    github: Access = field(default_factory=Access)
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A pack that was written aside: where, how long, and what went into it.

    ``unpaired`` names evidence that was found and left out, being about none of its files.
    """

    path: Path
    size: int
    artifacts: int
    evidence: int
    unpaired: tuple[str, ...]


def plan(request: Request) -> Iterator[str]:
    """Yield what :func:`collect` would take or ask for, a line each; nothing is written."""
    for line in request.release.lines:
        yield line.source.text
        for source in (line.source, *line.evidence):
            if source.scheme == "file":
                takes = line.takes if source is line.source else None
                ours = (request.out, target.unmet(request.out))
                for asked in file_source.gather(source, request.base, takes, ours).asked:
                    note = f" ({asked.note})" if asked.note else ""
                    yield f"  {asked.answer.value}: {asked.wanted}{note}"
            elif source.scheme == "pypi":
                index = request.index or package_index.default()
                yield from (f"  would ask: {place}" for place in pypi_source.places(source, index))
            elif source.scheme == "github":
                asked_for = github_source.places(source, request.github)
                yield from (f"  would ask: {place}" for place in asked_for)
            else:
                for url in https_source.places(source.location):
                    yield f"  would ask: {url}"


def collect(request: Request, folder: Path) -> Written:
    """Gather everything and write the pack into ``folder``, the held working folder.

    Raises :class:`UsageError` for sources that are not there, :class:`MachineError` for
    whatever could not be asked, read or written; then there is no pack.
    """
    release = request.release
    first = staging.started_at(folder, release, request.now)
    ask = _Ask(request, staging.downloads(folder))
    brought = [(line, ask.gather(line)) for line in release.lines]
    try:
        return _write(request, folder, first, brought)
    except (PackError, EvidenceError) as error:
        # No pack was given, and no verdict asked for: what was named cannot be carried.
        raise UsageError(
            f"no pack can hold these files: {error.message}",
            code=error.code,
            subject=error.subject,
            hint=error.hint or "name fewer of them in the release file",
        ) from error


def _write(request: Request, folder: Path, first: datetime, brought: Sequence[Brought]) -> Written:
    assembled = assembly.assemble(request.release, request.epoch or first, brought)
    path = folder / "pack.tar"
    path.unlink(missing_ok=True)
    described = assembled.manifest
    size = layout.of(described, manifest.render(described)).size
    _demand_room(folder, size)
    request.say(f"writing {size} bytes")
    writer.write(path, described, assembled.contents)
    return Written(
        path=path,
        size=size,
        artifacts=len(described.artifacts),
        evidence=len(described.evidence),
        unpaired=assembled.unpaired,
    )


class _Ask:
    """Asks the places that lines name; one HTTP client serves them all, once one is needed."""

    def __init__(self, request: Request, downloads: Path) -> None:
        self._request = request
        self._downloads = downloads

    @cached_property
    def _client(self) -> Client:
        return Client(plain_http=self._request.plain_http)

    @cached_property
    def _index(self) -> Index:
        return self._request.index or package_index.default()

    @cached_property
    def _index_client(self) -> Client:
        # Of its own: the index's credential is for pypi: sources, not for URLs on its host.
        return Client(plain_http=self._request.plain_http, credentials=self._index.credentials)

    @cached_property
    def _github(self) -> github_source.Places:
        return github_source.Places(
            access=self._request.github, into=self._downloads, plain=self._client
        )

    def gather(self, line: Line) -> Gathered:
        """Gather a line's artifacts, and evidence from everywhere it says to look."""
        brought = self._ask(line.source, line)
        for source in line.evidence:
            more = self._ask(source, None, brought.artifacts)
            brought = Gathered(
                artifacts=brought.artifacts,
                evidence=(*brought.evidence, *more.evidence),
                asked=(*brought.asked, *more.asked),
            )
        return brought

    def _ask(self, source: Source, line: Line | None, known: Sequence[Found] = ()) -> Gathered:
        what = "looking for evidence" if line is None else "gathering"
        self._request.say(f"{source.text}: {what}")
        if source.scheme == "file":
            takes = None if line is None else line.takes
            ours = (self._request.out, target.unmet(self._request.out))
            return file_source.gather(source, self._request.base, takes, ours)
        if source.scheme == "pypi":
            return self._told(
                pypi_source.gather(
                    source,
                    None if line is None else line.takes,
                    self._downloads,
                    self._index_client,
                    self._index,
                )
            )
        if source.scheme == "github":
            return self._told(github_source.gather(source, line, known, self._github))
        gather = https_source.gather_evidence if line is None else https_source.gather
        return gather(source.location, self._downloads, self._client)

    def _told(self, brought: Gathered) -> Gathered:
        """Say what an index remarks about its files, such as that one was yanked."""
        for row in brought.asked:
            if row.note is not None and row.answer is Answer.FOUND:
                self._request.say(f"{row.wanted}: {row.note}")
        return brought


def _demand_room(folder: Path, size: int) -> None:
    """Ask for room before the first byte, not after the last one that fitted."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise MachineError(
            f"the pack needs {size} bytes, {folder} has {free} free",
            code="machine.disk-full",
            subject=str(folder),
            hint="free some space, or write it elsewhere with -o",
        )
