"""Read the keys at the top of a release file, and the times and durations in it.

The JSON Schema has been asked already: here is what it cannot say. Every error begins with the
path of the offending key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from packaging.version import InvalidVersion, Version

from kit.errors import MalformedError
from kit.formats import encodings
from kit.formats.rules import Denied, Terms
from kit.formats.signer_text import fingerprint

_UNIT = {"h": "hours", "d": "days"}


def terms(given: Mapping[str, Any]) -> Terms:
    """Read the keys at the top of a release file that hold for all of it."""
    times = {
        key: moment(given[key], key) if key in given else None
        for key in ("expires", "oldest-signature", "newest-signature")
    }
    floor = given.get("minimum-version")
    if floor is not None:
        try:
            Version(floor)
        except InvalidVersion as error:
            raise MalformedError(f"minimum-version: {floor!r} cannot be ordered") from error
    return Terms(
        expires=times["expires"],
        minimum_version=floor,
        oldest_signature=times["oldest-signature"],
        newest_signature=times["newest-signature"],
        max_root_age=duration(given.get("max-root-age")),
        max_collection_age=duration(given.get("max-collection-age")),
        denied=_denied(given.get("deny", {})),
    )


def _denied(given: Mapping[str, Any]) -> Denied:
    return Denied(
        digests=frozenset(encodings.parse_digest(text) for text in given.get("digests", ())),
        identities=frozenset(given.get("identities", ())),
        keys=frozenset(
            _denied_key(text, f"deny.keys[{number}]")
            for number, text in enumerate(given.get("keys", ()))
        ),
    )


def _denied_key(text: str, path: str) -> str:
    """Return how claims name the key: ``sha256:hex``, or an OpenPGP fingerprint."""
    return text if text.startswith("sha256:") else fingerprint(text, path)


def duration(text: str | None) -> timedelta | None:
    """Read hours (``36h``) or days (``90d``); nothing where nothing is given."""
    return None if text is None else timedelta(**{_UNIT[text[-1]]: int(text[:-1])})


def moment(text: str, path: str) -> datetime:
    """Read a date (its first moment, UTC) or an RFC 3339 time with an offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedError(f"{path}: {text!r} is no date and no RFC 3339 time") from error
    if len(text) > len("2026-01-01") and found.tzinfo is None:
        raise MalformedError(f"{path}: {text!r} has no offset from UTC; add Z")
    try:
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except OverflowError as error:
        raise MalformedError(f"{path}: {text!r} is before the year 1 or after 9999") from error
