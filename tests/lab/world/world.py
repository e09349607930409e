"""A described release, published: registries, indexes, GitHub and a log on loopback."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import npm
from tests.lab.hostile_http import answer
from tests.lab.npm import RegistryKey
from tests.lab.places import GitHub, Npm, Publication, PyPI, Registry, Tuf
from tests.lab.places.rekor import Rekor
from tests.lab.shelf import Shelf
from tests.lab.tuf import Repository
from tests.lab.world.evidence import downloaded, found, shelves
from tests.lab.world.release import Release, Where
from tests.openpgp import Key, armored

BUNDLES = Path(__file__).resolve().parents[3] / "bundles"
SCAN_KEY, DESK_KEY, NPM_KEY = "security", "desk", "npm"


class World:
    """The places of one release, running while it is entered."""

    def __init__(self, release: Release, registry: str = "") -> None:
        """Publish; nothing answers before this is entered.

        ``registry`` is the host of another registry that has the images already.
        """
        self.release = release
        self._other_registry = registry
        self.registry = Registry(Shelf(), others=shelves(release))
        self.pypi = PyPI(self._published_on_pypi())
        self.npm = Npm(*self._published_on_npm(), keys=(RegistryKey(release.lab, NPM_KEY),))
        self.github = GitHub(self._published_on_github())
        for about, bundle in found(release, Where.GITHUB):
            digest = f"sha256:{hashlib.sha256(release.content(about)).hexdigest()}"
            self.github.more.setdefault(digest, []).append(bundle)
        self.rekor = Rekor()
        if not release.log_answers:
            self.rekor.on("/api/v1/log/entries/retrieve", answer(403))
        self.tuf = Tuf(_vouching(self.trusted_root(release)))
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Begin to answer."""
        for place in (self.registry, self.pypi, self.npm, self.github, self.rekor, self.tuf):
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
    def options(self) -> tuple[str, ...]:
        """The options of ``collect`` that name these places in place of the public ones."""
        return (
            *("--mirror", f"ghcr.io={self._other_registry or self.registry.host}"),
            *("--index-url", self.pypi.simple),
            *("--npm-registry", self.npm.url),
            *("--github-api", self.github.url),
            *("--tuf-repository", f"sigstore={self.tuf.address}"),
        )

    def trusted_root(self, release: Release) -> bytes:
        """Return the trusted root of a release's instance, whose log is this world's."""
        root = json.loads(release.lab.trusted_root())
        for listed in root["tlogs"]:
            listed["baseUrl"] = self.rekor.url("")
        return json.dumps(root).encode()

    # ---- what the hosts have

    def furnish(self, folder: Path, policy: Release | None = None) -> None:
        """Write the release file, filled in, and what this host trusts before it sees a pack.

        With ``policy``, the values are those of another description: of the release as it
        should be, where this one is broken.
        """
        text = (BUNDLES / self.release.system / self.release.file).read_text(encoding="utf-8")
        self._put(folder / "release.toml", (policy or self.release).filled(text).encode())
        for beside in (BUNDLES / self.release.system).glob("*.schema.json"):
            self._put(folder / beside.name, beside.read_bytes())
        roots = folder / "trust-roots"
        root = self.trusted_root(policy or self.release)
        self._put(roots / "sigstore/trusted_root.json", root)
        self._put(roots / "sigstore/root.json", self.tuf.repository.files["2.root.json"])
        self._put(roots / "npm/keys.json", npm.targets(RegistryKey(self.release.lab, NPM_KEY)))
        for name in (SCAN_KEY, DESK_KEY):
            self._put(roots / f"keys/{name}.pub", self.release.lab.public_key(name))
        maintainer = Key("maintainer")
        public = armored(maintainer.public, "PUBLIC KEY BLOCK")
        self._put(roots / f"openpgp/{maintainer.fingerprint}.asc", public)
        files = downloaded(self.release) if self.release.file == "folder.toml" else {}
        for path, content in {**files, **self.release.folder}.items():
            self._put(folder / path, content)
        (folder / "scans").mkdir(exist_ok=True)
        for about, bundle in found(self.release, Where.FOLDER):
            name = about.rpartition("/")[2].partition(":")[0]
            where = f"scans/{name}" if about in self.release.images else about
            self._put(folder / f"{where}.sigstore.json", bundle)

    def _put(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    # ---- what the places have

    def _published_on_github(self) -> Publication:
        release = self.release
        assets = dict(release.assets)
        for about, bundle in found(release, Where.ASSET):
            assets[f"{about}.sigstore.json"] = bundle
        for about, seed in release.openpgp.items():
            assets[f"{about}.asc"] = armored(Key(seed).sign(release.assets[about]))
        return Publication(
            name=release.name,
            version=release.tag.removeprefix("v"),
            files=assets,
            repository=release.repository,
        )

    def _published_on_pypi(self) -> Publication:
        bundles: dict[str, tuple[bytes, ...]] = {}
        for about, bundle in found(self.release, Where.PYPI):
            bundles[about] = (*bundles.get(about, ()), bundle)
        return Publication(
            name=self.release.project or "nothing",
            version=self.release.version,
            files=self.release.python,
            bundles=bundles,
            repository=self.release.repository,
        )

    def _published_on_npm(self) -> tuple[Publication, ...]:
        release = self.release
        if not release.npm:
            return ()
        bundles = tuple(bundle for _, bundle in found(release, Where.NPM))
        name = release.tarball_name
        return (
            Publication(
                name=release.npm,
                version=release.npm_version,
                files={name: release.tarball},
                bundles={name: bundles},
            ),
        )


def _vouching(root: bytes) -> Repository:
    """Return a TUF repository that vouches for a trusted root today."""
    made = Repository("sigstore", {"trusted_root.json": root})
    made.now = datetime.now(UTC)
    made.rotate()
    made.publish()
    return made
