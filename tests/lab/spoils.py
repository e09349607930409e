"""One wrong thing on request.

Each fault is applied at the one step where it arises, and every later step goes on
from there: what is signed, logged and promised fits the fault, so that nothing but
the fault is wrong. The functions below are those steps, in order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab import keys
from tests.lab.authorities import Authorities
from tests.lab.content import Content, Envelope, Message
from tests.lab.ctlog import CtLog
from tests.lab.entry import Entry, Proof
from tests.lab.extensions import Overrides
from tests.lab.fulcio import Fulcio, Request
from tests.lab.keys import Seed
from tests.lab.record import Record
from tests.lab.rekor import Rekor
from tests.lab.tiles import Tiles
from tests.lab.trust import PURPOSES
from tests.lab.tsa import Stamp, Tsa


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
        "expired": _spoil("the leaf's time was over when it signed", "certificate", "time"),
        "early": _spoil("the leaf's time had not begun when it signed", "certificate", "time"),
        "eku": _spoil("the leaf is for client authentication, not code signing", "certificate"),
        "key-usage": _spoil("the leaf's key is not for digital signatures", "certificate"),
        "sct": _spoil("another key signed in the name of the CT log", "certificate", "sct"),
        "ct-log": _spoil(
            "the SCT is of a log that the trusted root does not list", "certificate", "sct"
        ),
        "no-sct": _spoil("the leaf carries no SCT", "certificate", "sct"),
        # Of the signature and what it is over.
        "signature": _spoil("another key signed"),
        "artifact": _spoil("the right key signed other bytes", "message"),
        "message-digest": _spoil("the digest beside the signature is another's", "message"),
        "payload": _spoil("the payload was changed after it was signed", "envelope"),
        # Of what the log was told.
        "entry-digest": _spoil("the entry names another digest", "message", "entry"),
        "payload-hash": _spoil(
            "the entry names another payload hash", "envelope", "entry", "logged-payload"
        ),
        "entry-signature": _spoil(
            "the entry has another signature, which holds for the same key and bytes",
            "entry",
            "p256",
            "logged-signature",
        ),
        "entry-certificate": _spoil(
            "the entry has another certificate of the same identity, or another key", "entry"
        ),
        # Of the log.
        "log-key": _spoil("the entry is in a log that the trusted root does not list", "entry"),
        "set": _spoil("another key signed the promise in the name of the log", "entry", "promise"),
        "inclusion-proof": _spoil("a hash of the inclusion path is wrong", "proof"),
        "checkpoint": _spoil("another key signed the checkpoint for the log", "checkpoint"),
        "root-hash": _spoil("the checkpoint is of another tree of the same size", "checkpoint"),
    }
)


# Faults of the rarer forms, and those that a verifier may overlook. Which of these
# sigstore-python lets through is told in tests/unit/lab/test_more_spoils.py.
MORE_SPOILS: Mapping[str, Spoil] = MappingProxyType(
    {
        # Of time.
        "future": _spoil("certificate, entry and timestamp are of 2049", "time"),
        "ca-window": _spoil(
            "the leaf is of a CA that was retired before", "retired", "certificate"
        ),
        "ct-window": _spoil("the SCT is of a CT log that was retired before", "retired", "sct"),
        "rekor-window": _spoil("the entry is in a log that was retired before", "retired", "v1"),
        "sct-time": _spoil("the CT log saw the leaf 400 days before it began", "sct"),
        # Of the certificate.
        "san-two": _spoil("the leaf names somebody else as well", "certificate"),
        "issuer-differs": _spoil("the two extensions for the issuer differ", "certificate"),
        "leaf-long": _spoil("the leaf is valid for ten years", "certificate"),
        # Of a keyed signer.
        "keyed-wrong-key": _spoil("signed and logged with another key than the hint's", "key"),
        "keyed-hint": _spoil("the hint is that of another key", "key"),
        "keyed-keyid": _spoil("the envelope's keyid is that of another key", "key", "envelope"),
        # Of the entry.
        "entry-canonical": _spoil("the logged body has a member that its kind has not", "entry"),
        "entry-duplicate": _spoil("the logged body has its kind twice, at first another", "entry"),
        "entry-spaces": _spoil("the logged body is not canonical JSON", "entry"),
        "entry-kind": _spoil("the entry says it is of another kind than its body", "entry"),
        "intoto-payload-hash": _spoil(
            "the entry names another payload hash", "intoto", "logged-payload"
        ),
        "intoto-hash": _spoil("the entry names another envelope hash", "logged-envelope"),
        "intoto-signature": _spoil(
            "the entry has another signature, which holds for the same key and bytes",
            "intoto",
            "logged-signature",
            "p256",
        ),
        "intoto-key": _spoil("the entry has another certificate or key", "intoto"),
        # Of the log.
        "log-id": _spoil("the entry's log id is of no log, but for its first bytes", "entry"),
        "log-index": _spoil("the index beside the entry is not that of its proof", "v2"),
        "promise-garbage": _spoil(
            "the promise is no signature, and no time goes with it", "promise", "timestamp"
        ),
        "integrated-time-without-promise": _spoil(
            "a time that nobody promised", "promise", "timestamp"
        ),
        "checkpoint-size": _spoil("the checkpoint is of a tree of another size", "checkpoint"),
        "checkpoint-origin": _spoil("the checkpoint is of another origin", "checkpoint"),
        "checkpoint-junk": _spoil("a line among the signatures is none", "checkpoint"),
        "v1-entry-by-v2-key": _spoil("an entry of Rekor v1, signed by the v2 log", "v1", "tiles"),
        "v2-entry-by-v1-key": _spoil("an entry of Rekor v2, signed by the v1 log", "tiles"),
        "v2-log-by-key": _spoil(
            "the v2 log goes by the id of its key alone, as a v1 log does", "tiles"
        ),
        # Of the timestamp.
        "no-timestamp": _spoil("nothing says when it was signed", "v2"),
        "tsa-signature": _spoil("another key signed in the name of the TSA", "timestamp"),
        "tsa-untrusted": _spoil("the TSA is an unrelated one of the same name", "timestamp"),
        "tsa-window": _spoil("the TSA was retired before it stamped", "timestamp", "retired"),
        "tsa-imprint": _spoil("another signature was stamped", "timestamp"),
        "tsa-sha1": _spoil("the imprint is of SHA-1", "timestamp"),
        "tsa-content": _spoil("the signed attributes are of another content", "timestamp"),
        "tsa-ess": _spoil("the signed attributes name another certificate", "timestamp"),
        "tsa-no-ess": _spoil("the signed attributes name no certificate", "timestamp"),
        "tsa-status": _spoil("the TSA granted something else (grantedWithMods)", "timestamp"),
        "tsa-two-signers": _spoil("the token has its signer twice", "timestamp"),
        "tsa-eku": _spoil("the TSA's leaf is for code signing", "timestamp"),
        "tsa-eku-more": _spoil("the TSA's leaf is for code signing as well", "timestamp"),
        "tsa-eku-loose": _spoil("the purpose of the TSA's leaf is not critical", "timestamp"),
        "tsa-late": _spoil("stamped after the leaf's time", "timestamp", "certificate"),
        "tsa-early": _spoil("stamped before the leaf's time", "timestamp", "certificate"),
        "tsa-garbage": _spoil("the timestamp is no DER", "timestamp"),
        "two-timestamps-one-bad": _spoil("a second timestamp, of another signature", "timestamp"),
        "two-timestamps-equal": _spoil("the same timestamp twice", "timestamp"),
    }
)
ALL_SPOILS: Mapping[str, Spoil] = MappingProxyType({**SPOILS, **MORE_SPOILS})

# Who signs, whom the log is told of, whom the bundle shows, and whom the envelope names.
ROLES = ("hand", "named", "shown", "keyid")
_USURPED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "signature": ("hand",),
        "entry-certificate": ("named",),
        "intoto-key": ("named",),
        "keyed-wrong-key": ("hand", "named"),
        "keyed-hint": ("shown",),
        "keyed-keyid": ("keyid",),
    }
)
_FUTURE = datetime(2049, 6, 1, tzinfo=UTC)


def clock(right: datetime, spoil: str | None) -> datetime:
    """Return when it all happens."""
    return _FUTURE if spoil == "future" else right


def authorities(right: Authorities, spoil: str | None) -> Authorities:
    """Return the instance, with an impostor in one place, or one in another's place."""
    other = right.seed.child("impostor")
    return replace(
        right,
        cas=tuple(_ca(ca, right, spoil) for ca in right.cas),
        ctlogs=_ctlogs(right, other, spoil),
        rekor=_rekor(right, other.child("rekor"), spoil),
        tiles=_tiles(right, other.child("tiles"), spoil),
        tsas=tuple(_tsa(tsa, right, other, spoil) for tsa in right.tsas),
    )


