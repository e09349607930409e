"""What binds a file to its name and version (design section 8).

The mapping from a release file's line to members is the collector's claim. A name is
proved by the signed bytes themselves: an in-toto subject, a line of a verified digest
manifest, a pinned digest, or the metadata inside a signed wheel, sdist or npm tarball. Only claims
that met a requirement count: anybody can sign a statement that names anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from packaging.version import InvalidVersion, Version

from kit.errors import MalformedError
from kit.formats import distribution, npm_package
from kit.formats.npm_package import NpmPackage
from kit.formats.rules import Requirement
from kit.formats.source_text import Source
from kit.model import Claim, Finding, Level

#: Reads the metadata inside the file; raises :class:`MalformedError` where it cannot.
Inside = Callable[[], distribution.Named | NpmPackage]

#: What may follow a version in a file name: platforms, architectures, kinds of file. Any
#: other word (`rc1`, `hotfix`, `2-gabcdef`, `unstable`) may make it another version.
_PLAIN = frozenset(
    """
    all any noarch universal universal2 none static portable installer setup source src bin
    linux alpine debian ubuntu fedora centos rhel darwin macos macosx mac osx apple
    windows win win32 win64 pc unknown msvc gnu musl gnueabihf musleabihf
    freebsd openbsd netbsd android ios wasm wasm32
    x86 x64 64 32 64bit 32bit amd64 i386 i686 386 arm arm64 armv6 armv7 armv7l armhf aarch64
    ppc64le s390x riscv64
    tar gz tgz bz2 xz zst zip 7z deb rpm apk msi exe dmg pkg appimage iso img whl jar war gem
    crate nupkg sh py txt md json jsonl toml yaml yml xml pem sbom spdx cdx cyclonedx intoto
    sha256 sha384 sha512
    """.split()  # noqa: SIM905 - reads better than a hundred quoted words
)
_PACKAGES = frozenset({"deb", "rpm", "apk"})
_NPM = ".tgz"
#: Codes that say what nothing proves of a file that passes all the same.
UNPROVED = frozenset({"artifact.name-unproved", "artifact.version-unproved"})


def unproved_name(
    name: str, claims: Iterable[Claim], parts: Sequence[Requirement], inside: Inside
) -> Finding | None:
    """Return a finding unless something that was signed, or the policy, names the file so.

    ``claims`` are those that met the requirements ``parts`` of the line.
    """
    # A document that speaks of the file is no signature over it.
    claims = tuple(claim for claim in claims if claim.document is None)
    if any(part.names_content for part in parts):
        return None  # the policy pins these very bytes
    named = [_base(given) for claim in claims for given in claim.names]
    if name in named:
        return None
    if any(package.holds(name) for package in _packages(claims)):
        return None
    told = f"the signed evidence names it {', '.join(sorted(set(named))[:3])}" if named else ""
    if _same_distribution(name, named):
        return None
    written = distribution.parse_name(name)
    if (written is not None or name.endswith(_NPM)) and any(not claim.names for claim in claims):
        try:
            found = inside()
        except MalformedError as error:
            told = f"the metadata inside it: {error}"
        else:
            if found == written or (isinstance(found, NpmPackage) and found.holds(name)):
                return None
            told = f"the metadata inside it says {_say(found)}"
    return _unproved(name, name, told)


def unproved_package(
    name: str,
    package: NpmPackage,
    claims: Iterable[Claim],
    parts: Sequence[Requirement],
    inside: Inside,
) -> Finding | None:
    """Return a finding unless something that was signed says that a file is this npm package.

    A tarball's file name proves no name: ``@a/b-c`` and ``@a-b/c`` have the same. ``claims``
    met ``parts``, as for :func:`unproved_name`.
    """
    claims = tuple(claim for claim in claims if claim.document is None)
    if any(part.names_content for part in parts):
        return None
    if package in _packages(claims):
        return None
    told = ""
    # Signed over bare bytes, or under the file's name alone.
    if any(not claim.names or name in map(_base, claim.names) for claim in claims):
        try:
            found = inside()
        except MalformedError as error:
            told = f"its package.json: {error}"
        else:
            if found == package:
                return None
            told = f"its package.json says {_say(found)}"
    return _unproved(name, str(package), told)


def other_npm_package(name: str, source: Source, claim: Claim) -> Finding | None:
    """Return a finding where signed evidence says that the file is another npm package."""
    others = [package for package in _packages([claim]) if package != source.package]
    if not isinstance(source.package, NpmPackage) or not others:
        return None
    return Finding(
        level=Level.ERROR,
        code="npm.other-package",
        subject=name,
        message=f"{claim.evidence} says, signed, that these bytes are {others[0]}, not "
        f"{source.package}",
        hint="one tarball is one package: look at who published it, and as what",
    )


def _packages(claims: Iterable[Claim]) -> list[NpmPackage]:
    """Return the npm packages that signed evidence names, by package URL."""
    found = [npm_package.parse_purl(name) for claim in claims for name in claim.names]
    return [package for package in found if package is not None]


def _unproved(name: str, what: str, told: str) -> Finding:
    return Finding(
        level=Level.ERROR,
        code="artifact.name-unproved",
        subject=name,
        message=f"nothing that was signed says that this file is {what}"
        + (f"; {told}" if told else ""),
        hint="it may have been renamed; ask for evidence that names it, pin its digest, or "
        "write strict-names = false and accept that the name is only the collector's word",
    )


def _same_distribution(name: str, named: Iterable[str]) -> bool:
    """Say whether a signed name is another spelling of a wheel's or sdist's (PEP 740)."""
    written = distribution.parse_published(name)
    return written is not None and written in map(distribution.parse_published, named)


def of_other_package(name: str, source: Source) -> Finding | None:
    """Return a finding where a file is not of the project and version that its line names."""
    if source.package is None or source.package.holds(name):
        return None
    return Finding(
        level=Level.ERROR,
        code="artifact.other-package",
        subject=name,
        message=f"{name} is no file of {source.location}, as the line {source.text!r} asks for",
        hint="it is another project's or version's file; collect again, or look at who collected",
    )


def unproved_version(
    name: str, version: str, claims: Iterable[Claim], parts: Sequence[Requirement]
) -> Finding | None:
    """Return a finding where neither the proved name nor the policy says the version.

    ``claims`` met ``parts``, as for :func:`unproved_name`. Who signed a document that speaks
    of the file says nothing of its version.
    """
    if any(part.names_content for part in parts):
        return None
    if names_version(name, version):
        return None
    if signer_names(version, claims, parts):
        return None
    return Finding(
        level=Level.ERROR,
        code="artifact.version-unproved",
        subject=name,
        message=f"nothing that was signed says that this file is of version {version}",
        hint="it may be a file of another version; pin its digest, or name a signer by the "
        "exact identity at the version's tag",
    )


def signer_names(version: str, claims: Iterable[Claim], parts: Sequence[Requirement]) -> bool:
    """Say whether a requirement that was met demands a signer at, or a build of, this version."""
    met_by = {claim.identity.subject for claim in claims if claim.document is None}
    for part in parts:
        identity = part.signer.identity if part.signer else None
        if identity is not None and identity in met_by and names_version(identity, version):
            return True
        if part.build.ref is not None and names_version(f"@{part.build.ref}", version):
            return True
    return False


def names_version(text: str, version: str) -> bool:
    """Say whether a file name, or an identity's ref, is of ``version`` and no other.

    A wheel or sdist is of the version that its file name parses to. In any other name the
    version must be the first one there, and nothing may follow but words for platforms
    and kinds of file: ``tool-1.0-linux-amd64.zip`` is of 1.0; ``tool-1.0.1``, ``tool-1.0rc1``,
    ``tool-1.0-hotfix1`` and ``tool-2.0-1.0.zip`` are not. An identity is asked for what
    follows its last ``@`` and ``/``.
    """
    parsed = distribution.parse_name(text)
    # `tool-2.0-1.0.tar.gz`: which of the two is it? Not for an sdist's rule to say.
    if parsed is not None and not re.search(r"-[0-9][0-9-]*\Z", parsed.project):
        try:
            return Version(parsed.version) == Version(version)
        except InvalidVersion:
            pass  # a version that no Python project can have: `tool-2024-01-01.tar.gz`
    if "@refs/heads/" in text:
        return False  # a branch called 1.0 goes on to build 1.0.1
    last = _base(text.rpartition("@")[2])
    # `go1.22` names 1.22, but neither `bz2` nor `x86_64` names the version 2 or 64.
    begins = r"(?<![0-9])(?<![0-9][.])" if "." in version else r"(?<![A-Za-z0-9.])v?"
    whole = rf"{begins}{re.escape(version)}(?![0-9A-Za-z])(?![.][0-9])"
    found = re.search(whole, last, re.IGNORECASE)
    if found is None:
        return False
    earlier = r"[0-9][.][0-9]" if "." in version else r"[0-9]"
    return re.search(earlier, last[: found.start()]) is None and _plain(last[found.end() :])


def _plain(rest: str) -> bool:
    """Say whether what follows a version makes it no other version."""
    words = [word.lower() for word in re.split(r"[-_.]", rest) if word]
    if words and words[-1] in _PACKAGES and words[0].isdigit():
        del words[0]  # the packaging's own revision, as in `tool_1.0-1_amd64.deb`
    return all(word in _PLAIN for word in words)


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _say(named: distribution.Named | NpmPackage) -> str:
    if isinstance(named, NpmPackage):
        return str(named)
    tags = f" ({', '.join(sorted(named.tags)[:3])})" if named.tags else ""
    return f"{named.project} {named.version}{tags}"
