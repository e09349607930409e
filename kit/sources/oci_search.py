"""Everything in a repository that speaks of a manifest: cosign's tags, and referrers.

Referrers are those of the API *and* of the fallback tag, always both: a registry that came
to have the API keeps what was attached before under the tag. Whatever is asked is a row of
the ledger, with its answer; that there is no API is one of its own. A listing, a tag or a
manifest that is not what it should be is named and left out, for anybody who may push can
put it there; an API that answers so is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial

from kit.errors import MachineError
from kit.formats import kinds, oci_evidence, oci_manifest, oci_reference
from kit.formats.oci_manifest import Descriptor, ImageManifest, Index
from kit.model import Answer, Asked, Attached, Digest, Entry
from kit.sources.registry import MAX_REFERRERS, Document, Registry
from kit.sources.together import each

MAX_EVIDENCE = kinds.MAX_BYTES
#: All that one manifest of evidence may hold: cosign keeps every attestation of an image in one.
MAX_TOTAL = 1 << 30
_UNREADABLE = ("machine.too-large",)
_WHAT = {
    "sig": "cosign signatures",
    "att": "cosign attestations",
    "sbom": "cosign's attached SBOM",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A manifest that evidence may be about, and what it is called in the ledger."""

    digest: Digest
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A manifest of evidence, and which of it is evidence of what."""

    document: Document
    manifest: ImageManifest
    entry: Entry
    attached: tuple[Attached, ...]

    @property
    def may_be_signed(self) -> bool:
        """Whether it is a document, which others sign, such as an SBOM."""
        return any(piece.kind in kinds.OF_DOCUMENTS for piece in self.attached)


@dataclass(slots=True)
class Found:
    """What a search brought, each manifest once, and all that was asked."""

    evidence: dict[str, Evidence] = field(default_factory=dict)
    rows: list[Asked] = field(default_factory=list)

    def add(
        self,
        document: Document,
        manifest: ImageManifest,
        tag: str | None,
        pieces: Collection[Attached],
    ) -> None:
        """Add a manifest; one that is about several subjects is about all of them."""
        sha256 = document.digest.hex
        before = self.evidence.get(sha256)
        entry = Entry(
            media_type=manifest.media_type,
            sha256=sha256,
            size=len(document.raw),
            tag=tag or (before.entry.tag if before else None),
        )
        attached = (*(before.attached if before else ()), *pieces)
        self.evidence[sha256] = Evidence(
            document=document, manifest=manifest, entry=entry, attached=attached
        )

    def merge(self, other: Found) -> None:
        """Add all that another search brought."""
        self.rows += other.rows
        for piece in other.evidence.values():
            self.add(piece.document, piece.manifest, piece.entry.tag, piece.attached)


def search(registry: Registry, subjects: Collection[Subject]) -> Found:
    """Find the evidence of all subjects, and what signs the documents among it.

    Raises :class:`MachineError` where the registry could not be asked, or where there is
    more than the bounds allow.
    """
    known = {subject.digest.hex for subject in subjects}
    found = Found()
    for one in each(lambda subject: _Search(registry, subject, known).all(), list(subjects)):
        found.merge(one)
    signed = [
        Subject(digest=piece.document.digest, label=piece.attached[0].name)
        for piece in found.evidence.values()
        if piece.may_be_signed
    ]
    # One level: what signs an SBOM. What would sign that signature is nobody's question.
    known |= found.evidence.keys()
    for one in each(lambda subject: _Search(registry, subject, known).all(), signed):
        found.merge(one)
    if len(found.evidence) > MAX_REFERRERS:
        raise MachineError(
            f"{registry.reached.url()}: over {MAX_REFERRERS} manifests of evidence",
            code="machine.too-large",
            subject=registry.reached.url(),
        )
    return found


class _Search:
    """The search for one subject; ``known`` are manifests that are no news."""

    def __init__(self, registry: Registry, subject: Subject, known: Collection[str]) -> None:
        self._registry = registry
        self._subject = subject
        self._known = known
        self._found = Found()

    def all(self) -> Found:
        for suffix in oci_evidence.LEGACY:
            self._legacy(suffix)
        listed = {part.digest.hex: part for part in (*self._by_api(), *self._by_tag())}
        if len(listed) > MAX_REFERRERS:
            raise MachineError(
                f"{self._subject.label}: over {MAX_REFERRERS} referrers",
                code="machine.too-large",
                subject=self._subject.label,
            )
        for sha256 in sorted(listed.keys() - set(self._known)):
            self._referrer(listed[sha256])
        return self._found

    # ---- tags of cosign's

    def _legacy(self, suffix: str) -> None:
        tag = oci_reference.cosign_tag(self._subject.digest, suffix)
        url = self._registry.reached.url("manifests", tag)
        document = self._tolerated(url, _WHAT[suffix], lambda: self._registry.resolve(tag))
        if document is None:
            return
        if not isinstance(document.value, ImageManifest):
            self._row(url, _WHAT[suffix], Answer.SKIPPED, note="it is an index")
        elif self._fits(document, document.value, _WHAT[suffix]):
            about = self._subject.digest
            pieces = oci_evidence.legacy(document.value, document.digest, about, suffix)
            if not pieces:
                self._row(url, _WHAT[suffix], Answer.SKIPPED, note="there is nothing in it")
                return
            self._found.add(document, document.value, tag, pieces)
            self._row(url, _WHAT[suffix], Answer.FOUND, document.digest.hex)

    # ---- referrers

    def _by_api(self) -> tuple[Descriptor, ...]:
        url = self._registry.reached.url("referrers", str(self._subject.digest))
        listed = self._registry.referrers(self._subject.digest)
        if listed is None:
            note = "the registry does not offer the referrers API"
            self._row(url, "referrers", Answer.ABSENT, note=note)
            return ()
        self._row(url, "referrers", Answer.FOUND if listed else Answer.ABSENT)
        return listed

    def _by_tag(self) -> tuple[Descriptor, ...]:
        tag = oci_reference.referrers_tag(self._subject.digest)
        url = self._registry.reached.url("manifests", tag)
        what = "referrers by the fallback tag"
        document = self._tolerated(url, what, lambda: self._registry.resolve(tag))
        if document is None:
            return ()
        if not isinstance(document.value, Index):
            self._row(url, what, Answer.SKIPPED, note="it is no index")
            return ()
        # The listing itself is not carried: it follows from what it lists.
        self._row(url, what, Answer.FOUND)
        return document.value.manifests

    def _referrer(self, listed: Descriptor) -> None:
        url = self._registry.reached.url("manifests", str(listed.digest))
        what = f"{listed.artifact_type or 'referrer'}"
        if not oci_manifest.is_document(listed.media_type):
            note = f"a {listed.media_type}, which is not read"
            self._row(url, what, Answer.SKIPPED, note=note)
            return
        # Who may push an index of referrers may also give them other sizes than they have.
        ask = partial(self._registry.document, listed)
        document = self._tolerated(url, what, ask, ("machine.digest",))
        if document is None:
            return
        value = document.value
        if not isinstance(value, ImageManifest):
            self._row(url, what, Answer.SKIPPED, note="a referrer that is an index")
        elif value.subject is None or value.subject.digest != self._subject.digest:
            self._row(url, what, Answer.SKIPPED, note="it says that it is about another manifest")
        elif self._fits(document, value, value.kind):
            pieces = oci_evidence.referrer(value, document.digest, self._subject.digest)
            self._found.add(document, value, None, pieces)
            self._row(url, value.kind, Answer.FOUND, document.digest.hex)

    # ---- rows

    def _tolerated(
        self,
        url: str,
        what: str,
        ask: Callable[[], Document | None],
        spoilt: Collection[str] = (),
    ) -> Document | None:
        """Return what is there; name what is absent, or is no manifest that can be read."""
        try:
            document = ask()
        except MachineError as error:
            if not error.code.startswith("oci.") and error.code not in (*_UNREADABLE, *spoilt):
                raise
            self._row(url, what, Answer.SKIPPED, note=f"{error.code}: it cannot be read")
            return None
        if document is None:
            self._row(url, what, Answer.ABSENT)
        return document

    def _fits(self, document: Document, manifest: ImageManifest, what: str) -> bool:
        """Say whether all of it is within the size of evidence; name what is not."""
        largest = max(part.size for part in manifest.parts)
        total = sum(part.size for part in manifest.parts)
        if largest <= MAX_EVIDENCE and total <= MAX_TOTAL:
            return True
        note = f"it has {total} bytes, {largest} of them in one blob; no evidence is so large"
        self._row(document.url, what, Answer.SKIPPED, note=note)
        return False

    def _row(
        self,
        url: str,
        what: str,
        answer: Answer,
        sha256: str | None = None,
        note: str | None = None,
    ) -> None:
        wanted = f"{what} of {self._subject.label}"
        self._found.rows.append(
            Asked(place=url, wanted=wanted, answer=answer, sha256=sha256, note=note)
        )


def blobs(found: Found) -> Iterator[Descriptor]:
    """Yield every blob of the evidence that was found."""
    for piece in found.evidence.values():
        yield from piece.manifest.parts
