"""``origin.json``: where the anchors in a folder came from, beside them (schema 1).

::

    {"schema": 1,
     "files": {"trusted_root.json": {
         "sha256": "…", "as-of": "2026-10-23",
         "sources": [{"package": "pkg:pypi/sigstore@4.5.1", "file": "sigstore/…"}],
         "signed-by": [{"package": "pkg:golang/…@v2.100.0", "file": "…"}]}}}

``as-of`` is the latest day, or time, of which it is known that the file was current.
``sources`` each had these very bytes; ``signed-by`` have older TUF roots whose keys sign them.
The file is the host's own, as the anchors beside it are: it is read strictly, and believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kit.errors import MalformedError
from kit.formats import encodings, strictjson
from kit.formats.fields import Fields

FILE = "origin.json"
MAX_BYTES = 64 << 10

_MAX_FILES = 16
_MAX_SOURCES = 16
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something that carried a file: a package (a purl), a pack, a TUF repository or a folder."""

    package: str | None = None
    pack: str | None = None
    repository: str | None = None
    folder: str | None = None
    file: str | None = None
    inside: str | None = None

    def __str__(self) -> str:
        """Write it for people."""
        if self.pack is not None:
            return f"a pack with the manifest sha256:{self.pack}"
        if self.folder is not None:
            return f"the folder {self.folder}"
        return self.package or self.repository or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOrigin:
    """Where one file came from, and until when it is known to have been current."""

    sha256: str
    as_of: datetime | None = None
    sources: tuple[Source, ...] = ()
    signed_by: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where each file in a folder came from."""

    files: Mapping[str, FileOrigin] = field(default_factory=dict)


def parse(raw: bytes) -> Origin:
    """Read ``origin.json``; raise :class:`MalformedError`, also for a key that is unknown."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))
    if top.need("schema") != 1:
        raise MalformedError("schema is not 1")
    files = top.needed_object("files")
    _all_read(top)
    return Origin(files=_files(files))


def render(origin: Origin) -> bytes:
    """Write it; :func:`parse` reads it back as it was."""
    files = {name: _render_file(each) for name, each in origin.files.items()}
    return strictjson.canonical({"schema": 1, "files": files})


def _files(given: Fields) -> dict[str, FileOrigin]:
    names = list(given.unread())
    if len(names) > _MAX_FILES:
        raise MalformedError(f"{given.path} has over {_MAX_FILES} items")
    return {name.removeprefix(f"{given.path}."): _file(given, name) for name in names}


def _file(given: Fields, path: str) -> FileOrigin:
    item = given.needed_object(path.removeprefix(f"{given.path}."))
    as_of = item.text("as-of")
    found = FileOrigin(
        sha256=encodings.digest("sha256", item.needed_text("sha256")).hex,
        as_of=None if as_of is None else _moment(as_of),
        sources=tuple(_source(each) for each in item.each("sources", _MAX_SOURCES)),
        signed_by=tuple(_source(each) for each in item.each("signed-by", _MAX_SOURCES)),
    )
    _all_read(item)
    return found


def _source(item: Fields) -> Source:
    pack = item.text("pack")
    found = Source(
        package=item.text("package"),
        pack=None if pack is None else encodings.digest("sha256", pack).hex,
        repository=item.text("repository"),
        folder=item.text("folder"),
        file=item.text("file"),
        inside=item.text("inside"),
    )
    _all_read(item)
    kinds = (found.package, found.pack, found.repository, found.folder)
    if sum(each is not None for each in kinds) != 1:
        raise MalformedError(
            f"{item.path}: needs exactly one of package, pack, repository and folder"
        )
    return found


def _moment(text: str) -> datetime:
    if _DATE.fullmatch(text):
        text += "T00:00:00Z"
    return encodings.parse_time(text).astimezone(UTC)


def _all_read(fields: Fields) -> None:
    for path in fields.unread():
        raise MalformedError(f"{path} is unknown")


def _render_file(each: FileOrigin) -> dict[str, Any]:
    value: dict[str, Any] = {"sha256": each.sha256}
    if each.as_of is not None:
        value["as-of"] = encodings.render_time(each.as_of)
    for key, sources in (("sources", each.sources), ("signed-by", each.signed_by)):
        if sources:
            value[key] = [_render_source(source) for source in sources]
    return value


def _render_source(source: Source) -> dict[str, str]:
    named = {
        "package": source.package,
        "pack": source.pack,
        "repository": source.repository,
        "folder": source.folder,
        "file": source.file,
        "inside": source.inside,
    }
    return {key: value for key, value in named.items() if value is not None}
