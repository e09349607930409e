"""An image from its manifest or index down: child manifests, configs, layers.

The walk is by digest, each document once, within bounds. What an index lists must be
there, and every blob but layers that a registry may not hand on (``foreign`` and
``nondistributable`` ones), which are asked for all the same and named where they are absent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kit.errors import MachineError, MalformedError
from kit.formats import oci_manifest
from kit.formats.oci_manifest import Descriptor, ImageManifest, Index
from kit.formats.oci_platform import Platform
from kit.model import Answer, Asked, Attached, Digest, EvidenceKind
from kit.sources.oci_store import Store
from kit.sources.registry import Document, Registry
from kit.sources.together import each

MAX_DOCUMENTS = 1000
MAX_DEPTH = 4
#: The largest blob, in bytes.
MAX_BLOB = 64 << 30
_MAY_BE_ABSENT = ("foreign", "nondistributable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A manifest or index of an image: how it is called, and what it was listed as."""

    label: str
    document: Document
    listed: Descriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image whose documents are read: ``parts`` from the root down, ``rows`` of the rest."""

    parts: tuple[Part, ...]
    rows: tuple[Asked, ...] = field(default=())

    @property
    def root(self) -> Document:
        """The manifest or index that a reference named."""
        return self.parts[0].document

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Configs and layers, each once."""
        found: dict[str, Descriptor] = {}
        for part in self.parts:
            if isinstance(part.document.value, ImageManifest):
                for blob in part.document.value.parts:
                    found.setdefault(blob.digest.hex, blob)
        return tuple(found.values())


class Documents(Protocol):
    """Where documents are read by what describes them: a registry, or a folder."""

    def document(self, wanted: Descriptor) -> Document | None:
        """Return a manifest or index; ``None`` if it is not there."""


def read(
    registry: Documents, root: Document, name: str, platforms: Collection[Platform] = ()
) -> Image:
    """Read all documents of an image; of ``platforms`` where some are named.

    Raises :class:`MachineError` for one that is not there, and for an image without bounds.
    """
    walk = _Walk(registry, name, platforms)
    walk.down(root, root.descriptor, name, 0)
    walk.demand_platforms()
    return Image(parts=tuple(walk.parts.values()), rows=tuple(walk.rows))


class _Walk:
    def __init__(self, registry: Documents, name: str, platforms: Collection[Platform]) -> None:
        self._registry = registry
        self._name = name
        self._platforms = platforms
        self._met: set[Platform] = set()
        self.parts: dict[str, Part] = {}
        self.rows: list[Asked] = []

    def down(self, document: Document, listed: Descriptor, label: str, depth: int) -> None:
        self.parts[document.digest.hex] = Part(label=label, document=document, listed=listed)
        if len(self.parts) > MAX_DOCUMENTS or depth > MAX_DEPTH:
            what = f"more than {MAX_DOCUMENTS} manifests, or indexes in {MAX_DEPTH} others"
            raise MachineError(
                f"{self._name}: {what}", code="machine.too-large", subject=self._name
            )
        if not isinstance(document.value, Index):
            return
        wanted = [child for child in document.value.manifests if self._wants(child, document)]
        new = [child for child in wanted if child.digest.hex not in self.parts]
        for child, found in zip(new, each(self._document, new), strict=True):
            if child.digest.hex not in self.parts:
                self.down(found, child, self._label(child), depth + 1)

    def _document(self, child: Descriptor) -> Document:
        if not oci_manifest.is_document(child.media_type):
            raise self._odd(child, f"a {child.media_type}, in an index", "oci.unsupported")
        found = self._registry.document(child)
        if found is None:
            raise self._odd(child, "an index lists it, and it is not there", "machine.absent")
        return found

    def _odd(self, child: Descriptor, why: str, code: str) -> MachineError:
        return MachineError(
            f"{self._name}: {child.digest}: {why}",
            code=code,
            subject=self._name,
            hint="name the `platforms` that are to be collected, or ask whoever publishes it",
        )

    # ---- platforms

    def _wants(self, child: Descriptor, index: Document) -> bool:
        """Say whether a child is of a platform that is wanted; what is not is named."""
        if not self._platforms or child.platform is None:
            return True
        if child.is_attestation:
            described = {part.digest: part.platform for part in index.value.parts}
            about = attested(child)
            return about is not None and self._is_named(described.get(about))
        named = self._is_named(child.platform)
        if not named:
            note = f"{child.digest}: the line names other platforms"
            self.rows.append(
                Asked(
                    place=index.url,
                    wanted=self._label(child),
                    answer=Answer.SKIPPED,
                    note=note,
                )
            )
        return named

    def _is_named(self, platform: Platform | None) -> bool:
        for named in self._platforms:
            if platform is not None and platform.fits(named):
                self._met.add(named)
                return True
        return False

    def demand_platforms(self) -> None:
        """Raise where an index has none of a platform that is named."""
        root = next(iter(self.parts.values())).document.value
        for platform in self._platforms:
            if isinstance(root, Index) and platform not in self._met:
                raise MachineError(
                    f"{self._name}: its index has no {platform}",
                    code="machine.absent",
                    subject=self._name,
                    hint="write its platforms as the index has them, or leave `platforms` out",
                )

    def _label(self, child: Descriptor) -> str:
        if child.is_attestation:
            return f"{self._name} attestation manifest {child.digest.hex[:12]}"
        return f"{self._name} {child.platform or child.digest}"


