"""The OCI layout of a pack: what images of all lines brought, each blob once.

It holds what an OCI image layout does (image specification, "Image Layout"), so that
skopeo, oras and crane read it; ``index.json`` lists every manifest that no other leads to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kit.formats import oci_layout, oci_manifest, strictjson
from kit.model import Digest, Entry, EvidenceFile, Found, Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The layouts of all lines as one; ``blobs`` by SHA-256."""

    blobs: Mapping[str, Found]
    entries: tuple[Entry, ...]
    evidence: tuple[EvidenceFile, ...]

    def documents(self) -> dict[str, bytes]:
        """Return the layout's own files by member path; none where there is no image."""
        if not self.blobs:
            return {}
        index: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": oci_manifest.OCI_INDEX,
            "manifests": [_descriptor(entry) for entry in self.entries],
        }
        return {
            oci_layout.MARKER: oci_layout.VERSION,
            oci_layout.INDEX: strictjson.canonical(index),
        }


def member(sha256: str) -> str:
    """Return the member path of a blob."""
    return oci_layout.blob(Digest("sha256", sha256))


def merge(layouts: Iterable[Layout]) -> Merged:
    """Make one layout of several; evidence that several brought is about what each says."""
    blobs: dict[str, Found] = {}
    entries: set[Entry] = set()
    evidence: dict[str, EvidenceFile] = {}
    for layout in layouts:
        for blob in layout.blobs:
            blobs.setdefault(blob.sha256, blob)
        entries |= set(layout.entries)
        for one in layout.attached:
            path, about = member(one.sha256), set(map(member, one.about))
            before = evidence.get(path)
            evidence[path] = EvidenceFile(
                kind=one.kind if before is None else before.kind,
                name=one.name if before is None else min(before.name, one.name),
                member=path,
                about=tuple(sorted(about.union(() if before is None else before.about))),
            )
    tagged = {entry.sha256 for entry in entries if entry.tag is not None}
    listed = [entry for entry in entries if entry.tag is not None or entry.sha256 not in tagged]
    return Merged(
        blobs=blobs,
        entries=tuple(sorted(listed, key=lambda entry: (entry.sha256, entry.tag or ""))),
        evidence=tuple(evidence.values()),
    )


def _descriptor(entry: Entry) -> dict[str, Any]:
    described: dict[str, Any] = {
        "mediaType": entry.media_type,
        "digest": f"sha256:{entry.sha256}",
        "size": entry.size,
    }
    if entry.tag is not None:
        described["annotations"] = {oci_manifest.REF_NAME: entry.tag}
    return described
