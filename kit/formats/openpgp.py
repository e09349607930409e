"""What an OpenPGP file is (RFC 9580, RFC 4880), told before any program gets to see it.

A detached signature is signature packets and nothing else. The same bytes in another
form mean another thing to the programs that verify them: a message that holds its own
text, a text with a signature below it, a key. Each is refused here by its name. What is
handed on is the packets as they were walked, without armor around them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from kit.errors import EvidenceError, MalformedError, UnsupportedError
from kit.formats import armor

MAX_BYTES = 1 << 20
MAX_KEY_BYTES = 4 << 20
MAX_SIGNATURES = 16

#: A signature over the bytes as they are, and one over a text whose line ends do not count.
BINARY = 0x00
TEXT = 0x01

_SIGNATURE = 2
_PUBLIC_KEY = 6
_PUBLIC_SUBKEY = 14
# What stands beside the keys in a key file: signatures, GnuPG's own trust packets, user
# ids and attributes.
_BESIDE_KEYS = frozenset({_SIGNATURE, 12, 13, 17})
_NAMES = {
    1: "an encrypted message",
    3: "an encrypted message",
    4: "an inline signed message",
    5: "a secret key",
    6: "a public key",
    7: "a secret subkey",
    8: "a compressed message",
    9: "an encrypted message",
    11: "a literal message",
    13: "a user id",
    14: "a public subkey",
    18: "an encrypted message",
    20: "an encrypted message",
}
_KEYS = frozenset({5, 6, 7, 14})
_MESSAGES = frozenset({1, 3, 4, 8, 9, 11, 18, 20})

_ISSUER_KEY_ID = 16
_ISSUER_FINGERPRINT = 33

# minisign, signify, SSH and X.509 sign files too, and their files are called `.sig` as well.
_OTHERS = (b"untrusted comment:", b"-----BEGIN SSH", b"-----BEGIN ", b"{")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet: its tag, its body, and its own bytes with the header."""

    tag: int
    body: bytes
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a signature packet says of itself; nothing of it is verified.

    ``issuers`` are the fingerprints and key ids, in upper-case hex, that it names.
    """

    version: int
    kind: int
    digest: int
    issuers: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detached:
    """A detached signature file: the packets without armor, and each of them read."""

    raw: bytes
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key file of one primary key: its fingerprint, and those of its subkeys."""

    fingerprint: str
    subkeys: tuple[str, ...]
    raw: bytes

    def is_named_by(self, issuers: frozenset[str]) -> bool:
        """Say whether a signature's ``issuers`` name this key or a subkey of it."""
        return any(
            fingerprint in issuers or key_id(fingerprint) in issuers
            for fingerprint in (self.fingerprint, *self.subkeys)
        )


def key_id(fingerprint: str) -> str:
    """Return the long key id of a fingerprint: its end, or its start from version 5 on."""
    return fingerprint[-16:] if len(fingerprint) == 40 else fingerprint[:16]


def looks_like(raw: bytes) -> bool:
    """Say whether a file presents itself as an OpenPGP signature, well-formed or not."""
    if raw[:1] > b"\x7f":
        try:
            return _tag(raw[0]) == _SIGNATURE
        except EvidenceError:
            return False
    return "SIGNATURE" in armor.labels(raw[:MAX_BYTES])


def detached(raw: bytes) -> Detached:
    """Return the signatures in a detached signature file.

    Raises :class:`UnsupportedError` for another kind of file (``openpgp.cleartext``,
    ``openpgp.inline``, ``openpgp.key``, ``openpgp.not-openpgp``, ``openpgp.version``,
    ``openpgp.text-mode``) and :class:`MalformedError` (``openpgp.malformed``) for one that
    is no file of signatures alone, or of more than :data:`MAX_SIGNATURES`.
    """
    if len(raw) > MAX_BYTES:
        raise _malformed(f"over {MAX_BYTES} bytes, which is no detached signature")
    packets = _packets(_unarmored(raw))
    found: list[Signature] = []
    binary = b""
    for packet in packets:
        if packet.tag != _SIGNATURE:
            raise _other_packet(packet.tag)
        if len(found) == MAX_SIGNATURES:
            raise _malformed(f"over {MAX_SIGNATURES} signatures")
        found.append(_signature(packet.body))
        binary += packet.raw
    if not found:
        raise _malformed("there is no signature in it")
    return Detached(raw=binary, signatures=tuple(found))


