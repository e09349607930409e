"""Whether the seals beside a pack are of this pack, in their order, by keys of this host.

Whoever carries a pack can append lines, and cut lines off the end. A line that verifies
vouches for all lines before it, because it names the one before it. Nothing else does.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa

from kit.errors import EvidenceError, RejectedError
from kit.formats.custody import Role, Seal
from kit.trust.keys import KeyAnchor
from kit.verifiers.openpgp import OpenPgpVerifier
from kit.verifiers.sigstore import keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealers:
    """The keys of this host that seals may be by, and what verifies those of OpenPGP."""

    keys: Sequence[KeyAnchor] = ()
    openpgp: OpenPgpVerifier | None = None
    fingerprints: Sequence[str] = ()
    _by_id: Mapping[str, KeyAnchor] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the keys by how seals name them."""
        by_id = {f"sha256:{key.sha256}": key for key in reversed(self.keys)}
        object.__setattr__(self, "_by_id", by_id)

    def name(self, key: str) -> str | None:
        """Return what this host calls the key that a seal names; ``None`` if it has none."""
        anchor = self._by_id.get(key)
        if anchor is not None:
            return anchor.path
        fingerprint = key.removeprefix("openpgp:")
        return f"openpgp {fingerprint}" if fingerprint in self.fingerprints else None

    def signing_keys(self, seal: Seal) -> frozenset[str]:
        """Return by which keys the one that a seal names signed it: it, or its subkeys.

        Raises ``custody.signature`` unless it did. The key must be one of this host's. Raises
        :class:`AnchorError` for an OpenPGP key that gpg does not take, :class:`MachineError` where
        gpg fails.
        """
        anchor = self._by_id.get(seal.key)
        if anchor is None:
            return self._by_openpgp(seal)
        if not _holds(keys.load(anchor.der), seal):
            raise _wrong(anchor.path)
        return frozenset({seal.key})

    def _by_openpgp(self, seal: Seal) -> frozenset[str]:
        fingerprint = seal.key.removeprefix("openpgp:")
        if self.openpgp is None:
            raise _wrong(seal.key)
        try:
            detached = self.openpgp.read(seal.signature)
            verified = self.openpgp.verify(detached, lambda: io.BytesIO(seal.signed))
        except EvidenceError as error:
            raise _wrong(seal.key, f": {error.message}") from error
        by = {each.signing_key for each in verified.accepted if each.fingerprint == fingerprint}
        if not by:
            raise _wrong(seal.key)
        return frozenset({fingerprint, *by})


def _holds(key: keys.Key, seal: Seal) -> bool:
    # Seals are by Ed25519 or ECDSA: one who reads the format alone must come to the same.
    is_rsa = isinstance(key.public, rsa.RSAPublicKey)
    return not is_rsa and keys.holds(key, seal.signature, seal.signed)


def _wrong(key: str, why: str = "") -> RejectedError:
    return RejectedError(
        f"the seal says that it is by {key}, and that key did not sign it{why}",
        code="custody.signature",
        hint="the line was changed, or somebody uses another's name",
    )


def demand_chain(seals: Sequence[Seal], pack: str) -> None:
    """Raise unless every line is of this pack and follows the one before it.

    ``custody.other-pack`` for a line of another pack, ``custody.chain`` for one that is
    reordered, repeated, or without the line before it.
    """
    before: str | None = None
    for number, seal in enumerate(seals, start=1):
        record = seal.record
        if record.pack != pack:
            raise RejectedError(
                f"line {number} seals another pack, with the manifest sha256:{record.pack}",
                code="custody.other-pack",
                hint="the custody file belongs to another pack, or the pack was replaced",
            )
        if record.previous != before:
            raise RejectedError(
                f"line {number} does not follow the line before it",
                code="custody.chain",
                hint="a line was taken out, put in, changed or moved",
            )
        if record.role is Role.COLLECTED and before is not None:
            raise RejectedError(
                f"line {number} says `collected`, which only the first can",
                code="custody.chain",
            )
        before = seal.sha256
