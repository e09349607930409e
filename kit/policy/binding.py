"""What binds a file to its name and version (design section 8).

The mapping from a release file's line to members is the collector's claim. A name is
proved by the signed bytes themselves: an in-toto subject, a line of a verified digest
manifest, a pinned digest, or the metadata inside a signed wheel or sdist. Only claims
that met a requirement count: anybody can sign a statement that names anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from packaging.version import InvalidVersion, Version

from kit.errors import MalformedError
from kit.formats import distribution
from kit.formats.release_file import Line
from kit.model import Claim, Finding, Level

#: Reads the metadata inside the file; raises :class:`MalformedError` where it cannot.
Inside = Callable[[], distribution.Named]

# `1.0rc1`, `1.0-beta.2`, `1.0.x` and Debian's `1.0~anything` are other versions than 1.0.
_OTHER_RELEASE = (
    r"~|[.]x(?![0-9A-Za-z])|[-._+]*(?:a|alpha|b|beta|c|rc|pre|preview|dev|post|snapshot|nightly|canary|milestone|next)"
    r"(?![A-Za-z])"
)


def unproved_name(name: str, claims: Iterable[Claim], line: Line, inside: Inside) -> Finding | None:
    """Return a finding unless something that was signed, or the policy, names the file so.

    ``claims`` are those that met the line's requirements.
    """
    claims = tuple(claims)
    if any(requirement.digest is not None for requirement in line.require):
        return None  # the policy pins these very bytes
    named = [_base(given) for claim in claims for given in claim.names]
    if name in named:
        return None
    told = f"the signed evidence names it {', '.join(sorted(set(named))[:3])}" if named else ""
    written = distribution.parse_name(name)
    if written is not None and any(not claim.names for claim in claims):
        try:
            found = inside()
        except MalformedError as error:
            told = f"the metadata inside it: {error}"
        else:
            if found == written:
                return None
            told = f"the metadata inside it says {_say(found)}"
    return Finding(
        level=Level.ERROR,
        code="artifact.name-unproved",
        subject=name,
        message=f"nothing that was signed says that this file is {name}"
        + (f"; {told}" if told else ""),
        hint="it may have been renamed; ask for evidence that names it, pin its digest, or "
        "write strict-names = false and accept that the name is only the collector's word",
    )


def unproved_version(
    name: str, version: str, claims: Iterable[Claim], line: Line
) -> Finding | None:
    """Return a finding where neither the proved name nor the policy says the version."""
    if any(requirement.digest is not None for requirement in line.require):
        return None
    if names_version(name, version):
        return None
    met_by = {claim.identity.subject for claim in claims}
    for requirement in line.require:
        identity = requirement.signer.identity if requirement.signer else None
        if identity is not None and identity in met_by and names_version(identity, version):
            return None
    return Finding(
        level=Level.ERROR,
        code="artifact.version-unproved",
        subject=name,
        message=f"nothing that was signed says that this file is of version {version}",
        hint="it may be a file of another version; pin its digest, or name a signer by the "
        "exact identity at the version's tag",
    )


def names_version(text: str, version: str) -> bool:
    """Say whether ``text`` contains ``version`` as a whole, not as part of another one.

    ``tool-1.0.tar.gz`` names 1.0; ``tool-1.0.1``, ``tool-11.0`` and ``tool-1.0rc1`` do not.
    A wheel or sdist names the version that its file name parses to.
    """
    parsed = distribution.parse_name(text)
    if parsed is not None:
        try:
            return Version(parsed.version) == Version(version)
        except InvalidVersion:
            pass  # a version that no Python project can have: `tool-2024-01-01.tar.gz`
    # `go1.22` names 1.22, but neither `bz2` nor `x86_64` names the version 2 or 64.
    before = "" if "." in version else r"(?<![A-Za-z])(?<!x86_)v?"
    whole = (
        rf"(?<![0-9])(?<![0-9][.]){before}{re.escape(version)}"
        rf"(?![0-9A-Za-z])(?![.][0-9])(?!{_OTHER_RELEASE})"
    )
    return re.search(whole, text, re.IGNORECASE) is not None


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _say(named: distribution.Named) -> str:
    tags = f" ({', '.join(sorted(named.tags)[:3])})" if named.tags else ""
    return f"{named.project} {named.version}{tags}"
