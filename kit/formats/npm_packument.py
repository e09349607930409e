"""A packument: what an npm registry says of a package, one version after another.

Nothing in it proves anything but its signatures, and those are over the name, the version
and the integrity text alone, exactly as they stand. Read strictly where something follows
from it; what is only told to people is cut short.

:func:`excerpt` writes one version of it in the form of a packument, so that one reader
serves what the kit carries and what others have saved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kit.errors import MalformedError
from kit.formats import encodings, npm_package, strictjson, subresource
from kit.formats.fields import Fields
from kit.formats.npm_package import NpmPackage
from kit.model import Digest

#: The largest packuments have many thousand versions.
MAX_BYTES = 64 << 20
MAX_VERSIONS = 100_000
MAX_SIGNATURES = 16
_MAX_URL = 8192
_TOLD = 200
_SHA1 = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySignature:
    """A signature over name, version and integrity, and the id of the key that made it."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One version as a packument has it.

    ``integrity`` is the text as it stands, ``digest`` the strongest digest in it, and
    ``shasum`` SHA-1 in hex. ``tarball`` and ``attestations`` are URLs, which may be relative;
    ``deprecated`` is the reason, and ``claimed`` when the registry says it was published.
    """

    package: NpmPackage
    integrity: str | None
    digest: Digest | None
    shasum: str | None
    signatures: tuple[RegistrySignature, ...]
    claimed: datetime | None = None
    deprecated: str | None = None
    tarball: str | None = field(default=None, repr=False)
    attestations: str | None = field(default=None, repr=False)

    @property
    def signed(self) -> bytes:
        """What its signatures are over."""
        return f"{self.package}:{self.integrity}".encode()


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as a packument."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return False
    versions = value.get("versions")
    return (
        isinstance(versions, dict)
        and bool(versions)
        and all(isinstance(item, dict) and "dist" in item for item in versions.values())
    )


def version(raw: bytes, wanted: NpmPackage) -> Published | None:
    """Return one version of a package's packument; ``None`` where it has no such version."""
    top = _top(raw)
    if top.needed_text("name") != wanted.name:
        raise MalformedError(f"it is the packument of {str(top.get('name'))[:80]!r}")
    versions = top.needed_object("versions")
    return _published(top, versions, wanted) if versions.has(wanted.version) else None


def signed(raw: bytes) -> tuple[Published, ...]:
    """Return every version that has signatures; raise :class:`MalformedError`."""
    top = _top(raw)
    name, versions = top.needed_text("name"), top.needed_object("versions")
    return tuple(_signed(top, name, versions))


def _signed(top: Fields, name: str, versions: Fields) -> Iterator[Published]:
    keys = list(top.get("versions"))
    if len(keys) > MAX_VERSIONS:
        raise MalformedError(f"it has {len(keys)} versions, over {MAX_VERSIONS}")
    for key in keys:
        try:
            package = npm_package.of(name, key)
        except MalformedError:
            continue  # of the days before npm demanded semver; none of those is signed
        found = _published(top, versions, package)
        if found.signatures:
            yield found


def _top(raw: bytes) -> Fields:
    return Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))


def _published(top: Fields, versions: Fields, package: NpmPackage) -> Published:
    item = versions.needed_object(package.version)
    if (item.needed_text("name"), item.needed_text("version")) != (package.name, package.version):
        raise MalformedError(f"{item.path} says that it is another package or version")
    dist = item.needed_object("dist")
    integrity, shasum = dist.text("integrity"), dist.text("shasum")
    if shasum is not None and not _SHA1.fullmatch(shasum):
        raise MalformedError(f"{dist.where('shasum')}: {shasum[:80]!r} is no SHA-1 in lower case")
    attestations = dist.object("attestations")
    return Published(
        package=package,
        integrity=integrity,
        digest=_strongest(integrity, dist),
        shasum=shasum,
        signatures=tuple(_signature(each) for each in dist.objects("signatures", MAX_SIGNATURES)),
        claimed=_claimed(top, package.version),
        deprecated=_deprecated(item),
        tarball=_url(dist, "tarball"),
        attestations=None if attestations is None else _url(attestations, "url"),
    )


def _strongest(text: str | None, dist: Fields) -> Digest | None:
    try:
        return None if text is None else subresource.strongest(text)
    except MalformedError as error:
        raise MalformedError(f"{dist.where('integrity')}: {error}") from error


def _signature(item: Fields) -> RegistrySignature:
    keyid = item.needed_text("keyid")
    if len(keyid) > _TOLD:
        raise MalformedError(f"{item.where('keyid')} is over {_TOLD} characters")
    return RegistrySignature(keyid=keyid, sig=item.needed_octets("sig"))


def _claimed(top: Fields, version: str) -> datetime | None:
    times = top.object("time")
    text = None if times is None else times.text(version)
    return None if text is None else encodings.parse_time(text)


def _deprecated(item: Fields) -> str | None:
    reason = item.get("deprecated")
    if reason is None or reason is False or reason == "":
        return None  # an empty reason takes a deprecation back
    if not isinstance(reason, str):
        return "" if reason is True else None
    plain = "".join(letter if letter.isprintable() else " " for letter in reason[:_TOLD])
    return plain + ("…" if len(reason) > _TOLD else "")


def _url(item: Fields, key: str) -> str | None:
    text = item.text(key)
    if text is not None and len(text) > _MAX_URL:
        raise MalformedError(f"{item.where(key)} is over {_MAX_URL} characters")
    return text


def excerpt(published: Published) -> bytes:
    """Return a packument of this version alone: what is signed, the signatures, and the time.

    URLs are left out, since private registries write tokens into them, and so is all that a
    publisher wrote about the package and its people.
    """
    dist: dict[str, Any] = {
        "signatures": [
            {"keyid": each.keyid, "sig": encodings.b64encode(each.sig)}
            for each in published.signatures
        ]
    }
    if published.integrity is not None:
        dist["integrity"] = published.integrity
    if published.shasum is not None:
        dist["shasum"] = published.shasum
    package = published.package
    value: dict[str, Any] = {
        "name": package.name,
        "versions": {
            package.version: {"name": package.name, "version": package.version, "dist": dist}
        },
    }
    if published.claimed is not None:
        value["time"] = {package.version: published.claimed.isoformat().replace("+00:00", "Z")}
    return strictjson.canonical(value)
