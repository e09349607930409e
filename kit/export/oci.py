"""Write the images that passed as an OCI layout, with their evidence, for any tool.

skopeo, oras, crane and containerd start from ``index.json``. What was signed the old way is
there under cosign's tags; referrers are listed, and again in an index under the tag that
stands in for the referrers API, so that nothing is lost whatever registry it is copied to.
``manifest.json`` is for `docker load`, which knows no index of several platforms.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.errors import UsageError
from kit.export import image_plan, writing
from kit.export.docker_archive import FILE as DOCKER
from kit.export.docker_archive import docker_archive
from kit.export.image_plan import Document, ImagePlan
from kit.formats import oci_layout, oci_manifest, strictjson
from kit.formats.oci_manifest import REF_NAME
from kit.model import Digest, Report
from kit.pack.reader import Pack

_CONTAINERD_NAME = "io.containerd.image.name"
_FILES = ("blobs", "oci-layout", DOCKER, "index.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The names of the images in a layout, and what evidence about them is not there, and why."""

    names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def write(pack: Pack, report: Report, to: Path, *, unverified: bool = False) -> Written:
    """Write the images of ``pack`` that passed in ``report`` as a layout in the folder ``to``.

    ``unverified`` adds the evidence about them of which no verifier accepted anything. All
    of it is written or nothing: raises :class:`UsageError` where there is no image or the
    folder has a layout already, :class:`PackError` (``pack.rewritten``) where the pack changed
    after it was checked, :class:`MachineError` where the disk refuses.
    """
    if not any(map(image_plan.is_image, report.verdicts)):
        raise UsageError(
            "there is no image in what was asked for",
            code="export.nothing",
            hint="--as files writes files",
        )
    plans = image_plan.plans(pack, report.released, unverified=unverified)
    if not plans:
        return Written(names=())
    writing.refuse_taken(_FILES, to)
    with writing.aside(to) as aside:
        _write_layout(pack, plans, aside)
        there = [name for name in _FILES if (aside / name).exists()]
        writing.publish([(aside / name, to / name) for name in there], to)
    return Written(
        names=tuple(plan.name for plan in plans),
        left_out=tuple(dict.fromkeys(item for plan in plans for item in plan.left_out)),
    )


def _write_layout(pack: Pack, plans: Sequence[ImagePlan], folder: Path) -> None:
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    evidence = _evidence(plans)
    members = {member for plan in plans for member in plan.blobs}
    members |= {document.member for plan in plans for document in plan.documents}
    members |= {document.member for document in (each for p in plans for each in p.evidence)}
    for member in sorted(members):
        name = member.removeprefix(oci_layout.BLOBS)
        writing.copy(pack, member, name, blobs / name, member)
    entries = [*_roots(plans), *(_entry(document, document.tag) for document in evidence)]
    for tag, raw in image_plan.fallback_indexes(evidence).items():
        entry = _index_entry(raw, tag)
        writing.put(blobs / hashlib.sha256(raw).hexdigest(), raw)
        entries.append(entry)
    writing.put(folder / "oci-layout", oci_layout.VERSION)
    index = {"schemaVersion": 2, "mediaType": oci_manifest.OCI_INDEX, "manifests": entries}
    writing.put(folder / "index.json", strictjson.canonical(index))
    loadable = docker_archive(pack, plans)
    if loadable:
        writing.put(folder / DOCKER, strictjson.canonical(loadable))


def _evidence(plans: Sequence[ImagePlan]) -> list[Document]:
    """Return the documents of evidence of all images, each tag and digest once."""
    found: dict[tuple[str, str | None], Document] = {}
    for plan in plans:
        for document in plan.evidence:
            found.setdefault((document.member, document.tag), document)
    return list(found.values())


def _roots(plans: Sequence[ImagePlan]) -> list[dict[str, Any]]:
    """Return the entries of the images: by tag where only one has it, else by the whole name."""
    tags = Counter(plan.reference.tag for plan in plans if plan.reference)
    roots = []
    for plan in plans:
        named = plan.reference
        if named is None or named.tag is None:
            roots.append(_entry(plan.root, None))
            continue
        tag, whole = named.tag, f"{named.repository}:{named.tag}"
        entry = _entry(plan.root, tag if tags[tag] == 1 else whole)
        entry["annotations"][_CONTAINERD_NAME] = whole
        roots.append(entry)
    return roots


def _entry(document: Document, name: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "mediaType": document.media_type,
        "digest": str(document.digest),
        "size": document.size,
    }
    if document.subject is not None and document.artifact_type is not None:
        entry["artifactType"] = document.artifact_type
    if name is not None:
        entry["annotations"] = {REF_NAME: name}
    return entry


def _index_entry(raw: bytes, tag: str) -> dict[str, Any]:
    return {
        "mediaType": oci_manifest.OCI_INDEX,
        "digest": str(Digest("sha256", hashlib.sha256(raw).hexdigest())),
        "size": len(raw),
        "annotations": {REF_NAME: tag},
    }
