"""``file:PATH``: a file, or a folder of downloads, beside the release file.

The text of the source says which of the two it is (:mod:`kit.formats.source_text`); a
path that turns out to be the other is the operator's mistake, told with the correction.
Folders are read one level deep, links and special files never: what a link points to is
not in the folder. Files stay where they are; they are hashed, not copied.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kit.errors import MachineError, UsageError
from kit.formats import kinds
from kit.formats.manifest import can_name
from kit.formats.source_text import Source
from kit.model import Answer, Asked, EvidenceKind, Found, Gathered

MAX_EVIDENCE = kinds.MAX_BYTES
_CHUNK = 1 << 20
#: What says something of files, and is signed by nobody itself.
_UNSIGNED = frozenset({EvidenceKind.DIGESTS, EvidenceKind.IMAGE_DIGESTS, *kinds.OF_DOCUMENTS})
_ANCHOR = "a trusted root is no evidence: the checking host trusts its own alone"


def gather(
    source: Source,
    base: Path,
    takes: Callable[[str], bool] | None,
    ours: Collection[Path] = (),
) -> Gathered:
    """Gather a source's files; ``base`` is the release file's folder.

    ``ours`` are the paths that the pack is written to: no part of what is collected.

    ``takes`` says which names are artifacts (the line's rule); ``None`` means that the
    source was named as a place to look for evidence only. Raises :class:`UsageError` for
    a path that is not there or is of the other kind, :class:`MachineError` for one that
    cannot be read.
    """
    path = base / source.location
    folder, only = _folder(source, path, evidence_only=takes is None)
    artifacts: list[Path] = []
    evidence: list[Path] = []
    asked: list[Asked] = []
    unlisted = 0
    for entry in _entries(folder, ours):
        name = entry.name
        if _aside(entry):
            unlisted += 1
            continue
        is_artifact = takes is not None and takes(name) and (only is None or name == only)
        if is_artifact:
            _demand_plain(source, entry)
        reason = _odd(entry) if is_artifact else _no_evidence(entry)
        if reason is not None:
            if only in (None, name):
                asked.append(_row(source, _shown(name), Answer.SKIPPED, note=reason))
        elif is_artifact:
            artifacts.append(entry)
        elif (takes is None and only is not None and name == only) or _is_evidence(entry):
            evidence.append(entry)
        elif only is None:
            asked.append(_row(source, name, Answer.SKIPPED, note="the line does not name it"))
    if unlisted and only is None:
        # Not by name: a hidden file was never meant to be told of to whoever gets the pack.
        note = f"{unlisted} of them; only what is not hidden is read, one level deep"
        asked.append(_row(source, "hidden files and folders", Answer.SKIPPED, note=note))
    found_artifacts, found_evidence = hashed(artifacts), hashed(evidence)
    asked += [
        _row(source, item.name, Answer.FOUND, item.sha256)
        for item in (*found_artifacts, *found_evidence)
    ]
    asked += _unsigned(source, found_artifacts, found_evidence)
    return Gathered(
        artifacts=found_artifacts,
        evidence=found_evidence,
        asked=tuple(sorted(asked, key=lambda row: (row.place, row.wanted))),
    )


def _folder(source: Source, path: Path, *, evidence_only: bool) -> tuple[Path, str | None]:
    """Return the folder to read, and the one name wanted from it where the source is a file."""
    if not _is_there(source, path):
        raise UsageError(
            f"{source.text}: no such file or folder beside the release file",
            code="file.missing",
            subject=source.location,
        )
    if path.is_dir():
        if source.file_name is not None:
            raise UsageError(
                f"{source.text} reads as one file, but is a folder",
                code="file.is-folder",
                hint=f'write source = "{source.text.rstrip("/")}/", or name its `files`',
            )
        return path, None
    if source.file_name is None and not evidence_only:
        parent = source.location.rstrip("/").rpartition("/")[0] or "."
        raise UsageError(
            f"{source.text} reads as a folder, but is a file",
            code="file.is-file",
            hint="offline nobody could tell which it was; write "
            f'source = "file:{parent}/" and files = ["{path.name}"]',
        )
    return path.parent, path.name


def _is_there(source: Source, path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except UnicodeEncodeError:  # no file here can have this name, in this locale
        return False
    except OSError as error:
        message = f"{source.text}: {error.strerror}"
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise UsageError(message, code="file.missing", subject=source.location) from error
        raise MachineError(message, code="machine.unreadable", subject=source.location) from error
    return True


def _entries(folder: Path, ours: Collection[Path]) -> list[Path]:
    """List a folder, without the packs that a collect writes into it and its working folders."""
    try:
        here = folder.resolve()
        left_out = {path.name for path in ours if path.parent.resolve() == here}
        return sorted(
            (
                entry
                for entry in folder.iterdir()
                if entry.name not in left_out
                and not (entry.name.endswith(".collecting") and stat.S_ISDIR(_mode(entry)))
            ),
            key=lambda entry: entry.name,
        )
    except OSError as error:
        raise MachineError(f"{folder}: {error.strerror}", code="machine.unreadable") from error


def _shown(name: str) -> str:
    """Return a name with the bytes that are no UTF-8 escaped: a ledger is text."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _aside(entry: Path) -> bool:
    """Say whether an entry is no download at all: hidden, or a folder."""
    return entry.name.startswith(".") or stat.S_ISDIR(_mode(entry))


def _odd(entry: Path) -> str | None:
    """Return why a download cannot be taken as it is, if it cannot."""
    if not can_name(entry.name) or not entry.name.isprintable():
        return "named with characters that cannot be shown"
    return None if stat.S_ISREG(_mode(entry)) else "not a regular file"


def _no_evidence(entry: Path) -> str | None:
    """Return why what is no artifact cannot be evidence either."""
    return _odd(entry) or (_ANCHOR if kinds.is_anchor(entry.name) else None)


def _demand_plain(source: Source, entry: Path) -> None:
    """Refuse an artifact that cannot be taken: leaving it out in silence would be worse."""
    reason = _odd(entry)
    if reason is not None:
        raise UsageError(
            f"{source.text}: {entry.name} is {reason}",
            code="file.not-plain",
            subject=entry.name,
            hint="put the file itself there, under a plain name, or write `files` without it",
        )


def _mode(entry: Path) -> int:
    try:
        return entry.lstat().st_mode
    except OSError as error:
        raise MachineError(f"{entry}: {error.strerror}", code="machine.unreadable") from error


def _is_evidence(entry: Path) -> bool:
    if kinds.by_name(entry.name) is not None:
        return True
    if not entry.name.endswith(kinds.LOOKED_INTO) or entry.stat().st_size > MAX_EVIDENCE:
        return False
    return kinds.by_content(entry.name, _read(entry)) is not None


def _read(entry: Path) -> bytes:
    try:
        return entry.read_bytes()
    except OSError as error:
        raise MachineError(f"{entry}: {error.strerror}", code="machine.unreadable") from error


def hashed(entries: list[Path]) -> tuple[Found, ...]:
    """Return files with their sizes and digests, in their order; every core hashes."""
    # hashlib lets go of the interpreter while it hashes: threads use every core.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return tuple(pool.map(_hash, entries))


def _hash(entry: Path) -> Found:
    sha256, size = hashlib.sha256(), 0
    for chunk in _chunks(entry):
        sha256.update(chunk)
        size += len(chunk)
    return Found(name=entry.name, path=entry, size=size, sha256=sha256.hexdigest())


def _chunks(entry: Path) -> Iterator[bytes]:
    try:
        # Not through a link that took the file's place since it was listed.
        descriptor = os.open(entry, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise MachineError(f"{entry}: {error.strerror}", code="machine.unreadable") from error


def _unsigned(
    source: Source, artifacts: Iterable[Found], evidence: Iterable[Found]
) -> Iterator[Asked]:
    """Yield a row for each artifact beside which nothing lies that could sign it.

    None at all where some of the evidence is not plainly about another artifact by its name.
    """
    bare = {item.name for item in artifacts}
    names = frozenset(bare)
    for piece in evidence:
        if kinds.by_name(piece.name) in _UNSIGNED:
            continue
        about: str | None = piece.name
        while about is not None and about not in names:
            about = kinds.named_after(about)
        if about is None:
            return
        bare.discard(about)
    for name in sorted(bare):
        yield _row(source, f"signatures and attestations of {name}", Answer.ABSENT)


def _row(
    source: Source, name: str, answer: Answer, sha256: str | None = None, note: str | None = None
) -> Asked:
    return Asked(place=source.text, wanted=name, answer=answer, sha256=sha256, note=note)
