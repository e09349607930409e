"""Write the artifacts that passed, and only those, from the bytes that were hashed.

The medium may change between the check and the copying, so every byte is hashed again
on its way and compared with the digest that passed; a file gets its name only after.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from kit.errors import MachineError, PackError, UsageError
from kit.model import Report, Verdict
from kit.pack.publish import name_anew
from kit.pack.reader import Pack
from kit.pack.writer import sync_folder


def extract(pack: Pack, report: Report, to: Path) -> tuple[str, ...]:
    """Write the artifacts of ``pack`` that passed in ``report`` into the folder ``to``.

    Returns the names written, in order. All of them are written and durable, or none:
    raises :class:`UsageError` where a file of that name is there already,
    :class:`PackError` (``pack.changed``) where the pack changed after it was checked,
    :class:`MachineError` where the disk refuses.
    """
    passed = report.released
    names = [verdict.name for verdict in passed]
    _refuse_taken(names, to)
    members: dict[tuple[str, str], str] = {}
    for artifact in pack.manifest.artifacts:
        members.setdefault((artifact.name, artifact.source), artifact.member)
    with _disk(to):
        to.mkdir(parents=True, exist_ok=True)
        # A folder of our own: whatever else lies in `to` is somebody's.
        aside = Path(tempfile.mkdtemp(prefix=".airgap-kit-", dir=to))
        try:
            moves = [(aside / str(number), to / name) for number, name in enumerate(names)]
            for (part, _), verdict in zip(moves, passed, strict=True):
                _copy(pack, members[verdict.name, verdict.source], verdict, part)
            _publish(moves, to)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return tuple(names)


def _refuse_taken(names: Sequence[str], to: Path) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UsageError(
            f"{twice} would be written twice",
            code="extract.exists",
            subject=twice,
            hint="extract them one by one with --only, each into an empty folder",
        )
    for name in names:
        if os.path.lexists(to / name):
            raise _taken(to / name)


def _taken(final: Path) -> UsageError:
    return UsageError(
        f"{final} is there already",
        code="extract.exists",
        subject=final.name,
        hint="extract into an empty folder",
    )


def _publish(moves: Sequence[tuple[Path, Path]], to: Path) -> None:
    """Give every file its name, or none of them."""
    named: list[tuple[Path, Path]] = []
    identities = {part: os.lstat(part) for part, _ in moves}
    try:
        for part, final in moves:
            named.append((part, final))
            try:
                name_anew(part, final)
            except FileExistsError as error:
                raise _taken(final) from error
        sync_folder(to)
    except BaseException:
        for part, final in named:
            with suppress(OSError):
                # Only what is ours: another may have taken the name first.
                if os.path.samestat(os.lstat(final), identities[part]):
                    final.unlink()
        raise


def _copy(pack: Pack, member: str, verdict: Verdict, part: Path) -> None:
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


@contextmanager
def _disk(to: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError(f"{to}: {error.strerror}", subject=str(to)) from error
        raise MachineError(
            f"{error.filename or to}: {error.strerror}",
            subject=str(to),
            hint="nothing was extracted",
        ) from error
    except UnicodeEncodeError as error:
        raise MachineError(
            f"{error.object!r} cannot be a file name here: the locale is not UTF-8",
            subject=str(to),
            hint="nothing was extracted; run it with PYTHONUTF8=1",
        ) from error
