"""Look at every image of a pack: each from its document down, then the layout as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kit.check import inventory, layout
from kit.check.layout import Walked
from kit.formats import oci_layout
from kit.formats.oci_platform import Platform
from kit.formats.release_file import ReleaseFile
from kit.model import Finding
from kit.pack.reader import Pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The images that lines ask for, by source and name, and what is wrong with the layout."""

    images: Mapping[tuple[str, str], Walked]
    findings: tuple[Finding, ...]


def look(pack: Pack, release: ReleaseFile) -> Seen:
    """Walk every artifact in the pack's layout, as far as its line in ``release`` chose.

    Where no line asks for anything (a draft is being made), each image counts once. The
    digests of all members must hold already.
    """
    members = {member.path: member for member in pack.manifest.members}
    lines = {line.source.text: line for line in release.lines}
    walks: dict[tuple[str, tuple[Platform, ...]], Walked] = {}
    images: dict[tuple[str, str], Walked] = {}
    by_member: dict[str, Walked] = {}
    for artifact in pack.manifest.artifacts:
        member, line = artifact.member, lines.get(artifact.source)
        if not member.startswith(oci_layout.FOLDER):
            continue
        key = (member, () if line is None else line.platforms)
        # A hostile pack may call one image by a hundred thousand names.
        if key not in walks:
            walks[key] = layout.walk(pack, members, member, key[1])
        if line.takes(artifact.name) if line is not None else not lines and member not in by_member:
            images[artifact.source, artifact.name] = walks[key]
        # Two lines may bring one image and choose other platforms of it.
        known = by_member.setdefault(member, Walked(media_type=walks[key].media_type))
        known.blobs |= walks[key].blobs
    return Seen(images=images, findings=inventory.account(pack, members, by_member))
