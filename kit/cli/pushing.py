"""Send what a sealed check passed: the way to the registry, then the pack once more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as changed
from pathlib import Path

from kit import push
from kit.cli import registry_settings, route_settings, terminal
from kit.formats.oci_reference import Repository
from kit.model import Report
from kit.pack.reader import Pack
from kit.push import Destination, Sent
from kit.sources.deadline import Patience
from kit.sources.http import Client

_ANY = Repository(registry="any", path="any")
_PATIENCE = changed(Patience(), read=300.0)  # a registry hashes what it took before it answers


def destination(
    place: str,
    plain_http: tuple[str, ...],
    ca_file: Path | None,
    options: registry_settings.Options,
    environment: Mapping[str, str],
) -> Destination:
    """Return where to send to, with the environment read; raise :class:`UsageError`."""
    route = route_settings.route(route_settings.Options(ca_file=ca_file), environment)
    client = Client(plain_http=frozenset(plain_http), route=route, patience=_PATIENCE)
    access = registry_settings.access(options, plain_http, environment)
    to = Destination(place=place, access=access, client=client, say=terminal.say)
    to.repository(_ANY)  # a place that is none is told of before the check, not after
    return to


def send(path: Path, report: Report, to: Destination, *, unverified: bool, replace: bool) -> Sent:
    """Send the images that passed; the pack is opened again, and must be the one checked."""
    with Pack.open(path) as pack:
        return push.push(pack, report, to, unverified=unverified, replace=replace)
