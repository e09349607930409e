"""Turn what was gathered into the manifest and the contents of a pack.

Reads evidence, to pair it with what it is about; writes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kit import __version__
from kit.collect import documents, image_layout, pairing
from kit.collect.chains import Chains
from kit.collect.image_layout import Merged
from kit.collect.naming import Names
from kit.collect.pairing import Piece
from kit.errors import MachineError
from kit.formats import enclosed, kinds
from kit.formats.release_file import ReleaseFile
from kit.formats.release_line import Line, is_about
from kit.formats.rules import parts_of
from kit.model import Artifact, EvidenceFile, EvidenceKind, Found, Gathered, Manifest, Member
from kit.pack import roster

#: What one line of the release file brought.
Brought = tuple[Line, Gathered]

MAX_EVIDENCE = kinds.MAX_BYTES
_NO_CHAINS = Chains()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """A pack before it is written; ``unpaired`` are names of evidence about none of its files."""

    manifest: Manifest
    contents: Mapping[str, bytes | Path]
    unpaired: tuple[str, ...]


def assemble(
    release: ReleaseFile,
    date: datetime,
    brought: Sequence[Brought],
    chains: Chains = _NO_CHAINS,
) -> Assembly:
    """Pair evidence with what it is about, and lay everything out under member names.

    Files of TUF chains are carried as they are. Evidence that is about none of the artifacts
    is left out and named in the result.
    """
    known: dict[tuple[str, str], Found] = {}
    artifacts = _distinct(known, (found for _, gathered in brought for found in gathered.artifacts))
    # An artifact may be evidence too: a digest manifest that a line names, for instance.
    images = image_layout.merge(gathered.layout for _, gathered in brought)
    in_layout = _images(known, brought)
    evidence = _distinct(
        known,
        (
            *(found for _, gathered in brought for found in gathered.evidence),
            *(f for f in artifacts if kinds.by_name(f.name) and f not in in_layout),
        ),
    )
    pieces = [_piece(found) for found in evidence]
    paired = list(zip(pieces, pairing.pair(artifacts, pieces, _bound(known, brought)), strict=True))
    used = [(piece, about) for piece, about in paired if about]
    names = Names()
    members = in_layout | {
        found: names.member("artifacts", found) for found in artifacts if found not in in_layout
    }
    for piece, _ in used:
        if piece.found not in members:
            members[piece.found] = names.member("evidence", piece.found)
    carried = _artifacts(brought, members)
    taken = set(artifacts)
    contents = {member: found for found, member in members.items()} | {
        image_layout.member(sha256): blob for sha256, blob in images.blobs.items()
    }
    contents |= chains.members
    documented = {
        "README.txt": documents.readme(release, carried),
        "release.toml": release.raw,
        "ledger.json": documents.ledger(
            brought, chains.asked, {found.sha256 for found in contents.values()}
        ),
    }
    own = images.documents()
    described = Manifest(
        release_name=release.name,
        release_version=release.version,
        collected_at=date,
        kit=f"airgap-kit {__version__}",
        artifacts=carried,
        evidence=_evidence(used, members, images),
        members=tuple(_members(documented, own, contents)),
    )
    return Assembly(
        manifest=described,
        contents=documented | own | {path: found.path for path, found in contents.items()},
        unpaired=tuple(
            piece.found.name for piece, about in paired if not about and piece.found not in taken
        ),
    )


def _images(known: Mapping[tuple[str, str], Found], brought: Sequence[Brought]) -> dict[Found, str]:
    """Return the artifacts whose bytes are in the layout, and where."""
    return {
        known[found.name, found.sha256]: image_layout.member(found.sha256)
        for _, gathered in brought
        for found in gathered.artifacts
        if any(blob.sha256 == found.sha256 for blob in gathered.layout.blobs)
    }


def _bound(
    known: Mapping[tuple[str, str], Found], brought: Sequence[Brought]
) -> dict[str, list[Found]]:
    """Return the artifacts of which a line names a document as theirs, by its name."""
    bound: dict[str, list[Found]] = {}
    for line, gathered in brought:
        for demand in line.require:
            rules = [rule for part in parts_of(demand) for rule in (part.sbom, part.scan) if rule]
            about = [found for found in gathered.artifacts if is_about(demand, found.name)]
            for name in dict.fromkeys(rule.file for rule in rules if rule.file is not None):
                mine = [known[found.name, found.sha256] for found in about]
                bound.setdefault(name, []).extend(mine)
    return bound


def _distinct(known: dict[tuple[str, str], Found], found: Iterable[Found]) -> list[Found]:
    """Return each file once; files that are equal in name and bytes are one, wherever they lie.

    ``known`` has the first of each: the same file reached by two paths stays one object.
    """
    return list(dict.fromkeys(known.setdefault((item.name, item.sha256), item) for item in found))


def _piece(found: Found) -> Piece:
    named = kinds.by_name(found.name)
    if named in kinds.OF_DOCUMENTS and found.size > enclosed.MAX_BYTES:
        # Carried unread: that a document is too large must not keep a release from travelling.
        return Piece(found=found, kind=named, raw=b"")
    if found.size > MAX_EVIDENCE:
        raise MachineError(
            f"{found.name} has {found.size} bytes; evidence may have {MAX_EVIDENCE}",
            code="machine.too-large",
            subject=found.name,
        )
    try:
        raw = found.path.read_bytes()
    except OSError as error:
        raise MachineError(
            f"{found.path}: {error.strerror}", code="machine.unreadable", subject=found.name
        ) from error
    kind = kinds.by_content(found.name, raw) or EvidenceKind.UNKNOWN
    return Piece(found=found, kind=kind, raw=raw)


def _artifacts(brought: Sequence[Brought], members: Mapping[Found, str]) -> tuple[Artifact, ...]:
    by_content = {(found.name, found.sha256): member for found, member in members.items()}
    listed = {
        Artifact(
            name=found.name,
            source=line.source.text,
            member=by_content[found.name, found.sha256],
        )
        for line, gathered in brought
        for found in gathered.artifacts
    }
    return tuple(sorted(listed, key=lambda item: (item.source, item.name)))


def _evidence(
    used: Sequence[tuple[Piece, tuple[Found, ...]]], members: Mapping[Found, str], images: Merged
) -> tuple[EvidenceFile, ...]:
    listed = [
        *images.evidence,
        *(
            EvidenceFile(
                kind=piece.kind,
                name=piece.found.name,
                member=members[piece.found],
                about=tuple(sorted({members[found] for found in about if found in members})),
            )
            for piece, about in used
        ),
    ]
    return tuple(sorted(listed, key=lambda item: item.member))


def _members(
    head: Mapping[str, bytes], own: Mapping[str, bytes], contents: Mapping[str, Found]
) -> Iterator[Member]:
    for path in roster.HEAD:
        yield _member(path, head[path])
    listed = [_member(path, raw) for path, raw in own.items()]
    for path, found in contents.items():
        listed.append(Member(path=path, size=found.size, sha256=found.sha256))
    yield from sorted(listed, key=lambda member: member.path)


def _member(path: str, raw: bytes) -> Member:
    return Member(path=path, size=len(raw), sha256=hashlib.sha256(raw).hexdigest())
