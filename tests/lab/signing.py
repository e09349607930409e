"""From content and an order to a bundle: certificate, signature, log entries, JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.lab import extensions, keys, spoils
from tests.lab.authorities import Authorities, certificates
from tests.lab.content import Content, Envelope
from tests.lab.encoding import base64, document
from tests.lab.fulcio import Request
from tests.lab.order import VERSIONS, Order, media_version
from tests.lab.record import Record
from tests.lab.rekor import Entry

# Leaves are a minute old when their signature is logged.
_BEFORE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Signer:
    """A key, and its certificate unless verifiers are expected to have the key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate | None = None

    @property
    def hint(self) -> str:
        """Return the name of the key in a keyed bundle."""
        return base64(hashlib.sha256(keys.spki(self.key.public_key())).digest())

    def pem(self) -> bytes:
        """Return what verifies the signatures, as the log is told it."""
        if self.certificate is None:
            return keys.pem(self.key.public_key())
        return self.certificate.public_bytes(Encoding.PEM)

    def material(self, version: str) -> dict[str, Any]:
        """Return the member of the bundle that says who signed."""
        if self.certificate is None:
            return {"publicKey": {"hint": self.hint}}
        # The chain of old bundles is the leaf alone, too: what the trusted root has is left out.
        chain = certificates((self.certificate,))
        if version in {"0.1", "0.2"}:
            return {"x509CertificateChain": {"certificates": chain}}
        return {"certificate": chain[0]}


def keyed(world: Authorities, *name: str) -> Signer:
    """Return the signer that has a lasting key of this name."""
    return Signer(world.seed.p256("signer", *name))


def bundle(world: Authorities, content: Content, order: Order) -> bytes:
    """Sign, log, and return the bundle; with one fault if the order says so."""
    parts, spoil = order.parts(content), order.spoil
    version = media_version(order, parts)
    world = spoils.authorities(world, spoil)
    signer = _signer(world, content, order)
    hand, named = signer, signer
    if spoil == "signature":
        hand = _signer(world, content, order, "other")
    if spoil == "entry-certificate":
        named = _signer(world, content, order, "other")
    content = _shape(content, signer, order)
    signature = keys.sign_digest(hand.key, spoils.signed(content, spoil).digest)
    record = spoils.record(content.record(signature, named.pem()), spoil)
    entries = _entries(world, record, order, parts)
    return document(
        {
            "mediaType": VERSIONS[version],
            "verificationMaterial": {
                **signer.material(version),
                "tlogEntries": [entry.to_json() for entry in entries],
            },
            **spoils.shown(content, spoil).member(signature),
        }
    )


def _signer(world: Authorities, content: Content, order: Order, *which: str) -> Signer:
    if "keyed" in order.forms:
        return keyed(world, order.key, *which)
    # Fulcio's clients use a key once.
    use = (order.identity, order.issuer, str(order.at.timestamp()), content.digest.hex())
    key = world.seed.p256("leaf", *use, *which)
    said = extensions.said_of(order.identity, order.issuer) | dict(order.extensions)
    request = Request(
        public_key=key.public_key(),
        identity=order.identity,
        extensions=extensions.encode(said),
        not_before=order.at - _BEFORE,
    )
    return Signer(key, world.fulcio.issue(spoils.request(request, order.spoil), world.ctlog))


def _shape(content: Content, signer: Signer, order: Order) -> Content:
    if not isinstance(content, Envelope):
        return content
    return replace(
        content,
        keyid=signer.hint if signer.certificate is None else None,
        kind="intoto" if "intoto" in order.forms else "dsse",
    )


def _entries(
    world: Authorities, record: Record, order: Order, parts: frozenset[str]
) -> list[Entry]:
    if "entry" not in parts:
        return []
    log, shards = world.rekor, (0, 1) if "two-entries" in order.forms else (0,)
    logged = [log.log(record, order.at, shard=shard) for shard in shards]
    return [_cut(spoils.entry(entry, log, order.spoil), parts) for entry in logged]


def _cut(entry: Entry, parts: frozenset[str]) -> Entry:
    if entry.proof is None or "proof" not in parts:
        return replace(entry, proof=None)
    if "checkpoint" not in parts:
        return replace(entry, proof=replace(entry.proof, checkpoint=None))
    return entry
