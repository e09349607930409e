"""``oci:REPOSITORY@DIGEST`` and ``helm:…``: an image or chart, and all that speaks of it.

A tag is resolved once; everything after goes by digest. When all is here the tag is looked
at again: one that has moved meanwhile names another image than the one in the pack.

As a place for evidence, a repository is searched for what is about the line's own images,
as cosign puts signatures elsewhere (``COSIGN_REPOSITORY``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from kit.errors import EvidenceError, MachineError
from kit.formats import oci_evidence, oci_manifest
from kit.formats.oci_manifest import HELM_CONFIG, ImageManifest, Index
from kit.formats.oci_reference import Reference
from kit.formats.release_line import Line
from kit.formats.source_text import Source
from kit.model import Answer, Asked, Attached, Digest, Entry, Found, Gathered, Layout
from kit.sources import oci_image, oci_search
from kit.sources.http import Client
from kit.sources.oci_image import Image
from kit.sources.oci_search import Subject
from kit.sources.oci_store import Store
from kit.sources.registry import Document, Registry
from kit.sources.registry_access import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a collect asks: the way to registries, a client without credentials, the blobs here."""

    access: Access
    client: Client
    store: Store
    say: Callable[[str], None] = field(default=lambda _: None)


def places(source: Source, access: Access) -> Iterator[str]:
    """Yield what :func:`gather` asks for, a line each; the rest is known only to the registry."""
    image = _reference(source)
    reached = access.reached(image.repository)
    named = image.digest or image.tag
    if named is not None:
        yield reached.url("manifests", str(named))
        yield "the manifests, configs and layers that it lists"
    for suffix in oci_evidence.LEGACY:
        yield reached.url("manifests", f"sha256-….{suffix}") + " for every manifest"
    yield reached.url("referrers", "sha256:…") + " for every manifest"
    yield reached.url("manifests", "sha256-…") + " for every manifest"


def gather(source: Source, line: Line, where: Places) -> Gathered:
    """Gather an image with all its evidence.

    Raises :class:`MachineError` for an image that is not there or not whole, for whatever
    could not be asked, and for a tag that moved.
    """
    image = _reference(source)
    registry = Registry(image.repository, where.access, where.client)
    store = where.store
    root, row = _root(registry, image)
    read = oci_image.read(registry, root, image.name or source.location, line.platforms)
    if source.scheme == "helm":
        _demand_chart(source, root)
    found = oci_search.search(registry, _subjects_of(read))
    due = (*read.blobs, *oci_search.blobs(found))
    store.demand_room(due)
    where.say(f"{read.parts[0].label}: {sum(blob.size for blob in due)} bytes in {len(due)} blobs")
    lacking = oci_image.fetch(registry, store, read.blobs)
    oci_image.demand_whole(read, lacking)
    spoilt = oci_image.fetch(registry, store, oci_search.blobs(found), spoilt=True)
    absent = spoilt | lacking  # an image's own blobs lack only what it lacks itself
    _demand_still(registry, image, root)
    kept, found_rows = _whole(found, absent)
    rows = (row, *read.rows, *_rows_of(read), *found_rows)
    carried = _carried(store, read, lacking)
    return Gathered(
        artifacts=(store.found(root.digest.hex, len(root.raw), image.name),),
        evidence=(),
        asked=(*rows, *(absent[key] for key in sorted(absent))),
        layout=_layout(store, carried, _entry(root, image.tag), kept, oci_image.inside(read)),
    )


def gather_evidence(source: Source, known: Gathered, where: Places) -> Gathered:
    """Gather what a repository has about the images of ``known``."""
    registry = Registry(_reference(source).repository, where.access, where.client)
    store = where.store
    found = oci_search.search(registry, list(subjects(known)))
    due = tuple(oci_search.blobs(found))
    store.demand_room(due)
    absent = oci_image.fetch(registry, store, due, spoilt=True)
    kept, rows = _whole(found, absent)
    return Gathered(
        artifacts=(),
        evidence=(),
        asked=(*rows, *(absent[key] for key in sorted(absent))),
        layout=_layout(store, (), None, kept, ()),
    )


def _reference(source: Source) -> Reference:
    if source.image is None:
        raise AssertionError(f"{source.text} names no image")
    return source.image


# ---- the image itself


def _root(registry: Registry, image: Reference) -> tuple[Document, Asked]:
    if image.digest is not None:
        found, named = registry.by_digest(image.digest), str(image.digest)
    else:
        named = image.tag or ""
        found = registry.resolve(named)
    place = registry.reached.url("manifests", named)
    if found is None:
        raise MachineError(
            f"{place}: the registry has no such image",
            code="machine.absent",
            subject=place,
            hint="check the name; some registries say so too of what a login would show",
        )
    note = None if image.tag is None else f"the tag {image.tag} named {found.digest}"
    row = Asked(
        place=place,
        wanted=image.name or named,
        answer=Answer.FOUND,
        sha256=found.digest.hex,
        note=note,
    )
    return found, row


