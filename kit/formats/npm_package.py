"""A version of an npm package: its name, and the ways in which it is written.

``name@version`` is how npm and its signatures write it, a package URL (purl) how
attestations do, and ``npm pack`` gives the tarball its name. Names are as npm lets them be
today, in lower or upper case, since it had both; versions are semver 2.0.0, exactly, and
without the build metadata that npm takes off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.errors import MalformedError

MAX_NAME = 214  # npm's own limit, scope and slash included
MAX_VERSION = 128

_PART = r"[A-Za-z0-9~-][A-Za-z0-9._~-]*"
_NAME = re.compile(rf"(?:@(?P<scope>{_PART})/)?(?P<base>{_PART})")
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRE}(?:\.{_PRE})*)?")
_RESERVED = frozenset({"node_modules", "favicon.ico"})
_PURL = "pkg:npm/"


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmPackage:
    """One version of a package; ``name`` has its scope: ``@scope/name``."""

    name: str
    version: str

    @property
    def scope(self) -> str | None:
        """The scope with its ``@``, if there is one."""
        return self.name.partition("/")[0] if self.name.startswith("@") else None

    @property
    def tarball(self) -> str:
        """The file that ``npm pack`` writes: a scope becomes a part of the name.

        Two packages can share it (``@a/b-c`` and ``@a-b/c``): it proves no name.
        """
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"

    @property
    def purl(self) -> str:
        """The package URL, as npm's attestations write it."""
        return f"{_PURL}{self.name.replace('@', '%40')}@{self.version}"

    def holds(self, name: str) -> bool:
        """Say whether a file name is that of this very version."""
        return name == self.tarball

    def __str__(self) -> str:
        """Write it as npm does, and as its registry signs it."""
        return f"{self.name}@{self.version}"


def parse(text: str) -> NpmPackage:
    """Read ``NAME@VERSION`` or ``@scope/NAME@VERSION``; raise :class:`MalformedError`."""
    name, at, version = text.rpartition("@")
    if not at:
        raise MalformedError(f"{text[:80]!r} is not NAME@VERSION")
    return of(name, version)


def of(name: str, version: str) -> NpmPackage:
    """Return the package of this name and version; raise :class:`MalformedError`."""
    match = _NAME.fullmatch(name) if len(name) <= MAX_NAME else None
    if match is None or match["base"].lower() in _RESERVED:
        raise MalformedError(f"{name[:80]!r} is no name of an npm package")
    if len(version) > MAX_VERSION or not _VERSION.fullmatch(version):
        raise MalformedError(f"{version[:80]!r} is no whole version of npm (semver)")
    return NpmPackage(name=name, version=version)


def parse_purl(text: str) -> NpmPackage | None:
    """Return what a package URL names; ``None`` for any other text, or another spelling."""
    if not text.startswith(_PURL):
        return None
    try:
        package = parse(text.removeprefix(_PURL).replace("%40", "@", 1))
    except MalformedError:
        return None
    return package if package.purl == text else None
