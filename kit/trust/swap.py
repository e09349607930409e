"""Put one folder in another's place, so that whoever looks finds the old one or the new one.

Linux (renameat2) and macOS (renamex_np) can exchange two names at once; Python has no name
for either. Where a file system cannot (FAT, some network ones), two renames follow each
other: a crash between them leaves no folder of that name, and the old one under another.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

_AT_FDCWD = -100  # <fcntl.h>: names are relative to the working folder
_EXCHANGE = 2  # RENAME_EXCHANGE of <linux/fs.h>; RENAME_SWAP of macOS' <sys/stdio.h>
_CANNOT = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV})


def replace(new: Path, current: Path, old: Path) -> None:
    """Name the folder ``new`` ``current``; what had that name is then ``old``, if anything had.

    All three stand on one file system, and ``old`` does not exist. Raises :class:`OSError`.
    """
    if not os.path.lexists(current):
        new.rename(current)
    elif _exchange(new, current):
        new.rename(old)
    else:
        current.rename(old)
        try:
            new.rename(current)
        except OSError:
            old.rename(current)
            raise


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names at once; return ``False`` where nothing here can."""
    if sys.platform == "win32":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        failed = libc.renamex_np(first, second, _EXCHANGE)
    elif hasattr(libc, "renameat2"):
        failed = libc.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _EXCHANGE)
    else:
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))
