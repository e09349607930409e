"""From the pieces of a description to the signed bytes, and to where they lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from kit.formats import npm_registry
from tests.lab import npm
from tests.lab.builds import Build
from tests.lab.npm import RegistryKey
from tests.lab.order import Options
from tests.lab.shelf import Blob, Document, Shelf, attestation, legacy_tag, manifest, signature
from tests.lab.world.release import Piece, Release, Where


def signed(release: Release, piece: Piece) -> bytes:
    """Return the bundle of a piece."""
    content = release.content(piece.about)
    if piece.where is Where.NPM:
        return _of_npm(release, piece)
    options = _options(piece)
    if not piece.says:
        return release.lab.sign(content, **options)
    predicate = _predicate(piece, content)
    return release.lab.attest(
        {piece.named or piece.about: content},
        predicate_type=piece.says,
        predicate=predicate,
        **options,
    )


def found(release: Release, where: Where) -> Iterator[tuple[str, bytes]]:
    """Yield what is published in a place: what it is about, and the bundle."""
    for piece in release.pieces.values():
        if piece.where is where:
            yield piece.about, signed(release, piece)


def shelves(release: Release) -> dict[str, Shelf]:
    """Return the repositories of the registry, with the images and what cosign attached."""
    made: dict[str, Shelf] = {}
    for reference, document in release.images.items():
        name, _, tag = reference.removeprefix("ghcr.io/").rpartition(":")
        shelf = made.setdefault(name, Shelf())
        shelf.add(document, tag=tag)
        for suffix, layers in _attached(release, reference, document).items():
            if layers:
                config = Blob("application/vnd.oci.image.config.v1+json", b"{}")
                shelf.add(manifest(config, layers), tag=legacy_tag(document, suffix))
    return made


def _attached(release: Release, reference: str, document: Document) -> dict[str, list[Blob]]:
    repository = reference.rpartition(":")[0]
    layers: dict[str, list[Blob]] = {"sig": [], "att": []}
    for piece in release.pieces.values():
        if piece.where is not Where.COSIGN or piece.about != reference:
            continue
        options = _options(piece)
        if piece.says:
            made = attestation(
                release.lab,
                document,
                piece.says,
                _predicate(piece, document.raw),
                piece.named or repository,
                **options,
            )
        else:
            made = signature(release.lab, document, piece.named or repository, **options)
        layers["att" if piece.says else "sig"] += made.parts[1:]
    return layers


def _options(piece: Piece) -> Options:
    if isinstance(piece.by, Build):
        return piece.by.signed() | piece.options
    forms = "+".join(filter(None, ("keyed", piece.options.get("form"))))
    return Options(key=piece.by) | piece.options | Options(form=forms)


def _predicate(piece: Piece, content: bytes) -> dict[str, object]:
    build = piece.by if isinstance(piece.by, Build) else Build()
    if piece.predicate is None:
        return {}
    return dict(piece.predicate(build, hashlib.sha256(content).hexdigest()))


def _of_npm(release: Release, piece: Piece) -> bytes:
    """Return an attestation in npm's own form: by the workflow, or by the registry's key."""
    what = (release.npm, release.npm_version, release.tarball)
    if isinstance(piece.by, Build):
        return npm.provenance(release.lab, *what, piece.by, **piece.options)
    predicate = {"registry": npm_registry.public().rstrip("/")}
    return npm.publish(RegistryKey(release.lab, piece.by), *what, predicate, **piece.options)


def as_downloaded(bundle: bytes) -> bytes:
    """Return a bundle as ``gh attestation download`` writes it: one line."""
    return json.dumps(json.loads(bundle)).encode() + b"\n"
