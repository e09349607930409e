"""Write the artifacts that passed, and only those, from the bytes that were hashed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from kit.errors import PackError, UsageError
from kit.export import writing
from kit.formats import oci_layout
from kit.model import Report, Verdict
from kit.pack.reader import Pack


def extract(pack: Pack, report: Report, to: Path) -> tuple[str, ...]:
    """Write the files of ``pack`` that passed in ``report`` into the folder ``to``.

    Returns the names written, in order; images are no files, and are left (:func:`images`). All
    of them are written and durable, or none: raises :class:`UsageError` where a file of that
    name is there already, and where nothing passed but images; :class:`PackError`
    (``pack.rewritten``) where the pack changed after it was checked, :class:`MachineError` where
    the disk refuses.
    """
    passed = [verdict for verdict in report.released if not _is_image(verdict)]
    if not passed and images(report):
        name = images(report)[0]
        raise UsageError(
            f"{name} is an image, and no file",
            code="extract.image",
            subject=name,
            hint="write it with `airgap-kit export --as oci`",
        )
    names = [verdict.name for verdict in passed]
    _refuse_twice(names)
    writing.refuse_taken(names, to)
    with writing.aside(to) as aside:
        moves = [(aside / str(number), to / name) for number, name in enumerate(names)]
        for (part, _), verdict in zip(moves, passed, strict=True):
            writing.copy(pack, _member(verdict), _sha256(verdict), part, verdict.name)
        writing.publish(moves, to)
    return tuple(names)


def images(report: Report) -> tuple[str, ...]:
    """Return the names of what passed and is no file."""
    return tuple(verdict.name for verdict in report.released if _is_image(verdict))


def _is_image(verdict: Verdict) -> bool:
    return bool(verdict.members) and verdict.members[0].startswith(oci_layout.FOLDER)


def _refuse_twice(names: Sequence[str]) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UsageError(
            f"{twice} would be written twice",
            code="extract.exists",
            subject=twice,
            hint="extract them one by one with --only, each into an empty folder",
        )


def _member(verdict: Verdict) -> str:
    if len(verdict.members) != 1:
        raise PackError(
            f"{verdict.name} is no single member", code="pack.rewritten", subject=verdict.name
        )
    return verdict.members[0]


def _sha256(verdict: Verdict) -> str:
    return "" if verdict.digest is None else verdict.digest.hex
