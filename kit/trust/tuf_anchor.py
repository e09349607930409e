"""The TUF root that a host pins beside a trusted root, and what it has written down of it.

``INSTANCE/root.json`` and ``INSTANCE/tuf.json`` are taken from the folder where the trusted root
is, and from no other: a root of one place says nothing about a trusted root of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kit.errors import AnchorError, MalformedError
from kit.formats import trusted_root, tuf_metadata, tuf_record
from kit.formats.tuf_record import Record
from kit.trust.places import Place, read

TRUSTED_ROOT = "trusted_root.json"
ROOT = "root.json"
RECORD = "tuf.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class TufAnchor:
    """A pinned ``root.json``: its bytes, its version, and when it expires."""

    raw: bytes
    version: int
    expires: datetime


def folder(instance: str, places: Sequence[Place]) -> Path | None:
    """Return the first folder that has a trusted root of the instance.

    Raises :class:`AnchorError` where that cannot be read.
    """
    for place in places:
        found = place.folder / instance
        if read(found / TRUSTED_ROOT, trusted_root.MAX_BYTES, instance) is not None:
            return found
    return None


def pinned_root(folder: Path, instance: str) -> TufAnchor | None:
    """Return the ``root.json`` in an instance's folder, if there is one.

    Raises :class:`AnchorError` (``trust.malformed``) for one that cannot be read; that it is
    signed is asked when a chain is walked.
    """
    raw = read(folder / ROOT, tuf_metadata.MAX_BYTES["root"], instance)
    if raw is None:
        return None
    try:
        version, expires = tuf_metadata.glance(raw)
    except MalformedError as error:
        raise _malformed(instance, ROOT, error) from error
    return TufAnchor(raw=raw, version=version, expires=expires)


def record(folder: Path, instance: str) -> Record:
    """Return what ``tuf.json`` in an instance's folder says; an empty record where there is none.

    Raises :class:`AnchorError` (``trust.malformed``).
    """
    raw = read(folder / RECORD, tuf_record.MAX_BYTES, instance)
    if raw is None:
        return Record()
    try:
        return tuf_record.parse(raw)
    except MalformedError as error:
        raise _malformed(instance, RECORD, error) from error


def _malformed(instance: str, name: str, error: MalformedError) -> AnchorError:
    return AnchorError(
        f"{instance}/{name}: {error.message}", code="trust.malformed", subject=instance
    )
