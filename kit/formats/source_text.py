"""The text of a ``source``: where a line's files come from, and which files those are.

The text is the line's identity on both sides of the gap, so everything the checking host
concludes from it must follow from the text alone: it has no folder to look into.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import InvalidVersion, Version

from kit.errors import MalformedError
from kit.formats import distribution, npm_package, oci_reference
from kit.formats.manifest import can_name
from kit.formats.npm_package import NpmPackage
from kit.formats.oci_reference import Reference

#: Sources whose artifact is an image's manifest or index in the pack's ``oci/``.
OF_IMAGES = ("oci", "helm")
# PEP 508's names; and a version in one spelling of PEP 440 or another, without a wildcard.
_PYPI = re.compile(
    r"(?P<name>[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]{0,126}[A-Za-z0-9])=="
    r"(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]{0,127})"
)
# As GitHub allows them; a user of an enterprise may have an underscore.
_GITHUB = re.compile(
    r"(?:(?P<host>[^/@]+)/)?(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]{0,63})"
    r"/(?P<name>[A-Za-z0-9._-]{1,100})(?:@(?P<tag>.+))?"
)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]+(?::[1-9][0-9]{0,4})?")
# What git-check-ref-format(1) forbids in the name of a tag.
_NO_TAG = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^[-/]|/$|//|(?:^|/)\.|\.(?:lock)?(?:/|$)|^@$"
)
_MAX_TAG = 200
# Absolute here, or on Windows, or for a shell.
_NOT_RELATIVE = re.compile(r"^[/~]|^[A-Za-z]:|\\")
# A suffix that begins with a letter: `tool.whl`, `tool.tar.gz`; not `tool-1.8.0`.
_FILE_SUFFIX = re.compile(r".+\.[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One version of a Python project: its normalised name (PEP 503) and version (PEP 440)."""

    project: str
    version: str

    def holds(self, name: str) -> bool:
        """Say whether a file name is that of a wheel or sdist of this very version."""
        named = distribution.parse_published(name)
        if named is None:
            return False
        return (named.project, canonicalize_version(named.version)) == (self.project, self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository on GitHub, or on another ``host`` that speaks as GitHub does.

    ``tag`` is that of one release; ``None`` where it is only a place to look for evidence.
    """

    host: str | None
    owner: str
    name: str
    tag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A parsed source.

    ``location`` is the path relative to the release file (``file``), the URL (``https``), or
    what follows the scheme. ``file_name`` is the one file it names; ``None`` where it may
    bring several. ``package`` is whose files they must be (``pypi``, ``npm``), ``repository``
    where they were released (``github``), ``image`` which image or chart it is (``oci``,
    ``helm``).
    """

    text: str
    scheme: str
    location: str
    file_name: str | None
    package: Package | NpmPackage | None = None
    repository: Repository | None = None
    image: Reference | None = None

    @property
    def is_folder(self) -> bool:
        """Whether the source may bring several files."""
        return self.file_name is None


def parse_source(text: str, path: str) -> Source:
    """Read a source; ``path`` is the key's, for messages. Raises :class:`MalformedError`."""
    if not text.isprintable():
        raise MalformedError(f"{path}: has characters that cannot be shown")
    scheme, colon, rest = text.partition(":")
    if colon and scheme == "file":
        return _file(text, rest, path)
    if colon and scheme in ("https", "http"):
        return _url(text, path)
    if colon and scheme == "pypi":
        return _pypi(text, rest, path)
    if colon and scheme == "npm":
        return _npm(text, rest, path)
    if colon and scheme == "github":
        return _github(text, rest, path)
    if colon and scheme in OF_IMAGES:
        return _image(text, scheme, rest, path)
    raise MalformedError(
        f"{path}: {text!r} is no source; write file:PATH, https://…, pypi:NAME==VERSION, "
        "npm:NAME@VERSION, github:OWNER/REPO@TAG, oci:REPOSITORY@sha256:HEX or oci:REPOSITORY:TAG"
    )


def _file(text: str, location: str, path: str) -> Source:
    if not location or _NOT_RELATIVE.search(location):
        raise MalformedError(f"{path}: {text!r} is not a path relative to the release file")
    last = location.rstrip("/").rpartition("/")[2]
    folder = location.endswith("/") or last in ("", ".", "..") or not _FILE_SUFFIX.fullmatch(last)
    return Source(text=text, scheme="file", location=location, file_name=None if folder else last)


def _pypi(text: str, location: str, path: str) -> Source:
    match = _PYPI.fullmatch(location)
    try:
        version = Version(match["version"]) if match else None
    except InvalidVersion:
        version = None
    if match is None or version is None:
        raise MalformedError(f"{path}: {text!r} is not pypi:NAME==VERSION, with a whole version")
    package = Package(
        project=canonicalize_name(match["name"]),
        version=canonicalize_version(version),  # 1.0 and 1.0.0 are one version
    )
    return Source(text=text, scheme="pypi", location=location, file_name=None, package=package)


def _npm(text: str, location: str, path: str) -> Source:
    try:
        package = npm_package.parse(location)
    except MalformedError as error:
        raise MalformedError(
            f"{path}: {text!r} is not npm:NAME@VERSION, with a whole version: {error}"
        ) from error
    if not can_name(package.tarball):
        raise MalformedError(f"{path}: the tarball of {text!r} would have too long a name")
    return Source(
        text=text, scheme="npm", location=location, file_name=package.tarball, package=package
    )


def _github(text: str, location: str, path: str) -> Source:
    match = _GITHUB.fullmatch(location)
    if match is None or match["name"] in (".", ".."):
        raise MalformedError(f"{path}: {text!r} is not github:[HOST/]OWNER/REPO@TAG")
    host, tag = match["host"], match["tag"]
    if host is not None and not _is_host(host):
        raise MalformedError(f"{path}: {host!r} is no host in lower case, with or without a port")
    if host in ("github.com", "www.github.com", "api.github.com"):
        # One place, one text: the text is the line's identity.
        raise MalformedError(f"{path}: write it without the host: github:OWNER/REPO@TAG")
    if tag is not None and (len(tag) > _MAX_TAG or _NO_TAG.search(tag)):
        raise MalformedError(f"{path}: {tag[:80]!r} is no tag of Git")
    repository = Repository(host=host, owner=match["owner"], name=match["name"], tag=tag)
    return Source(
        text=text, scheme="github", location=location, file_name=None, repository=repository
    )


def _image(text: str, scheme: str, location: str, path: str) -> Source:
    """Read an image's or chart's reference; its name in the pack follows from the text alone.

    Without tag and digest it is only a place to look for evidence.
    """
    try:
        image = oci_reference.parse(location)
    except MalformedError as error:
        raise MalformedError(f"{path}: {error}") from error
    return Source(text=text, scheme=scheme, location=location, file_name=image.name, image=image)


def _is_host(text: str) -> bool:
    port = text.partition(":")[2]
    return _HOST.fullmatch(text) is not None and (not port or int(port) < 65536)


def _url(text: str, path: str) -> Source:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise MalformedError(f"{path}: {text!r} is no URL: {error}") from error
    if not parts.hostname or port == 0:
        raise MalformedError(f"{path}: {text!r} names no host")
    if parts.username is not None or parts.password is not None:
        raise MalformedError(f"{path}: a URL in a release file carries no credentials")
    if parts.query or parts.fragment:
        # It would travel in the pack, and what stands there is often a credential.
        raise MalformedError(f"{path}: a URL in a release file has no query and no fragment")
    name = unquote(parts.path.rpartition("/")[2], errors="replace")
    if not can_name(name):
        raise MalformedError(f"{path}: the URL's last segment {name!r} is no file name")
    return Source(text=text, scheme="https", location=text, file_name=name)
