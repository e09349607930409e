"""One wrong thing on request.

Each fault is applied at the one step where it arises, and every later step goes on
from there: what is signed, logged and promised fits the fault, so that nothing but
the fault is wrong. The functions below are those steps, in order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab import keys
from tests.lab.authorities import Authorities
from tests.lab.content import Content, Envelope, Message
from tests.lab.ctlog import CtLog
from tests.lab.fulcio import Fulcio, Request
from tests.lab.keys import Seed
from tests.lab.record import Record
from tests.lab.rekor import Entry, Rekor


@dataclass(frozen=True, slots=True)
class Spoil:
    """A fault: what is wrong, and the parts of a bundle without which it cannot be."""

    why: str
    needs: frozenset[str]


def _spoil(why: str, *needs: str) -> Spoil:
    return Spoil(why, frozenset(needs))


SPOILS: Mapping[str, Spoil] = MappingProxyType(
    {
        # Of the certificate.
        "chain": _spoil("the leaf is issued by an unrelated CA with the same names", "certificate"),
        "expired": _spoil("the leaf's time was over when it signed", "certificate", "entry"),
        "early": _spoil("the leaf's time had not begun when it signed", "certificate", "entry"),
        "eku": _spoil("the leaf is for client authentication, not code signing", "certificate"),
        "key-usage": _spoil("the leaf's key is not for digital signatures", "certificate"),
        "sct": _spoil("another key signed in the name of the CT log", "certificate"),
        "ct-log": _spoil("the SCT is of a log that the trusted root does not list", "certificate"),
        "no-sct": _spoil("the leaf carries no SCT", "certificate"),
        # Of the signature and what it is over.
        "signature": _spoil("another key signed"),
        "artifact": _spoil("the right key signed other bytes", "message"),
        "message-digest": _spoil("the digest beside the signature is another's", "message"),
        "payload": _spoil("the payload was changed after it was signed", "envelope"),
        # Of what the log was told.
        "entry-digest": _spoil("the entry names another digest", "message", "entry"),
        "payload-hash": _spoil("the entry names another payload hash", "envelope", "entry"),
        "entry-signature": _spoil(
            "the entry has another signature, which holds for the same key and bytes", "entry"
        ),
        "entry-certificate": _spoil(
            "the entry has another certificate of the same identity, or another key", "entry"
        ),
        # Of the log.
        "log-key": _spoil("the entry is in a log that the trusted root does not list", "entry"),
        "set": _spoil("another key signed the promise in the name of the log", "entry"),
        "inclusion-proof": _spoil("a hash of the inclusion path is wrong", "proof"),
        "checkpoint": _spoil("another key signed the checkpoint for the log", "checkpoint"),
        "root-hash": _spoil("the checkpoint is of another tree of the same size", "checkpoint"),
    }
)


def authorities(right: Authorities, spoil: str | None) -> Authorities:
    """Return the instance, with an impostor in one place."""
    other = right.seed.child("impostor")
    fulcio, ctlog, rekor = right.fulcio, right.ctlog, right.rekor
    if spoil == "chain":
        fulcio = Fulcio.of(fulcio.domain, other.child("fulcio"))
    return replace(
        right,
        fulcio=fulcio,
        ctlog=_ctlog(ctlog, other, spoil),
        rekor=_rekor(rekor, other.child("rekor"), spoil),
    )


def request(right: Request, spoil: str | None) -> Request:
    """Return what Fulcio is asked for."""
    match spoil:
        case "expired":
            return replace(right, not_before=right.not_before - timedelta(hours=1))
        case "early":
            return replace(right, not_before=right.not_before + timedelta(hours=1))
        case "eku":
            return replace(right, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
        case "key-usage":
            return replace(right, usage="contentCommitment")
        case _:
            return right


def signed(right: Content, spoil: str | None) -> Content:
    """Return what the signature is over; the bundle and the log go by ``right``."""
    match right:
        case Message() if spoil == "artifact":
            return Message(_other(right.digest))
        case Envelope() if spoil == "payload":
            # Not even a reader of the JSON sees a difference.
            return replace(right, payload=right.payload + b"\n")
        case _:
            return right


def record(right: Record, spoil: str | None) -> Record:
    """Return what the log is told."""
    match spoil:
        case "entry-digest" | "payload-hash":
            return replace(right, digest=_other(right.digest))
        case "entry-signature":
            return replace(right, signature=keys.twin(right.signature))
        case _:
            return right


def entry(right: Entry, log: Rekor, spoil: str | None) -> Entry:
    """Return what the log answers."""
    proof = right.proof
    if proof is None:
        return right
    match spoil:
        case "inclusion-proof":
            first, *rest = proof.hashes
            return replace(right, proof=replace(proof, hashes=(_other(first), *rest)))
        case "root-hash":
            note = log.checkpoint(proof.size, _other(proof.root), shard=proof.shard)
            return replace(right, proof=replace(proof, checkpoint=note))
        case _:
            return right


def shown(right: Content, spoil: str | None) -> Content:
    """Return what the bundle says was signed."""
    if spoil == "message-digest" and isinstance(right, Message):
        return Message(_other(right.digest))
    return right


def _ctlog(right: CtLog | None, other: Seed, spoil: str | None) -> CtLog | None:
    if right is None or spoil == "no-sct":
        return None
    match spoil:
        case "sct":
            return replace(right, key=other.p256("ctlog"))
        case "ct-log":
            return CtLog.of(right.url, other.p256("ctlog"))
        case _:
            return right


def _rekor(right: Rekor, other: Seed, spoil: str | None) -> Rekor:
    match spoil:
        case "log-key":
            return Rekor.of(right.host, other)
        case "set":
            return replace(right, promise_key=other.p256("key"))
        case "checkpoint":
            return replace(right, checkpoint_key=other.p256("key"))
        case _:
            return right


def _other(digest: bytes) -> bytes:
    return hashlib.sha256(digest).digest()
