"""Which TUF chains a pack carries: one for each instance whose repository is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kit.collect.asking import Settings
from kit.errors import AnchorError, MachineError
from kit.model import Answer, Asked, Found
from kit.pack import carried
from kit.sources import tuf
from kit.sources.http import Client
from kit.sources.tuf import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The repositories to ask, and why others are not, by instance."""

    repositories: tuple[Repository, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chains:
    """What came of it: files by the path of their member, and what was asked by instance."""

    members: Mapping[str, Found] = field(default_factory=dict)
    asked: Mapping[str, Sequence[Asked]] = field(default_factory=dict)


def planned(wanted: Wanted) -> Iterator[str]:
    """Yield what :func:`gather` would ask for, a line each; asks nothing."""
    for repository in wanted.repositories:
        yield f"the TUF chain of {repository.instance}"
        yield f"  would ask: {tuf.base(repository.url)}"
    for instance, why in wanted.skipped.items():
        yield f"the TUF chain of {instance}"
        yield f"  skipped: {why}"


def gather(wanted: Wanted, into: Path, settings: Settings, say: Callable[[str], None]) -> Chains:
    """Fetch every chain that is wanted into folders of their own below ``into``.

    Raises :class:`AnchorError` for one that does not verify from the root that this host pins,
    :class:`MachineError` for a repository that could not be asked.
    """
    members: dict[str, Found] = {}
    asked: dict[str, Sequence[Asked]] = {
        instance: (_skipped(instance, why),) for instance, why in wanted.skipped.items()
    }
    for repository in wanted.repositories:
        instance = repository.instance
        say(f"{instance}: gathering its TUF chain")
        client = Client(plain_http=settings.plain_http, route=settings.route)
        fetched = _fetched(repository, into / instance, client)
        asked[instance] = fetched.asked
        members |= {carried.member(instance, found.name): found for found in fetched.files}
    return Chains(members=members, asked=asked)


def _fetched(repository: Repository, into: Path, client: Client) -> tuf.Fetched:
    try:
        return tuf.gather(repository, into, client)
    except (AnchorError, MachineError) as error:
        error.hint = (
            f"{error.hint or 'is it the right repository?'}; --no-trust-update collects without "
            "the TUF chain, so that the checking host learns nothing new about its anchors"
        )
        raise


def _skipped(instance: str, why: str) -> Asked:
    return Asked(place=f"tuf:{instance}", wanted="the TUF chain", answer=Answer.SKIPPED, note=why)
