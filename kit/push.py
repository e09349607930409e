"""Send the images of a pack that passed to a registry, evidence included, and read them back.

The check ran elsewhere, sealed (:mod:`kit.cli.apart`); what binds its report to what is sent
here is the digest of the pack's manifest, which the report names and which fixes every byte.
Every byte is hashed again on its way. Blobs go first, then documents from the bottom up, so
that no registry is told of what it does not have; evidence last, and where the registry does
not list referrers itself, the index under the fallback tag. Then all of it is fetched back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from kit.errors import MalformedError, PackError, UsageError
from kit.export import image_plan
from kit.export.image_plan import Document, ImagePlan
from kit.formats import oci_layout, oci_manifest, oci_reference
from kit.formats.oci_manifest import Descriptor
from kit.formats.oci_reference import Repository
from kit.model import Digest, Report
from kit.pack.reader import Pack
from kit.sources.failures import PassingError
from kit.sources.http import Client
from kit.sources.registry_access import Access
from kit.sources.registry_push import Upload
from kit.sources.together import each

Value = TypeVar("Value")

_CHUNK = 1 << 20
_TRIES = 3
_WAIT = 2.0  # seconds before another try


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where images go: ``place`` is ``HOST[:PORT][/PREFIX]``, before the path of each."""

    place: str
    access: Access
    client: Client
    say: Callable[[str], None] = field(default=lambda _: None)

    def repository(self, image: Repository) -> Repository:
        """Return the repository for an image of another."""
        try:
            found = oci_reference.parse_repository(f"{self.place}/{image.path}")
        except MalformedError as error:
            raise UsageError(f"--to {self.place}: {error.message}") from error
        if found.registry != self.place.partition("/")[0]:
            raise UsageError(
                f"--to {self.place}: names no registry",
                hint="write its host, with a dot or a port: registry.example:5000/prefix",
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent and is there: the references, and the evidence that was not sent, and why."""

    names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def push(
    pack: Pack, report: Report, to: Destination, *, unverified: bool = False, replace: bool = False
) -> Sent:
    """Send every image that passed in ``report``, a report about this very pack.

    ``unverified`` adds evidence of which no verifier accepted anything; ``replace`` lets tags
    be moved that name something else by now. Raises :class:`UsageError` where there is no
    image or a tag would be moved, before anything is sent; :class:`PackError`
    (``pack.rewritten``) for another pack than the report's, :class:`MachineError` for the rest.
    """
    _demand_same(pack, report)
    plans = image_plan.plans(pack, report.released, unverified=unverified)
    if not any(item.member.startswith(oci_layout.BLOBS) for item in pack.manifest.artifacts):
        raise UsageError(
            "there is no image in this pack",
            code="push.nothing",
            hint="export --as files writes files",
        )
    sendings = [_Sending(pack, plan, to) for plan in plans]
    _demand_apart(sendings)
    if not replace:
        for sending in sendings:
            sending.demand_free()
    for sending in sendings:
        sending.send()
        sending.confirm()
    return Sent(
        names=tuple(sending.name for sending in sendings),
        left_out=tuple(dict.fromkeys(item for plan in plans for item in plan.left_out)),
    )


def _demand_same(pack: Pack, report: Report) -> None:
    if pack.manifest_sha256 != report.manifest_sha256:
        raise PackError(
            "another pack has taken this one's place since it was checked",
            code="pack.rewritten",
            subject=oci_layout.FOLDER,
            hint="nothing was sent; copy the pack to a medium of your own, and push that copy",
        )


def _demand_apart(sendings: Iterable[_Sending]) -> None:
    """Refuse images of two registries that would go to one tag here: the last would have it."""
    roots: dict[str, Digest] = {}
    for sending in sendings:
        if roots.setdefault(sending.name, sending.root) != sending.root:
            raise UsageError(
                f"two images of this pack would both be {sending.name}",
                code="push.same-name",
                subject=sending.name,
                hint="nothing was sent; push them one by one to places of their own: give another "
                "prefix with --to, and a policy with only one of the lines",
            )


class _Sending:
    """One image on its way."""

    def __init__(self, pack: Pack, plan: ImagePlan, to: Destination) -> None:
        self._pack = pack
        self._plan = plan
        self._say = to.say
        if plan.reference is None:
            raise UsageError(
                f"{plan.name}: its line names a folder, and so no repository to send it to",
                code="push.unnamed",
                subject=plan.name,
                hint="export --as oci writes a layout; skopeo or oras send that wherever you say",
            )
        repository = to.repository(plan.reference.repository)
        self._upload = Upload(repository, to.access, to.client)
        self._tag = plan.reference.tag
        named = f":{self._tag}" if self._tag else f"@{plan.root.digest}"
        self.name = f"{repository}{named}"
        self.root = plan.root.digest

    # ---- before anything is sent

    def demand_free(self) -> None:
        """Raise where a tag names something else already."""
        for document, reference in self._named():
            if reference == str(document.digest):
                continue
            there = self._upload.resolve(reference)
            if there is not None and there.digest != document.digest:
                raise UsageError(
                    f"{self._upload.place}:{reference} names {there.digest} by now, which this "
                    "would replace",
                    code="push.exists",
                    subject=reference,
                    hint="nothing was sent; look at what is there, then say --replace",
                )

    def _named(self) -> Iterator[tuple[Document, str]]:
        """Yield every document with what it is sent as: its tag, else its digest."""
        *below, root = self._plan.documents
        for document in below:
            yield document, str(document.digest)
        yield root, self._tag or str(root.digest)
        for document in self._plan.evidence:
            yield document, document.tag or str(document.digest)

    # ---- sending

    def send(self) -> None:
        blobs = list(self._blobs())
        size = sum(blob.size for blob in blobs)
        self._say(f"{self.name}: {size} bytes in {len(blobs)} blobs")
        each(self._blob, blobs)
        for document, reference in self._named():
            raw = self._pack.read(document.member, oci_manifest.MAX_BYTES)
            put = partial(self._upload.manifest, reference, raw, document.media_type)
            listed = _again(put)
            if document.subject is not None and not listed:
                self._upload.list_referrer(document.subject, _described(document))

    def _blobs(self) -> Iterator[Descriptor]:
        for path in self._plan.blobs:
            kept = self._pack.member(path)
            digest = Digest("sha256", kept.sha256)
            if path != oci_layout.blob(digest):
                raise PackError(
                    f"{path} holds other bytes than its name says",
                    code="oci.mismatch",
                    subject=path,
                )
            yield Descriptor(media_type="application/octet-stream", size=kept.size, digest=digest)

    def _blob(self, blob: Descriptor) -> None:
        path = oci_layout.blob(blob.digest)

        def read() -> Iterator[bytes]:
            stream = self._pack.stream(path)  # raises at its end if these were other bytes
            while piece := stream.read(_CHUNK):
                yield piece

        if not _again(lambda: self._upload.has(blob)):
            _again(lambda: self._upload.blob(blob, read))

    # ---- reading back

    def confirm(self) -> None:
        each(self._upload.confirm_blob, list(self._blobs()))
        for document, reference in self._named():
            self._upload.confirm_manifest(reference, _described(document))
            if document.subject is not None:
                self._upload.confirm_referrer(document.subject, _described(document))
        self._say(f"{self.name}: is there, read back by digest")


def _described(document: Document) -> Descriptor:
    return Descriptor(
        media_type=document.media_type,
        size=document.size,
        digest=document.digest,
        artifact_type=document.artifact_type,
        annotations=document.annotations,
    )


def _again(ask: Callable[[], Value]) -> Value:
    for _ in range(_TRIES - 1):
        try:
            return ask()
        except PassingError:
            time.sleep(_WAIT)
    return ask()
