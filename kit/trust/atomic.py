"""Replace a file so that a crash, a full disk or a second run leaves the old one or the new one."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl


def replace(path: Path, raw: bytes) -> None:
    """Write a file aside, make it durable, then give it its name; raise :class:`OSError`.

    Two writers at once must hold :func:`alone`: they would share the file that is written aside.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync(path.parent)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold a lock that other runs of the kit wait for; it ends with the process, however it ends.

    Raises :class:`OSError` where the lock file cannot be made. There is no lock on Windows.
    """
    with lock.open("ab") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sync(folder: Path) -> None:
    """Make a name durable, where the file system lets a folder be synced."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