def _demand_still(registry: Registry, image: Reference, root: Document) -> None:
    """Raise if a tag has moved since it was resolved."""
    if image.tag is None:
        return
    now = registry.digest_of(image.tag)
    if now != root.digest:
        place = registry.reached.url("manifests", image.tag)
        raise MachineError(
            f"{place}: it named {root.digest} when it was resolved, and names {now} now",
            code="machine.tag-moved",
            subject=place,
            hint="collect again, or name the image by its digest",
        )


def _demand_chart(source: Source, root: Document) -> None:
    value = root.value
    if isinstance(value, ImageManifest) and value.config.media_type == HELM_CONFIG:
        return
    raise MachineError(
        f"{source.text}: there is an image, and no chart",
        code="machine.unexpected",
        subject=root.url,
        hint=f"write it as oci:{source.location} if that is what you mean",
    )


def _rows_of(image: Image) -> Iterator[Asked]:
    for part in image.parts[1:]:
        yield Asked(
            place=part.document.url,
            wanted=part.label,
            answer=Answer.FOUND,
            sha256=part.document.digest.hex,
        )
    value = image.root.value
    if isinstance(value, ImageManifest) and value.config.media_type == HELM_CONFIG:
        provenance = [p for p in value.layers if p.media_type == oci_evidence.HELM_PROVENANCE]
        yield Asked(
            place=image.root.url,
            wanted=f"Helm provenance of {image.parts[0].label}",
            answer=Answer.FOUND if provenance else Answer.ABSENT,
            sha256=provenance[0].digest.hex if provenance else None,
        )


# ---- evidence


def _subjects_of(image: Image) -> list[Subject]:
    return [Subject(digest=part.document.digest, label=part.label) for part in image.parts]


def subjects(known: Gathered) -> Iterator[Subject]:
    """Yield the manifests of images that were gathered, from each root down."""
    blobs = {blob.sha256: blob for blob in known.layout.blobs}
    seen: set[str] = set()
    for artifact in known.artifacts:
        due = [(artifact.sha256, artifact.name)]
        while due:
            sha256, label = due.pop()
            if sha256 in seen or sha256 not in blobs:
                continue
            seen.add(sha256)
            yield Subject(digest=Digest("sha256", sha256), label=label)
            value = _read(blobs[sha256])
            if isinstance(value, Index):
                due += [(c.digest.hex, f"{artifact.name} {c.platform}") for c in value.manifests]


def _read(blob: Found) -> ImageManifest | Index | None:
    try:
        return oci_manifest.parse(blob.path.read_bytes())
    except EvidenceError:
        return None


def _whole(
    found: oci_search.Found, absent: Collection[str]
) -> tuple[list[oci_search.Evidence], list[Asked]]:
    """Return the evidence that is whole, and all rows: what lacks a blob is not carried."""
    lacking = {
        sha256
        for sha256, piece in found.evidence.items()
        if any(part.digest.hex in absent for part in piece.manifest.parts)
    }
    kept = [piece for sha256, piece in found.evidence.items() if sha256 not in lacking]
    rows = [
        replace(row, carried=False, note="not all of it is there") if row.sha256 in lacking else row
        for row in found.rows
    ]
    return kept, rows


# ---- the layout


def _carried(store: Store, image: Image, absent: Collection[str]) -> Iterator[Found]:
    for part in image.parts:
        yield store.keep(part.document.raw)
    for blob in image.blobs:
        if blob.digest.hex not in absent:
            yield store.found(blob.digest.hex, blob.size)


def _entry(root: Document, tag: str | None) -> Entry:
    return Entry(
        media_type=root.value.media_type,
        sha256=root.digest.hex,
        size=len(root.raw),
        tag=tag,
    )


def _layout(
    store: Store,
    image: Iterator[Found] | tuple[()],
    root: Entry | None,
    evidence: Sequence[oci_search.Evidence],
    inside: Iterator[Attached] | tuple[()],
) -> Layout:
    blobs = {blob.sha256: blob for blob in image}
    for piece in evidence:
        blobs[piece.document.digest.hex] = store.keep(piece.document.raw)
        for part in piece.manifest.parts:
            blobs[part.digest.hex] = store.found(part.digest.hex, part.size)
    return Layout(
        blobs=tuple(blobs.values()),
        entries=(*(() if root is None else (root,)), *(piece.entry for piece in evidence)),
        attached=(*inside, *(one for piece in evidence for one in piece.attached)),
    )
