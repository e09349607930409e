"""Where a fetch may go: the scheme, the address, and what may redirect to what.

A server outside must not be able to make the collecting host ask a place inside. So every
hop is resolved here, once, and the addresses that were vetted are the ones handed on to be
connected to. The first URL is the operator's own word and may name any place; plain HTTP
is for loopback and for hosts the operator named.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from enum import StrEnum

from kit.errors import UsageError
from kit.sources import urls
from kit.sources.failures import failure, passing
from kit.sources.route import DIRECT, Route
from kit.sources.urls import Url

#: Host and port to addresses, as text; raises OSError where there are none.
Resolve = Callable[[str, int], Sequence[str]]

#: The statuses that lead elsewhere.
MOVED = frozenset({301, 302, 303, 307, 308})


class Reach(StrEnum):
    """From where an address can be reached: what a server outside must not make us ask."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    METADATA = "metadata"


_MAY_LEAD = {
    Reach.PUBLIC: {Reach.PUBLIC},
    Reach.PRIVATE: {Reach.PUBLIC, Reach.PRIVATE},
    Reach.LOOPBACK: {Reach.PUBLIC, Reach.PRIVATE, Reach.LOOPBACK},
    Reach.LINK_LOCAL: {Reach.PUBLIC, Reach.LINK_LOCAL},
    Reach.METADATA: {Reach.PUBLIC},
}

# Where clouds hand a machine its credentials; the Azure one is not even a reserved address.
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


def may_lead(origin: Reach, target: Reach) -> bool:
    """Say whether a place may redirect to another: outward or to its own kind, never inward."""
    return target in _MAY_LEAD[origin]


def reach(address: str) -> Reach:
    """Classify an address; an IPv6 form that carries an IPv4 address is classified by that.

    A name, which only a proxy resolves, is taken for a public one.
    """
    try:
        found = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return Reach.PUBLIC
    if found in _METADATA:
        return Reach.METADATA
    if found.is_link_local:
        return Reach.LINK_LOCAL
    # Connecting to 0.0.0.0 or :: reaches this host.
    if found.is_loopback or found.is_unspecified:
        return Reach.LOOPBACK
    if found.is_global and not found.is_multicast and not found.is_reserved:
        return Reach.PUBLIC
    return Reach.PRIVATE


def _unwrapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


class Gate:
    """Decides, for one client, which URLs and addresses may be asked."""

    def __init__(self, plain_http: frozenset[str], resolve: Resolve, route: Route = DIRECT) -> None:
        """Allow plain HTTP to ``plain_http`` besides loopback; resolve names with ``resolve``."""
        self._plain_http = frozenset(host.lower() for host in plain_http)
        self._resolve = resolve
        self._inward = frozenset(host.lower() for host in route.inward)
        self._by_proxy = route.proxy is not None

    def allow(self, url: Url) -> None:
        """Raise :class:`UsageError` where plain HTTP would leave this host."""
        if url.scheme == "https" or url.is_loopback or url.host in self._plain_http:
            return
        raise UsageError(
            f"{url.public}: plain HTTP is for loopback only",
            code="usage.plain-http",
            subject=url.public,
            hint=f"use https, or allow this host with --plain-http {url.host}",
        )

    def follow(self, here: Url, locations: Sequence[str]) -> Url:
        """Return where a redirect with these ``Location`` headers leads, if it may."""
        if len(locations) != 1:
            raise failure("unexpected", here, f"a redirect with {len(locations)} Locations")
        try:
            there = urls.follow(here, locations[0])
            self.allow(there)
        except UsageError as error:
            raise failure("redirect", here, f"redirected to {error.message}") from error
        if here.scheme == "https" and there.scheme == "http":
            raise failure("redirect", here, f"redirected from https to {there.public}")
        return there

    def addresses(self, url: Url, origin: Reach | None) -> Sequence[str]:
        """Return the addresses of a host, all vetted.

        ``origin`` is what the redirecting place is; ``None`` for the operator's own URL. By a
        proxy that is the host's name as it is: the proxy resolves it, and says where it goes.
        """
        try:
            found = self._addresses_of(url)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "the resolver refuses the name"
            raise passing("unreachable", url, f"no address: {why}") from error
        if not found:
            raise passing("unreachable", url, "no address")
        for address in found:
            there = reach(address)
            invited = origin is None or url.host in self._inward
            if not invited and origin is not None and not may_lead(origin, there):
                what = f"a {origin} address redirected to this, a {there} one"
                raise failure("redirect", url, what)
            # What some resolvers make of `localhost`.
            plain = url.scheme == "http" and url.host not in self._plain_http
            if plain and there is not Reach.LOOPBACK:
                raise failure("unreachable", url, f"{url.host} is not a loopback address here")
        return found

    def _addresses_of(self, url: Url) -> Sequence[str]:
        if self._by_proxy and not url.is_loopback:
            return [url.host]
        return self._resolve(url.host, url.port)
