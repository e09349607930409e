"""How registries are reached by this operator: by which host, with whose login, whose tokens.

A registry chooses the ``realm`` that its tokens come from, and who asks there presents a
login (CVE-2026-33540, CVE-2026-48978). So a realm must be on the registry's own origin,
or be known to be the registry's, or be named by the operator. What an anonymous question
could tell another host is little, but a token from there is no better: it is refused too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from kit.errors import UsageError
from kit.formats import docker_config
from kit.formats.docker_config import Login
from kit.formats.oci_reference import DOCKER_HUB, Repository
from kit.sources import urls
from kit.sources.urls import Url

HUB_HOST = "registry-1.docker.io"
#: Registries whose tokens are known to come from another host of theirs.
_TOKEN_HOSTS = {HUB_HOST: "auth.docker.io", "registry.gitlab.com": "gitlab.com"}


def nobody(_registry: str) -> Login | None:
    """Know no login."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How registries are reached.

    ``mirrors`` are ``HOST[:PORT][/PREFIX]`` by the registry that they stand for;
    ``token_hosts`` are the hosts that a registry's tokens may come from besides its own, and
    ``login`` says who this operator is to one. ``plain_http`` are hosts to speak to without TLS.
    """

    plain_http: Collection[str] = ()
    mirrors: Mapping[str, str] = field(default_factory=dict)
    token_hosts: Mapping[str, Collection[str]] = field(default_factory=dict)
    login: Callable[[str], Login | None] = nobody

    def reached(self, repository: Repository) -> Reached:
        """Return where a repository is asked for."""
        named = self.mirrors.get(repository.registry, repository.registry)
        host, _, prefix = named.partition("/")
        path = f"{prefix}/{repository.path}" if prefix else repository.path
        return Reached(registry=host, base=self._base(host), path=path)

    def names_token_host(self, registry: Url, realm: Url) -> bool:
        """Say whether the operator named a host for a registry's tokens."""
        return realm.authority in self.token_hosts.get(registry.authority, ())

    def may_give_tokens(self, registry: Url, realm: Url) -> bool:
        """Say whether a realm may be asked for a registry's tokens, with a login."""
        if realm.origin == registry.origin:
            return True
        known = realm.authority == _TOKEN_HOSTS.get(registry.authority)
        safe = realm.scheme == "https" or realm.is_loopback
        return safe and (known or self.names_token_host(registry, realm))

    def _base(self, host: str) -> Url:
        if host == DOCKER_HUB:
            host = HUB_HOST
        url = urls.parse(f"http://{host}/v2/")
        if url.is_loopback or url.host in self.plain_http:
            return url
        return urls.parse(f"https://{host}/v2/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A repository where it is asked for: ``registry`` is whose login counts there."""

    registry: str
    base: Url
    path: str

    def url(self, *parts: str) -> str:
        """Return the URL of something of the repository."""
        return "/".join((f"{self.base.public}{self.path}", *parts))


def read_pairs(values: Collection[str], option: str) -> dict[str, str]:
    """Read the values ``REGISTRY=OTHER`` of an option; raise :class:`UsageError`."""
    found: dict[str, str] = {}
    for value in values:
        registry, sign, other = value.partition("=")
        if not (registry and sign and other) or registry in found:
            raise UsageError(f"{option} {value}: write HOST=OTHER, once for each HOST")
        for name in (registry, other):
            urls.parse(f"https://{name}/")  # neither may be more, or less, than it looks
        found[docker_config.registry(registry)] = other
    return found
