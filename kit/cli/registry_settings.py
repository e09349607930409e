"""How registries are reached, and who this operator is to them: options, and Docker's settings.

As Docker documents it: ``$DOCKER_CONFIG/config.json``, else ``~/.docker/config.json``. It is
read only where a registry asks for a login; without one everybody is anonymous.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kit.errors import MalformedError, UsageError
from kit.formats import docker_config
from kit.formats.docker_config import DockerConfig, Login
from kit.sources import docker_logins, registry_access
from kit.sources.docker_logins import DockerLogins
from kit.sources.registry_access import Access

VARIABLE = "DOCKER_CONFIG"
_FILE = "config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says: ``REGISTRY=OTHER`` each."""

    mirrors: Collection[str] = ()
    token_hosts: Collection[str] = ()


NONE = Options()


def access(options: Options, plain_http: Collection[str], environment: Mapping[str, str]) -> Access:
    """Return how registries are reached; raise :class:`UsageError`."""
    pairs = registry_access.read_pairs(options.token_hosts, "--token-host")
    return Access(
        plain_http=frozenset(plain_http),
        mirrors=registry_access.read_pairs(options.mirrors, "--mirror"),
        token_hosts={registry: frozenset({host}) for registry, host in pairs.items()},
        login=_logins(environment),
    )


def _logins(environment: Mapping[str, str]) -> Callable[[str], Login | None]:
    @cache
    def logins() -> DockerLogins:
        search = environment.get("PATH", os.defpath)
        return DockerLogins(_config(environment), docker_logins.folders(search, Path.cwd()))

    def login(registry: str) -> Login | None:
        return logins()(registry)

    return login


def _config(environment: Mapping[str, str]) -> DockerConfig:
    named = environment.get(VARIABLE)
    path = (Path(named) if named else Path.home() / ".docker") / _FILE
    try:
        with path.open("rb") as file:
            raw = file.read(docker_config.MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return DockerConfig()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", subject=str(path)) from error
    try:
        return docker_config.parse(raw)
    except MalformedError as error:
        raise UsageError(
            f"{path}: Docker's settings cannot be read: {error.message}", subject=str(path)
        ) from error
