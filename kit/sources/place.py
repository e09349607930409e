"""A server that packages are asked of, and the credential that is for it and nobody else."""

from __future__ import annotations

from dataclasses import dataclass, field

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


def base(url: Url, what: str) -> str:
    """Return the URL of ``what``, ending in a slash; raise :class:`UsageError` for a query."""
    if url.query is not None:
        raise UsageError(f"{url.public}: the URL of {what} has no query", code="usage.url")
    return url.public if url.path.endswith("/") else f"{url.public}/"
