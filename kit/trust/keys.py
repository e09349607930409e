"""Find the public keys that a policy names, among the host's own anchors.

``keys/NAME`` is looked up in the same places as trusted roots, and never beside the
release file or in the pack: a key that travels with what it signs proves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kit.errors import AnchorError, EvidenceError
from kit.formats import public_key
from kit.model import AnchorRecord
from kit.trust.places import Place, read


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnchor:
    """A public key of this host: its path under the anchors, and its DER."""

    path: str
    der: bytes
    origin: str

    @property
    def sha256(self) -> str:
        """The SHA-256 of its SubjectPublicKeyInfo, in hex: how claims name it."""
        return hashlib.sha256(self.der).hexdigest()

    def record(self) -> AnchorRecord:
        """Return what a report says of it."""
        return AnchorRecord(instance=self.path, sha256=self.sha256, origin=self.origin, newest=None)


def find_keys(paths: Iterable[str], places: Sequence[Place]) -> tuple[KeyAnchor, ...]:
    """Return each key from the first place that has it.

    Raises :class:`AnchorError` for one that is missing, unreadable or no public key.
    """
    return tuple(_look_up(path, places) for path in sorted(set(paths)))


def _look_up(path: str, places: Sequence[Place]) -> KeyAnchor:
    for place in places:
        raw = read(place.folder / path, public_key.MAX_BYTES, path)
        if raw is None:
            continue
        try:
            der = public_key.from_pem(raw)
        except EvidenceError as error:
            raise AnchorError(
                f"{path} ({place.label}): {error}", code="trust.malformed", subject=path
            ) from error
        return KeyAnchor(path=path, der=der, origin=place.label)
    looked = ", ".join(place.label for place in places)
    raise AnchorError(
        f"no public key {path}; looked in: {looked}",
        code="trust.missing",
        subject=path,
        hint=f"put it at DIR/{path} and give --trust-roots DIR",
    )
