"""npm: packuments, keys and attestations on one origin, as its registry answers.

A package's name is one segment of the path, with its slash as ``%2F`` in either case. The
packument is whole or abbreviated by what is asked for, tarballs have their own paths, and
attestations and keys are under ``/-/npm/v1/``. What is not there is 404, with an error in
JSON. ``cdn`` puts the tarballs on another origin, as some private registries do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote

from tests.lab import npm
from tests.lab.hostile_http import Request
from tests.lab.npm import RegistryKey
from tests.lab.places.publication import Publication
from tests.lab.places.server import Place, Reply

FULL, ABBREVIATED = "application/json", "application/vnd.npm.install-v1+json"


class Npm:
    """A registry of some releases, running while it is entered.

    Each release is of one file, the tarball, which has its registry signature by ``keys``
    and the release's bundles for its attestations. ``edit`` changes a packument before it is
    sent, ``attestations`` has documents by ``name@version`` that are served in place of the
    release's own; ``authorization`` is the header without which it answers 401.
    """

    def __init__(
        self,
        *publications: Publication,
        keys: tuple[RegistryKey, ...] = (),
        authorization: str = "",
        cdn: bool = False,
    ) -> None:
        """Publish; nothing answers before this is entered."""
        self.publications = publications
        self.keys = keys
        self.edit: Callable[[dict[str, Any]], Any] = lambda packument: packument
        self.attestations: dict[str, bytes] = {}
        self.registry = _Registry(self, authorization)
        self.files = _Files(self) if cdn else self.registry
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Begin to answer."""
        for place in dict.fromkeys((self.registry, self.files)):
            self._running.enter_context(place)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self._running.close()

    @property
    def url(self) -> str:
        """The registry's URL, as npm's settings have it."""
        return self.registry.url("/")

    def packument_path(self, name: str) -> str:
        """Return the path of a package's packument."""
        return f"/{quote(name, safe='@')}"

    def attestations_path(self, name: str, version: str) -> str:
        """Return the path of a version's attestations."""
        return f"/-/npm/v1/attestations/{self.packument_path(name)[1:]}@{version}"

    def tarball_path(self, release: Publication) -> str:
        """Return the path of a tarball: npm leaves the scope out of the file's name."""
        base = release.name.rpartition("/")[2]
        return f"/{release.name}/-/{base}-{release.version}.tgz"

    def content(self, release: Publication) -> bytes:
        """Return the tarball of a release."""
        (content,) = release.files.values()
        return content

    def packument(self, name: str, *, abbreviated: bool = False) -> dict[str, Any] | None:
        """Return the packument of a package; ``None`` if there is none of this name."""
        releases = [release for release in self.publications if release.name == name]
        if not releases:
            return None
        told: dict[str, Any] = {
            "name": name,
            "dist-tags": {"latest": releases[-1].version},
            "versions": {release.version: self._version(release) for release in releases},
        }
        modified = npm.written(releases[-1].uploaded)
        if abbreviated:
            return told | {"modified": modified}
        times = {release.version: npm.written(release.uploaded) for release in releases}
        return told | {
            "_id": name,
            "_rev": "1-0",
            "time": {"created": modified, "modified": modified} | times,
            "maintainers": [{"name": "ann", "email": "ann@example.test"}],
            "readme": "# a tool\n",
        }

    def document(self, release: Publication) -> bytes | None:
        """Return the attestations of a release, if there are any."""
        told = self.attestations.get(f"{release.name}@{release.version}")
        if told is not None:
            return told
        bundles = [bundle for found in release.bundles.values() for bundle in found]
        return npm.answer(*bundles) if bundles else None

    def _version(self, release: Publication) -> dict[str, Any]:
        content = self.content(release)
        integrity = npm.integrity(content)
        dist: dict[str, Any] = {
            "integrity": integrity,
            "shasum": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
            "tarball": self.files.url(self.tarball_path(release)),
            "fileCount": 1,
            "unpackedSize": len(content),
            "signatures": [
                key.signs(release.name, release.version, integrity) for key in self.keys
            ],
        }
        if self.document(release) is not None:
            path = self.attestations_path(release.name, release.version)
            # As public npm writes it, also where a mirror shows the packument.
            dist["attestations"] = {
                "url": f"{npm.REGISTRY}{path}",
                "provenance": {"predicateType": "https://slsa.dev/provenance/v1"},
            }
        said = {"name": release.name, "version": release.version, "dist": dist}
        deprecated = dict.fromkeys(release.withdrawn.values())
        return said | ({"deprecated": next(iter(deprecated))} if deprecated else {})


class _Registry(Place):
    """Everything but tarballs on another host."""

    def __init__(self, of: Npm, authorization: str) -> None:
        super().__init__(authorization=authorization)
        self._of = of

    def answer(self, request: Request) -> Reply:
        of = self._of
        if request.path == "/-/npm/v1/keys":
            raw = npm.endpoint(*of.keys)
            return Reply(body=raw, headers=("Content-Type: application/json",))
        for release in of.publications:
            if _same(request, of.attestations_path(release.name, release.version)):
                return _document(of.document(release))
            if _same(request, of.tarball_path(release)) and of.files is self:
                return Reply.file(of.content(release), request)
        return self._packument(request)

    def _packument(self, request: Request) -> Reply:
        segment = request.path.removeprefix("/")
        abbreviated = ABBREVIATED in "".join(request.values("accept"))
        found = None
        if "/" not in segment:
            found = self._of.packument(unquote(segment), abbreviated=abbreviated)
        if found is None:
            return _missing()
        return Reply.json(self._of.edit(found), ABBREVIATED if abbreviated else FULL)


class _Files(Place):
    """Another origin for tarballs, which needs no credential."""

    def __init__(self, of: Npm) -> None:
        super().__init__()
        self._of = of

    def answer(self, request: Request) -> Reply:
        for release in self._of.publications:
            if request.path == self._of.tarball_path(release):
                return Reply.file(self._of.content(release), request)
        return _missing()


def _same(request: Request, path: str) -> bool:
    return unquote(request.path) == unquote(path)


def _document(raw: bytes | None) -> Reply:
    if raw is None:
        return _missing()
    return Reply(body=raw, headers=("Content-Type: application/json",))


def _missing() -> Reply:
    return Reply.json({"error": "Not found"}, "application/json", status=404)


def released(
    key: RegistryKey,
    name: str,
    version: str,
    content: bytes | None = None,
    withdrawn: str = "",
    bundles: tuple[bytes, ...] | None = None,
) -> Publication:
    """Return a release with a publish attestation by the key, and its build's provenance."""
    raw = npm.packed(name, version) if content is None else content
    file = f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if bundles is None:
        attested = npm.provenance(key.lab, name, version, raw)
        bundles = (npm.publish(key, name, version, raw), attested)
    return Publication(
        name=name,
        version=version,
        files={file: raw},
        bundles={file: bundles},
        withdrawn={file: withdrawn} if withdrawn else {},
    )
