"""By which way this host reaches others: a proxy, its own CAs, and names that lead inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kit.errors import UsageError
from kit.sources import place
from kit.sources.urls import Url


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy, and the header that it is shown, which goes to nobody else."""

    url: Url
    authorization: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How others are reached; directly, and by the system's CAs, where nothing is said.

    ``ca_file`` has the CAs, in PEM, that TLS is verified by instead of the system's.
    ``inward`` are hosts that a server may redirect to although they lie inside.
    """

    proxy: Proxy | None = None
    ca_file: Path | None = None
    inward: frozenset[str] = frozenset()


DIRECT = Route()


def read_proxy(text: str) -> Proxy:
    """Read a proxy's URL, credentials included; raise :class:`UsageError`, which repeats none."""
    url, authorization = place.parted(text)
    if url.target != "/":
        raise UsageError(f"{url.public}: the URL of a proxy has no path", code="usage.url")
    return Proxy(url=url, authorization=authorization)
