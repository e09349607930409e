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
from kit.sources.deadline import Patience
from kit.sources.http import Client
from kit.sources.tuf import Repository

_SHORT = Patience(retries=1)
# Not `tls`: somebody answered, and cannot show to be the repository. That is this host's lack
# of a CA or somebody in between, and for an operator to tell apart.
_UNANSWERED = frozenset(
    f"machine.{what}"
    for what in (
        "portal", "proxy", "rate-limited", "server", "timeout", "unauthorized", "unreachable"
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The repositories to ask, and why others are not, by instance.

    Those of the instances in ``optional`` need not answer: no operator asked for them.
    """

    repositories: tuple[Repository, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()


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

    An optional one that does not answer is skipped, which ``say`` and the ledger are told.
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
        optional = instance in wanted.optional
        client = Client(
            patience=_SHORT if optional else None,
            plain_http=settings.plain_http,
            route=settings.route,
        )
        try:
            fetched = _fetched(repository, into / instance, client)
        except MachineError as error:
            if not optional or error.code not in _UNANSWERED:
                raise
            say(f"{instance}: its TUF chain is left out ({error}); --trust-update insists on it")
            asked[instance] = (_skipped(instance, f"no answer: {error}"),)
            continue
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
