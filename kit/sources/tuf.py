"""Ask a TUF repository for its chain, from the root that this host pins to the newest.

What is fetched is walked as it comes, by the very walk that ``check`` does offline: a
repository that does not verify from the pinned root is not carried. Files keep TUF's names.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from kit.errors import MachineError
from kit.model import Answer, Asked, Found
from kit.sources import place, urls
from kit.sources.exchange import Want
from kit.sources.http import Client
from kit.trust import tuf_chain
from kit.trust.tuf_files import roots_among


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One instance's repository: where it is, the root to walk from, the target that is wanted."""

    instance: str
    url: str
    pinned: bytes
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a repository gave: every file that the walk needed, and what was asked."""

    files: tuple[Found, ...]
    asked: tuple[Asked, ...]
    walked: tuf_chain.Walked


def gather(repository: Repository, into: Path, client: Client) -> Fetched:
    """Fetch the chain into the folder ``into``.

    Raises :class:`AnchorError` for a chain that does not verify from the pinned root, and
    :class:`MachineError` for a repository that could not be asked.
    """
    asking = _Asking(url=base(repository.url), into=into, client=client)
    walked = tuf_chain.walk(repository.instance, repository.pinned, asking, repository.target)
    return Fetched(files=tuple(asking.found.values()), asked=tuple(asking.asked), walked=walked)


def base(url: str) -> str:
    """Return a repository's URL, ending in a slash; raise :class:`UsageError` for what is none."""
    return place.base(urls.parse(url), "a TUF repository")


@dataclass(slots=True, kw_only=True)
class _Asking:
    """The files of a repository, fetched when they are read, each once."""

    url: str
    into: Path
    client: Client
    found: dict[str, Found] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def read(self, name: str, limit: int) -> bytes | None:
        if name not in self.found and not self._fetch(name, limit):
            return None
        path = self.found[name].path
        try:
            return path.read_bytes()
        except OSError as error:
            raise MachineError(
                f"{path}: {error.strerror}", code="machine.unreadable", subject=name
            ) from error

    def names(self) -> Collection[str]:
        return ()

    def _fetch(self, name: str, limit: int) -> bool:
        url, path = self.url + name, self.into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Some servers answer 403 for what is not there: so python-tuf's client ends a chain.
        absent = frozenset({403}) if roots_among([name]) else frozenset[int]()
        fetched = self.client.fetch(url, path, limit=limit, want=Want(absent=absent))
        if fetched is None:
            self.asked.append(Asked(place=url, wanted=name, answer=Answer.ABSENT))
            return False
        digest = fetched.sha256
        self.found[name] = Found(name=name, path=path, size=fetched.size, sha256=digest)
        self.asked.append(Asked(place=url, wanted=name, answer=Answer.FOUND, sha256=digest))
        return True
