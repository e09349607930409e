"""Find the OpenPGP keys that a policy pins, each in a file of its own.

``openpgp/FINGERPRINT.asc`` (or ``.gpg``, without armor) is looked up where trusted roots
are, first to last. The whole fingerprint is the pin: what the file holds must have it,
and must be that one key alone. A key that somebody put into a pack is never looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kit.errors import AnchorError, MalformedError
from kit.formats import openpgp
from kit.model import AnchorRecord
from kit.trust.places import Place, read

FOLDER = "openpgp"
_SUFFIXES = (".asc", ".gpg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """One pinned key, read once: what it is, the file's bytes, and where it was."""

    key: openpgp.PublicKey
    raw: bytes
    origin: str

    def record(self) -> AnchorRecord:
        """Return what a report says of it."""
        return AnchorRecord(
            instance=f"openpgp {self.key.fingerprint}",
            sha256=hashlib.sha256(self.raw).hexdigest(),
            origin=self.origin,
            newest=None,
        )


def find(fingerprints: Iterable[str], places: Sequence[Place]) -> dict[str, Keyring]:
    """Return the key of each fingerprint (upper-case hex, whole).

    Raises :class:`AnchorError`: ``trust.missing``, ``trust.unreadable``, ``trust.malformed``, or
    ``trust.openpgp-key`` where a file holds anything but that one key.
    """
    return {fingerprint: _look_up(fingerprint, places) for fingerprint in sorted(set(fingerprints))}


def _look_up(fingerprint: str, places: Sequence[Place]) -> Keyring:
    for place in places:
        for suffix in _SUFFIXES:
            path = place.folder / FOLDER / f"{fingerprint}{suffix}"
            raw = read(path, openpgp.MAX_KEY_BYTES, fingerprint)
            if raw is not None:
                return keyring(fingerprint, raw, place.label)
    looked = ", ".join(place.label for place in places)
    raise AnchorError(
        f"no OpenPGP key {fingerprint}; looked in: {looked}",
        code="trust.missing",
        subject=fingerprint,
        hint=f"put it at DIR/{FOLDER}/{fingerprint}.asc and give --trust-roots DIR; it comes from "
        "its owner, never from where the release was",
    )


def keyring(fingerprint: str, raw: bytes, origin: str) -> Keyring:
    """Return the key in ``raw``, which must be the one of that fingerprint and no other."""
    try:
        key = openpgp.public_key(raw)
    except MalformedError as error:
        raise _not_the_key(fingerprint, f"the key file ({origin}): {error.message}") from error
    if key.fingerprint != fingerprint:
        raise _not_the_key(fingerprint, f"the key file ({origin}) holds {key.fingerprint}")
    return Keyring(key=key, raw=raw, origin=origin)


def _not_the_key(fingerprint: str, message: str) -> AnchorError:
    return AnchorError(
        message,
        code="trust.openpgp-key",
        subject=fingerprint,
        hint=f"write that key alone: gpg --export --armor {fingerprint}",
    )
