"""What holds for all of a release file, and which files its lines name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from packaging.version import InvalidVersion, Version

from kit.formats.encodings import render_time
from kit.formats.release_file import ReleaseFile
from kit.formats.release_line import Line
from kit.model import Finding
from kit.policy.lint.remark import warning

#: Sigstore's TUF roots live for about half a year, GitHub's for less than a year.
_LONG = timedelta(days=366)


def findings(release: ReleaseFile, at: datetime) -> Iterator[Finding]:
    """Yield what there is to say about the keys at the top, and about each line's files."""
    if not release.strict_names:
        yield warning(
            "lint.strict-names",
            "strict-names",
            "a file passes under any name: an older or another file of the same signer, renamed, "
            "is not noticed",
            "leave it out, and pin by `digest` the files that nothing names",
        )
    yield from _times(release, at)
    yield from _ages(release)
    yield from _floor(release)
    for number, line in enumerate(release.lines):
        yield from _files(f"artifact[{number}]", line)


def _times(release: ReleaseFile, at: datetime) -> Iterator[Finding]:
    terms = release.terms
    if terms.expires is not None and terms.expires <= at:
        yield warning(
            "lint.expired",
            "expires",
            f"the policy counts until {render_time(terms.expires)}: it passes nothing any more",
            "read all of it again, then set a new date",
        )
    oldest, newest = terms.oldest_signature, terms.newest_signature
    if oldest is not None and newest is not None and oldest > newest:
        yield warning(
            "lint.signing-times",
            "oldest-signature",
            "it is after newest-signature: no signature is between the two",
            f"oldest-signature = {render_time(newest)}",
        )
    elif oldest is not None and oldest > at:
        yield warning(
            "lint.signing-times",
            "oldest-signature",
            "it is in the future: nothing was signed since",
            "set it to when the release was made",
        )


def _ages(release: ReleaseFile) -> Iterator[Finding]:
    limit = release.terms.max_root_age
    if limit is not None and limit > _LONG:
        yield warning(
            "lint.root-age",
            "max-root-age",
            f"for {limit.days} days nobody notices what was revoked",
            'carry newer metadata more often, and say so: max-root-age = "90d"',
        )


def _floor(release: ReleaseFile) -> Iterator[Finding]:
    floor = release.terms.minimum_version
    if floor is None:
        return
    try:
        below = Version(release.version) < Version(floor)
    except InvalidVersion:
        below = True
    if below:
        yield warning(
            "lint.minimum-version",
            "minimum-version",
            f"{release.version} is below {floor}, or cannot be compared with it: the release fails",
            "set it to the oldest version that you still accept",
        )


def _files(path: str, line: Line) -> Iterator[Finding]:
    if not line.patterns:
        return
    if line.files:
        number = line.files.index(line.patterns[0])
        path, what = f"{path}.files[{number}]", f"the pattern {line.patterns[0]!r}"
    else:
        path, what = f"{path}.files", "the folder without `files`"
    yield warning(
        "lint.files",
        path,
        f"{what} takes whatever was collected: a file that was withheld is not missed",
        'write the names out: files = ["NAME", …]',
    )
