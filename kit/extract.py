"""Write the artifacts that passed, and only those, from the bytes that were hashed.

The medium may change between the check and the copying, so every byte is hashed again
on its way and compared with the digest that passed; a file gets its name only after.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kit.errors import MachineError, PackError, UsageError
from kit.model import Report, Verdict
from kit.pack.reader import Pack


def extract(pack: Pack, report: Report, to: Path) -> tuple[str, ...]:
    """Write the artifacts of ``pack`` that passed in ``report`` into the folder ``to``.

    Returns the names written, in order. All of them are written and durable, or none:
    raises :class:`UsageError` where a file of that name is there already,
    :class:`PackError` (``pack.changed``) where the pack changed after it was checked,
    :class:`MachineError` where the disk refuses.
    """
    passed = [verdict for verdict in report.verdicts if verdict.passed]
    names = [verdict.name for verdict in passed]
    for name in names:
        if (to / name).exists() or names.count(name) > 1:
            raise UsageError(
                f"{name} would be written twice"
                if names.count(name) > 1
                else f"{to / name} is there already",
                code="extract.exists",
                subject=name,
                hint="extract into an empty folder",
            )
    with _disk(to):
        to.mkdir(parents=True, exist_ok=True)
        parts = [
            (to / f".{name}.part", to / name, verdict)
            for name, verdict in zip(names, passed, strict=True)
        ]
        try:
            for part, _, verdict in parts:
                _copy(pack, verdict, part)
            for part, final, _ in parts:
                part.rename(final)
        finally:
            for part, _, _ in parts:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
        _sync(to)
    return tuple(names)


def _copy(pack: Pack, verdict: Verdict, part: Path) -> None:
    member = next(
        artifact.member
        for artifact in pack.manifest.artifacts
        if (artifact.name, artifact.source) == (verdict.name, verdict.source)
    )
    # O_EXCL follows no link that somebody left under the temporary name.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(descriptor, "wb") as out:
        digest = pack.copy(member, out)
        out.flush()
        os.fsync(out.fileno())
    if verdict.digest is None or digest != verdict.digest.hex:
        raise PackError(
            f"{verdict.name} changed between the check and the extraction",
            code="pack.changed",
            subject=member,
            hint="something writes to the medium, or it is failing; copy the pack and try again",
        )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk(to: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"{error.filename or to}: {error.strerror}",
            subject=str(to),
            hint="nothing was extracted",
        ) from error
