"""Which members a pack has, in which order, and how its manifest speaks of them.

First the three files that a person who finds the pack reads, each exactly once, then the
carried folders; members ascend by path in byte order within them. What an entry names is
there, and whatever lies under ``artifacts/`` or ``evidence/`` is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kit.errors import Fault, PackError
from kit.formats.manifest import NAME as MANIFEST
from kit.model import Manifest
from kit.pack import names

SUMS = "SHA256SUMS"
HEAD = ("README.txt", "release.toml", "ledger.json")
FOLDERS = ("artifacts/", "evidence/", "oci/", "trust/")
#: Where the bytes of an artifact, and of a piece of evidence, may be.
ARTIFACT_FOLDERS = ("artifacts/", "oci/")
EVIDENCE_FOLDERS = ("artifacts/", "evidence/", "oci/")
#: Artifacts that one member may be: those of lines that name one file or image alike. All that
#: is asked of a member is asked for each, and a hostile pack could make it 200 000.
MAX_SAME = 32
#: Faults in one error; more of them would add only length.
MAX_FAULTS = 100


def check(manifest: Manifest) -> None:
    """Raise :class:`PackError` with everything wrong with the members, worst first."""
    paths = [member.path for member in manifest.members]
    faults: list[Fault] = []
    for found in (
        _named(paths),
        names.clashes(paths),
        _known(paths),
        _ordered(paths),
        _entries(manifest),
    ):
        # Each may rely on the ones before: clashes, for one, on names that are short.
        faults.extend(found)
        if faults:
            raise PackError.of(tuple(faults[:MAX_FAULTS]))


def _named(paths: list[str]) -> Iterator[Fault]:
    for path in paths:
        fault = names.fault(path)
        if fault is not None:
            yield fault


def _known(paths: list[str]) -> Iterator[Fault]:
    counts = Counter((MANIFEST, SUMS, *paths))
    for path, count in counts.items():
        if count > 1:
            yield _fault("pack.duplicate", path, f"there are {count} members {path!r}")
    for path in HEAD:
        if path not in counts:
            yield _fault("pack.missing", path, f"there is no member {path!r}")
    for path in paths:
        if path not in HEAD and not path.startswith(FOLDERS):
            yield _fault("pack.extra", path, f"{path!r} has no place in a pack")


def _ordered(paths: list[str]) -> Iterator[Fault]:
    due = [*HEAD, *sorted(paths[len(HEAD) :])]
    for path, expected in zip(paths, due, strict=True):
        if path != expected:
            yield _fault("pack.order", path, f"{path!r} stands where {expected!r} is due")
            return


def _entries(manifest: Manifest) -> Iterator[Fault]:
    """Hold artifacts and evidence against the members, both ways."""
    listed = {member.path for member in manifest.members}
    counts = Counter(artifact.member for artifact in manifest.artifacts)
    artifacts = set(counts)
    evidence = {item.member for item in manifest.evidence}
    subjects = {path for item in manifest.evidence for path in item.about}
    for path in sorted((artifacts | evidence | subjects) - listed):
        yield _fault("pack.missing", path, f"{MANIFEST} names {path!r:.300}, and no member is that")
    for path, count in counts.items():
        if count > MAX_SAME:
            many = (
                f"{MANIFEST} names {path!r:.300} as {count} artifacts, over the limit of {MAX_SAME}"
            )
            yield _fault("pack.manifest", path, many)
    for named, folders in ((artifacts, ARTIFACT_FOLDERS), (evidence, EVIDENCE_FOLDERS)):
        for path in sorted(named & listed):
            if not path.startswith(folders):
                where = " or ".join(folders)
                yield _fault("pack.manifest", path, f"{MANIFEST} names {path!r}, not in {where}")
    for path in sorted(listed):
        for folder, named in ((FOLDERS[0], artifacts), (FOLDERS[1], evidence)):
            if path.startswith(folder) and path not in named:
                yield _fault("pack.extra", path, f"no entry of {MANIFEST} names {path!r}")


def _fault(code: str, path: str, message: str) -> Fault:
    return Fault(code=code, subject=path[:256], message=message)
