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
from pathlib import Path

from kit.collect import assembly, chains, staging, target
from kit.collect.asking import Places, Settings
from kit.collect.assembly import Brought
from kit.collect.chains import Chains, Wanted
from kit.errors import EvidenceError, MachineError, PackError, UsageError
from kit.formats import manifest
from kit.formats.release_file import ReleaseFile
from kit.model import Answer
from kit.pack import layout, writer
from kit.sources.traffic import Watch, unwatched

#: FAT32, which most sticks are sold with, holds files of up to 4 GiB less one byte.
FAT32_LIMIT = (4 << 30) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to collect, and where to.

    ``base`` is the release file's folder. ``epoch`` is ``SOURCE_DATE_EPOCH`` where it is
    set; else the pack's date is when this collect was first started. ``trust`` are the TUF
    chains to carry. ``say`` is told what is going on, a line each, and ``watch`` of every file
    on its way.
    """

    release: ReleaseFile
    base: Path
    out: Path
    now: datetime
    epoch: datetime | None = None
    settings: Settings = field(default_factory=Settings)
    trust: Wanted = field(default_factory=Wanted)
    say: Callable[[str], None] = lambda _: None
    watch: Watch = unwatched


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A pack that was written aside: where, how long, and what went into it.

    ``asked`` counts the places, and ``absent`` those that had nothing. ``unpaired`` names
    evidence that was found and left out, being about none of its files.
    """

    path: Path
    size: int
    artifacts: int
    evidence: int
    asked: int
    absent: int
    unpaired: tuple[str, ...]


def plan(request: Request) -> Iterator[str]:
    """Yield what :func:`collect` would take or ask for, a line each; nothing is written."""
    places = Places(request.settings, request.base, _ours(request))
    for line in request.release.lines:
        yield line.source.text
        yield from places.planned(line)
    yield from chains.planned(request.trust)


def collect(request: Request, folder: Path) -> Written:
    """Gather everything and write the pack into ``folder``, the held working folder.

    Raises :class:`UsageError` for sources that are not there, :class:`AnchorError` for a TUF
    chain that does not verify from this host's own root, :class:`MachineError` for whatever
    could not be asked, read or written; then there is no pack.
    """
    release = request.release
    first = staging.started_at(folder, release, request.now)
    into = staging.downloads(folder)
    places = Places(
        request.settings, request.base, _ours(request), into, request.say, request.watch
    )
    brought = list(zip(release.lines, places.gathered(release.lines), strict=True))
    carried = chains.gather(request.trust, into / "trust", request.settings, request.say)
    try:
        return _write(request, folder, first, brought, carried)
    except (PackError, EvidenceError) as error:
        # No pack was given, and no verdict asked for: what was named cannot be carried.
        raise UsageError(
            f"no pack can hold these files: {error.message}",
            code=error.code,
            subject=error.subject,
            hint=error.hint or "name fewer of them in the release file",
        ) from error


def _write(
    request: Request, folder: Path, first: datetime, brought: Sequence[Brought], carried: Chains
) -> Written:
    assembled = assembly.assemble(request.release, request.epoch or first, brought, carried)
    path = folder / "pack.tar"
    path.unlink(missing_ok=True)
    described = assembled.manifest
    rows = [row for _, gathered in brought for row in gathered.asked]
    size = layout.of(described, manifest.render(described)).size
    _demand_room(folder, size)
    request.say(f"writing {size} bytes")
    writer.write(path, described, assembled.contents)
    return Written(
        path=path,
        size=size,
        artifacts=len(described.artifacts),
        evidence=len(described.evidence),
        asked=len(rows),
        absent=sum(row.answer is Answer.ABSENT for row in rows),
        unpaired=assembled.unpaired,
    )


def _ours(request: Request) -> tuple[Path, Path]:
    return request.out, target.unmet(request.out)


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
