"""URLs as the kit takes them.

One strict reader, so that no two parts of the kit can disagree about which host a text
names: ASCII (RFC 3986), ``http`` or ``https``, a host, no credentials. A query may be a
secret (a signed URL), so :func:`public` is the only form that is ever shown or recorded.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urljoin

from kit.errors import UsageError

_PORTS = {"http": 80, "https": 443}

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)"
    r"(?P<path>/[^?#]*)?(\?(?P<query>[^#]*))?(?P<fragment>#.*)?"
)
# A backslash is a slash to a browser and a letter to RFC 3986: nobody may have to guess.
_PLAIN_TEXT = re.compile(r"[!-\[\]-~]+")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_QUERY = re.compile(r"\?[^\s'\"]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """An absolute http or https URL. ``host`` is in lower case and without brackets."""

    scheme: str
    host: str
    port: int
    path: str
    query: str | None = field(default=None, repr=False)

    @property
    def authority(self) -> str:
        """The host, and the port where it is not the scheme's own: the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def name(self) -> str:
        """The last part of the path, for people."""
        return unquote(self.path.rpartition("/")[2], errors="replace") or self.host

    @property
    def target(self) -> str:
        """Path and query: what the request line asks for."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    @property
    def public(self) -> str:
        """The URL without its query: what may be shown."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def full(self) -> str:
        """The whole URL, its query included; never to be shown."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def origin(self) -> str:
        """Scheme, host and port: whom a credential may belong to (RFC 6454)."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the text itself names this host: ``localhost`` or a loopback address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def public(text: str) -> str:
    """Return a URL without credentials, query and fragment, for messages and the ledger.

    A text whose host cannot be told is not shown at all: its credentials could not either.
    """
    match = _URL.fullmatch(text)
    authority = match["authority"].rpartition("@")[2] if match else ""
    if match is None or not _AUTHORITY.fullmatch(authority):
        return "(a URL that cannot be read)"
    return f"{match['scheme']}://{authority}{match['path'] or ''}"


def parse(text: str) -> Url:
    """Read a URL that the operator wrote; raise :class:`UsageError` for any other text."""
    match = _URL.fullmatch(text) if _PLAIN_TEXT.fullmatch(text) else None
    if match is None:
        raise _refused(text, "not an absolute URL in ASCII", "write other characters as %XX")
    if match["fragment"]:
        raise _refused(text, "a fragment (#…) is never sent", "leave it out")
    scheme = match["scheme"].lower()
    if scheme not in _PORTS:
        raise _refused(text, f"{scheme}: is not fetched", "https:// is", code="usage.scheme")
    if "@" in match["authority"]:
        raise _refused(
            text, "it carries credentials", "the kit sends none", code="usage.credentials"
        )
    authority = _AUTHORITY.fullmatch(match["authority"])
    host = _host(authority["host"].lower()) if authority else None
    port = int(authority["port"] or _PORTS[scheme]) if authority else 0
    if host is None or not 0 < port < 65536:
        raise _refused(text, "it names no host, or no port", "write https://HOST/PATH")
    path = match["path"] or "/"
    return Url(scheme=scheme, host=host, port=port, path=path, query=match["query"])


def follow(base: Url, location: str) -> Url:
    """Return where a ``Location`` header leads; raise :class:`UsageError` if it cannot be read.

    Relative ones are allowed (RFC 9110 §10.2.2); a fragment is the reader's, not the server's.
    """
    if not _PLAIN_TEXT.fullmatch(location):
        raise UsageError("a Location that is empty or not ASCII", code="usage.url")
    return parse(urljoin(base.full, location.partition("#")[0]))


def _refused(text: str, why: str, hint: str, *, code: str = "usage.url") -> UsageError:
    shown = public(text)
    return UsageError(f"{shown}: {why}", code=code, subject=shown, hint=hint)


def _host(text: str) -> str | None:
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError:
            return None
    labels = text.split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if labels[-1].isdecimal() or labels[-1].startswith("0x"):
        # 127.1, 0x7f000001 and 2130706433 are addresses to some resolvers, names to others.
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            return None
    return text


class QueryFilter(logging.Filter):
    """Takes queries out of what a library logs about its requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, without what follows a question mark."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                _QUERY.sub("?…", value) if isinstance(value, str) else value
                for value in record.args
            )
        return True
