"""From content and an order to a bundle: certificate, signature, log entries, stamps, JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from tests.lab import certificate, extensions, keys, spoils
from tests.lab.authorities import GITHUB, Authorities
from tests.lab.content import KINDS, Content, Envelope, Message, Named
from tests.lab.ctlog import CtLog
from tests.lab.encoding import base64, document
from tests.lab.entry import Entry
from tests.lab.fulcio import Fulcio, Request
from tests.lab.keys import KEY_TYPES, PrivateKey
from tests.lab.order import VERSIONS, Order, media_version
from tests.lab.trust import certificates
from tests.lab.tsa import Stamp

# Leaves are a minute old when their signature is logged.
_BEFORE = timedelta(minutes=1)
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Signer:
    """A key, and its certificate unless verifiers are expected to have the key."""

    key: PrivateKey
    certificate: x509.Certificate | None = None

    @property
    def hint(self) -> str:
        """Return the name of the key in a keyed bundle."""
        return base64(hashlib.sha256(keys.spki(self.key.public_key())).digest())

    def named(self, details: str) -> Named:
        """Return what verifies the signatures, as the log is told it."""
        public = self.key.public_key()
        if self.certificate is None:
            pem, verifier = keys.pem(public), {"publicKey": {"rawBytes": base64(keys.spki(public))}}
        else:
            pem = self.certificate.public_bytes(Encoding.PEM)
            verifier = {"x509Certificate": certificates((self.certificate,))[0]}
        return Named(pem=pem, material={"keyDetails": details, **verifier})

    def material(self, version: str) -> dict[str, Any]:
        """Return the member of the bundle that says who signed."""
        if self.certificate is None:
            return {"publicKey": {"hint": self.hint}}
        # The chain of old bundles is the leaf alone, too: what the trusted root has is left out.
        chain = certificates((self.certificate,))
        if version in {"0.1", "0.2"}:
            return {"x509CertificateChain": {"certificates": chain}}
        return {"certificate": chain[0]}

    def sign(self, content: Content, algorithm: str) -> bytes:
        """Sign the content, as its digest wherever the key can."""
        if not isinstance(self.key, ed25519.Ed25519PrivateKey):
            return keys.sign_digest(self.key, content.hashed(algorithm), algorithm)
        if isinstance(content, Message):
            raise TypeError("pure Ed25519 signs no digest")
        return self.key.sign(content.pae)


def keyed(world: Authorities, *name: str, key_type: str = "p256", spare: bool = False) -> Signer:
    """Return the signer that has a lasting key of this name."""
    path = (*name, "other") if spare else name
    return Signer(world.seed.key(key_type, "signer", *path, spare=spare))


def bundle(world: Authorities, content: Content, order: Order) -> bytes:
    """Sign, log, stamp, and return the bundle; with one fault if the order says so.

    Raises `ValueError` where the fault would change nothing, so that no test takes a right
    bundle for a wrong one.
    """
    made = _bundle(world, content, order)
    if order.spoil is not None and made == _bundle(world, content, replace(order, spoil=None)):
        raise ValueError(f"spoil {order.spoil!r} changes nothing in form {order.form!r}")
    return made


def _bundle(world: Authorities, content: Content, order: Order) -> bytes:
    parts, spoil = order.parts(content, world.usual, world.services), order.spoil
    order = replace(order, at=spoils.clock(order.at, spoil))
    version = media_version(order, parts)
    world = spoils.authorities(world, spoil)
    signer, other = _signer(world, content, order), _signer(world, content, order, spare=True)
    roles = spoils.roles(spoil)
    hand, named, shown, keyid = (other if role in roles else signer for role in spoils.ROLES)
    content = _shape(content, keyid, order)
    signature = hand.sign(spoils.signed(content, spoil), order.hashed_with)
    entries = _entries(world, content, signature, named.named(_details(order)), order, parts)
    stamps = _stamps(world, signature, order, parts)
    return document(
        {
            "mediaType": VERSIONS[version],
            "verificationMaterial": {
                **shown.material(version),
                # As protobuf writes JSON: no list where there is nothing to list, and no log.
                **({"tlogEntries": entries} if world.rekor else {}),
                **({"timestampVerificationData": stamps} if stamps else {}),
            },
            **spoils.shown(content, spoil).member(signature),
        }
    )


def _details(order: Order) -> str:
    if order.key_type == "p384" and order.hashed_with == "sha256":
        return "PKIX_ECDSA_P384_SHA_256"
    return KEY_TYPES[order.key_type].details


def _signer(world: Authorities, content: Content, order: Order, *, spare: bool = False) -> Signer:
    if "keyed" in order.forms:
        return keyed(world, order.key, key_type=order.key_type, spare=spare)
    # Fulcio's clients use a key once.
    use = (order.identity, order.issuer, str(order.at.timestamp()), content.digest.hex())
    which = ("other",) if spare else ()
    key = world.seed.key(order.key_type, "leaf", *use, *which, spare=spare)
    ca = world.ca(order.at)
    request = spoils.request(_request(ca, key, order), order.spoil)
    return Signer(key, ca.issue(request, _ctlogs(world, order)))


def _request(ca: Fulcio, key: PrivateKey, order: Order) -> Request:
    if "release" in order.forms:
        return Request(
            public_key=key.public_key(),
            identity=order.identity,
            extensions=(),
            not_before=ca.style.lives[0],
            subject=certificate.name(GITHUB, "Attester"),
            lifetime=_YEAR,
        )
    said = extensions.said_of(order.identity, order.issuer) | dict(order.extensions)
    return Request(
        public_key=key.public_key(),
        identity=order.identity,
        extensions=extensions.encode(spoils.said(said, order.spoil)),
        not_before=order.at - _BEFORE,
    )


def _ctlogs(world: Authorities, order: Order) -> tuple[CtLog, ...]:
    if "two-scts" in order.forms:
        return world.ctlogs
    return world.ctlogs[1:] if "rsa-sct" in order.forms else world.ctlogs[:1]


def _shape(content: Content, signer: Signer, order: Order) -> Content:
    if not isinstance(content, Envelope):
        return content
    kinds = [form for form in order.forms if form in KINDS]
    return replace(
        content,
        keyid=signer.hint if signer.certificate is None else None,
        kind=kinds[0] if kinds else "dsse",
        algorithm=order.hashed_with,
    )


def _entries(
    world: Authorities,
    content: Content,
    signature: bytes,
    named: Named,
    order: Order,
    parts: frozenset[str],
) -> list[Mapping[str, Any]]:
    if "entry" not in parts:
        return []
    logged = []
    if world.rekor is not None and "v1" in parts:
        record = spoils.record(content.record(signature, named, "v1"), order.spoil)
        shards = (0, 1) if "two-entries" in order.forms else (0,)
        logged += [world.rekor.log(record, order.at, shard=shard) for shard in shards]
    if world.tiles is not None and ("v2" in parts or "two-logs" in order.forms):
        record = spoils.record(content.record(signature, named, "v2"), order.spoil)
        cosigned = order.at if "cosigned" in order.forms else None
        logged.append(world.tiles.log(record, cosigned=cosigned))
    return [_cut(spoils.entry(entry, order.spoil), parts).to_json() for entry in logged]


def _cut(entry: Entry, parts: frozenset[str]) -> Entry:
    if "promise" not in parts:
        entry = replace(entry, promise=None, time=None)
    if entry.proof is None or "proof" not in parts:
        return replace(entry, proof=None)
    if "checkpoint" not in parts:
        return replace(entry, proof=replace(entry.proof, checkpoint=None))
    return entry


def _named(forms: frozenset[str]) -> tuple[str, ...]:
    if "timestamp-ess-both" in forms:
        return ("v1", "v2-sha512")
    return ("v1",) if "timestamp-ess-v1" in forms else ("v2",)


def _stamps(
    world: Authorities, signature: bytes, order: Order, parts: frozenset[str]
) -> dict[str, Any]:
    if "timestamp" not in parts:
        return {}
    forms, message = order.forms, spoils.stamped(signature, order.spoil)
    hashes = [name for name in ("sha384", "sha512") if f"timestamp-{name}" in forms]
    right = Stamp(
        algorithm=hashes[0] if hashes else "sha256",
        embedded="timestamp-bare" not in forms,
        signing_time="timestamp-signing-time" in forms,
        named=_named(forms),
        issuer="timestamp-ess-both" in forms,
    )
    how, at = spoils.stamp(right, order.spoil), spoils.stamped_at(order.at, order.spoil)
    first, *others = world.stampers(order.at)
    tokens = [first.stamp(message, at, how)]
    if "two-timestamps" in forms:
        tokens += [tsa.stamp(message, at, how) for tsa in others]
    if "twice-stamped" in forms:
        tokens.append(first.stamp(message, at + timedelta(seconds=1), how))
    tokens = spoils.tokens(
        tokens, signature, order.spoil, lambda wrong: first.stamp(wrong, at, how)
    )
    return {"rfc3161Timestamps": [{"signedTimestamp": base64(token)} for token in tokens]}
