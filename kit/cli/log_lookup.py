"""Which transparency logs a collect may ask: those of the release's signers, as anchors say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kit.cli import environment
from kit.collect import Request
from kit.collect.completing import Lookup
from kit.errors import AnchorError
from kit.formats.release_file import ReleaseFile
from kit.sources.rekor import Log
from kit.trust import anchors
from kit.trust.anchors import Anchor

_SWITCHED_OFF = "not asked: --no-log-lookup"
_OFFLINE = "not asked: file: sources alone need no network; --log-lookup asks"
_V2 = "ED25519"


def asking(
    request: Request,
    trust_roots: Path | None,
    trusted_root: Sequence[str],
    *,
    wanted: bool | None,
) -> Request:
    """Return a request that says which logs to ask.

    ``wanted`` is the operator's word; without it, logs are asked where the release file has
    other sources than files. Without a usable anchor there is no log to ask, and the
    rehearsal will say so.
    """
    lookup = _lookup(request.release, trust_roots, trusted_root, wanted=wanted)
    return replace(request, settings=replace(request.settings, lookup=lookup))


def _lookup(
    release: ReleaseFile,
    trust_roots: Path | None,
    trusted_root: Sequence[str],
    *,
    wanted: bool | None,
) -> Lookup:
    by_key = any(signer.key is not None for signer in release.used_signers)
    if wanted is False:
        return Lookup(by_key=by_key, off=_SWITCHED_OFF)
    if wanted is None and not _asks_a_network(release):
        return Lookup(by_key=by_key, off=_OFFLINE)
    try:
        places = environment.anchor_places(trust_roots)
        found = anchors.find(release.instances, places, trusted_root, release.keys)
    except AnchorError:
        found = {}
    return Lookup(logs=tuple(_logs(found)), by_key=by_key, off=None)


def _asks_a_network(release: ReleaseFile) -> bool:
    sources = [source for line in release.lines for source in (line.source, *line.evidence)]
    return any(source.scheme != "file" for source in sources)


def _logs(found: Mapping[str, Anchor]) -> Iterator[Log]:
    """Yield the logs that can be a Rekor v1, each address once, the newest first."""
    listed = [log for anchor in found.values() for log in anchor.root.tlogs]
    seen: set[tuple[str, bytes]] = set()
    for log in sorted(listed, key=lambda it: it.window.start, reverse=True):
        key = (log.base_url, log.log_id)
        if key not in seen and not log.by_name and _V2 not in log.key_details and log.host:
            seen.add(key)
            yield Log(base_url=log.base_url, log_id=log.log_id)
