"""Which TUF repositories a collect asks, as options and this host's anchors have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.cli import environment
from kit.collect import Wanted
from kit.errors import UsageError
from kit.formats.release_file import ReleaseFile
from kit.sources import tuf
from kit.sources.tuf import Repository
from kit.trust import tuf_anchor
from kit.trust.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says: ``NAME=URL`` pairs, and whether to ask (``None``: as fits)."""

    trust_roots: Path | None = None
    repositories: tuple[str, ...] = ()
    update: bool | None = None


NONE = Options()


def wanted(release: ReleaseFile, options: Options) -> Wanted:
    """Return what to ask for the chains of the instances that a release file names.

    Without ``update`` nothing is asked for a release of ``file:`` sources alone, which can be
    collected without a network, and a repository that only this host's anchors name need not
    answer. Raises :class:`UsageError` for an option that names no
    instance, :class:`AnchorError` for an anchor that cannot be read.
    """
    given = _given(release, options.repositories)
    sources = [source for line in release.lines for source in (line.source, *line.evidence)]
    online = any(source.scheme != "file" for source in sources)
    places = environment.anchor_places(options.trust_roots)
    repositories: list[Repository] = []
    skipped: dict[str, str] = {}
    optional: set[str] = set()
    for instance in release.instances:
        if options.update is False:
            skipped[instance] = "--no-trust-update"
        elif not (online or options.update or instance in given):
            skipped[instance] = "all sources are local: nothing is asked unless --trust-update"
        else:
            found = _repository(instance, given.get(instance), places)
            if isinstance(found, Repository):
                repositories.append(found)
                if not (options.update or instance in given):
                    optional.add(instance)
            else:
                skipped[instance] = found
    return Wanted(repositories=tuple(repositories), skipped=skipped, optional=frozenset(optional))


def _given(release: ReleaseFile, values: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for value in values:
        name, equals, url = value.partition("=")
        if not equals:
            raise UsageError(f"--tuf-repository {value}: write NAME=URL")
        if name not in release.instances:
            raise UsageError(
                f"--tuf-repository {name}=…: no signer of the policy has trusted-root {name!r} "
                f"(it names {', '.join(release.instances) or 'none'})"
            )
        if name in given:
            raise UsageError(f"--tuf-repository names {name!r} twice")
        given[name] = tuf.base(url)
    return given


def _repository(instance: str, url: str | None, places: Sequence[Place]) -> Repository | str:
    """Return the repository of an instance, or why there is none to ask."""
    folder = tuf_anchor.folder(instance, places)
    if folder is None:
        return "this host has no anchor for it"
    pinned, record = tuf_anchor.pinned_root(folder, instance), tuf_anchor.record(folder, instance)
    if pinned is None:
        return "this host pins no TUF root (root.json) for it"
    url = url or record.repository
    if url is None:
        return "no TUF repository is known for it; --tuf-repository NAME=URL names one"
    return Repository(instance=instance, url=url, pinned=pinned.raw, target=record.target)
