"""The front door: one instance of Sigstore, ready to sign."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Unpack

from tests.lab import keys, signing
from tests.lab.authorities import Authorities
from tests.lab.content import IN_TOTO, Content, Envelope, Message, statement
from tests.lab.keys import Seed
from tests.lab.order import Options, Order

PROVENANCE = "https://slsa.dev/provenance/v1"


class Lab:
    """A Sigstore of its own: what it signs holds under its trusted root, and under no other."""

    def __init__(self, seed: str = "acme") -> None:
        """Found the instance that goes with ``seed``."""
        self._authorities = Authorities.of(Seed((seed,)))

    def sign(self, artifact: bytes, **options: Unpack[Options]) -> bytes:
        """Return a bundle with a message signature over these bytes."""
        return self.sign_digest(hashlib.sha256(artifact).hexdigest(), **options)

    def sign_digest(self, sha256: str, **options: Unpack[Options]) -> bytes:
        """Return a bundle with a message signature over bytes known by their hex SHA-256."""
        digest = bytes.fromhex(sha256)
        if len(digest) != hashlib.sha256().digest_size:
            raise ValueError(f"not a SHA-256 digest: {sha256!r}")
        return self._bundle(Message(digest), options)

    def attest(
        self,
        subjects: Mapping[str, bytes],
        *,
        predicate_type: str = PROVENANCE,
        predicate: Mapping[str, Any] | None = None,
        **options: Unpack[Options],
    ) -> bytes:
        """Return a bundle with an in-toto Statement v1 about these files, by name."""
        payload = statement(subjects, predicate_type, predicate or {})
        return self.envelope(payload, **options)

    def envelope(
        self, payload: bytes, payload_type: str = IN_TOTO, **options: Unpack[Options]
    ) -> bytes:
        """Return a bundle with a DSSE envelope around exactly these bytes."""
        return self._bundle(Envelope(payload=payload, payload_type=payload_type), options)

    def trusted_root(self) -> bytes:
        """Return the trusted root that every unspoiled bundle of this instance holds under."""
        return self._authorities.trusted_root()

    def public_key(self, name: str = "release") -> bytes:
        """Return the PEM key under which bundles of the form ``keyed`` hold."""
        return keys.pem(signing.keyed(self._authorities, name).key.public_key())

    def _bundle(self, content: Content, options: Options) -> bytes:
        return signing.bundle(self._authorities, content, Order(**options))
