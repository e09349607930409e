"""The front door: one instance of Sigstore, ready to sign."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Unpack

from tests.lab import builds, keys, signing
from tests.lab.authorities import Authorities
from tests.lab.content import (
    IN_TOTO,
    Content,
    Envelope,
    Message,
    release_statement,
    statement,
)
from tests.lab.keys import Seed
from tests.lab.order import AT, Options, Order
from tests.lab.trust import Windows
from tests.lab.tsa import Stamp

PROVENANCE = "https://slsa.dev/provenance/v1"
RELEASES = "https://dotcom.releases.github.com"


class Lab:
    """A Sigstore of its own: what it signs holds under its trusted root, and under no other.

    Its ``shape`` is ``plain`` (a CA, a CT log, Rekor v1), ``full`` (also Rekor v2, TSAs, and
    those who were retired) or ``github`` (yearly CAs and TSAs, and no log of any kind). Of
    one seed, a full instance has all keys of the plain one.
    """

    def __init__(self, seed: str = "acme", *, shape: str = "plain") -> None:
        """Found the instance that goes with ``seed``."""
        self._authorities = Authorities.of(Seed((seed,)), shape)

    def sign(self, artifact: bytes, **options: Unpack[Options]) -> bytes:
        """Return a bundle with a message signature over these bytes."""
        order = Order(**options)
        algorithm = order.hashed_with
        return self._bundle(Message(hashlib.new(algorithm, artifact).digest(), algorithm), order)

    def sign_digest(self, sha256: str, **options: Unpack[Options]) -> bytes:
        """Return a bundle with a message signature over bytes known by their hex SHA-256."""
        digest = bytes.fromhex(sha256)
        if len(digest) != hashlib.sha256().digest_size:
            raise ValueError(f"not a SHA-256 digest: {sha256!r}")
        return self._bundle(Message(digest), Order(**options))

    def attest(
        self,
        subjects: Mapping[str, bytes],
        *,
        predicate_type: str = PROVENANCE,
        predicate: Mapping[str, Any] | None = None,
        **options: Unpack[Options],
    ) -> bytes:
        """Return a bundle with an in-toto Statement v1 about these files, by name.

        Without a predicate it is provenance that agrees with the certificate; see `builds`.
        """
        if predicate is None:
            predicate = builds.of_order(Order(**options)) if predicate_type == PROVENANCE else {}
        payload = statement(subjects, predicate_type, predicate)
        return self.envelope(payload, **options)

    def release(
        self, repository: str, tag: str, assets: Mapping[str, bytes], **options: Unpack[Options]
    ) -> bytes:
        """Return what GitHub says of an immutable release; for instances of its shape."""
        forms = "+".join(filter(None, ("release", options.get("form"))))
        wish = Options(identity=RELEASES) | options | Options(form=forms)
        return self.envelope(release_statement(repository, tag, assets), **wish)

    def envelope(
        self, payload: bytes, payload_type: str = IN_TOTO, **options: Unpack[Options]
    ) -> bytes:
        """Return a bundle with a DSSE envelope around exactly these bytes."""
        order = Order(**options)
        return self._bundle(Envelope(payload=payload, payload_type=payload_type), order)

    def stamp(self, message: bytes) -> bytes:
        """Return a timestamp of the instance's TSA over any bytes, of the usual time."""
        return self._authorities.stampers(AT)[0].stamp(message, AT, Stamp())

    def trusted_root(self, *, windows: Windows | None = None, twist: str | None = None) -> bytes:
        """Return the trusted root that every unspoiled bundle of this instance holds under.

        ``windows`` are start and end by the name of a key or authority, such as ``rekor``,
        ``rekor-v2``, ``ctlog``, ``fulcio`` and ``tsa``, and ``twist`` is one of `ROOTS`.
        """
        return self._authorities.trusted_root(windows, twist)

    def public_key(self, name: str = "release", key_type: str = "p256") -> bytes:
        """Return the PEM key under which bundles of the form ``keyed`` hold."""
        signer = signing.keyed(self._authorities, name, key_type=key_type)
        return keys.pem(signer.key.public_key())

    def _bundle(self, content: Content, order: Order) -> bytes:
        return signing.bundle(self._authorities, content, order)
