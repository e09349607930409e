"""Release files to lint, and what is found in them."""

from __future__ import annotations

from collections.abc import Collection

from kit.formats import release_file
from kit.formats.release_file import ReleaseFile
from kit.model import Finding, Level
from kit.policy.lint import lint
from tests.lab import AT, IDENTITY, ISSUER

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SIGNER = f'issuer = "{ISSUER}"\nidentity = "{IDENTITY}"'
LINE = 'source = "file:downloads"\nfiles = ["tool-1.0.tar.gz"]'


def release(
    *,
    top: str = "",
    signer: str = SIGNER,
    line: str = LINE,
    require: str = 'signer = "release"',
    more: str = "",
) -> ReleaseFile:
    """Return a release file in which nothing is weak but what is given."""
    text = (
        f'schema = 1\nname = "tool"\nversion = "1.0"\n{top}\n[signers.release]\n{signer}\n{more}\n'
        f"[[artifact]]\n{line}\n[[artifact.require]]\n{require}\n"
    )
    return release_file.parse(text.encode(), "release.toml")


def regexp(pattern: str, issuer: str = ISSUER) -> ReleaseFile:
    """Return a release file whose signer is this regular expression."""
    return release(signer=f"issuer = \"{issuer}\"\nidentity-regexp = '{pattern}'")


def found(given: ReleaseFile, logless: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return what the lint says, as of the lab's time; all of it has a path and a hint."""
    said = lint(given, AT, logless)
    assert all(one.subject and one.hint and one.code.startswith("lint.") for one in said)
    return said


def codes(given: ReleaseFile, logless: Collection[str] = ()) -> set[str]:
    """Return the codes of what the lint says."""
    return {one.code for one in found(given, logless)}


def warnings(given: ReleaseFile) -> set[str]:
    """Return the codes of the warnings alone."""
    return {one.code for one in found(given) if one.level is Level.WARNING}


def the(code: str, given: ReleaseFile, logless: Collection[str] = ()) -> Finding:
    """Return the only finding of a code."""
    (one,) = [each for each in found(given, logless) if each.code == code]
    return one
