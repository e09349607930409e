"""Compare anchors for the command line: files, folders, packs, and this host's instances."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kit.cli import offering
from kit.errors import AnchorError, EvidenceError, UsageError
from kit.formats import key_facts, trusted_root
from kit.formats.key_facts import KeyFact
from kit.report import differences
from kit.report.escape import plain
from kit.trust import anchors, difference, known
from kit.trust.anchors import FILE
from kit.trust.difference import Difference
from kit.trust.places import Place, read, stands

#: What a file without a name of its own is called: the one trusted root in it.
_NAMELESS = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One instance on two sides; a side without it has no keys."""

    instance: str
    difference: Difference


Side = Mapping[str, tuple[KeyFact, ...]]


def compare(
    old: str | None, new: str, places: Sequence[Place], instances: Sequence[str]
) -> list[Compared]:
    """Return what differs between two sides, an instance at a time.

    Without ``old``, this host's own anchors of the instances that ``new`` has. Raises
    :class:`AnchorError` for a side that does not load or verify, :class:`UsageError` for one
    that is nothing.
    """
    after = _side(new, places, instances)
    before = _own(after, places) if old is None else _side(old, places, instances)
    if len(before) == len(after) == 1:
        # Two roots under any names: what is asked is how the one differs from the other.
        (name, was), (other, now) = *before.items(), *after.items()
        return [Compared(instance=other or name, difference=difference.between(was, now))]
    names = sorted({*before, *after})
    return [
        Compared(
            instance=name,
            difference=difference.between(before.get(name, ()), after.get(name, ())),
        )
        for name in names
    ]


def text(compared: Sequence[Compared]) -> str:
    """Return what differs for people."""
    return "".join(f"{line}\n" for one in compared for line in _lines(one))


def value(compared: Sequence[Compared], at: datetime) -> list[dict[str, Any]]:
    """Return what differs for machines."""
    return [{"instance": one.instance} | differences.value(one.difference, at) for one in compared]


def _lines(one: Compared) -> Iterator[str]:
    yield f"{plain(one.instance) or 'trusted root'}:"
    yield from differences.lines(one.difference)


def _side(given: str, places: Sequence[Place], instances: Sequence[str]) -> Side:
    if given in known.instances(places):  # whatever lies in the working folder under that name
        return _own([given], places)
    path = Path(given)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UsageError(
            f"{given}: {error.strerror}, and no instance of that name is among this host's anchors",
            subject=given,
        ) from error
    if offering.is_pack(path) or offering.is_repository(path):
        offers = offering.offers(path, places, instances)
        return {offer.pinned.instance: _facts(offer.trusted_root, given) for offer, _ in offers}
    return _folder(path) if stat.S_ISDIR(mode) else _file(path)


def _own(instances: Sequence[str] | Side, places: Sequence[Place]) -> Side:
    """Return what this host has, of those of the instances that it has."""
    mine = [name for name in instances if name in known.instances(places)]
    found = anchors.find(mine, places)
    return {name: key_facts.of_trusted_root(anchor.root) for name, anchor in found.items()}


def _folder(folder: Path) -> Side:
    if stands(folder / FILE):
        return {folder.name: _one(folder / FILE)}
    place = Place(folder=folder, label=folder.name)
    found = {name: _one(folder / name / FILE) for name in known.instances([place])}
    if not found:
        raise UsageError(f"{folder}: there is no trusted root in it", subject=str(folder))
    return found


def _file(path: Path) -> Side:
    raw = _bytes(path)
    roots = trusted_root.split(raw)
    if len(roots) == 1:
        return {_NAMELESS: _facts(raw, path.name)}
    return {f"line {n}": _facts(line, f"{path.name} line {n}") for n, line in enumerate(roots, 1)}


def _one(path: Path) -> tuple[KeyFact, ...]:
    return _facts(_bytes(path), str(path))


def _bytes(path: Path) -> bytes:
    raw = read(path, trusted_root.MAX_BYTES, path.name)
    if raw is None:
        raise AnchorError(f"{path}: no such file", code="trust.missing", subject=path.name)
    return raw


def _facts(raw: bytes, where: str) -> tuple[KeyFact, ...]:
    try:
        return key_facts.of_trusted_root(trusted_root.parse(raw))
    except EvidenceError as error:
        raise AnchorError(
            f"{where}: {error.message}", code="trust.malformed", subject=where
        ) from error
