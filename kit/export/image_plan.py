"""What of a pack belongs to one image that passed, in the order in which it can be handed on.

The image with all that its digest leads to, and the evidence about it and its platforms:
that of which a verifier accepted something, or all that was collected where the operator
asks for it. A registry wants blobs first, then documents from the bottom up, and last what
speaks of them; a layout has no order. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kit.errors import EvidenceError
from kit.formats import oci_layout, oci_manifest, oci_reference, strictjson
from kit.formats.oci_manifest import REF_NAME, ImageManifest, Index
from kit.formats.oci_reference import Reference
from kit.formats.source_text import parse_source
from kit.model import Digest, EvidenceFile, EvidenceKind, Verdict
from kit.pack.reader import Pack

_SUFFIXES = {EvidenceKind.COSIGN_SIGNATURE: "sig", EvidenceKind.COSIGN_ATTESTATION: "att"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A manifest or index: its member, what a descriptor says of it, and its tag if it has one.

    ``subject`` is the digest of what a referrer refers to.
    """

    member: str
    media_type: str
    digest: Digest
    size: int
    tag: str | None = None
    subject: Digest | None = None
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlan:
    """One image: ``documents`` from the bottom up, the image's own last.

    ``blobs`` are the members of everything that is no document, evidence's too; ``evidence``
    are its documents; ``reference`` is what its line names, nothing where that is a folder;
    ``left_out`` the names of evidence that is not handed on, and why.
    """

    name: str
    reference: Reference | None
    blobs: tuple[str, ...]
    documents: tuple[Document, ...]
    evidence: tuple[Document, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def root(self) -> Document:
        """The image's own manifest or index."""
        return self.documents[-1]


def is_image(verdict: Verdict) -> bool:
    """Say whether an artifact is an image or chart, in the pack's layout."""
    return bool(verdict.members) and verdict.members[0].startswith(oci_layout.BLOBS)


def plans(
    pack: Pack, verdicts: Iterable[Verdict], *, unverified: bool = False
) -> tuple[ImagePlan, ...]:
    """Return what belongs to each of the images among ``verdicts``, all of which passed.

    ``unverified`` adds the evidence of which no verifier accepted anything. Raises
    :class:`PackError` where the pack changed since it was checked.
    """
    images = [verdict for verdict in verdicts if is_image(verdict)]
    listing = _listing(pack) if images else {}
    return tuple(_plan(pack, verdict, listing, unverified=unverified) for verdict in images)


def _plan(pack: Pack, verdict: Verdict, listing: _Listing, *, unverified: bool) -> ImagePlan:
    made = _Plan(pack, verdict, listing, unverified=unverified)
    made.image(verdict.members[0], None)
    made.evidence()
    return ImagePlan(
        name=verdict.name,
        reference=parse_source(verdict.source, "source").image,
        blobs=tuple(sorted(made.blobs)),
        documents=tuple(made.documents.values()),
        evidence=tuple(made.attached.values()),
        left_out=tuple(made.left_out),
    )


def fallback_indexes(referrers: Iterable[Document]) -> dict[str, bytes]:
    """Return the index of referrers under each tag where the referrers API is not offered.

    As the distribution specification has it ("Referrers Tag Schema").
    """
    by_tag: dict[str, dict[str, Document]] = {}
    for each in referrers:
        if each.subject is not None:
            tag = oci_reference.referrers_tag(each.subject)
            by_tag.setdefault(tag, {})[each.digest.hex] = each
    return {tag: _index_of(documents.values()) for tag, documents in sorted(by_tag.items())}


def _index_of(documents: Iterable[Document]) -> bytes:
    manifests = []
    for each in sorted(documents, key=lambda document: document.digest):
        told: dict[str, object] = {
            "mediaType": each.media_type,
            "digest": str(each.digest),
            "size": each.size,
        }
        if each.artifact_type is not None:
            told["artifactType"] = each.artifact_type
        if each.annotations:
            told["annotations"] = dict(each.annotations)
        manifests.append(told)
    index = {"schemaVersion": 2, "mediaType": oci_manifest.OCI_INDEX, "manifests": manifests}
    return strictjson.canonical(index)


class _Plan:
    """A plan in the making."""

    def __init__(
        self, pack: Pack, verdict: Verdict, listing: _Listing, *, unverified: bool
    ) -> None:
        self.blobs: set[str] = set()
        self.documents: dict[str, Document] = {}
        self.attached: dict[tuple[str, str | None], Document] = {}
        self.left_out: list[tuple[str, str]] = []
        self._pack = pack
        self._listing = listing
        self._members = {member.path for member in pack.manifest.members}
        self._image = set(verdict.members)
        self._accepted = set(verdict.evidence)
        self._unverified = unverified

    # ---- the image

    def image(self, member: str, media_type: str | None) -> None:
        """Add a document and what it leads to, itself last."""
        document = self._read(member, media_type)
        for part in document.parts:
            below = oci_layout.blob(part.digest)
            if below in self.documents or below not in self._image:
                continue  # added already, or of a platform that the line did not choose
            if isinstance(document, Index) and oci_manifest.is_document(part.media_type):
                self.image(below, part.media_type)
            else:
                self.blobs.add(below)
        self.documents[member] = self._described(member, document)

    # ---- what speaks of it

    def evidence(self) -> None:
        """Add the evidence about any of the documents."""
        for evidence in self._pack.manifest.evidence:
            about = [m for m in evidence.about if m in self.documents]
            if not about or evidence.member in self.documents:
                continue
            why = self._refusal(evidence, about)
            if why is not None:
                self.left_out.append((evidence.name, why))

    def _refusal(self, evidence: EvidenceFile, about: Iterable[str]) -> str | None:
        """Add a piece of evidence, or return why it is not handed on."""
        if not evidence.member.startswith(oci_layout.BLOBS):
            return "it is a file, and no registry keeps it beside an image"
        if evidence.member not in self._accepted and not self._unverified:
            return "nothing in it was verified"
        try:
            whole = self._attach(evidence, about, self._listing.get(evidence.member, ()))
        except EvidenceError as error:
            return f"it cannot be read: {error.message}"
        return None if whole else "its manifest is not whole in the pack"

    def _attach(
        self, evidence: EvidenceFile, about: Iterable[str], listed_by: Iterable[Document]
    ) -> bool:
        if evidence.kind in _SUFFIXES:
            document = self._described(evidence.member, self._read(evidence.member, None))
            suffix = _SUFFIXES[evidence.kind]
            added = [self._add(document, tag) for tag in self._tags(about, suffix)]
            return all(added)
        known, tags = {document.digest for document in self.documents.values()}, self._tags(about)
        fitting = [d for d in listed_by if d.subject in known or d.tag in tags]
        added = [self._add(document, document.tag) for document in fitting]
        return bool(added) and all(added)

    def _tags(self, about: Iterable[str], suffix: str = "sbom") -> list[str]:
        return [oci_reference.cosign_tag(self.documents[m].digest, suffix) for m in about]

    def _add(self, document: Document, tag: str | None) -> bool:
        """Add a document of evidence where all of it is in the pack."""
        parts = self._read(document.member, document.media_type).parts
        members = {oci_layout.blob(part.digest) for part in parts}
        if not members <= self._members:
            return False
        taken = tag is not None and any(tag == other for _, other in self.attached)
        # Two registries may each have signatures of one image, and a tag leads to one.
        named = None if taken else tag
        self.attached[document.member, named] = Document(
            member=document.member,
            media_type=document.media_type,
            digest=document.digest,
            size=document.size,
            tag=named,
            subject=document.subject,
            artifact_type=document.artifact_type,
            annotations=document.annotations,
        )
        self.blobs |= members
        return True

    # ---- documents

    def _read(self, member: str, media_type: str | None) -> ImageManifest | Index:
        return _read(self._pack, member, media_type)

    def _described(self, member: str, document: ImageManifest | Index) -> Document:
        return _described(self._pack, member, document)


#: By layer, the manifests of evidence that a layout lists: of one layer each.
_Listing = Mapping[str, list[Document]]


def _listing(pack: Pack) -> _Listing:
    members = {member.path for member in pack.manifest.members}
    found: dict[str, list[Document]] = {}
    read: set[tuple[str, str | None]] = set()
    for entry in _read(pack, oci_layout.INDEX, oci_manifest.OCI_INDEX).parts:
        member, tag = oci_layout.blob(entry.digest), entry.annotations.get(REF_NAME)
        if member not in members or (member, tag) in read:
            continue
        read.add((member, tag))
        try:
            document = _read(pack, member, entry.media_type)
        except EvidenceError:
            continue  # a finding of the check already
        if isinstance(document, ImageManifest) and len(document.layers) == 1:
            told = _described(pack, member, document, tag if document.subject is None else None)
            found.setdefault(oci_layout.blob(document.layers[0].digest), []).append(told)
    return found


def _read(pack: Pack, member: str, media_type: str | None) -> ImageManifest | Index:
    return oci_manifest.parse(pack.read(member, oci_manifest.MAX_BYTES), media_type)


def _described(
    pack: Pack, member: str, document: ImageManifest | Index, tag: str | None = None
) -> Document:
    kept = pack.member(member)
    return Document(
        member=member,
        media_type=document.media_type,
        digest=Digest("sha256", kept.sha256),
        size=kept.size,
        tag=tag,
        subject=None if document.subject is None else document.subject.digest,
        artifact_type=document.kind if isinstance(document, ImageManifest) else None,
        annotations=document.annotations if document.subject is not None else {},
    )
