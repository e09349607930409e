"""What collecting gathers: files, what an image is made of, and every place that was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kit.model.pack import EvidenceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that a source brought: its published name, and where its bytes are now."""

    name: str
    path: Path
    size: int
    sha256: str


class Answer(StrEnum):
    """What a place answered. A place that could not be asked is an error, never an answer."""

    FOUND = "found"
    ABSENT = "absent"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One row of the ledger: a place, what it was asked for, and its answer.

    ``place`` is a URL without query, fragment and credentials, or a ``file:`` path as the
    release file writes it; never an absolute path. ``note`` says why something was skipped.
    ``sha256`` is that of what was found, and ``carried`` whether the pack has it: a page that
    was only read, or evidence about none of the files, is not. ``added`` says that nobody
    published it so: collecting made it of what was published and of this place's answer.
    """

    place: str
    wanted: str
    answer: Answer
    sha256: str | None = None
    note: str | None = None
    carried: bool = True
    added: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A manifest that ``oci/index.json`` lists: its type, SHA-256 in hex, size, and tag if any."""

    media_type: str
    sha256: str
    size: int
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """Evidence in an image layout: the blob that is it, and the manifests that it is about.

    Blobs go by their SHA-256 in hex.
    """

    kind: EvidenceKind
    name: str
    sha256: str
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What an image brought beside its manifest: every blob, and the evidence among them.

    Blobs are named by their SHA-256. ``entries`` are the manifests that nothing else leads to.
    """

    blobs: tuple[Found, ...] = ()
    entries: tuple[Entry, ...] = ()
    attached: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What one source brought: artifacts, evidence, and every place it asked.

    Of an image the artifact is its manifest or index, and ``layout`` has all that belongs to it.
    """

    artifacts: tuple[Found, ...]
    evidence: tuple[Found, ...]
    asked: tuple[Asked, ...]
    layout: Layout = field(default_factory=Layout)
