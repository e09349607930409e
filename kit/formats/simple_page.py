"""A project's page of a package index: the simple API in JSON (PEP 691, 700, 592, 740, 792).

Read strictly where something follows from it: a file's name, URL and digest. What is
only told to people is cut short, never refused. Nothing on a page proves anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from kit.errors import MalformedError
from kit.formats import encodings, strictjson
from kit.formats.fields import Fields
from kit.formats.manifest import can_name

MEDIA_TYPE = "application/vnd.pypi.simple.v1+json"
MAX_BYTES = 32 << 20
MAX_FILES = 200_000
MAX_URL = 8192
_TOLD = 200
_API = re.compile(r"1\.[0-9]{1,6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file as the page lists it; ``url`` and ``provenance`` may be relative.

    ``yanked`` is the reason, ``""`` where there is none given. ``says_provenance`` is whether
    the page speaks of provenance at all: an index that does not may have some all the same.
    """

    name: str
    url: str
    sha256: str | None
    size: int | None
    yanked: str | None
    provenance: str | None
    says_provenance: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A project's page; ``status`` is that of the project where it is not plain ``active``."""

    files: tuple[Listed, ...]
    status: str | None


def parse(raw: bytes, project: str) -> Page:
    """Read the page of a project, by its normalised name; raise :class:`MalformedError`."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))
    version = top.needed_object("meta").needed_text("api-version")
    if not _API.fullmatch(version):
        raise MalformedError(f"the simple API's version is {version[:20]!r}; 1.x is known")
    name = top.needed_text("name")
    if canonicalize_name(name) != project:
        raise MalformedError(f"it is the page of {name[:80]!r}")
    top.need("files")
    files = tuple(_listed(item) for item in top.objects("files", MAX_FILES))
    seen: set[str] = set()
    for file in files:
        if file.name in seen:
            raise MalformedError(f"it lists {file.name!r} twice")
        seen.add(file.name)
    return Page(files=files, status=_status(top))


def _listed(item: Fields) -> Listed:
    name = item.needed_text("filename")
    if not can_name(name):
        raise MalformedError(f"{item.where('filename')} {name[:80]!r} is no file name")
    hashes = item.needed_object("hashes")
    sha256 = hashes.text("sha256")
    return Listed(
        name=name,
        url=_url(item, "url") or "",
        sha256=None if sha256 is None else encodings.digest("sha256", sha256).hex,
        size=item.integer("size"),
        yanked=_yanked(item.get("yanked"), item),
        provenance=_url(item, "provenance"),
        says_provenance=item.mentions("provenance"),
    )


def _url(item: Fields, key: str) -> str | None:
    url = item.needed_text(key) if key == "url" else item.text(key)
    if url is not None and len(url) > MAX_URL:
        raise MalformedError(f"{item.where(key)} is over {MAX_URL} characters")
    return url


def _yanked(value: Any, item: Fields) -> str | None:
    if value is None or value is False:
        return None
    if value is True:
        return ""
    if not isinstance(value, str):
        raise MalformedError(f"{item.where('yanked')} is neither a boolean nor a reason")
    return _told(value)


def _status(top: Fields) -> str | None:
    found = top.object("project-status")
    status = None if found is None else found.text("status")
    if found is None or status in (None, "active"):
        return None
    reason = found.text("reason")
    return _told(f"{status}: {reason}" if reason else str(status))


def _told(text: str) -> str:
    """Return a text for people: one line, and short."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text[:_TOLD])
    return plain + ("…" if len(text) > _TOLD else "")
