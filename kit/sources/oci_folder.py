"""``file:FOLDER/`` that is an OCI image layout, as skopeo, oras and `cosign save` write it.

Images are what ``index.json`` lists and nothing else there leads to. Evidence is told as those
tools leave it: under cosign's tags, by `cosign save`'s ``kind`` about every image of the
folder, and as manifests with a subject, which `cosign save` lists nowhere, so that all blobs
are looked at. Blobs stay where they are; every one is hashed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from kit.errors import EvidenceError, MachineError, UsageError
from kit.formats import oci_evidence, oci_manifest, oci_reference
from kit.formats.oci_manifest import REF_NAME, Descriptor, ImageManifest, Index
from kit.formats.source_text import Source
from kit.model import Answer, Asked, Attached, Digest, Entry, Found, Gathered, Layout
from kit.sources import oci_image
from kit.sources.file import hashed
from kit.sources.oci_image import Image
from kit.sources.registry import Document

_MARKER = "oci-layout"
_INDEX = "index.json"
_TAG = re.compile(r"sha256-(?P<hex>[0-9a-f]{64})(?:\.(?P<suffix>sig|att|sbom))?")
# What `cosign save` says of its entries (cosign, pkg/oci/layout/index.go).
_KINDS = {"dev.cosignproject.cosign/sigs": "sig", "dev.cosignproject.cosign/atts": "att"}


def is_layout(folder: Path) -> bool:
    """Say whether a folder is an image layout."""
    return (folder / _MARKER).is_file() and (folder / _INDEX).is_file()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    document: Document
    manifest: ImageManifest
    tag: str | None
    attached: tuple[Attached, ...]


def gather(source: Source, folder: Path, takes: Callable[[str], bool]) -> Gathered:
    """Gather the images of a layout that a line takes, and their evidence.

    An image is called ``FOLDER:TAG``, or ``FOLDER@sha256:HEX`` where it has no tag. Raises
    :class:`UsageError` for a folder that is no whole layout.
    """
    read = _Folder(source, folder)
    images = [(entry, name) for entry, name in read.roots() if takes(name)]
    rows = [read.row(name, Answer.SKIPPED) for _, name in read.roots() if not takes(name)]
    found: dict[str, Found] = {}
    artifacts, entries, attached = [], [], []
    parts: set[str] = set()
    for entry, name in images:
        image = oci_image.read(read, read.needed(entry), name)
        found |= read.carried(image)
        parts |= {part.document.digest.hex for part in image.parts}
        attached += list(oci_image.inside(image))
        sha256 = entry.digest.hex
        artifacts.append(Found(name=name, path=read.path(sha256), size=entry.size, sha256=sha256))
        entries.append(Entry(media_type=entry.media_type, sha256=sha256, size=entry.size))
        rows.append(read.row(name, Answer.FOUND, sha256))
    for piece in read.evidence(parts):
        found |= read.blobs((piece.document.descriptor, *piece.manifest.parts))
        attached += piece.attached
        digest, size = piece.document.digest.hex, len(piece.document.raw)
        media_type = piece.manifest.media_type
        entries.append(Entry(media_type=media_type, sha256=digest, size=size, tag=piece.tag))
        rows.append(read.row(piece.attached[0].name, Answer.FOUND, digest))
    return Gathered(
        artifacts=tuple(artifacts),
        evidence=(),
        asked=tuple(sorted(rows, key=lambda row: row.wanted)),
        layout=Layout(
            blobs=tuple(found.values()), entries=tuple(entries), attached=tuple(attached)
        ),
    )


class _Folder:
    """One layout; every blob in it has been hashed."""

    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        # From the text alone: what the folder is called on this host is nobody's business.
        last = source.location.rstrip("/").rpartition("/")[2]
        self._name = "image" if last in ("", ".", "..") else last
        blobs = folder / "blobs" / "sha256"
        paths = sorted(p for p in blobs.glob("*") if p.is_file() and not p.is_symlink())
        self._found = {item.sha256: item for item in hashed(paths)}
        for item in self._found.values():
            if item.name != item.sha256:
                what = f"{item.name} holds other bytes than its name says"
                raise self._unfit(what, "file.layout-digest")
        index = self._parsed(_read(folder / _INDEX), oci_manifest.OCI_INDEX)
        if not isinstance(index, Index):
            raise self._unfit(f"{_INDEX} is no index")
        self._entries = index.manifests
        self._referrers = dict(self._scanned())

    def path(self, sha256: str) -> Path:
        return self._found[sha256].path

    # ---- documents

    def document(self, wanted: Descriptor) -> Document | None:
        item = self._found.get(wanted.digest.hex)
        if item is None or item.size != wanted.size:
            return None
        raw = _read(item.path)
        value = self._parsed(raw, wanted.media_type)
        return Document(raw=raw, digest=wanted.digest, value=value, url=self._source.text)

    def needed(self, entry: Descriptor) -> Document:
        found = self.document(entry)
        if found is None:
            what = f"{_INDEX} lists {entry.digest}, which is not there"
            raise self._unfit(what, "file.layout-missing")
        return found

    def _scanned(self) -> Iterator[tuple[str, Document]]:
        """Yield every blob that is a manifest with a subject."""
        for sha256, item in self._found.items():
            if item.size > oci_manifest.MAX_BYTES:
                continue
            raw = _read(item.path)
            if b'"subject"' not in raw:
                continue
            try:
                value = oci_manifest.parse(raw)
            except EvidenceError:
                continue  # some layer, or an attestation's text
            if isinstance(value, ImageManifest) and value.subject is not None:
                digest = Digest("sha256", sha256)
                yield sha256, Document(raw=raw, digest=digest, value=value, url=self._source.text)

    def _parsed(self, raw: bytes, media_type: str) -> ImageManifest | Index:
        try:
            return oci_manifest.parse(raw, media_type)
        except EvidenceError as error:
            raise self._unfit(error.message, error.code) from error

    # ---- images

    def roots(self) -> Iterator[tuple[Descriptor, str]]:
        """Yield the images, each once, and what each is called."""
        inner = {part.digest for entry in self._entries for part in self._below(entry)}
        seen: set[str] = set()
        for entry in self._entries:
            tag = entry.annotations.get(REF_NAME, "")
            is_evidence = _TAG.fullmatch(tag) or entry.annotations.get("kind", "") in _KINDS
            if is_evidence or entry.digest.hex in self._referrers or entry.digest in inner:
                continue
            named = tag if oci_reference.is_tag(tag) else ""
            name = f"{self._name}:{named}" if named else f"{self._name}@{entry.digest}"
            if name not in seen:
                seen.add(name)
                yield entry, name

    def _below(self, entry: Descriptor) -> tuple[Descriptor, ...]:
        if entry.media_type not in oci_manifest.INDEXES:
            return ()
        found = self.document(entry)
        return () if found is None else found.value.parts

    def carried(self, image: Image) -> dict[str, Found]:
        """Return the blobs of an image; raise where one is missing that must be there."""
        for blob in image.blobs:
            if blob.digest.hex not in self._found and not oci_image.may_be_absent(blob):
                what = f"a manifest lists {blob.digest}, which is not there"
                raise self._unfit(what, "file.layout-missing")
        return self.blobs((*(part.document.descriptor for part in image.parts), *image.blobs))

    def blobs(self, wanted: Collection[Descriptor]) -> dict[str, Found]:
        return {
            part.digest.hex: self._found[part.digest.hex]
            for part in wanted
            if part.digest.hex in self._found
        }

    # ---- evidence

    def evidence(self, about: Collection[str]) -> Iterator[_Evidence]:
        """Yield the evidence about any of the manifests ``about``."""
        roots = [entry.digest for entry, _ in self.roots() if entry.digest.hex in about]
        for entry in self._entries:
            tag = _TAG.fullmatch(entry.annotations.get(REF_NAME, ""))
            suffix = tag["suffix"] if tag else _KINDS.get(entry.annotations.get("kind", ""))
            spoken_of = [Digest("sha256", tag["hex"])] if tag else roots
            known = [digest for digest in spoken_of if digest.hex in about]
            if suffix and known:
                yield from self._legacy(entry, suffix, known)
        for document in self._referrers.values():
            value = document.value
            if not isinstance(value, ImageManifest) or value.subject is None:
                continue
            if value.subject.digest.hex in about and self._is_whole(value):
                pieces = oci_evidence.referrer(value, document.digest, value.subject.digest)
                yield _Evidence(document=document, manifest=value, tag=None, attached=tuple(pieces))

    def _legacy(self, entry: Descriptor, suffix: str, about: list[Digest]) -> Iterator[_Evidence]:
        document = self.needed(entry)
        value = document.value
        if isinstance(value, ImageManifest) and self._is_whole(value):
            for digest in about:
                pieces = oci_evidence.legacy(value, entry.digest, digest, suffix)
                tag = f"{digest.algorithm}-{digest.hex}.{suffix}"
                yield _Evidence(document=document, manifest=value, tag=tag, attached=tuple(pieces))

    def _is_whole(self, manifest: ImageManifest) -> bool:
        return all(part.digest.hex in self._found for part in manifest.parts)

    # ---- words

    def row(self, wanted: str, answer: Answer, sha256: str | None = None) -> Asked:
        note = "the line does not name it" if answer is Answer.SKIPPED else None
        return Asked(
            place=self._source.text, wanted=wanted, answer=answer, sha256=sha256, note=note
        )

    def _unfit(self, why: str, code: str = "file.layout") -> UsageError:
        return UsageError(
            f"{self._source.text}: an OCI layout, but {why}",
            code=code,
            subject=self._source.location,
            hint="copy the image into a new folder",
        )


def _read(path: Path) -> bytes:
    """Read a document, or as much of a larger file as shows that it is none."""
    try:
        with path.open("rb") as file:
            return file.read(oci_manifest.MAX_BYTES + 1)
    except OSError as error:
        raise MachineError(f"{path}: {error.strerror}", code="machine.unreadable") from error
