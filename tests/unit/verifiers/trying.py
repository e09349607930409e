"""One verdict of the kit on a bundle, as a word: the code of a refusal, or "" where it holds."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import Any

from kit.errors import EvidenceError
from kit.formats import public_key, trusted_root
from kit.model import Claim, Digest
from kit.trust.anchors import Anchor
from kit.verifiers.sigstore import SigstoreVerifier
from tests.lab import Lab
from tests.unit.lab.judges import ARTIFACT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KNOWN = {
    name: Digest(name, hashlib.new(name, ARTIFACT).hexdigest())
    for name in ("sha256", "sha384", "sha512")
}


@cache
def lab(shape: str) -> Lab:
    """Return the instance of this shape."""
    return Lab("acme", shape=shape)


def under(root: bytes, *, at: datetime = NOW, **options: Any) -> SigstoreVerifier:
    """Return a verifier under this trusted root."""
    anchor = Anchor(instance="acme", raw=root, root=trusted_root.parse(root), origin="test")
    return SigstoreVerifier(anchor, at, **options)


@cache
def verifier(shape: str, *, keyed: bool = False) -> SigstoreVerifier:
    """Return a verifier of the instance of this shape, perhaps for bundles of its key."""
    world = lab(shape)
    if not keyed:
        return under(world.trusted_root())
    key = public_key.from_pem(world.public_key())
    return under(world.trusted_root(), public_keys=(key,), require_log=shape != "github")


def claim(judge: SigstoreVerifier, bundle: bytes) -> Claim:
    """Verify a bundle about the artifact."""
    return judge.verify(bundle).claim_for("evidence/x", KNOWN)


def code(judge: SigstoreVerifier, bundle: bytes) -> str:
    """Return why a bundle is refused, or "" if it is not. Anything but evidence's errors fails."""
    try:
        claim(judge, bundle)
    except EvidenceError as error:
        return error.code
    return ""
