"""Put renewed anchors in place: a whole folder at once, the old one kept under its date.

What is written (``root.json``, ``trusted_root.json``, and where they are from) is made aside, in
``.replaced/`` of the same place, and exchanged with the old folder. A run that is killed may
leave a folder there whose name begins with a dot; nothing reads it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from kit.errors import AnchorError, MachineError
from kit.formats import anchor_origin, trusted_root, tuf_record
from kit.formats.anchor_origin import FileOrigin, Origin, Source
from kit.trust import atomic, renewal, swap
from kit.trust.memory import rolled_back
from kit.trust.places import Place, read
from kit.trust.renewal import Offered, Pinned
from kit.trust.tuf_anchor import RECORD, ROOT, TRUSTED_ROOT

REPLACED = ".replaced"
_LOCK = ".lock"


def write(offer: Offered, folder: Path, source: Source, at: datetime) -> bool:
    """Put what is offered into ``folder``, a place of anchors, as of ``at``.

    Returns whether it was not there yet. Raises :class:`AnchorError`, ``trust.changed`` where
    the anchor is another by now than the offer was compared with, ``trust.rollback`` where
    ``folder`` has a newer one (``trust.may-be-older`` where that cannot be told), and
    :class:`MachineError`; then nothing changed.
    """
    instance = offer.pinned.instance
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with atomic.alone(folder / _LOCK):
            there = _there(instance, folder)
            if there is not None and _has(there, offer):
                return False
            if folder.resolve() == offer.pinned.place.folder.resolve():
                _demand_unchanged(offer.pinned, there)
            elif there is not None:
                _demand_newer(there, offer)
            else:
                _demand_same(folder, offer)
            _swap(instance, _contents(offer, source, at), folder, at)
            return True
    except OSError as error:
        raise MachineError(
            f"{error.filename or folder}: {error.strerror}",
            code="machine.unwritable",
            subject=str(folder),
            hint="the anchors are as they were",
        ) from error


def _there(instance: str, folder: Path) -> Pinned | None:
    """Return what ``folder`` itself has now; ``None`` where a chain could not be walked from it."""
    try:
        return renewal.pinned(instance, [Place(folder=folder, label=str(folder))])
    except AnchorError as error:
        if error.code == "trust.missing":
            return None
        raise


def _has(there: Pinned, offer: Offered) -> bool:
    until = there.record.vouches(there.sha256)
    same = (there.trusted_root, there.tuf.raw) == (offer.trusted_root, offer.root)
    return same and until is not None and until >= offer.vouched_until


def _demand_unchanged(before: Pinned, there: Pinned | None) -> None:
    now = None if there is None else (there.trusted_root, there.tuf.raw, there.record)
    if now != (before.trusted_root, before.tuf.raw, before.record):
        raise AnchorError(
            f"the anchors of {before.instance!r} were replaced meanwhile",
            code="trust.changed",
            subject=before.instance,
            hint="look at them with `trust show`, and try again",
        )


def _demand_newer(there: Pinned, offer: Offered) -> None:
    until = there.record.vouches(there.sha256)
    if there.tuf.version > offer.root_version:
        raise renewal.rollback(
            there.instance, f"{there.place.label} has TUF root {there.tuf.version}"
        )
    older = "" if there.vouching is None else ", ".join(rolled_back(there.vouching, offer.chain))
    if older:
        raise renewal.rollback(there.instance, f"{there.place.label}: {older}")
    if until is not None and until > offer.vouched_until:
        raise renewal.rollback(
            there.instance, f"{there.place.label} has one that is vouched for longer"
        )
    if there.trusted_root != offer.pinned.trusted_root:  # which the operator was shown
        # Not even by --expect: that confirmed what the offer was compared with.
        hint = f"compare it with what is there: --trust-roots {there.place.folder}"
        renewal.demand_newer(offer, there, hint)


def _demand_same(folder: Path, offer: Offered) -> None:
    """Refuse to replace a trusted root without a TUF root that the operator was not shown."""
    instance = offer.pinned.instance
    raw = read(folder / instance / TRUSTED_ROOT, trusted_root.MAX_BYTES, instance)
    if raw not in (None, offer.trusted_root, offer.pinned.trusted_root):
        hint = f"put the {ROOT} that it is from beside it, or move it away"
        raise renewal.perhaps_older(instance, str(folder), hint)


def _contents(offer: Offered, source: Source, at: datetime) -> dict[str, bytes]:
    record = tuf_record.Record(
        repository=offer.pinned.record.repository,
        target=offer.pinned.record.target,
        sha256=offer.sha256,
        vouched_until=offer.vouched_until,
        chain=offer.chain,
    )
    as_of = min(offer.vouched_until, at)
    files = {ROOT: offer.root, TRUSTED_ROOT: offer.trusted_root}
    origin = Origin(
        files={
            name: FileOrigin(sha256=hashlib.sha256(raw).hexdigest(), as_of=as_of, sources=(source,))
            for name, raw in files.items()
        }
    )
    return files | {
        RECORD: tuf_record.render(record),
        anchor_origin.FILE: anchor_origin.render(origin),
    }


def _swap(instance: str, files: dict[str, bytes], folder: Path, at: datetime) -> None:
    """Write the files into a folder of their own, and put that in the instance's place."""
    replaced = folder / REPLACED
    replaced.mkdir(exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{instance}-", dir=replaced))
    try:
        aside.chmod(0o755)
        for name, raw in (_others(folder / instance) | files).items():
            atomic.replace(aside / name, raw)
        swap.replace(aside, folder / instance, _free(replaced, instance, at))
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    atomic.sync(replaced)
    atomic.sync(folder)


def _others(current: Path) -> dict[str, bytes]:
    """Return the other files in an instance's folder: the operator's notes, or npm's keys."""
    if not current.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in current.iterdir() if path.is_file()}


def _free(replaced: Path, instance: str, at: datetime) -> Path:
    """Return a name for the old folder: its instance, the date, and a number if need be."""
    stem = f"{instance}-{at:%Y%m%dT%H%M%SZ}"
    names = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
    return next(replaced / name for name in names if not os.path.lexists(replaced / name))
