"""A server that packages are asked of, and the credential that is for it and nobody else."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote

from kit.errors import UsageError
from kit.sources import urls
from kit.sources.urls import Url


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server's URL, ending in a slash, and its ``Authorization`` header if it needs one."""

    url: str
    authorization: str | None = field(default=None, repr=False)

    @property
    def credentials(self) -> dict[str, str]:
        """The header by the origin it is for."""
        if self.authorization is None:
            return {}
        return {urls.parse(self.url).origin: self.authorization}


def parted(text: str) -> tuple[Url, str | None]:
    """Return a URL that may have credentials in it, and the header that they are.

    Raises :class:`UsageError`, which never repeats them.
    """
    scheme, separator, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    userinfo, at, host = authority.rpartition("@")
    url = urls.parse(f"{scheme}{separator}{host}{slash}{path}")
    return url, basic(userinfo) if at else None


def basic(userinfo: str) -> str:
    """Return the header for ``USER:PASSWORD``, each with %XX for other characters (RFC 7617)."""
    user, _, password = userinfo.partition(":")
    pair = f"{unquote(user)}:{unquote(password)}"
    return f"Basic {b64encode(pair.encode()).decode('ascii')}"


def base(url: Url, what: str) -> str:
    """Return the URL of ``what``, ending in a slash; raise :class:`UsageError` for a query."""
    if url.query is not None:
        raise UsageError(f"{url.public}: the URL of {what} has no query", code="usage.url")
    return url.public if url.path.endswith("/") else f"{url.public}/"
