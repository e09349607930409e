"""A release, described: what is published where, and who signs what of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from tests.lab.builds import Build
from tests.lab.instance import Lab
from tests.lab.order import Options
from tests.lab.shelf import Document

Predicate = Callable[[Build, str], Mapping[str, Any]]
"""What a statement says, given the build and the SHA-256 of what it is about."""


class Where(Enum):
    """Where a piece of evidence is published."""

    COSIGN = "beside the image, as cosign's .sig and .att tags"
    ASSET = "among the release's assets, as NAME.sigstore.json"
    GITHUB = "in GitHub's attestations API"
    PYPI = "in the index's integrity API"
    NPM = "in the registry's attestations"
    FOLDER = "in a folder beside the release file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One signature: over what, by whom, saying what, found where.

    ``by`` is a workflow's build, or the name of a key. ``says`` is the predicate type, empty
    for a signature over the bytes alone; ``named`` is what the statement calls its subject.
    """

    about: str
    where: Where
    by: Build | str
    says: str = ""
    predicate: Predicate | None = None
    named: str = ""
    under: str = ""
    """The file beside which it is published, if that is another than it is about."""
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release of a project: the one description that everything else follows from."""

    system: str
    file: str = "release.toml"
    name: str
    version: str
    repository: str
    tag: str
    commit: str
    lab: Lab
    images: Mapping[str, Document] = field(default_factory=dict)
    """By ``ghcr.io/REPOSITORY:TAG``; charts too."""
    assets: Mapping[str, bytes] = field(default_factory=dict)
    python: Mapping[str, bytes] = field(default_factory=dict)
    project: str = ""
    npm: str = ""
    npm_version: str = ""
    tarball: bytes = b""
    folder: Mapping[str, bytes] = field(default_factory=dict)
    """Files beside the release file, by their path."""
    pieces: Mapping[str, Piece] = field(default_factory=dict)
    openpgp: Mapping[str, str] = field(default_factory=dict)
    """By the asset that is signed: the seed of the key that signs it."""
    attached: Mapping[str, bytes] = field(default_factory=dict)
    """By the image: an SBOM under cosign's ``.sbom`` tag, which nobody signed."""
    log_answers: bool = True
    values: Mapping[str, str] = field(default_factory=dict)
    """What the page does not give, by the words in angle brackets in the release file."""

    # ---- broken at the source

    def by(self, other: Build | str, *names: str) -> Release:
        """Return the release with some pieces signed by another."""
        return self.changed({name: replace(self.pieces[name], by=other) for name in names})

    def built(self, *names: str, **facts: str) -> Release:
        """Return the release with some pieces signed by a run that differs in these facts."""
        made = {}
        for name in names:
            build = self.pieces[name].by
            if not isinstance(build, Build):
                raise TypeError(f"a key signs {name!r}")
            made[name] = replace(self.pieces[name], by=replace(build, **facts))
        return self.changed(made)

    def saying(self, predicate: Predicate, *names: str, says: str | None = None) -> Release:
        """Return the release with some pieces saying something else."""
        return self.changed(
            {
                name: replace(
                    self.pieces[name],
                    predicate=predicate,
                    says=self.pieces[name].says if says is None else says,
                )
                for name in names
            }
        )

    def ordered(self, options: Options, *names: str) -> Release:
        """Return the release with some pieces signed in another way; see `Options`."""
        return self.changed({name: replace(self.pieces[name], options=options) for name in names})

    def without(self, *names: str) -> Release:
        """Return the release without some pieces."""
        return replace(
            self, pieces={name: p for name, p in self.pieces.items() if name not in names}
        )

    def changed(self, pieces: Mapping[str, Piece]) -> Release:
        """Return the release with other pieces in place of those of the same names."""
        return replace(self, pieces={**self.pieces, **pieces})

    # ---- what is there

    def content(self, about: str) -> bytes:
        """Return the bytes of an image's document or of a file."""
        if about in self.images:
            return self.images[about].raw
        if about == self.tarball_name:
            return self.tarball
        return {**self.assets, **self.python, **self.folder}[about]

    @property
    def tarball_name(self) -> str:
        """What ``npm pack`` calls the tarball."""
        return f"{self.npm.removeprefix('@').replace('/', '-')}-{self.npm_version}.tgz"

    def filled(self, text: str) -> str:
        """Return a release file with the values filled in that its page does not give."""
        digests = {
            f"digest of {about}": f"sha256:{hashlib.sha256(self.content(about)).hexdigest()}"
            for about in (*self.images, *self.assets)
        }
        lines = []
        for line in text.splitlines():
            indent, waits, rest = line.partition("#: ")
            if waits and not indent.strip():
                for words, value in {**digests, "commit": self.commit, **self.values}.items():
                    rest = rest.replace(f"<{words}>", value)
                if "<" in rest:
                    raise ValueError(f"the description has no value for {rest!r}")
            lines.append(f"{indent}{rest}" if waits and not indent.strip() else line)
        return "".join(f"{line}\n" for line in lines)
