"""What is weak, void or impossible in a release file that is otherwise right.

A release file is judged by itself: nothing here looks at evidence, and nothing that it says
changes a verdict. Every finding names the key, says what could happen, and what to write
instead. It is a help and no proof: a file without findings can still be a weak policy.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from kit.formats.release_file import ReleaseFile
from kit.model import Finding
from kit.policy.lint import combining, images, requirements, signers, terms


def lint(release: ReleaseFile, at: datetime, logless: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return what there is to say about a release file, in the order of its parts.

    ``at`` is the time of asking; ``logless`` are Sigstore instances that are known to have no
    log. A warning is something that likely does not mean what it says; a note is advice.
    """
    return (
        *terms.findings(release, at),
        *signers.findings(release),
        *requirements.findings(release, at, logless),
        *combining.findings(release),
        *images.findings(release),
    )
