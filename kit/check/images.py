"""Look at every image of a pack: each from its document down, then the layout as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kit.check import inventory, layout
from kit.check.layout import Walked
from kit.formats import oci_layout
from kit.formats.release_file import ReleaseFile
from kit.model import Finding
from kit.pack.reader import Pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The images, by the line's source and their member, and what is wrong with the layout."""

    images: Mapping[tuple[str, str], Walked]
    findings: tuple[Finding, ...]


def look(pack: Pack, release: ReleaseFile) -> Seen:
    """Walk every artifact in the pack's layout, as far as its line in ``release`` chose.

    The digests of all members must hold already.
    """
    members = {member.path: member for member in pack.manifest.members}
    platforms = {line.source.text: line.platforms for line in release.lines}
    images = {
        (artifact.source, artifact.member): layout.walk(
            pack, members, artifact.member, artifact.name, platforms.get(artifact.source, ())
        )
        for artifact in pack.manifest.artifacts
        if artifact.member.startswith(oci_layout.FOLDER)
    }
    by_member: dict[str, Walked] = {}
    for (_, member), walked in images.items():
        # Two lines may bring one image and choose other platforms of it.
        known = by_member.setdefault(member, Walked())
        known.blobs |= walked.blobs
    return Seen(images=images, findings=inventory.account(pack, members, by_member))
