"""Signatures that lack the log's proof, and by what the log is asked for it.

Whole bundles are nobody's business: an entry with a proof and a checkpoint needs no other,
and a bundle that a timestamp dates may do without.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from kit.errors import EvidenceError
from kit.formats import bundled, sigstore_bundle, statement
from kit.formats.dsse import Envelope
from kit.formats.log_entry_body import GENERATIONS
from kit.formats.sigstore_bundle import Bundle, LogEntry
from kit.model import EvidenceKind

#: Subjects by which the entry of an envelope is looked for, after its payload.
MAX_SUBJECTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproved:
    """A bundle, or a signature as the bundle that it would be, without the log's proof."""

    bundle: Bundle

    @property
    def by_key(self) -> bool:
        """Whether a key signed, which nobody here knows."""
        return not self.bundle.certificates

    @property
    def missing(self) -> tuple[LogEntry, ...]:
        """The entries that it names and has no proof of; empty where it names none."""
        return tuple(entry for entry in self.bundle.entries if not is_proved(entry))

    def digests(self) -> tuple[tuple[str, ...], ...]:
        """Return by which SHA-256 digests to look for an envelope, the likeliest first."""
        content = self.bundle.content
        if not isinstance(content, Envelope):
            return ()
        payload = hashlib.sha256(content.payload).hexdigest()
        return (payload,), tuple(_subjects(content.payload))


def is_proved(entry: LogEntry) -> bool:
    """Say whether an entry has all that a log proves it by."""
    return entry.proof is not None and entry.proof.checkpoint is not None


def find(kind: EvidenceKind, raw: bytes) -> tuple[Unproved, ...] | None:
    """Return a file's bundles if any of them lacks the log's proof, those that are whole too.

    ``None`` for a file of which none does. What cannot be read lacks nothing: `check` says
    what is wrong with it.
    """
    if kind not in bundled.UNLOGGED and (kind is not EvidenceKind.SIGSTORE or _is_whole(raw)):
        return None
    try:
        bundles = [sigstore_bundle.parse(part) for part in bundled.split(kind, raw)]
    except EvidenceError:
        return None
    if not any(lacks(bundle, kind) for bundle in bundles):
        return None
    return tuple(Unproved(bundle=bundle) for bundle in bundles if lacks(bundle, kind))


def lacks(bundle: Bundle, kind: EvidenceKind) -> bool:
    """Say whether a bundle lacks what a Rekor v1 could tell."""
    if not bundle.entries:
        return kind in bundled.UNLOGGED and not bundle.timestamps
    v1 = all(GENERATIONS.get((entry.kind, entry.version)) == 1 for entry in bundle.entries)
    return v1 and not all(is_proved(entry) for entry in bundle.entries)


def _is_whole(raw: bytes) -> bool:
    """Say so of most bundles without reading them; of a few that are not whole, say no."""
    return raw.count(b'"checkpoint"') >= raw.count(b'"canonicalizedBody"')


def _subjects(payload: bytes) -> Iterator[str]:
    try:
        subjects = statement.parse(payload).subjects
    except EvidenceError:
        return
    found = [d.hex for s in subjects for d in s.digests if d.algorithm == "sha256"]
    yield from dict.fromkeys(found[:MAX_SUBJECTS])
