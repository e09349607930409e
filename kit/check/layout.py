"""Walk an image in the pack's layout, from its manifest or index down to every blob.

The digests of all members are known when this runs, so a blob is compared by what the
manifest of the pack says of it and no layer is read again; only documents are. What is
wrong is a finding about the artifact, and every one of them fails it: a digest covers all
that it leads to, or nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from kit.errors import EvidenceError
from kit.formats import helm_chart, image_config, oci_layout, oci_manifest
from kit.formats.helm_chart import Chart
from kit.formats.oci_manifest import Descriptor, ImageManifest, Index
from kit.formats.oci_platform import Platform
from kit.model import Digest, Finding, Level, Member
from kit.pack.reader import Pack

#: Indexes within indexes, and descriptors looked at: a hostile pack could nest them.
MAX_DEPTH = 4
MAX_DESCRIPTORS = 20_000
#: Findings kept of one image, of each level: what fails it is never crowded out by a note.
MAX_FINDINGS = 32

_TAMPERED = "the pack was put together wrongly, or changed since: collect again, and ask who did it"
_HINTS = {
    "oci.mismatch": _TAMPERED,
    "oci.size": _TAMPERED,
    "oci.blob-missing": _TAMPERED,
    "oci.platform-missing": "collect again, or choose `platforms` in the release file",
    "oci.platform": "collect again, or choose other `platforms` in the release file",
    "oci.foreign": "its publisher lets only others hand it out: such an image is not carried whole",
    "helm.provenance": "ask its publisher for a signature over the chart's manifest",
}
_ELSEWHERE = (".foreign.", ".nondistributable.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A platform's image in an index: what it runs on, and the member its manifest is."""

    platform: str
    member: str


@dataclass(slots=True, kw_only=True)
class Walked:
    """What an image is made of, and what is wrong with it.

    ``children`` are the images of an index that are in the pack, each once, by their members;
    none for a single image. ``blobs`` are the members that it leads to, and ``media_type`` is its
    own, where it can be read.
    """

    media_type: str | None = None
    is_index: bool = False
    children: dict[str, Child] = field(default_factory=dict)
    blobs: set[str] = field(default_factory=set)
    chart: Chart | None = None
    findings: list[Finding] = field(default_factory=list)


def walk(
    pack: Pack,
    members: Mapping[str, Member],
    root: str,
    platforms: Sequence[Platform] = (),
) -> Walked:
    """Return what the image whose document is the member ``root`` leads to.

    ``members`` are the pack's, by path. With ``platforms`` only images for these must be
    there; without, all that the index lists. Findings are about ``root``.
    """
    found = _Walk(pack, members, root, platforms)
    found.start()
    return found.walked