def attested(child: Descriptor) -> Digest | None:
    """Return the image that a BuildKit attestation manifest is about, if it names one."""
    try:
        return child.attests
    except MalformedError:
        return None


def inside(image: Image) -> Iterator[Attached]:
    """Yield evidence that is part of the image: BuildKit's attestations."""
    known = {part.document.digest.hex for part in image.parts}
    for part in image.parts:
        digest = part.document.digest
        if part.listed.is_attestation:
            about = attested(part.listed)
            yield Attached(
                kind=EvidenceKind.BUILDKIT,
                name=f"{digest.hex[:12]}.buildkit.json",
                sha256=digest.hex,
                about=(about.hex,) if about and about.hex in known else (image.root.digest.hex,),
            )


# ---- blobs


def fetch(
    registry: Registry, store: Store, blobs: Iterable[Descriptor], *, spoilt: bool = False
) -> dict[str, Asked]:
    """Fetch blobs, several at once; return a row for each that is clearly not there, by SHA-256.

    With ``spoilt`` also for one that is not as it is described: anybody who may push can
    describe a blob wrongly in evidence.
    """
    due = {blob.digest.hex: blob for blob in blobs}
    largest_first = sorted(due.values(), key=lambda blob: -blob.size)
    rows = each(lambda blob: _in_turn(registry, store, blob, spoilt=spoilt), largest_first)
    pairs = zip(largest_first, rows, strict=True)
    return {blob.digest.hex: row for blob, row in pairs if row is not None}


def demand_whole(image: Image, absent: Mapping[str, Asked]) -> None:
    """Raise :class:`MachineError` for a blob that an image must have and a registry has not."""
    for blob in image.blobs:
        row = absent.get(blob.digest.hex)
        if row is not None and not may_be_absent(blob):
            raise MachineError(
                f"{row.place}: a manifest lists it, and it is not there",
                code="machine.absent",
                subject=row.place,
                hint="the registry may be damaged; ask whoever runs it, or push the image again",
            )


def may_be_absent(blob: Descriptor) -> bool:
    """Say whether a registry need not have a blob: a layer that it may not hand on."""
    return bool(blob.urls) or any(word in blob.media_type for word in _MAY_BE_ABSENT)


def _in_turn(registry: Registry, store: Store, blob: Descriptor, *, spoilt: bool) -> Asked | None:
    try:
        with store.turn(blob.digest.hex):
            return _blob(registry, store, blob)
    except MachineError as error:
        if not spoilt or error.code not in ("machine.digest", "machine.too-large"):
            raise
        place = registry.reached.url("blobs", str(blob.digest))
        note = f"{error.code}: it is not as its manifest describes it"
        return Asked(place=place, wanted=str(blob.digest), answer=Answer.SKIPPED, note=note)


def _blob(registry: Registry, store: Store, blob: Descriptor) -> Asked | None:
    if store.has(blob):
        return None
    place = registry.reached.url("blobs", str(blob.digest))
    if blob.size > MAX_BLOB:
        raise MachineError(
            f"{place}: {blob.size} bytes, over the limit of {MAX_BLOB}",
            code="machine.too-large",
            subject=place,
        )
    if registry.fetch(blob, store.path(blob.digest.hex)):
        store.take(blob)
        return None
    note = "a layer that the registry does not hand on" if may_be_absent(blob) else None
    return Asked(place=place, wanted=str(blob.digest), answer=Answer.ABSENT, note=note)
