"""Find the keys of npm registries that a policy names, among the host's own anchors.

``npm/keys.json`` is looked up where trusted roots are, first to last: the TUF target of the
registry, or what its keys endpoint answered, brought by a way that the operator trusts. What a
pack or a registry says of its keys is never looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kit.errors import AnchorError, EvidenceError
from kit.formats import npm_keys
from kit.formats.npm_keys import NpmKey
from kit.model import AnchorRecord
from kit.trust.places import Place, read

FOLDER = "npm"


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmKeyring:
    """A registry's keys, read once: the path under the anchors, and where the file was."""

    path: str
    keys: tuple[NpmKey, ...]
    raw: bytes
    origin: str

    def record(self) -> AnchorRecord:
        """Return what a report says of it."""
        return AnchorRecord(
            instance=self.path,
            sha256=hashlib.sha256(self.raw).hexdigest(),
            origin=self.origin,
            newest=None,
        )


def find(paths: Iterable[str], places: Sequence[Place]) -> tuple[NpmKeyring, ...]:
    """Return each file of keys from the first place that has it, sorted by path.

    Raises :class:`AnchorError` for one that is missing, unreadable or malformed.
    """
    return tuple(_look_up(path, places) for path in sorted(set(paths)))


def _look_up(path: str, places: Sequence[Place]) -> NpmKeyring:
    for place in places:
        raw = read(place.folder / path, npm_keys.MAX_BYTES, path)
        if raw is not None:
            return _keyring(path, raw, place.label)
    looked = ", ".join(place.label for place in places)
    raise AnchorError(
        f"no keys of an npm registry at {path}; looked in: {looked}",
        code="trust.missing",
        subject=path,
        hint=f"put them at DIR/{path} and give --trust-roots DIR; they come from the registry's "
        "owner, never with a release",
    )


def _keyring(path: str, raw: bytes, origin: str) -> NpmKeyring:
    try:
        return NpmKeyring(path=path, keys=npm_keys.parse(raw), raw=raw, origin=origin)
    except EvidenceError as error:
        raise AnchorError(
            f"{path} ({origin}): {error}", code="trust.malformed", subject=path
        ) from error
