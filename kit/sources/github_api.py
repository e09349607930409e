"""GitHub's REST API: where it is, which token goes there, and nowhere else.

The token belongs to the API's origin. Files and stored bundles lie on other hosts; what
leads there is a redirect, which loses the token, or a URL in an answer, which is fetched
by a client that never had it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

from kit.errors import MachineError, MalformedError, UsageError
from kit.formats import github_answers
from kit.formats.source_text import Repository
from kit.sources import links, urls
from kit.sources.downloads import Download, Downloads
from kit.sources.failures import failure
from kit.sources.http import Client, Fetched, Want

PUBLIC_API = "https://api.github.com"
_TENANTS = ".ghe.com"
_SECONDS = 300.0
_MAX_PAGES = 100
_VERSION = (("X-GitHub-Api-Version", "2022-11-28"),)
_JSON = "application/vnd.github+json"
_OCTETS = "application/octet-stream"

Value = TypeVar("Value")

_HINTS = {
    "machine.rate-limited": (
        "a token (GH_TOKEN, or --github-token-file) is allowed many more requests",
        "try again then; what is already fetched is kept",
    ),
    "machine.unauthorized": (
        "a token may be needed here: GH_TOKEN, or --github-token-file",
        "the token may be wrong, expired, or without the right to read contents and attestations",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Which API is GitHub's own, and the tokens of this operator.

    ``token`` is for that API and for tenants of ``ghe.com``, ``enterprise_token`` for any
    other host that a source names.
    """

    api: str = PUBLIC_API
    token: str | None = field(default=None, repr=False)
    enterprise_token: str | None = field(default=None, repr=False)
    plain_http: Collection[str] = ()

    def base(self, repository: Repository) -> str:
        """Return the URL under which a repository's host has its API, without a final slash."""
        host = repository.host
        if host is None:
            return self.api
        if host.endswith(_TENANTS):
            return f"https://api.{host}"
        named = urls.parse(f"http://{host}/")
        plain = named.is_loopback or named.host in self.plain_http
        return f"{'http' if plain else 'https'}://{host}/api/v3"

    def credentials(self, repository: Repository) -> dict[str, str]:
        """Return the ``Authorization`` header by the one origin it is for."""
        ours = repository.host is None or repository.host.endswith(_TENANTS)
        token = self.token if ours else self.enterprise_token
        url = urls.parse(self.base(repository))
        # Plain HTTP to another host would show it to everybody on the way.
        if token is None or not (url.scheme == "https" or url.is_loopback):
            return {}
        return {url.origin: f"Bearer {token}"}


def read_api(text: str) -> str:
    """Read the URL of an API; raise :class:`UsageError` for what cannot be one."""
    url = urls.parse(text)
    if url.query is not None:
        raise UsageError(f"{url.public}: the URL of an API has no query", code="usage.url")
    return url.public.rstrip("/")


class Api:
    """One repository's place in an API; threads may share it."""

    def __init__(
        self,
        repository: Repository,
        access: Access,
        plain: Downloads,
        asking: dict[str, Downloads],
    ) -> None:
        """Ask with the token for this API; ``plain`` fetches what is not the API's and has none.

        ``asking`` has what asks with a token, by the API's origin: two that write into one
        folder would not know of each other.
        """
        credentials = access.credentials(repository)
        self.authorized = bool(credentials)
        self._base = access.base(repository)
        self._root = f"{self._base}/repos/{repository.owner}/{repository.name}"
        self._plain = plain
        self._asking = plain
        for origin in credentials:
            ours = _authorized(plain, access, credentials)
            self._asking = asking.setdefault(origin, ours)

    def url(self, *parts: str) -> str:
        """Return the URL of something of the repository; every part is quoted."""
        return "/".join((self._root, *(quote(part, safe=":") for part in parts)))

    def keep(self, raw: bytes) -> Download:
        """Keep a part of an answer as a file of its own."""
        return self._plain.keep(raw)

    def read(self, url: str, reader: Callable[[bytes], Value]) -> Value | None:
        """Ask for a document and read it; ``None`` if it is clearly not there."""
        for _, value in self.pages(url, reader):
            return value
        return None

    def pages(self, url: str, reader: Callable[[bytes], Value]) -> Iterator[tuple[Fetched, Value]]:
        """Ask for a document and all that follow it; nothing where the first is not there.

        Always anew: what is listed may have changed since.
        """
        following: str | None = url
        seen: set[str] = set()
        while following is not None:
            if following in seen or len(seen) == _MAX_PAGES:
                what = f"its pages do not end, or are more than {_MAX_PAGES}"
                raise failure("too-large", urls.parse(url), what)
            seen.add(following)
            found = self._document(following, reader)
            if found is None:
                if len(seen) > 1:
                    raise failure("unexpected", urls.parse(following), "a page is not there")
                return
            yield found
            following = links.next_page(urls.parse(following), found[0])

    def _document(self, url: str, reader: Callable[[bytes], Value]) -> tuple[Fetched, Value] | None:
        want = Want(accept=_JSON, headers=_VERSION)
        limit = github_answers.MAX_ATTESTATION_PAGE
        try:
            found = self._read(self._asking, url, limit, want)
            return None if found is None else (found[0], reader(found[1]))
        except MalformedError as error:
            what = f"no answer of GitHub's API: {error}"
            raise failure("unexpected", urls.parse(url), what) from error

    def asset(self, asset: github_answers.Asset, named_by: Fetched) -> Download:
        """Fetch an asset, or take what an earlier run fetched whole.

        With a token by its number in the API, which private repositories demand; without
        one where browsers have it, which no rate limit counts.
        """
        if self.authorized:
            url = self.url("releases", "assets", f"{asset.number}")
            want = Want(
                accept=_OCTETS,
                headers=_VERSION,
                size=asset.size,
                sha256=asset.sha256,
                name=asset.name,
            )
        else:
            url = links.resolved(named_by, asset.url, "the answer").full
            want = Want(size=asset.size, sha256=asset.sha256, named_by=named_by)
        try:
            got = self._asking.fetch(url, limit=asset.size, want=want)
        except MachineError as error:
            raise self._advised(error) from error
        if got is None:
            what = f"{asset.name} is listed, and is not there"
            raise failure("unexpected", urls.parse(url), what)
        return got

    def stored(self, url: str, named_by: Fetched, limit: int) -> bytes:
        """Fetch what an answer says is stored elsewhere, with nothing of the operator's."""
        resolved = links.resolved(named_by, url, "the answer").full
        found = self._read(self._plain, resolved, limit, Want(named_by=named_by))
        if found is None:
            raise failure("unexpected", urls.parse(resolved), "it is listed, and is not there")
        return found[1]

    def _read(
        self, asking: Downloads, url: str, limit: int, want: Want
    ) -> tuple[Fetched, bytes] | None:
        try:
            return asking.read(url, limit=limit, within=_SECONDS, want=want)
        except MachineError as error:
            raise self._advised(error) from error

    def _advised(self, error: MachineError) -> MachineError:
        """Say what to do about it here."""
        hints = _HINTS.get(error.code)
        if hints is not None:
            error.hint = hints[1] if self.authorized else hints[0]
        return error


def _authorized(plain: Downloads, access: Access, credentials: Mapping[str, str]) -> Downloads:
    """Return what asks with the token, and shares everything else with who does not."""
    client = Client(
        plain_http=frozenset(access.plain_http),
        credentials=credentials,
        route=plain.client.route,
        traffic=plain.client.traffic,
    )
    return Downloads(plain.folder, client, whose=" ".join(credentials))
