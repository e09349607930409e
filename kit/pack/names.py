"""The names that members of a pack may have: the same on every file system.

ASCII only, so that no two Unicode spellings of one name exist; nothing that Windows,
a shell or a hidden-file rule reads as something else; short enough for a ustar header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kit.errors import Fault

MAX_BASENAME = 100
MAX_DIRECTORY = 155

_PATH = re.compile(r"[A-Za-z0-9._+~-]+(/[A-Za-z0-9._+~-]+)*")
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")
_SEPARATOR = re.compile(r"[/\\]")
# A device keeps its name with an extension, in any folder and in any case.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def fault(path: str) -> Fault | None:
    """Return the rule that ``path`` breaks, or ``None``."""
    code, why = _broken(path)
    if code is None:
        return None
    return Fault(code=code, subject=path[:256], message=f"the member name {path!r:.300} {why}")


def clashes(paths: Iterable[str]) -> Iterator[Fault]:
    """Yield the names that some file system cannot keep beside an earlier one.

    Names that are entirely equal are not reported: a repeated member is another fault.
    """
    known: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        folded = path.lower()
        other = known.setdefault(folded, path)
        if other != path:
            yield _clash("pack.name-case", path, f"differs from {other!r} only in case")
        end = folded.find("/")
        while end >= 0:
            folders.setdefault(folded[:end], path)
            end = folded.find("/", end + 1)
    for folded, path in known.items():
        if folded in folders:
            yield _clash("pack.name", path, f"is also a folder, of {folders[folded]!r}")


def _clash(code: str, path: str, why: str) -> Fault:
    return Fault(code=code, subject=path, message=f"the member name {path!r} {why}")


def _broken(path: str) -> tuple[str | None, str]:
    if _ABSOLUTE.match(path):
        return "pack.name-absolute", "is absolute"
    if ".." in _SEPARATOR.split(path):
        return "pack.name-climbs", "climbs out of its folder"
    if not _PATH.fullmatch(path):
        return "pack.name", "is empty, has an empty part, or a character beside [A-Za-z0-9._+~-/]"
    directory, _, basename = path.rpartition("/")
    if len(basename) > MAX_BASENAME or len(directory) > MAX_DIRECTORY:
        return "pack.name", f"is too long: {MAX_DIRECTORY} bytes of folders, {MAX_BASENAME} of name"
    why = next(filter(None, map(_reserved, path.split("/"))), None)
    return (None, "") if why is None else ("pack.name-reserved", why)


def _reserved(part: str) -> str | None:
    if part.startswith((".", "-")) or part.endswith("."):
        return f"has the part {part!r}, which begins with . or - or ends with ."
    if _DEVICE.fullmatch(part):
        return f"has the part {part!r}, which is a device on Windows"
    return None
