"""Where a pack goes: refused before anything is fetched, named only when the pack is whole."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kit.collect import staging
from kit.errors import MachineError, UsageError
from kit.formats import custody, manifest
from kit.pack.publish import name_anew
from kit.pack.writer import sync_folder

_MAX_NAME = 255
_UNMET = ".unmet.pack.tar"
# What every pack begins with: the name of its first member, in a tar header.
_BEGINNING = manifest.NAME.encode("ascii") + b"\0"


def unmet(out: Path) -> Path:
    """Return the name of a pack that is whole but does not meet its policy."""
    for suffix in (".pack.tar", ".tar"):
        if out.name.endswith(suffix):
            return out.with_name(out.name.removesuffix(suffix) + _UNMET)
    return out.with_name(out.name + _UNMET)


def is_pack(beginning: bytes) -> bool:
    """Say whether a file that begins so presents itself as a pack."""
    return beginning.startswith(_BEGINNING)


def refuse(out: Path, release: Path, *, replace: bool) -> None:
    """Refuse, as :class:`UsageError`, a place that a pack cannot or must not be written to.

    One that was handed over never changes, unless ``replace`` is said; and what is no
    pack is never replaced.
    """
    if out.name in ("", ".."):
        raise _refused(out, "names no file")
    longest = max(len(os.fsencode(out.name + ".collecting")), len(os.fsencode(unmet(out).name)))
    if longest > _MAX_NAME:
        raise _refused(out, "is too long for a file name")
    if not replace:
        _refuse_custody(out)
    for path in (out, unmet(out)):
        found = _found(path)
        if found is None:
            continue
        reason = _unfit(found, release)
        if reason is not None:
            raise _refused(path, reason)
        if not replace:
            raise _there(path)
        if not _holds_pack(path, found):
            raise _refused(path, "is no pack, so it is not replaced")


def _found(path: Path) -> os.stat_result | None:
    """Return what has that name, if anything; refuse a name that nothing can have."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR):
            raise _refused(path, f"cannot be written: {error.strerror}") from error
        raise MachineError(f"{path}: {error.strerror}", subject=str(path)) from error


def _unfit(found: os.stat_result, release: Path) -> str | None:
    if stat.S_ISDIR(found.st_mode):
        return "is a folder"
    return "is the release file itself" if _is_file(release, found) else None


def _is_file(path: Path, found: os.stat_result) -> bool:
    with suppress(OSError):
        return os.path.samestat(found, path.stat())
    return False


def _holds_pack(path: Path, found: os.stat_result) -> bool:
    if not stat.S_ISREG(found.st_mode):
        return False
    try:
        with path.open("rb") as file:
            return is_pack(file.read(len(_BEGINNING)))
    except OSError as error:
        raise MachineError(f"{path}: {error.strerror}", subject=str(path)) from error


def keep(written: Path, out: Path, *, met: bool, replace: bool = False) -> Path:
    """Give a whole pack its final name and drop the working folder; return the name.

    ``met`` says whether the rehearsal passed; a pack that did not is named so. With
    ``replace``, an earlier pack goes, under either name: the two must not differ.
    """
    final, stale = (out, unmet(out)) if met else (unmet(out), out)
    fresh: list[Path] = []
    try:
        # First the seal, so that no pack that is to be sealed is ever there without it.
        fresh += _keep_custody(written, final, replace=replace)
        if replace:
            written.replace(final)
            stale.unlink(missing_ok=True)
            _custody(stale).unlink(missing_ok=True)
        else:
            name_anew(written, final)
        sync_folder(final.parent)  # the name is durable, as the bytes are
    except FileExistsError as error:
        for path in fresh:
            path.unlink(missing_ok=True)
        raise _there(final) from error
    except OSError as error:
        raise MachineError(f"{final}: {error.strerror}", subject=str(final)) from error
    staging.discard(out)
    return final


def _refuse_custody(out: Path) -> None:
    """Refuse a name beside which somebody sealed another pack, moved or lost meanwhile."""
    for path in (_custody(out), _custody(unmet(out))):
        if os.path.lexists(path):
            raise _there(path)


def _custody(pack: Path) -> Path:
    return pack.with_name(pack.name + custody.SUFFIX)


def _keep_custody(written: Path, final: Path, *, replace: bool) -> Iterator[Path]:
    """Name the custody file, and yield its name where nothing had it."""
    sealed = _custody(written)
    if not sealed.exists():
        if replace:
            _custody(final).unlink(missing_ok=True)
    elif replace:
        sealed.replace(_custody(final))
    else:
        name_anew(sealed, _custody(final))
        yield _custody(final)


def _there(path: Path) -> UsageError:
    return UsageError(
        f"{path} is there already",
        code="collect.exists",
        subject=str(path),
        hint="move it away, give another name with -o, or say --replace",
    )


def _refused(path: Path, why: str) -> UsageError:
    return UsageError(
        f"-o {path}: {why}",
        subject=str(path),
        hint="give the pack another name with -o",
    )
