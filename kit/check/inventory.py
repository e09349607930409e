"""Account for everything under ``oci/`` in a pack: nothing missing there, nothing over.

Verdicts rest on ``manifest.json`` alone, but people will open the unpacked layout with other
tools, which start from its ``index.json``. So that file must lead to what was checked, by
names that mean the same, and there must be no blob that nothing checked leads to. What is
wrong here is about the pack, and fails it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from kit.check import attached
from kit.check.layout import Walked
from kit.errors import EvidenceError, MalformedError
from kit.formats import oci_layout, oci_manifest, oci_reference, strictjson
from kit.formats.oci_manifest import REF_NAME, Descriptor, ImageManifest, Index
from kit.formats.source_text import parse_source
from kit.model import EvidenceKind, Finding, Level, Member
from kit.pack.reader import Pack

MAX_FINDINGS = 64

#: Kinds of evidence whose member is a manifest, or may be.
_MANIFESTS = attached.KINDS | {EvidenceKind.UNKNOWN}


def account(
    pack: Pack, members: Mapping[str, Member], walked: Mapping[str, Walked]
) -> tuple[Finding, ...]:
    """Return what is wrong with the layout; ``walked`` are the images by their members."""
    if not any(path.startswith(oci_layout.FOLDER) for path in members):
        return ()
    found = _Inventory(pack, members, walked).findings()
    # What fails the pack is never crowded out by warnings.
    return tuple(sorted(found, key=lambda finding: finding.level is not Level.ERROR)[:MAX_FINDINGS])


class _Inventory:
    """What the layout leads to, and what of it is accounted for."""

    def __init__(
        self, pack: Pack, members: Mapping[str, Member], walked: Mapping[str, Walked]
    ) -> None:
        self._pack = pack
        self._members = members
        self._walked = walked
        self._types = {path: image.media_type for path, image in walked.items()}
        self._sources: dict[str, list[str]] = {}
        for artifact in pack.manifest.artifacts:
            self._sources.setdefault(artifact.member, []).append(artifact.source)
        self._evidence = {evidence.member for evidence in pack.manifest.evidence}
        # Only blobs are: what else stands there has a meaning of its own to other tools.
        blobs = {path for path in self._evidence if oci_layout.digest_of(path) is not None}
        self._known = {oci_layout.MARKER, oci_layout.INDEX, *blobs}
        self._known |= {blob for image in walked.values() for blob in image.blobs}

    def findings(self) -> Iterator[Finding]:
        yield from self._misnamed()
        yield from self._marker()
        entries: tuple[Descriptor, ...] = ()
        try:
            entries = self._index().manifests
        except EvidenceError as error:
            yield _error(error.code, oci_layout.INDEX, error.message)
        for entry in entries:
            yield from self._entry(entry)
        listed = {oci_layout.blob(entry.digest) for entry in entries}
        for member in sorted(self._walked.keys() - listed):
            yield _error("oci.index", member, f"{oci_layout.INDEX} does not list this image")
        for evidence in self._pack.manifest.evidence:
            if evidence.member.startswith(oci_layout.BLOBS) and evidence.kind in _MANIFESTS:
                yield from self._below(evidence.member)
        for path in sorted(self._members):
            if path.startswith(oci_layout.FOLDER) and path not in self._known:
                yield _error("oci.extra", path, "nothing that was checked leads to it")

    def _misnamed(self) -> Iterator[Finding]:
        for path, member in self._members.items():
            digest = oci_layout.digest_of(path)
            if digest is not None and digest.hex != member.sha256:
                yield _error("oci.mismatch", path, "it holds other bytes than its name says")

    def _marker(self) -> Iterator[Finding]:
        try:
            marker = strictjson.parse(self._pack.read(oci_layout.MARKER, 4096), max_bytes=4096)
        except (KeyError, EvidenceError):
            marker = None
        if not isinstance(marker, dict) or marker.get("imageLayoutVersion") != "1.0.0":
            yield _error("oci.index", oci_layout.MARKER, "it is not there, or not version 1.0.0")

    def _index(self) -> Index:
        try:
            raw = self._pack.read(oci_layout.INDEX, oci_manifest.MAX_BYTES)
        except KeyError as error:
            raise MalformedError("it is not there", code="oci.index") from error
        document = oci_manifest.parse(raw, oci_manifest.OCI_INDEX)
        if not isinstance(document, Index):
            raise MalformedError("it is no index", code="oci.index")
        return document

    def _entry(self, entry: Descriptor) -> Iterator[Finding]:
        path = oci_layout.blob(entry.digest)
        kept = self._members.get(path)
        if kept is None:
            yield _error("oci.blob-missing", path, f"{oci_layout.INDEX} lists it; it is not there")
            return
        if kept.size != entry.size:
            yield _error(
                "oci.size", path, f"has {kept.size} bytes; {oci_layout.INDEX} says {entry.size}"
            )
        yield from self._name(entry, path)
        if entry.platform is not None and path not in self._walked:
            said = f"{oci_layout.INDEX} says it runs on {entry.platform}, and no line asks for it"
            yield _error("oci.index", path, said)
        # Read once, and not kept: an index may list one document thousands of times.
        if path not in self._types:
            yield from self._once(path)
        media_type = self._types[path]
        if media_type not in (None, entry.media_type):
            called = f"{oci_layout.INDEX} calls it {entry.media_type[:100]}"
            yield _error("oci.media-type", path, f"{called}, and it is {media_type}")

    def _once(self, path: str) -> Iterator[Finding]:
        """Account for a document that is no image; keep its type, none where it has no form."""
        self._types[path] = None
        try:
            document = self._document(path)
        except EvidenceError as error:
            yield _error(error.code, path, error.message)
            return
        self._types[path] = document.media_type
        if self._is_evidence(path, document):
            self._known.add(path)
            yield from self._parts(path, document)

    def _name(self, entry: Descriptor, path: str) -> Iterator[Finding]:
        """Yield a finding where a name leads other tools to something else than it says."""
        if not entry.annotations.keys() <= {REF_NAME}:
            others = ", ".join(sorted(entry.annotations.keys() - {REF_NAME}))[:200]
            said = (
                f"{oci_layout.INDEX} annotates it with {others}, which may name it to other tools"
            )
            yield _error("oci.ref-name", path, said)
        name = entry.annotations.get(REF_NAME)
        if name is None:
            return
        sources = self._sources.get(path, ())
        if not sources and _is_tag_of_evidence(name):
            return
        if name not in _tags(sources):
            yield _error(
                "oci.ref-name",
                path,
                f"{oci_layout.INDEX} calls it {name[:200]!r}, which no line of its calls it",
            )

    def _is_evidence(self, path: str, document: ImageManifest | Index) -> bool:
        """Say whether a document that is no artifact, or a part of it, is told as evidence."""
        return path in self._evidence or any(
            oci_layout.blob(part.digest) in self._evidence for part in document.parts
        )

    def _below(self, member: str) -> Iterator[Finding]:
        """Account for what evidence is made of that is a manifest."""
        try:
            document = self._document(member)
        except EvidenceError:
            return
        yield from self._parts(member, document)

    def _parts(self, path: str, document: ImageManifest | Index) -> Iterator[Finding]:
        for part in document.parts:
            below = oci_layout.blob(part.digest)
            if below in self._members:
                self._known.add(below)
            else:
                yield Finding(
                    level=Level.WARNING,
                    code="oci.blob-missing",
                    subject=path,
                    message=f"of this evidence, {part.digest} is not in the pack",
                )

    def _document(self, path: str) -> ImageManifest | Index:
        return oci_manifest.parse(self._pack.read(path, oci_manifest.MAX_BYTES))


def _tags(sources: Collection[str]) -> frozenset[str]:
    """Return the names that lines give an image: its tag, or all of its reference."""
    found: set[str] = set()
    for source in sources:
        try:
            image = parse_source(source, "source").image
        except EvidenceError:
            continue
        if image is not None and image.tag is not None:
            found |= {image.tag, f"{image.repository}:{image.tag}"}
    return frozenset(found)


def _is_tag_of_evidence(name: str) -> bool:
    """Say whether a name is one of the tags under which evidence is kept."""
    hexadecimal = name.removeprefix("sha256-").partition(".")
    try:
        digest = oci_reference.parse_digest(f"sha256:{hexadecimal[0]}")
    except MalformedError:
        return False
    tags = {oci_reference.cosign_tag(digest, suffix) for suffix in ("sig", "att", "sbom")}
    return name in tags | {oci_reference.referrers_tag(digest)}


def _error(code: str, subject: str, message: str) -> Finding:
    return Finding(level=Level.ERROR, code=code, subject=subject, message=message)
