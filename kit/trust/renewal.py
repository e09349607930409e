"""Take over what a TUF chain authenticates: anchors of an instance, old ones kept.

A chain is walked from the TUF root that this host pins, so that only whoever may sign for the
instance can change what the host trusts, and only forward. What is written is a whole
folder (``root.json``, ``trusted_root.json``, and where they are from), which takes the place of the
old one at once; the old one is kept, under its date, in ``.replaced/``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kit.errors import AnchorError, EvidenceError, MachineError
from kit.formats import anchor_origin, key_facts, trusted_root, tuf_metadata, tuf_record
from kit.formats.anchor_origin import FileOrigin, Origin, Source
from kit.formats.encodings import render_time
from kit.formats.memory_file import KnownChain
from kit.trust import atomic, difference, memory, swap, tuf_anchor, tuf_chain
from kit.trust.difference import Difference
from kit.trust.places import Place, read
from kit.trust.tuf_anchor import RECORD, ROOT, TRUSTED_ROOT, TufAnchor
from kit.trust.tuf_chain import Walked
from kit.trust.tuf_files import Files

REPLACED = ".replaced"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What a host has of an instance now: its trusted root, TUF root, and what it wrote down."""

    instance: str
    place: Place
    trusted_root: bytes
    tuf: TufAnchor
    record: tuf_record.Record

    @property
    def sha256(self) -> str:
        """The SHA-256 of the trusted root."""
        return hashlib.sha256(self.trusted_root).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What a chain authenticates, beside what the host pins."""

    pinned: Pinned
    root: bytes
    root_version: int
    trusted_root: bytes
    vouched_until: datetime
    difference: Difference

    @property
    def sha256(self) -> str:
        """The SHA-256 of the new trusted root, which operators compare."""
        return hashlib.sha256(self.trusted_root).hexdigest()

    @property
    def changes_keys(self) -> bool:
        """Whether other bytes would be trusted than now."""
        return (self.trusted_root, self.root) != (self.pinned.trusted_root, self.pinned.tuf.raw)

    @property
    def is_news(self) -> bool:
        """Whether anything would be written at all."""
        until = self.pinned.record.vouches(self.pinned.sha256)
        return self.changes_keys or until is None or self.vouched_until > until


def pinned(instance: str, places: Sequence[Place]) -> Pinned:
    """Return what this host has of an instance.

    Raises :class:`AnchorError`: ``trust.missing`` where it has no trusted root, or no TUF root
    beside it, from which a chain could be walked.
    """
    for place in places:
        folder = place.folder / instance
        raw = read(folder / TRUSTED_ROOT, trusted_root.MAX_BYTES, instance)
        if raw is None:
            continue
        tuf = tuf_anchor.pinned_root(folder, instance)
        if tuf is None:
            raise _missing(instance, f"{place.label} has no {ROOT} beside its trusted root")
        return Pinned(
            instance=instance,
            place=place,
            trusted_root=raw,
            tuf=tuf,
            record=tuf_anchor.record(folder, instance),
        )
    raise _missing(instance, "no place has a trusted root for it")


def offered(
    pinned: Pinned,
    files: Files,
    walked: Walked | None = None,
    seen: KnownChain | None = None,
) -> Offered:
    """Walk the chain in ``files`` from what is pinned; return what it authenticates.

    Raises :class:`AnchorError` for a chain that does not verify, ``trust.rollback`` for one that
    is older than what is pinned or ``seen`` (what the host's checks remember), ``trust.malformed``
    for a trusted root that this kit cannot use.
    """
    instance, target = pinned.instance, pinned.record.target
    try:
        walked = walked or tuf_chain.walk(instance, pinned.tuf.raw, files, target)
    except AnchorError as error:
        if error.code != "trust.older-chain":
            raise
        raise _rollback(instance, error.message) from error
    _demand_not_seen_newer(instance, walked, seen)
    raw = walked.targets[target]
    until = pinned.record.vouches(pinned.sha256)
    if until is not None and walked.valid_until < until and raw != pinned.trusted_root:
        raise _rollback(
            instance,
            f"it was vouched for until {render_time(walked.valid_until)}, and what this "
            f"host has until {render_time(until)}",
        )
    return Offered(
        pinned=pinned,
        root=_newest_root(pinned, files, walked),
        root_version=walked.root.version,
        trusted_root=raw,
        vouched_until=max(until or walked.valid_until, walked.valid_until)
        if raw == pinned.trusted_root
        else walked.valid_until,
        difference=difference.between(_facts(instance, pinned.trusted_root), _facts(instance, raw)),
    )


def _demand_not_seen_newer(instance: str, walked: Walked, seen: KnownChain | None) -> None:
    """Refuse what is older than, or another than, what a check of this host has rested on."""
    if seen is None:
        return
    if memory.forked(seen, walked):
        raise AnchorError(
            f"root {seen.root} of {instance!r} is not the one that this host has seen",
            code="trust.root-fork",
            subject=instance,
        )
    older = ", ".join(memory.rolled_back(seen, walked))
    if older:
        raise _rollback(instance, older)


def write(offer: Offered, folder: Path, source: Source, at: datetime) -> bool:
    """Put what is offered into ``folder``, a place of anchors, as of ``at``.

    Returns whether it was not there yet. Raises :class:`AnchorError`, ``trust.changed`` where
    the anchor is another by now than the offer was compared with, ``trust.rollback`` where
    ``folder`` has a newer one, and :class:`MachineError`; then nothing changed.
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
        return pinned(instance, [Place(folder=folder, label=str(folder))])
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
        raise _rollback(there.instance, f"{there.place.label} has TUF root {there.tuf.version}")
    if until is not None and until > offer.vouched_until:
        raise _rollback(there.instance, f"{there.place.label} has one that is vouched for longer")


def _contents(offer: Offered, source: Source, at: datetime) -> dict[str, bytes]:
    record = tuf_record.Record(
        repository=offer.pinned.record.repository,
        target=offer.pinned.record.target,
        sha256=offer.sha256,
        vouched_until=offer.vouched_until,
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


def _newest_root(pinned: Pinned, files: Files, walked: Walked) -> bytes:
    if walked.root.version == pinned.tuf.version:
        return pinned.tuf.raw
    name = f"{walked.root.version}.root.json"
    raw = files.read(name, tuf_metadata.MAX_BYTES["root"]) or b""
    # The walk read it before: what is written must be what was verified.
    if hashlib.sha256(tuf_metadata.root(raw).payload).hexdigest() != walked.root.sha256:
        raise AnchorError(
            f"{name} changed while it was read", code="trust.changed", subject=pinned.instance
        )
    return raw


def _facts(instance: str, raw: bytes) -> tuple[key_facts.KeyFact, ...]:
    try:
        return key_facts.of_trusted_root(trusted_root.parse(raw))
    except EvidenceError as error:
        raise AnchorError(
            f"the trusted root of {instance!r}: {error.message}",
            code="trust.malformed",
            subject=instance,
        ) from error


def _missing(instance: str, why: str) -> AnchorError:
    return AnchorError(
        f"the anchors of {instance!r} cannot be renewed: {why}",
        code="trust.missing",
        subject=instance,
        hint=f"put {instance}/{TRUSTED_ROOT} and {instance}/{ROOT} into a folder of anchors by "
        "hand once, having compared them with their owner",
    )


def _rollback(instance: str, why: str) -> AnchorError:
    return AnchorError(
        f"what is offered for {instance!r} is older than what this host has: {why}",
        code="trust.rollback",
        subject=instance,
        hint="nothing was changed; anchors never go back",
    )
