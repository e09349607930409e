"""Which npm registry is asked, and the credential that belongs to it and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from kit.errors import UsageError
from kit.formats.npm_package import NpmPackage
from kit.sources import urls
from kit.sources.place import Place, base

_ATTESTATIONS = "/-/npm/v1/attestations/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry(Place):
    """A registry, and where it has what."""

    @property
    def keys(self) -> str:
        """The URL of the registry's public keys."""
        return f"{self.url}-/npm/v1/keys"

    def packument(self, name: str) -> str:
        """Return the URL of a package's packument: its name is one segment."""
        return f"{self.url}{_segment(name)}"

    def attestations(self, package: NpmPackage, named: str | None) -> str:
        """Return the URL of a version's attestations.

        A packument may name one, which is that of the registry it was first published to;
        only its path counts, at this registry, as npm itself has it.
        """
        path = _path(named)
        if path is None:
            path = f"{_ATTESTATIONS}{_segment(package.name)}@{quote(package.version, safe='')}"
        return f"{self.url.removesuffix('/')}{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registries:
    """Which registry a package comes from: its scope's where it has one, else the usual one."""

    usual: Registry
    by_scope: Mapping[str, Registry] = field(default_factory=dict)

    def of(self, package: NpmPackage) -> Registry:
        """Return the registry of a package."""
        return self.by_scope.get(package.scope or "", self.usual)


def read(text: str, authorization: str | None = None) -> Registry:
    """Read a registry's URL, which carries no credentials; raise :class:`UsageError`."""
    return Registry(url=base(urls.parse(text), "a registry"), authorization=authorization)


def _segment(name: str) -> str:
    """Return a package's name as one segment of a path, its ``@`` as it is."""
    return quote(name, safe="@")


def _path(named: str | None) -> str | None:
    """Return the path of a URL of attestations; ``None`` for anything that is none."""
    if named is None:
        return None
    try:
        path = urls.parse(named).path
    except UsageError:
        return None
    return path if path.startswith(_ATTESTATIONS) else None
