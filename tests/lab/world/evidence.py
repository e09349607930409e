"""From the pieces of a description to the signed bytes, and to where they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from kit.formats import npm_registry
from tests.lab import json_lines, npm
from tests.lab.builds import Build
from tests.lab.images import CONFIG
from tests.lab.npm import RegistryKey
from tests.lab.order import Options
from tests.lab.shelf import (
    Blob,
    Shelf,
    attestation,
    legacy_tag,
    manifest,
    signature,
)
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
    """Yield what is published in a place: beside which file, and the bundle."""
    for piece in release.pieces.values():
        if piece.where is where:
            yield piece.under or piece.about, signed(release, piece)


def shelves(release: Release) -> dict[str, Shelf]:
    """Return the repositories of the registry, with the images and what cosign attached."""
    made: dict[str, Shelf] = {}
    for reference, document in release.images.items():
        name, _, tag = reference.removeprefix("ghcr.io/").rpartition(":")
        shelf = made.setdefault(name, Shelf())
        shelf.add(document, tag=tag)
        if reference in release.attached:
            sbom = Blob("text/spdx+json", release.attached[reference])
            shelf.add(manifest(Blob(CONFIG, b"{}"), [sbom]), tag=legacy_tag(document, "sbom"))
        for suffix, layers in _attached(release, reference).items():
            if layers:
                shelf.add(manifest(Blob(CONFIG, b"{}"), layers), tag=legacy_tag(document, suffix))
    return made


def _attached(release: Release, reference: str) -> dict[str, list[Blob]]:
    repository = reference.rpartition(":")[0]
    layers: dict[str, list[Blob]] = {"sig": [], "att": []}
    for piece in release.pieces.values():
        if piece.where is not Where.COSIGN or (piece.under or piece.about) != reference:
            continue
        options, about = _options(piece), Blob("", release.content(piece.about))
        if piece.says:
            made = attestation(
                release.lab,
                about,
                piece.says,
                _predicate(piece, about.raw),
                piece.named or repository,
                **options,
            )
        else:
            made = signature(release.lab, about, piece.named or repository, **options)
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


def downloaded(release: Release) -> dict[str, bytes]:
    """Return the folder that OpenMed's page has one make of the wheel, by path.

    ``sha256sum``, ``gh attestation download`` and ``gh attestation trusted-root`` write these.
    """
    name = next(iter(release.python))
    content = release.python[name]
    digest = hashlib.sha256(content).hexdigest()
    files = {
        name: content,
        "artifact.sha256": f"{digest}  {name}\n".encode(),
        "trusted_root.jsonl": json_lines(release.lab.trusted_root()),
    }
    bundles = [made for about, made in found(release, Where.GITHUB) if about == name]
    if bundles:
        files[f"sha256:{digest}.jsonl"] = json_lines(*bundles)
    return {f"downloads/{file}": raw for file, raw in files.items()}
