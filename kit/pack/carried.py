"""The TUF metadata that a pack carries: ``trust/INSTANCE/`` and TUF's own names below it."""

from __future__ import annotations

from collections.abc import Collection

from kit.pack.reader import Pack

FOLDER = "trust/"


def member(instance: str, name: str) -> str:
    """Return the path of the member that a file of an instance's repository is carried as."""
    return f"{FOLDER}{instance}/{name}"


class Carried:
    """The files of one instance in an open pack. What is read has the manifest's digest."""

    def __init__(self, pack: Pack, instance: str) -> None:
        """Note which files there are."""
        start = member(instance, "")
        paths = (entry.path for entry in pack.manifest.members)
        self._pack = pack
        self._paths = {p.removeprefix(start): p for p in paths if p.startswith(start)}

    def read(self, name: str, limit: int) -> bytes | None:
        """Return a file, ``None`` where it is not carried.

        Raises :class:`MalformedError` for one that is over ``limit`` bytes.
        """
        path = self._paths.get(name)
        return None if path is None else self._pack.read(path, limit)

    def names(self) -> Collection[str]:
        """Return the names of all files."""
        return self._paths.keys()
