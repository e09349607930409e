"""An npm registry's public keys: as its TUF target has them, or as its own endpoint does.

The TUF target (``REGISTRY/keys.json``) has a row for each key and use, with the time in
which it may sign. The endpoint (``/-/npm/v1/keys``) has a row for each key, for every use,
with the end alone. A key's id is a name that the registry chose; nothing can be computed
of it. Keys of another kind than ECDSA over P-256 are left out: nothing is verified by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kit.errors import MalformedError, UnsupportedError
from kit.formats import encodings, public_key, strictjson
from kit.formats.fields import Fields

MAX_BYTES = 1 << 20
MAX_KEYS = 256
#: What a key may sign: versions in packuments, and publish attestations.
SIGNATURES, ATTESTATIONS = "npm:signatures", "npm:attestations"
_MAX_ID = 200
_DETAILS = "PKIX_ECDSA_P256_SHA_256"
_TYPE = "ecdsa-sha2-nistp256"
# SubjectPublicKeyInfo of P-256 is always this long, and begins with its two object identifiers.
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmKey:
    """A key: its opaque id, what it may sign, DER, and the time in which it signs.

    ``None`` for a bound that nothing gives; ``end`` is the first moment after it.
    """

    keyid: str
    uses: frozenset[str]
    der: bytes
    start: datetime | None = None
    end: datetime | None = None

    def is_over(self, at: datetime) -> bool:
        """Say whether its time has ended by then."""
        return self.end is not None and at >= self.end

    def was_for(self, moment: datetime) -> bool:
        """Say whether a moment lies in its time."""
        return (self.start is None or moment >= self.start) and not self.is_over(moment)


def parse(raw: bytes) -> tuple[NpmKey, ...]:
    """Read keys in either form; raise :class:`MalformedError`, also where none can be used."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))
    top.need("keys")
    found: dict[tuple[str, str], NpmKey] = {}
    for item in top.objects("keys", MAX_KEYS):
        key = _endpoints(item) if item.mentions("keyid") else _targets(item)
        if key is None:
            continue
        for use in sorted(key.uses):
            if (key.keyid, use) in found:
                raise MalformedError(f"the key id {key.keyid[:80]!r} has two keys for {use}")
            found[key.keyid, use] = key
    if not found:
        raise MalformedError("it holds no key that this version can use (ECDSA over P-256)")
    return tuple(dict.fromkeys(found.values()))


def keyids(raw: bytes) -> tuple[str, ...]:
    """Return the ids of the keys, for people; raise :class:`MalformedError`."""
    return tuple(dict.fromkeys(key.keyid for key in parse(raw)))


def _targets(item: Fields) -> NpmKey | None:
    material = item.needed_object("publicKey")
    use, details = item.needed_text("keyUsage"), material.needed_text("keyDetails")
    window = material.object("validFor")
    if use not in (SIGNATURES, ATTESTATIONS) or details != _DETAILS:
        return None
    return _key(
        item.needed_text("keyId"),
        frozenset({use}),
        material.needed_octets("rawBytes"),
        None if window is None else _time(window, "start"),
        None if window is None else _time(window, "end"),
    )


def _endpoints(item: Fields) -> NpmKey | None:
    kinds = {item.needed_text("keytype"), item.needed_text("scheme")}
    if kinds != {_TYPE}:
        return None
    uses = frozenset({SIGNATURES, ATTESTATIONS})
    return _key(
        item.needed_text("keyid"), uses, item.needed_octets("key"), None, _time(item, "expires")
    )


def _key(
    keyid: str, uses: frozenset[str], der: bytes, start: datetime | None, end: datetime | None
) -> NpmKey:
    if len(keyid) > _MAX_ID or not keyid.isprintable():
        raise MalformedError(f"{keyid[:80]!r} is no key id")
    try:
        canonical = public_key.from_der(der)
    except UnsupportedError as error:
        raise MalformedError(f"the key {keyid[:80]!r}: {error}") from error
    if not canonical.startswith(_P256):
        raise MalformedError(f"the key {keyid[:80]!r} is not on P-256, as it says")
    if start is not None and end is not None and end <= start:
        raise MalformedError(f"the time of the key {keyid[:80]!r} ends before it begins")
    return NpmKey(keyid=keyid, uses=uses, der=canonical, start=start, end=end)


def _time(item: Fields, key: str) -> datetime | None:
    text = item.text(key)
    return None if text is None else encodings.parse_time(text)
