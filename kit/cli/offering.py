"""Where new anchors come from: a pack, a folder of TUF metadata, or a repository that is asked."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import AnchorError, UsageError
from kit.formats.anchor_origin import Source
from kit.formats.encodings import render_time
from kit.formats.memory_file import Known
from kit.pack import carried
from kit.pack.carried import Carried
from kit.pack.reader import Pack
from kit.trust import known, renewal, tuf_anchor
from kit.trust.places import Place, read
from kit.trust.renewal import Offered
from kit.trust.tuf_chain import Walked
from kit.trust.tuf_files import TIMESTAMP, Files, roots_among

if TYPE_CHECKING:
    from kit.sources.http import Client

_NOTHING = Known()
# What every pack begins with: the name of its first member, in a tar header.
_PACK = b"manifest.json\0"


def named(instances: Sequence[str] | None) -> Sequence[str]:
    """Return the values of ``--instance``; raise :class:`UsageError` for what names no folder."""
    for name in instances or ():
        if not known.is_name(name):
            raise UsageError(
                f"--instance {name}: an instance is called by letters, digits and . _ + ~ -",
                subject=name,
            )
    return instances or ()


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of a TUF repository in a folder, by TUF's names; nothing outside of it."""

    folder: Path

    def read(self, name: str, limit: int) -> bytes | None:
        """Return a file, ``None`` where it is not there; raise for one that is too long."""
        return read(self.folder / name, limit, name)

    def names(self) -> Collection[str]:
        """Return the names of its roots and other metadata."""
        try:
            return [path.name for path in self.folder.iterdir() if path.is_file()]
        except OSError as error:
            raise AnchorError(
                f"{error.filename or self.folder}: {error.strerror}",
                code="trust.unreadable",
                subject=str(self.folder),
            ) from error


def is_pack(path: Path) -> bool:
    """Say whether a file presents itself as a pack."""
    try:
        with path.open("rb") as file:
            return file.read(len(_PACK)) == _PACK
    except OSError:
        return False


def is_repository(path: Path) -> bool:
    """Say whether a folder presents itself as a TUF repository."""
    return os.path.isfile(path / TIMESTAMP)  # noqa: PTH113 - Path's raises where it may not look


def offers(
    path: Path, places: Sequence[Place], instances: Sequence[str], seen: Known = _NOTHING
) -> list[tuple[Offered, Source]]:
    """Return what a pack or a folder offers, verified from this host's own roots.

    ``instances`` narrows it; of a folder it says whose repository it is. ``seen`` is what the
    host's checks remember. Raises
    :class:`AnchorError` for a chain that does not verify, :class:`UsageError` for a path that
    offers nothing, :class:`PackError` for a pack that is damaged.
    """
    if is_repository(path):
        return [(_of_folder(path, places, instances, seen), Source(folder=path.name))]
    if os.path.isdir(path):  # noqa: PTH112 - likewise
        raise UsageError(
            f"{path}: there is no {TIMESTAMP} in this folder",
            subject=str(path),
            hint="give a pack, or the folder of a TUF repository that has its metadata, with "
            "targets/ below",
        )
    with Pack.open(path) as pack:
        source = Source(pack=pack.manifest_sha256)
        return [
            (_offered(instance, places, Carried(pack, instance), seen), source)
            for instance in _carried(pack, instances)
        ]


def _offered(instance: str, places: Sequence[Place], files: Files, seen: Known) -> Offered:
    now = renewal.pinned(instance, places)
    return renewal.offered(now, files, seen=seen.chains.get(instance))


def _of_folder(
    path: Path, places: Sequence[Place], instances: Sequence[str], seen: Known
) -> Offered:
    if len(instances) != 1:
        raise UsageError(
            f"{path}: a folder does not say whose TUF repository it is",
            hint="name its instance: --instance NAME",
        )
    files = Folder(path)
    if not roots_among(files.names()):
        raise UsageError(f"{path}: there is no N.root.json in it", subject=str(path))
    return _offered(instances[0], places, files, seen)


def _carried(pack: Pack, instances: Sequence[str]) -> list[str]:
    found = sorted(
        {
            member.path.removeprefix(carried.FOLDER).partition("/")[0]
            for member in pack.manifest.members
            if member.path.startswith(carried.FOLDER)
        }
    )
    for instance in instances:
        if instance not in found:
            raise UsageError(
                f"the pack carries no TUF chain of {instance!r} "
                f"(it has {', '.join(found) or 'none'})",
                subject=instance,
            )
    return [name for name in found if not instances or name in instances]


def _demand_fresh(instance: str, walked: Walked, at: datetime) -> None:
    """Refuse a repository that nobody has renewed: a mirror that is kept back says the same.

    Only one that is asked can be told so; a pack is as old as it is.
    """
    ends = {
        "TUF root": walked.root.expires,
        "timestamp": walked.timestamp.expires,
        "snapshot": walked.snapshot.expires,
        "targets": walked.top_targets.expires,
    }
    for role, expires in ends.items():
        if expires <= at:
            raise AnchorError(
                f"the {role} of {instance!r} expired {render_time(expires)}",
                code="trust.expired",
                subject=instance,
                hint="its repository is kept back or abandoned, or this host's clock is wrong",
            )


def updatable(places: Sequence[Place], instances: Sequence[str]) -> list[str]:
    """Return the instances that can be renewed from their TUF repositories.

    Those that are named must be; else all that have a TUF root and a repository.
    """
    return list(instances) or [name for name in known.instances(places) if _has_both(name, places)]


def _has_both(instance: str, places: Sequence[Place]) -> bool:
    try:
        return renewal.pinned(instance, places).record.repository is not None
    except AnchorError as error:
        if error.code == "trust.missing":
            return False
        raise


def asked(
    instance: str, places: Sequence[Place], client: Client, at: datetime, seen: Known
) -> tuple[Offered, Source]:
    """Ask an instance's TUF repository, and return what it offers, verified as it came.

    Raises :class:`MachineError` where it could not be asked, :class:`AnchorError` where what it
    has does not verify.
    """
    from kit.sources import tuf  # noqa: PLC0415 - loads the HTTP client

    now = renewal.pinned(instance, places)
    if now.record.repository is None:
        raise AnchorError(
            f"no TUF repository is known for {instance!r}",
            code="trust.missing",
            subject=instance,
            hint=f"write it down: {instance}/{tuf_anchor.RECORD} with "
            '{"repository": "https://…"} beside the trusted root',
        )
    repository = tuf.Repository(
        instance=instance,
        url=now.record.repository,
        pinned=now.tuf.raw,
        target=now.record.target,
    )
    with tempfile.TemporaryDirectory(prefix="airgap-kit-") as into:
        walked = tuf.gather(repository, Path(into), client).walked
        _demand_fresh(instance, walked, at)
        offer = renewal.offered(now, Folder(Path(into)), walked, seen.chains.get(instance))
    return offer, Source(repository=now.record.repository)
