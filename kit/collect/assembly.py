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
from kit.collect import documents, pairing
from kit.collect.naming import Names
from kit.collect.pairing import Piece
from kit.errors import MachineError
from kit.formats import enclosed, kinds
from kit.formats.release_file import Line, ReleaseFile
from kit.model import Artifact, EvidenceFile, EvidenceKind, Found, Gathered, Manifest, Member
from kit.pack import roster

#: What one line of the release file brought.
Brought = tuple[Line, Gathered]

MAX_EVIDENCE = kinds.MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """A pack before it is written; ``unpaired`` are names of evidence about none of its files."""

    manifest: Manifest
    contents: Mapping[str, bytes | Path]
    unpaired: tuple[str, ...]


def assemble(release: ReleaseFile, date: datetime, brought: Sequence[Brought]) -> Assembly:
    """Pair evidence with what it is about, and lay everything out under member names.

    Evidence that is about none of the artifacts is left out and named in the result.
    """
    known: dict[tuple[str, str], Found] = {}
    artifacts = _distinct(known, (found for _, gathered in brought for found in gathered.artifacts))
    # An artifact may be evidence too: a digest manifest that a line names, for instance.
    evidence = _distinct(
        known,
        (
            *(found for _, gathered in brought for found in gathered.evidence),
            *(found for found in artifacts if kinds.by_name(found.name)),
        ),
    )
    pieces = [_piece(found) for found in evidence]
    paired = list(zip(pieces, pairing.pair(artifacts, pieces, _bound(known, brought)), strict=True))
    used = [(piece, about) for piece, about in paired if about]
    names = Names()
    members = {found: names.member("artifacts", found) for found in artifacts}
    for piece, _ in used:
        if piece.found not in members:
            members[piece.found] = names.member("evidence", piece.found)
    carried = _artifacts(brought, members)
    taken = set(artifacts)
    documented = {
        "README.txt": documents.readme(release, carried),
        "release.toml": release.raw,
        "ledger.json": documents.ledger(brought, {found.sha256 for found in members}),
    }
    described = Manifest(
        release_name=release.name,
        release_version=release.version,
        collected_at=date,
        kit=f"airgap-kit {__version__}",
        artifacts=carried,
        evidence=_evidence(used, members),
        members=tuple(_members(documented, members)),
    )
    return Assembly(
        manifest=described,
        contents=documented | {member: found.path for found, member in members.items()},
        unpaired=tuple(
            piece.found.name for piece, about in paired if not about and piece.found not in taken
        ),
    )


def _bound(
    known: Mapping[tuple[str, str], Found], brought: Sequence[Brought]
) -> dict[str, list[Found]]:
    """Return the artifacts of the lines that name a document as theirs, by its name."""
    bound: dict[str, list[Found]] = {}
    for line, gathered in brought:
        rules = [rule for part in line.requirements for rule in (part.sbom, part.scan) if rule]
        for name in dict.fromkeys(rule.file for rule in rules if rule.file is not None):
            mine = [known[found.name, found.sha256] for found in gathered.artifacts]
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
    used: Sequence[tuple[Piece, tuple[Found, ...]]], members: Mapping[Found, str]
) -> tuple[EvidenceFile, ...]:
    listed = [
        EvidenceFile(
            kind=piece.kind,
            name=piece.found.name,
            member=members[piece.found],
            about=tuple(sorted({members[found] for found in about if found in members})),
        )
        for piece, about in used
    ]
    return tuple(sorted(listed, key=lambda item: item.member))


def _members(contents: Mapping[str, bytes], members: Mapping[Found, str]) -> Iterator[Member]:
    for path in roster.HEAD:
        raw = contents[path]
        yield Member(path=path, size=len(raw), sha256=hashlib.sha256(raw).hexdigest())
    by_path = {member: found for found, member in members.items()}
    for path, found in sorted(by_path.items()):
        yield Member(path=path, size=found.size, sha256=found.sha256)