def roles(spoil: str | None) -> tuple[str, ...]:
    """Return in which of its `ROLES` another takes the signer's place."""
    return _USURPED.get(spoil or "", ())


def said(right: Overrides, spoil: str | None) -> Overrides:
    """Return what the extensions of the leaf say."""
    if spoil == "issuer-differs":
        return {**right, "issuer-v2": "https://issuer.mallory.test"}
    return right


def request(right: Request, spoil: str | None) -> Request:
    """Return what Fulcio is asked for."""
    begin = right.not_before
    match spoil:
        case "expired":
            # However long it is to live.
            return replace(right, not_before=begin - right.lifetime - timedelta(minutes=50))
        case "early":
            return replace(right, not_before=begin + right.lifetime + timedelta(minutes=50))
        case "eku":
            return replace(right, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
        case "key-usage":
            return replace(right, usage="contentCommitment")
        case "san-two":
            return replace(right, also=("mallory@mallory.test",))
        case "leaf-long":
            return replace(right, lifetime=timedelta(days=3650))
        case "sct-time":
            return replace(right, promised=begin - timedelta(days=400))
        case _:
            return right


def signed(right: Content, spoil: str | None) -> Content:
    """Return what the signature is over; the bundle and the log go by ``right``."""
    match right:
        case Message() if spoil == "artifact":
            return replace(right, digest=_other(right.digest))
        case Envelope() if spoil == "payload":
            # Not even a reader of the JSON sees a difference.
            return replace(right, payload=right.payload + b"\n")
        case _:
            return right


def record(right: Record, spoil: str | None) -> Record:
    """Return what the log is told."""
    match spoil:
        case "entry-digest" | "payload-hash" | "intoto-payload-hash":
            return replace(right, digest=_other(right.digest))
        case "intoto-hash":
            return replace(right, uploaded=right.uploaded + b"\n")
        case "entry-signature" | "intoto-signature":
            return replace(right, signature=keys.twin(right.signature))
        case "entry-canonical":
            return replace(right, written=right.body()[:-1] + b',"somethingNew":1}')
        case "entry-duplicate":
            return replace(right, written=b'{"kind":"rekord",' + right.body()[1:])
        case "entry-spaces":
            return replace(right, written=right.body() + b"\n")
        case _:
            return right


def entry(right: Entry, spoil: str | None) -> Entry:
    """Return what the log answers."""
    match spoil:
        case "entry-kind":
            return replace(right, kind="rekord")
        case "log-index":
            return replace(right, index=right.index + 1)
        case "promise-garbage":
            return replace(right, time=None, promise=b"no signature")
        case "integrated-time-without-promise":
            return replace(right, promise=None)
        case _ if right.proof is None:
            return right
        case _:
            return replace(right, proof=_proof(right.proof, spoil))


def stamped(right: bytes, spoil: str | None) -> bytes:
    """Return the signature that the TSA stamps."""
    return _other(right) if spoil == "tsa-imprint" else right


def stamped_at(right: datetime, spoil: str | None) -> datetime:
    """Return when the TSA stamps."""
    match spoil:
        case "tsa-late":
            return right + timedelta(hours=1)
        case "tsa-early":
            return right - timedelta(hours=1)
        case _:
            return right


def stamp(right: Stamp, spoil: str | None) -> Stamp:
    """Return how the token looks."""
    match spoil:
        case "tsa-sha1":
            return replace(right, algorithm="sha1")
        case "tsa-content":
            return replace(right, said=_other(b""))
        case "tsa-ess":
            return replace(right, vouched=b"another certificate")
        case "tsa-no-ess":
            return replace(right, named=())
        case "tsa-status":
            return replace(right, status=1)
        case "tsa-two-signers":
            return replace(right, signers=2)
        case _:
            return right


def tokens(
    right: list[bytes], signature: bytes, spoil: str | None, again: Callable[[bytes], bytes]
) -> list[bytes]:
    """Return the timestamps of the bundle; ``again`` stamps another signature."""
    match spoil:
        case "no-timestamp":
            return []
        case "tsa-garbage":
            return [b"no DER"]
        case "two-timestamps-one-bad":
            return [*right, again(_other(signature))]
        case "two-timestamps-equal":
            return [*right, right[0]]
        case _:
            return right


def shown(right: Content, spoil: str | None) -> Content:
    """Return what the bundle says was signed."""
    if spoil == "message-digest" and isinstance(right, Message):
        return replace(right, digest=_other(right.digest))
    return right


def _ca(right: Fulcio, world: Authorities, spoil: str | None) -> Fulcio:
    if spoil == "chain":
        return Fulcio.of(right.style, world.seed.child("impostor", "fulcio"))
    if spoil == "ca-window" and world.retired is not None:
        return world.retired.fulcio
    return right


def _ctlogs(world: Authorities, other: Seed, spoil: str | None) -> tuple[CtLog, ...]:
    if not world.ctlogs or spoil == "no-sct":
        return ()
    first, *more = world.ctlogs
    match spoil:
        case "sct":
            return (replace(first, key=other.p256("ctlog")), *more)
        case "ct-log":
            return (CtLog.of(first.url, other.p256("ctlog")), *more)
        case "ct-window" if world.retired is not None:
            return (world.retired.ctlog, *more)
        case _:
            return world.ctlogs


def _rekor(world: Authorities, other: Seed, spoil: str | None) -> Rekor | None:
    if (right := world.rekor) is None:
        return None
    match spoil:
        case "log-key":
            return Rekor.of(right.host, other)
        case "set":
            return replace(right, promise_key=Rekor.key_of(other))
        case "checkpoint":
            return replace(right, checkpoint_key=Rekor.key_of(other))
        case "log-id":
            return replace(right, log_id=_beginning(right.log_id))
        case "rekor-window" if world.retired is not None:
            return world.retired.rekor
        case "v1-entry-by-v2-key" if (log := world.tiles) is not None:
            return replace(
                right,
                host=log.host,
                log_id=log.log_id,
                promise_key=log.key,
                checkpoint_key=log.key,
            )
        case _:
            return right


def _tiles(world: Authorities, other: Seed, spoil: str | None) -> Tiles | None:
    if (right := world.tiles) is None:
        return None
    match spoil:
        case "log-key":
            return Tiles.of(right.host, other)
        case "checkpoint":
            return replace(right, key=Tiles.key_of(other))
        case "log-id":
            return replace(right, log_id=_beginning(right.log_id))
        case "v2-entry-by-v1-key" if (log := world.rekor) is not None:
            return replace(right, host=log.host, log_id=log.log_id, key=log.promise_key)
        case "v2-log-by-key":
            return replace(right, log_id=keys.key_id(right.key.public_key()))
        case _:
            return right


def _tsa(right: Tsa, world: Authorities, other: Seed, spoil: str | None) -> Tsa:
    match spoil:
        case "tsa-signature":
            return replace(right, key=other.p256("tsa"))
        case "tsa-untrusted":
            return Tsa.of(
                right.organization,
                right.uri,
                other.child("tsa"),
                intermediate=len(right.chain) > 2,
                lives=right.lives,
            )
        case "tsa-window" if world.retired is not None:
            return world.retired.tsa
        case str() if spoil in PURPOSES:
            return right.for_purpose(PURPOSES[spoil])
        case _:
            return right


def _proof(right: Proof, spoil: str | None) -> Proof:
    notary, size, root = right.notary, right.size, right.root
    match spoil:
        case "inclusion-proof":
            first, *rest = right.hashes
            return replace(right, hashes=(_other(first), *rest))
        case "root-hash":
            return replace(right, checkpoint=notary.checkpoint(size, _other(root)))
        case "checkpoint-size":
            return replace(right, checkpoint=notary.checkpoint(size + 1, root))
        case "checkpoint-origin":
            # "log.test" or "log.test - 123", as the right one is.
            origin = notary.origin.replace(notary.name, "log.mallory.test")
            notary = replace(notary, origin=origin, name="log.mallory.test")
            return replace(right, checkpoint=notary.checkpoint(size, root))
        case "checkpoint-junk":
            return replace(right, checkpoint=f"{notary.checkpoint(size, root)}nobody signed this\n")
        case _:
            return right


def _beginning(log_id: bytes) -> bytes:
    return log_id[:4] + _other(log_id)[4:]


def _other(octets: bytes) -> bytes:
    # A digest becomes another one of its kind.
    algorithm = {48: hashlib.sha384, 64: hashlib.sha512}.get(len(octets), hashlib.sha256)
    return algorithm(octets).digest()
