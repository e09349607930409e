"""cosign's vulnerability attestation (COSIGN_VULN_ATTESTATION_SPEC.md).

The predicate says who scanned and when, and encloses a scanner's own output: SARIF or
grype's JSON. Any other scanner's is refused by name, for nothing in it would be counted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from kit.errors import KitError, MalformedError, UnsupportedError
from kit.formats import enclosed, encodings, grype, sarif
from kit.formats.fields import Fields
from kit.model.predicates import Scan


def parse(value: Any) -> Scan:
    """Read a predicate; raise :class:`MalformedError` or :class:`UnsupportedError`."""
    try:
        return _predicate(Fields(value))
    except UnsupportedError:
        raise
    except KitError as error:
        raise MalformedError(error.message, code="scan.malformed") from error


def read_output(value: Any) -> Scan:
    """Read what a scanner wrote, in whichever of the formats it presents itself as."""
    if sarif.looks_like(value):
        return sarif.parse(value)
    if grype.looks_like(value):
        return grype.parse(value)
    raise UnsupportedError(
        f"the scanner's output is neither SARIF nor grype's JSON{_guess(value)}",
        code="scan.unsupported",
    )


def _guess(value: Any) -> str:
    """Say what an output has instead, by its first keys."""
    if not isinstance(value, dict):
        return ""
    keys = ", ".join(repr(key)[:40] for key in list(value)[:4])
    return f"; it has {keys}" if keys else "; it is empty"


def _predicate(top: Fields) -> Scan:
    scanner, metadata = top.needed_object("scanner"), top.needed_object("metadata")
    scan = read_output(enclosed.document(scanner.need("result")))
    database = scanner.object("db")
    ended = encodings.parse_time(metadata.needed_text("scanFinishedOn"))
    return replace(
        scan,
        # Of two times, the one that makes the scan older: a wrapper may be made anew.
        finished_at=min(filter(None, (ended, scan.finished_at))),
        database_at=_older(_version_time(database), scan.database_at),
    )


def _older(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)


def _version_time(database: Fields | None) -> datetime | None:
    """Return the time in ``db.version``, where a scanner writes one there."""
    text = database.text("version") if database else None
    try:
        return encodings.parse_time(text) if text else None
    except MalformedError:
        return None  # a version of another kind
