"""Names of images: repository, tag and digest (OCI distribution specification, "Pull").

A reference here always says what it means: a registry is implied only for Docker Hub, as
every tool implies it, and no tag is. Two texts for one repository (``alpine``,
``docker.io/library/alpine``, ``index.docker.io/library/alpine``) read to the same value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.errors import MalformedError
from kit.formats import encodings
from kit.model import Digest

#: How Docker Hub is written in references; ``index.docker.io`` in cosign's.
DOCKER_HUB = "docker.io"
#: Characters of registry and path together (distribution specification).
MAX_REPOSITORY = 255

_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?::[1-9][0-9]{0,4})?"
)
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository: ``registry`` is ``HOST[:PORT]``, Docker Hub's always ``docker.io``."""

    registry: str
    path: str

    def __str__(self) -> str:
        """Write it in full, ``docker.io/library/alpine``."""
        return f"{self.registry}/{self.path}"

    @property
    def last(self) -> str:
        """The last part of the path: what people call the image."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A repository, and at most one of a tag and a digest (SHA-256) in it."""

    repository: Repository
    tag: str | None = None
    digest: Digest | None = None

    @property
    def name(self) -> str | None:
        """What the image is called in packs and reports; ``None`` for a bare repository."""
        if self.digest is not None:
            return f"{self.repository.last}@{self.digest}"
        return None if self.tag is None else f"{self.repository.last}:{self.tag}"


def parse(text: str) -> Reference:
    """Read ``REPOSITORY``, ``REPOSITORY:TAG`` or ``REPOSITORY@sha256:HEX``.

    Raises :class:`MalformedError`, also for a tag and a digest together: the digest would
    decide and the tag would mislead.
    """
    rest, at, given = text.partition("@")
    digest = parse_digest(given) if at else None
    # A colon before the last slash is the registry's port.
    head, slash, last = rest.rpartition("/")
    name, colon, tag = last.partition(":")
    if colon and digest is not None:
        raise MalformedError(f"{text[:300]!r} has a tag and a digest; write one of the two")
    if colon and not is_tag(tag):
        raise MalformedError(f"{tag[:140]!r} is no tag")
    repository = parse_repository(f"{head}{slash}{name}")
    return Reference(repository=repository, tag=tag if colon else None, digest=digest)


def parse_repository(text: str) -> Repository:
    """Read a repository's name as Docker and cosign write it; raise :class:`MalformedError`."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, path = first, rest
    else:
        registry, path = DOCKER_HUB, text
    if registry in _HUB_NAMES:
        registry, path = DOCKER_HUB, path if "/" in path else f"library/{path}"
    if len(text) > MAX_REPOSITORY or not _is_registry(registry):
        raise MalformedError(f"{text[:300]!r} names no registry in lower case, or is too long")
    if not all(map(_PATH.fullmatch, path.split("/"))):
        raise MalformedError(f"{text[:300]!r} is no repository's name")
    return Repository(registry=registry, path=path)


def parse_digest(text: str) -> Digest:
    """Read ``sha256:HEX``; raise :class:`MalformedError` naming any other algorithm."""
    algorithm, colon, _ = text.partition(":")
    if colon and algorithm != "sha256":
        raise MalformedError(f"a digest of {algorithm[:40]!r}; only sha256 is read in images")
    return encodings.parse_digest(text)


def is_tag(text: str) -> bool:
    """Say whether a text can be a tag."""
    return _TAG.fullmatch(text) is not None


def referrers_tag(digest: Digest) -> str:
    """Return the tag whose index lists referrers where the API is not offered."""
    return f"{digest.algorithm}-{digest.hex}"


def cosign_tag(digest: Digest, suffix: str) -> str:
    """Return cosign's tag for what it attached: ``suffix`` is ``sig``, ``att`` or ``sbom``."""
    return f"{referrers_tag(digest)}.{suffix}"


def _is_registry(text: str) -> bool:
    port = text.partition(":")[2]
    return _HOST.fullmatch(text) is not None and (not port or int(port) < 65536)