def public_key(raw: bytes) -> PublicKey:
    """Return the one key of a key file, armored or not; raise :class:`MalformedError`.

    Refused: a second primary key, a secret key, anything that is not part of a key.
    """
    if len(raw) > MAX_KEY_BYTES:
        raise _malformed(f"over {MAX_KEY_BYTES} bytes, which is no key")
    if raw[:1] <= b"\x7f":
        label = "PUBLIC KEY BLOCK"
        if armor.labels(raw) != (label,):
            raise _malformed("it is not one public key block")
        raw = _coded(raw, label)
    primary: list[str] = []
    subkeys: list[str] = []
    for packet in _packets(raw):
        if packet.tag == _PUBLIC_KEY:
            primary.append(_fingerprint(packet.body))
        elif packet.tag == _PUBLIC_SUBKEY and primary:
            subkeys.append(_fingerprint(packet.body))
        elif packet.tag not in _BESIDE_KEYS or not primary:
            raise _malformed(f"it holds {_name(packet.tag)}")
    if len(primary) != 1:
        raise _malformed(f"it holds {len(primary)} primary keys: {', '.join(primary[:4])}")
    return PublicKey(fingerprint=primary[0], subkeys=tuple(subkeys), raw=raw)


# ---- what kind of file ----------------------------------------------------


def _unarmored(raw: bytes) -> bytes:
    if raw[:1] > b"\x7f":  # every packet header has the highest bit set; no armor has
        return raw
    labels = armor.labels(raw)
    for label in labels:
        if label == "SIGNED MESSAGE":
            raise UnsupportedError(
                "it is a cleartext-signed text, which holds what it signs",
                code="openpgp.cleartext",
                hint="a detached signature (gpg --detach-sign) speaks of the file beside it",
            )
        if label.startswith("MESSAGE"):
            raise UnsupportedError("it is an OpenPGP message", code="openpgp.inline")
        if label.endswith("KEY BLOCK"):
            raise UnsupportedError("it is an OpenPGP key, no signature", code="openpgp.key")
    if not labels:
        raise _no_armor(raw)
    if labels != ("SIGNATURE",):
        raise _malformed(f"it holds {len(labels)} armor blocks: {', '.join(labels[:4])}")
    return _coded(raw, "SIGNATURE")


def _no_armor(raw: bytes) -> EvidenceError:
    if not raw.strip():
        return _malformed("it is empty")
    if raw.lstrip().startswith(_OTHERS):
        return UnsupportedError(
            "it is a signature of another kind than OpenPGP", code="openpgp.not-openpgp"
        )
    return UnsupportedError("it is nothing of OpenPGP", code="openpgp.not-openpgp")


def _coded(raw: bytes, label: str) -> bytes:
    try:
        return armor.decode(raw, label)
    except MalformedError as error:
        raise _malformed(error.message) from error


def _other_packet(tag: int) -> EvidenceError:
    if tag in _MESSAGES:
        return UnsupportedError(f"it holds {_name(tag)}", code="openpgp.inline")
    if tag in _KEYS:
        return UnsupportedError(f"it holds {_name(tag)}", code="openpgp.key")
    return _malformed(f"it holds {_name(tag)} beside signatures")


def _name(tag: int) -> str:
    return _NAMES.get(tag, f"a packet of type {tag}")


def _malformed(message: str) -> MalformedError:
    return MalformedError(message, code="openpgp.malformed")


# ---- packets (RFC 9580 section 4.2) ---------------------------------------


def _packets(raw: bytes) -> Iterator[Packet]:
    position = 0
    while position < len(raw):
        packet = _packet(raw, position)
        yield packet
        position += len(packet.raw)


def _tag(first: int) -> int:
    if not first & 0x80:
        raise _malformed("there is something between its packets")
    return first & 0x3F if first & 0x40 else first >> 2 & 0x0F


