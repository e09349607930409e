"""Whether a release is older than one that this host has passed, or other files under its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kit.formats.encodings import render_time
from kit.formats.memory_file import KnownRelease
from kit.formats.release_file import ReleaseFile
from kit.model import Finding, Level, Verdict
from kit.trust import memory


def findings(
    known: KnownRelease | None,
    release: ReleaseFile,
    verdicts: Sequence[Verdict],
    *,
    accept: bool,
) -> Iterator[Finding]:
    """Hold a release against the last pass of its name.

    Signing times are compared, and nothing is said where either has none. ``accept`` lets an
    older release pass.
    """
    if known is None:
        return
    newest = memory.newest_signature(verdicts)
    if newest is not None and known.signed_at is not None and newest < known.signed_at:
        yield Finding(
            level=Level.WARNING if accept else Level.ERROR,
            code="pack.rollback",
            subject=release.name,
            message=f"the newest signature is of {render_time(newest)}; this host has passed "
            f"{release.name} {known.version} with one of {render_time(known.signed_at)}"
            + ("; accepted with --accept-rollback" if accept else ""),
            hint=None
            if accept
            else "somebody may be leading this host back to an older release; if you mean to "
            "check one, say so with --accept-rollback",
        )
    if known.version == release.version and known.files_sha256 != memory.files_digest(verdicts):
        yield Finding(
            level=Level.WARNING,
            code="pack.changed",
            subject=release.name,
            message=f"these are not the files of {release.name} {release.version} that this host "
            "has passed before",
        )
