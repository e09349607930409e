"""The working folder of a collect: what lets it be interrupted, and started again.

It stands beside the pack as ``PACK.collecting`` and is removed when the pack has its
final name. It remembers when the first start was, so that a resumed collect writes the
same bytes as one that ran through, and keeps downloads that are whole.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from kit.errors import MachineError, MalformedError, UsageError
from kit.formats import encodings, strictjson
from kit.formats.release_file import ReleaseFile

if sys.platform != "win32":
    import fcntl

_STATE = "state.json"
_DOWNLOADS = "downloads"


@contextmanager
def working_folder(out: Path) -> Iterator[Path]:
    """Hold the working folder of ``out`` for this process alone.

    It is left in place: :func:`discard` removes it once the pack is whole. Only where the
    operator erred and nothing was downloaded yet, nothing is worth keeping.
    """
    folder = out.with_name(out.name + ".collecting")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            _hold(lock, out)
            try:
                yield folder
            except UsageError:
                if not _downloaded(folder):
                    discard(out)
                raise
    except OSError as error:
        raise MachineError(
            f"{error.filename or folder}: {error.strerror}", subject=str(folder)
        ) from error


def _downloaded(folder: Path) -> bool:
    path = folder / _DOWNLOADS
    return path.is_dir() and any(path.iterdir())


def _hold(lock: IO[str], out: Path) -> None:
    if sys.platform == "win32":
        return  # no advisory locks there; the pack itself is still written aside and renamed
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise MachineError(
            f"another collect is writing {out.name}",
            code="machine.busy",
            subject=str(out),
            hint="wait for it, or give another name with -o",
        ) from error


def started_at(folder: Path, release: ReleaseFile, now: datetime) -> datetime:
    """Return when this collect first started; what another release file left is thrown away."""
    path = folder / _STATE
    try:
        state = strictjson.parse(path.read_bytes(), max_bytes=1 << 16)
        if state["release"] == release.sha256:
            return encodings.parse_time(state["started-at"])
    except (FileNotFoundError, MalformedError, KeyError, TypeError):
        pass
    for entry in folder.iterdir():
        if entry.name != "lock":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    state = {"release": release.sha256, "started-at": encodings.render_time(now)}
    part = folder / f"{_STATE}.part"
    part.write_bytes(strictjson.canonical(state))
    part.replace(path)
    return encodings.parse_time(encodings.render_time(now))


def downloads(folder: Path) -> Path:
    """Return the folder for downloads, made if it is not there."""
    path = folder / _DOWNLOADS
    path.mkdir(exist_ok=True)
    return path


def discard(out: Path) -> None:
    """Remove the working folder of a pack that is whole."""
    shutil.rmtree(out.with_name(out.name + ".collecting"), ignore_errors=True)
