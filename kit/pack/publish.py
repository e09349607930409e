"""Give a file that was written aside its final name, never over another."""

from __future__ import annotations

import errno
import os
from pathlib import Path

# What file systems without hard links answer (FAT says EPERM).
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def name_anew(part: Path, final: Path) -> None:
    """Name ``part``, a file on the same file system, ``final``.

    Raises :class:`FileExistsError` where anything has that name, also a link to nowhere,
    and also where it came a moment ago: ``link`` refuses what ``rename`` would replace.
    ``part`` may stay as another name of the same file.
    """
    try:
        os.link(part, final)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final)) from error
        part.rename(final)