class _Walk:
    """One image being walked."""

    def __init__(
        self,
        pack: Pack,
        members: Mapping[str, Member],
        root: str,
        platforms: Sequence[Platform],
    ) -> None:
        self.walked = Walked()
        self._pack = pack
        self._members = members
        self._root = root
        self._platforms = platforms
        # Of each document that was walked, by digest and media type: an image's config.
        self._seen: dict[tuple[str, str], Descriptor | None] = {}
        self._listed: dict[str, Platform] = {}
        # What images that are there run on, as the indexes say that lead to them.
        self._reached: list[Platform] = []
        self._looked = 0

    def start(self) -> None:
        root = self._root
        digest = oci_layout.digest_of(root)
        if digest is None or self._members[root].sha256 != digest.hex:
            self._fail("oci.mismatch", f"{root} holds other bytes than its name says")
            return
        self.walked.blobs.add(root)
        document = self._document(root, None)
        self.walked.media_type = None if document is None else document.media_type
        if isinstance(document, Index):
            self.walked.is_index = True
            self._index(document, 1)
            self._demand_platforms(document)
        elif document is not None:
            self._image(document)
            self._demand_config(document.config, self._platforms)
            self._chart(document)

    # ---- documents

    def _document(self, member: str, media_type: str | None) -> ImageManifest | Index | None:
        try:
            raw = self._pack.read(member, oci_manifest.MAX_BYTES)
            return oci_manifest.parse(raw, media_type)
        except EvidenceError as error:
            code = "oci.oversized" if error.code == "evidence.oversized" else error.code
            self._fail(code, f"{member}: {error.message}")
            return None

    def _index(self, index: Index, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._fail("oci.too-deep", f"indexes are nested over {MAX_DEPTH} deep")
            return
        wanted: set[Digest | None] = {
            part.digest for part in index.platforms if self._is_wanted(part)
        }
        for part in index.parts:
            if part.is_attestation:
                self._attestation(part, wanted, depth)
            elif part.digest in wanted or oci_layout.blob(part.digest) in self._members:
                self._child(part, depth)

    def _attestation(self, part: Descriptor, wanted: Collection[Digest | None], depth: int) -> None:
        """Follow BuildKit's attestation of an image that must be there."""
        try:
            about = part.attests
        except EvidenceError as error:
            self._fail("oci.malformed", f"an attestation manifest in its index: {error.message}")
            return
        there = oci_layout.blob(part.digest) in self._members
        if (there or about in wanted) and self._is_there(part):
            self._below(part, depth)

    def _child(self, part: Descriptor, depth: int) -> None:
        if not self._is_there(part, missing="oci.platform-missing"):
            return
        self._below(part, depth)
        config = self._seen.get(_key(part))
        # What is of an unknown type may run somewhere: nobody's evidence is about it, then.
        if config is not None or not oci_manifest.is_document(part.media_type):
            told = str(part.platform) if part.platform else f"{part.digest}"[:19]
            child = Child(platform=told, member=oci_layout.blob(part.digest))
            self.walked.children.setdefault(child.member, child)
        if not self._platforms or part.platform is None:
            return
        first = self._listed.setdefault(part.digest.hex, part.platform)
        if config is not None:
            self._reached.append(part.platform)
            if first is part.platform:
                self._demand_config(config, (part.platform,))
        if (first.os, first.architecture) != (part.platform.os, part.platform.architecture):
            # Its config was held against the first, and names one.
            self._fail("oci.platform", f"its index lists one image for {first} and {part.platform}")

    def _below(self, part: Descriptor, depth: int) -> None:
        """Walk a document below an index, once, and where it can be read."""
        if _key(part) in self._seen or not oci_manifest.is_document(part.media_type):
            return
        document = self._document(oci_layout.blob(part.digest), part.media_type)
        self._seen[_key(part)] = document.config if isinstance(document, ImageManifest) else None
        if isinstance(document, Index):
            self._index(document, depth + 1)
        elif document is not None:
            self._image(document)

    def _image(self, manifest: ImageManifest) -> None:
        for part in manifest.parts:
            self._is_there(part)

    def _chart(self, manifest: ImageManifest) -> None:
        """Read what a chart says it is; an index with charts in it is none."""
        there = oci_layout.blob(manifest.config.digest) in self.walked.blobs
        if manifest.config.media_type != oci_manifest.HELM_CONFIG or not there:
            return
        if not any(layer.media_type in helm_chart.CONTENT for layer in manifest.layers):
            self._fail("helm.malformed", "its manifest has a chart's config and no chart")
            return
        try:
            raw = self._pack.read(oci_layout.blob(manifest.config.digest), helm_chart.MAX_BYTES)
            self.walked.chart = helm_chart.parse(raw)
        except EvidenceError as error:
            self._fail("helm.malformed", error.message)
        if any(layer.media_type == helm_chart.PROVENANCE for layer in manifest.layers):
            self._find(
                Level.NOTE,
                "helm.provenance",
                "it comes with a .prov file, a cleartext OpenPGP message, which this kit does not "
                "read; it counts for nothing",
            )

    # ---- blobs

    def _is_there(self, part: Descriptor, missing: str = "oci.blob-missing") -> bool:
        """Say whether a blob is in the pack as the descriptor says; else it is a finding."""
        self._looked += 1
        if self._looked > MAX_DESCRIPTORS:
            if self._looked == MAX_DESCRIPTORS + 1:
                self._fail("oci.too-many", f"it leads to over {MAX_DESCRIPTORS} blobs")
            return False
        path = oci_layout.blob(part.digest)
        kept = self._members.get(path)
        if kept is None:
            self._missing(part, missing)
            return False
        self.walked.blobs.add(path)
        if kept.sha256 != part.digest.hex:
            self._fail("oci.mismatch", f"{path} holds other bytes than its name says")
            return False
        if kept.size != part.size:
            self._fail("oci.size", f"{path} has {kept.size} bytes, and its image says {part.size}")
            return False
        return True

    def _missing(self, part: Descriptor, code: str) -> None:
        if part.urls or any(word in part.media_type for word in _ELSEWHERE):
            where = f" ({part.urls[0][:200]})" if part.urls else ""
            self._fail(
                "oci.foreign",
                f"a layer, {part.digest}, is kept elsewhere{where} and is not in the pack",
            )
            return
        what = f" for {part.platform}" if part.platform else ""
        self._fail(code, f"{part.media_type[:100]}{what}, {part.digest}, is not in the pack")

    # ---- platforms

    def _is_wanted(self, part: Descriptor) -> bool:
        if not self._platforms or part.platform is None:
            return True
        return any(part.platform.fits(wanted) for wanted in self._platforms)

    def _demand_platforms(self, index: Index) -> None:
        if not index.platforms:
            self._fail("oci.platform-missing", "its index lists no image")
        listed = [part.platform for part in index.platforms if part.platform is not None]
        if any(part.media_type in oci_manifest.INDEXES for part in index.platforms):
            listed = self._reached  # what is listed below was walked, as far as it is there
        for wanted in self._platforms:
            if not any(platform.fits(wanted) for platform in listed):
                self._fail("oci.platform-missing", f"its index lists no image for {wanted}")

    def _demand_config(self, config: Descriptor, platforms: Sequence[Platform]) -> None:
        """Hold the platform of an image against the ones it must be of, where there are any."""
        path = oci_layout.blob(config.digest)
        if not platforms or path not in self.walked.blobs:
            return
        if config.media_type not in image_config.MEDIA_TYPES:
            self._fail("oci.platform", "its config names no platform, and one is chosen")
            return
        try:
            runs_on = image_config.platform(self._pack.read(path, image_config.MAX_BYTES))
        except EvidenceError as error:
            self._fail("oci.malformed", f"its config: {error.message}")
            return
        if not any(runs_on.fits(wanted, or_silent=True) for wanted in platforms):
            wanted_text = " or ".join(map(str, platforms))
            self._fail("oci.platform", f"it runs on {runs_on}, not on {wanted_text}")

    # ---- findings

    def _fail(self, code: str, message: str) -> None:
        self._find(Level.ERROR, code, message)

    def _find(self, level: Level, code: str, message: str) -> None:
        if sum(found.level is level for found in self.walked.findings) < MAX_FINDINGS:
            self.walked.findings.append(
                Finding(
                    level=level,
                    code=code,
                    subject=self._root,
                    message=message,
                    hint=_HINTS.get(code),
                )
            )


def _key(part: Descriptor) -> tuple[str, str]:
    return part.digest.hex, part.media_type
