"""Hash every member of a pack once, by every algorithm that something will compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kit.errors import EvidenceError, Fault, PackError
from kit.formats import bundled, digest_manifest, glance, kinds, npm_packument, oci_layout
from kit.formats.release_file import ReleaseFile
from kit.model import Digest, EvidenceFile, EvidenceKind, Manifest
from kit.pack.reader import Pack

MAX_EVIDENCE = kinds.MAX_BYTES

#: Digests by member path, then by algorithm; always with sha256.
Known = dict[str, dict[str, Digest]]


def hash_members(pack: Pack, release: ReleaseFile, progress: Callable[[int], None] | None) -> Known:
    """Return the digests of every member; raise :class:`PackError` naming all damaged ones.

    Evidence is read first, and believed in nothing but which algorithms its digests use:
    an artifact is then hashed in one reading by all that any evidence will compare.
    """
    wanted = {member.path: {"sha256"} for member in pack.manifest.members}
    for member, algorithm in _of_policy(pack.manifest, release):
        wanted[member].add(algorithm)
    faults: list[Fault] = []
    for evidence in pack.manifest.evidence:
        try:
            algorithms = _algorithms(evidence, read(pack, evidence))
        except PackError as error:
            faults += error.faults
        except EvidenceError:
            continue  # said by name when it is verified
        else:
            for member in evidence.about:
                wanted[member] |= algorithms
    known: Known = {}
    try:
        known = pack.hash_members(
            {path: frozenset(names) for path, names in wanted.items()}, progress=progress
        )
    except PackError as error:
        faults += error.faults
    if faults:
        raise PackError.of(tuple(sorted(set(faults), key=lambda fault: fault.subject)))
    return known


def read(pack: Pack, evidence: EvidenceFile) -> bytes:
    """Return the bytes of a piece of evidence, hash-checked; malformed if there are too many."""
    return pack.read(evidence.member, MAX_EVIDENCE)


def _of_policy(manifest: Manifest, release: ReleaseFile) -> Iterator[tuple[str, str]]:
    denied = {digest.algorithm for digest in release.terms.denied.digests}
    named = set(denied)
    for part in (part for line in release.lines for part in line.requirements):
        if part.digest is not None:
            named.add(part.digest.algorithm)
    for artifact in manifest.artifacts:
        for algorithm in named:
            yield artifact.member, algorithm
    for member in manifest.members:  # of an image, what it is made of may be denied too
        if member.path.startswith(oci_layout.BLOBS):
            for algorithm in denied:
                yield member.path, algorithm


def _algorithms(evidence: EvidenceFile, raw: bytes) -> frozenset[str]:
    """Return the digest algorithms that a piece of evidence compares, as it says itself."""
    if evidence.kind is EvidenceKind.DIGESTS:
        return digest_manifest.parse(raw, evidence.name).algorithms
    if evidence.kind is EvidenceKind.NPM_PACKUMENT:
        signed = npm_packument.signed(raw)
        return frozenset(each.digest.algorithm for each in signed if each.digest is not None)
    if evidence.kind not in bundled.KINDS:
        return frozenset()
    found: set[str] = set()
    for part in bundled.split(evidence.kind, raw):
        try:
            found |= glance.algorithms(part)
        except EvidenceError:
            continue
    return frozenset(found)
