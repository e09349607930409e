"""By which way collect reaches others: from options, and from variables of the kit's own.

The usual proxy variables are not read: whoever sets them for one program rarely means all.
A proxy's credentials are never on the command line, which everybody on a host can see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.errors import UsageError
from kit.sources.route import Route, read_proxy

PROXY = "AIRGAP_KIT_PROXY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says: a proxy, a file of CAs, and hosts that may lead inside."""

    proxy: str | None = None
    ca_file: Path | None = None
    inward: tuple[str, ...] = ()


NONE = Options()


def route(options: Options, environment: Mapping[str, str]) -> Route:
    """Return the way out; raise :class:`UsageError` for what cannot be one."""
    text = options.proxy or environment.get(PROXY)
    proxy = None if not text else read_proxy(text)
    if options.proxy is not None and proxy is not None and proxy.authorization is not None:
        raise UsageError(
            "--proxy: everybody on this host can see a command line",
            code="usage.credentials",
            hint=f"put the URL with its credentials into {PROXY}",
        )
    return Route(proxy=proxy, ca_file=options.ca_file, inward=_hosts(options.inward))


def _hosts(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