def _packet(raw: bytes, start: int) -> Packet:
    tag = _tag(raw[start])
    if tag in _MESSAGES:  # by name, before its length: that may be partial or open
        raise _other_packet(tag)
    reader = _Reader(raw, start + 1)
    length = _new_length(reader) if raw[start] & 0x40 else _old_length(reader, raw[start] & 3)
    body = reader.take(length)
    return Packet(tag=tag, body=body, raw=raw[start : reader.position])


def _new_length(reader: _Reader) -> int:
    first = reader.number(1)
    if first < 192:
        return first
    if first < 224:
        return ((first - 192) << 8) + reader.number(1) + 192
    if first == 255:
        return reader.number(4)
    raise _malformed("a packet comes in parts, which no signature or key may")


def _old_length(reader: _Reader, kind: int) -> int:
    if kind == 3:
        raise _malformed("a packet has no length")
    return reader.number(1 << kind)


class _Reader:
    """Takes bytes one after the other, never beyond the end."""

    def __init__(self, raw: bytes, position: int = 0) -> None:
        self._raw = raw
        self.position = position

    @property
    def left(self) -> int:
        return len(self._raw) - self.position

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise _malformed("a packet is cut off")
        self.position += length
        return self._raw[self.position - length : self.position]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")


# ---- signatures (RFC 9580 section 5.2) ------------------------------------


def _signature(body: bytes) -> Signature:
    reader = _Reader(body)
    version = reader.number(1)
    if version not in (4, 5, 6):
        # Version 3 has nothing but a key id to say who signed, and nobody writes it now.
        raise UnsupportedError(
            f"a signature is of version {version}; 4, 5 and 6 are verified", code="openpgp.version"
        )
    kind = reader.number(1)
    if kind == TEXT:
        raise UnsupportedError(
            "a signature is over a text in which line ends do not count, not over the file's bytes",
            code="openpgp.text-mode",
            hint="sign without --textmode",
        )
    if kind != BINARY:
        raise _malformed(f"a signature is of type 0x{kind:02x}, which is not over a file")
    reader.number(1)  # the key's algorithm
    digest = reader.number(1)
    width = 4 if version == 6 else 2
    areas = [reader.take(reader.number(width)) for _ in range(2)]  # hashed, and not
    issuers = frozenset(issuer for area in areas for issuer in _issuers(area))
    return Signature(version=version, kind=kind, digest=digest, issuers=issuers)


def _issuers(area: bytes) -> Iterator[str]:
    reader = _Reader(area)
    while reader.left:
        content = reader.take(_subpacket_length(reader))
        if not content:
            raise _malformed("a subpacket of a signature is empty")
        kind = content[0] & 0x7F  # without the mark of a critical one
        if kind == _ISSUER_KEY_ID:
            yield content[1:].hex().upper()
        elif kind == _ISSUER_FINGERPRINT:
            yield content[2:].hex().upper()  # after the version of the key


def _subpacket_length(reader: _Reader) -> int:
    # As of a packet in the new format, but never in parts (RFC 9580 section 5.2.3.7).
    first = reader.number(1)
    if first < 192:
        return first
    if first < 255:
        return ((first - 192) << 8) + reader.number(1) + 192
    return reader.number(4)


# ---- keys (RFC 9580 section 5.5.4) ----------------------------------------


def _fingerprint(body: bytes) -> str:
    version = body[:1]
    if version == b"\x04" and len(body) <= 0xFFFF:
        # SHA-1 is what a version 4 fingerprint is; what pins a key is its whole.
        return (
            hashlib.sha1(  # noqa: S324
                b"\x99" + len(body).to_bytes(2, "big") + body
            )
            .hexdigest()
            .upper()
        )
    start = {b"\x05": b"\x9a", b"\x06": b"\x9b"}.get(version)
    if start is None:
        raise _malformed("it holds a key of a version that is not 4, 5 or 6")
    return hashlib.sha256(start + len(body).to_bytes(4, "big") + body).hexdigest().upper()
