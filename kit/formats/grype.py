"""grype's own JSON: matches, where they were found, and by a database of when.

Matches that grype was told to ignore are counted as found: whoever ran the scanner wrote
those rules, and the release file has its own exceptions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kit.errors import KitError, MalformedError
from kit.formats import encodings, severity
from kit.formats.fields import Fields
from kit.model import Digest
from kit.model.predicates import Scan, Vulnerability

FORMAT = "grype"
MAX_ITEMS = 1_000_000


def parse(value: Any) -> Scan:
    """Read grype's output; raise :class:`MalformedError` for anything that is not that."""
    try:
        return _output(Fields(value))
    except KitError as error:
        raise MalformedError(error.message, code="scan.malformed") from error


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as grype's output."""
    return (
        isinstance(value, dict)
        and "matches" in value
        and isinstance(value.get("descriptor"), dict)
        and value["descriptor"].get("name") == FORMAT
    )


def _output(top: Fields) -> Scan:
    descriptor = top.needed_object("descriptor")
    name = descriptor.needed_text("name")
    if name != FORMAT:
        raise MalformedError(f"descriptor.name is {name[:40]!r}, not {FORMAT}")
    top.need("matches")  # left out, nothing is known; empty, nothing was found
    version = descriptor.text("version")
    return Scan(
        format=FORMAT,
        tool=name + (f" {version[:40]}" if version else ""),
        found=tuple(
            _vulnerability(match)
            for key in ("matches", "ignoredMatches")
            for match in top.each(key, MAX_ITEMS)
        ),
        finished_at=_time(descriptor, "timestamp"),
        database_at=_database(descriptor),
        about=tuple(dict.fromkeys(_scanned(top))),
    )


def _vulnerability(match: Fields) -> Vulnerability:
    told = match.needed_object("vulnerability")
    related = match.objects("relatedVulnerabilities", 10_000)
    artifact = match.needed_object("artifact")
    ids = (told.needed_text("id"), *(item.needed_text("id") for item in related))
    return Vulnerability(
        ids=tuple(dict.fromkeys(ids)),
        severity=severity.of_word(told.get("severity")),
        package=artifact.text("purl") or artifact.needed_text("name"),
    )


def _time(fields: Fields, key: str) -> datetime | None:
    text = fields.text(key)
    return encodings.parse_time(text) if text else None


def _database(descriptor: Fields) -> datetime | None:
    """Return when the database was built, as grype before or since its database schema 6."""
    value = descriptor.get("db")
    if not isinstance(value, dict):
        return None
    database = descriptor.needed_object("db")
    status = database.object("status")
    return _time(database, "built") or (_time(status, "built") if status else None)


def _scanned(top: Fields) -> Iterator[Digest]:
    """Yield the digests of the image that was scanned, by its manifest and as in registries."""
    source = top.object("source")
    target = source.get("target") if source else None
    if not isinstance(target, dict):
        return  # a folder or a file, by its path alone
    image = Fields(target, "source.target")
    written = [image.text("manifestDigest"), *image.array("repoDigests", 1024)]
    for text in written:
        if isinstance(text, str) and "sha256:" in text:
            yield encodings.parse_digest(text.rpartition("@")[2])
