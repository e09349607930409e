"""Which file a piece of evidence is about: by the digest it carries, else by its name.

A document (an SBOM, a scan, a VEX document) is evidence, and other evidence is about it.

What comes out is the collector's claim and decides nothing: ``check`` puts the evidence
to a verifier with the very file it is paired with. A pairing that is missing can only
lose a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from kit.errors import EvidenceError
from kit.formats import (
    bundled,
    digest_manifest,
    document,
    dsse,
    image_digests,
    kinds,
    npm_package,
    npm_packument,
    sigstore_bundle,
    statement,
)
from kit.formats.sigstore_bundle import MessageSignature
from kit.model import EvidenceKind, Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A gathered piece of evidence, its kind and its bytes."""

    found: Found
    kind: EvidenceKind
    raw: bytes


_LISTS = frozenset({EvidenceKind.DIGESTS, EvidenceKind.IMAGE_DIGESTS})

#: The artifacts that the policy says a document is about, by the document's name.
Bound = Mapping[str, Sequence[Found]]


def pair(
    artifacts: Sequence[Found], pieces: Sequence[Piece], bound: Bound | None = None
) -> tuple[tuple[Found, ...], ...]:
    """Return, for each piece, what it is about: artifacts, or manifests and documents among them.

    Empty for a piece that is about none of them.
    """
    targets = _Targets(artifacts, pieces, bound or {})
    return tuple(tuple(targets.of(piece)) for piece in pieces)


class _Targets:
    """What evidence can be about, by digest and by name."""

    def __init__(self, artifacts: Sequence[Found], pieces: Sequence[Piece], bound: Bound) -> None:
        manifests = [piece.found for piece in pieces if piece.kind in _LISTS]
        documents = [piece.found for piece in pieces if piece.kind in kinds.OF_DOCUMENTS]
        listable = dict.fromkeys((*artifacts, *documents))
        self._order = {found: number for number, found in enumerate(listable)}
        self._bound = bound
        self._artifacts = artifacts
        self._by_digest: dict[str, list[Found]] = {}
        self._by_name: dict[str, list[Found]] = {}
        for target in dict.fromkeys((*listable, *manifests)):
            self._by_digest.setdefault(target.sha256, []).append(target)
            self._by_name.setdefault(target.name, []).append(target)

    def of(self, piece: Piece) -> list[Found]:
        """Return what the piece is about, each once, never itself."""
        return [
            target for target in dict.fromkeys(self._candidates(piece)) if target != piece.found
        ]

    def _candidates(self, piece: Piece) -> Iterator[Found]:
        if piece.kind is EvidenceKind.DIGESTS:
            yield from self._listed(piece)
        if piece.kind is EvidenceKind.IMAGE_DIGESTS:
            yield from self._images(piece)
        if piece.kind in kinds.OF_DOCUMENTS:
            yield from self._bound.get(piece.found.name, ())
        carried = False
        for digest in _carried(piece):
            for target in self._by_digest.get(digest, ()):
                carried = True
                yield target
        if not carried:
            # Also where a digest matched nothing: the file may have been changed since it was
            # signed, and that is worth an explanation.
            for name in _packed(piece):
                yield from self._by_name.get(name, ())
            named = kinds.named_after(piece.found.name) or ""
            yield from self._by_name.get(named, ())
            if piece.kind in kinds.OF_DOCUMENTS and named:
                # `app-1.0.spdx.json` beside `app-1.0.tar.gz`
                yield from (a for a in self._artifacts if a.name.startswith(f"{named}."))

    def _listed(self, piece: Piece) -> Iterator[Found]:
        try:
            manifest = digest_manifest.parse(piece.raw, piece.found.name)
        except EvidenceError:
            return
        # By what it lists, not by what there is: either may be 100 000 names.
        named = {
            part for listed in manifest.entries for part in (listed, listed.rpartition("/")[2])
        }
        found = {
            artifact
            for name in named
            for artifact in self._by_name.get(name, ())
            if artifact in self._order and manifest.lookup(artifact.name)
        }
        yield from sorted(found, key=self._order.__getitem__)

    def _images(self, piece: Piece) -> Iterator[Found]:
        """Yield the images that a list gives the digest of, or a digest for their name."""
        try:
            listed = image_digests.parse(piece.raw)
        except EvidenceError:
            return
        for reference, digest in listed.items():
            yield from self._by_digest.get(digest.hex, ())
            yield from self._by_name.get(reference.rpartition("/")[2], ())


def _carried(piece: Piece) -> Iterator[str]:
    """Yield the SHA-256 digests that unverified evidence speaks of."""
    if piece.kind in kinds.OF_DOCUMENTS:
        yield from _described(piece)
    elif piece.kind in bundled.KINDS:
        yield from _signed(piece)


def _packed(piece: Piece) -> Iterator[str]:
    """Yield the tarballs that an npm registry's answers speak of, by name: SHA-512 is not known."""
    if piece.kind is EvidenceKind.NPM_PACKUMENT:
        with suppress(EvidenceError):
            yield from (each.package.tarball for each in npm_packument.signed(piece.raw))
    if piece.kind not in bundled.KINDS:
        return
    for content in _contents(piece):
        if isinstance(content, dsse.Envelope):
            with suppress(EvidenceError):
                for subject in statement.parse(content.payload).subjects:
                    package = npm_package.parse_purl(subject.name or "")
                    if package is not None:
                        yield package.tarball


def _described(piece: Piece) -> Iterator[str]:
    try:
        about = document.about(document.read(piece.kind, piece.raw))
    except EvidenceError:
        return
    yield from (digest.hex for digest in about if digest.algorithm == "sha256")


def _signed(piece: Piece) -> Iterator[str]:
    for content in _contents(piece):
        with suppress(EvidenceError):
            if isinstance(content, dsse.Envelope):
                for subject in statement.parse(content.payload).subjects:
                    yield from (d.hex for d in subject.digests if d.algorithm == "sha256")
            elif content.hint is not None and content.hint.algorithm == "sha256":
                yield content.hint.hex


def _contents(piece: Piece) -> Iterator[dsse.Envelope | MessageSignature]:
    """Yield what each bundle of a file signs, of those that can be read."""
    parts: tuple[bytes, ...] = ()
    with suppress(EvidenceError):
        parts = bundled.split(piece.kind, piece.raw)
    for part in parts:
        with suppress(EvidenceError):
            yield sigstore_bundle.parse(part).content
