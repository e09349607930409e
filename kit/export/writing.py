"""Write into a folder all or nothing, and never over what is there.

Everything is written aside first, in a folder of our own within the target, and gets its
name at the end. What is copied is hashed again on its way: the medium may have changed
since it was checked.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from kit.errors import MachineError, PackError, UsageError
from kit.pack.publish import name_anew
from kit.pack.reader import Pack
from kit.pack.writer import sync_folder


@contextmanager
def aside(to: Path) -> Iterator[Path]:
    """Make the folder ``to`` and a folder in it to write to, which is gone afterwards.

    So is every folder that was made for it, where nothing stayed there: an empty one would
    look like an answer. Raises :class:`MachineError` for what the disk refuses,
    :class:`UsageError` for a name that is too long for it.
    """
    with _disk(to):
        made = [folder for folder in (to, *to.parents) if not os.path.lexists(folder)]
        try:
            to.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=".airgap-kit-", dir=to))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            for each in made:
                with suppress(OSError):  # not empty, or never made
                    each.rmdir()


def refuse_taken(names: Sequence[str], to: Path) -> None:
    """Raise :class:`UsageError` where one of the names is there already."""
    for name in names:
        if os.path.lexists(to / name):
            raise _taken(to / name)


def copy(pack: Pack, member: str, sha256: str, part: Path, what: str) -> None:
    """Write a member to ``part``, durable; raise :class:`PackError` if its digest is another."""
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(descriptor, "wb") as out:
        digest = pack.copy(member, out)
        out.flush()
        os.fsync(out.fileno())
    if digest != sha256:
        raise PackError(
            f"{what} changed between the check and the extraction",
            code="pack.rewritten",
            subject=member,
            hint="something writes to the medium, or it is failing; copy the pack and try again",
        )


def put(part: Path, raw: bytes) -> None:
    """Write bytes to ``part``, durable."""
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(descriptor, "wb") as out:
        out.write(raw)
        out.flush()
        os.fsync(out.fileno())


def publish(moves: Sequence[tuple[Path, Path]], to: Path) -> None:
    """Give every file or folder its name, in order, or none of them."""
    named: list[tuple[Path, Path]] = []
    identities = {part: os.lstat(part) for part, _ in moves}
    try:
        for part, final in moves:
            named.append((part, final))
            try:
                _name(part, final)
            except FileExistsError as error:
                raise _taken(final) from error
        sync_folder(to)
    except BaseException:
        for part, final in named:
            with suppress(OSError):
                # Only what is ours: another may have taken the name first.
                if os.path.samestat(os.lstat(final), identities[part]):
                    _remove(final)
        raise


def _name(part: Path, final: Path) -> None:
    if not part.is_dir():
        name_anew(part, final)
        return
    if os.path.lexists(final):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
    part.rename(final)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _taken(final: Path) -> UsageError:
    return UsageError(
        f"{final} is there already",
        code="extract.exists",
        subject=final.name,
        hint="write into an empty folder",
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
