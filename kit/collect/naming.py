"""Member names for gathered files: as published where a pack can have that, else marked."""

from __future__ import annotations

import hashlib
import re

from kit.model import Found
from kit.pack import names

_FOREIGN = re.compile(r"[^A-Za-z0-9._+~-]")


class Names:
    """Gives every distinct file a member path that no other has, even ignoring case."""

    def __init__(self) -> None:
        """Start with no names taken."""
        self._taken: dict[str, Found] = {}

    def member(self, folder: str, found: Found) -> str:
        """Return the member path of a file under ``folder``; equal files share one."""
        plain = f"{folder}/{found.name}"
        if names.fault(plain) is None and self._take(plain, found):
            return plain
        # The mark makes it unique; what is left of the name helps a person.
        whole = f"{found.sha256} {found.name}".encode("utf-8", "surrogatepass")
        readable = _FOREIGN.sub("_", found.name)[-60:].strip(".-") or "file"
        marked = f"{folder}/{hashlib.sha256(whole).hexdigest()[:24]}-{readable}"
        if not self._take(marked, found):
            raise AssertionError(f"two files share the member name {marked}")
        return marked

    def _take(self, path: str, found: Found) -> bool:
        holder = self._taken.setdefault(path.lower(), found)
        return (holder.name, holder.sha256) == (found.name, found.sha256)
