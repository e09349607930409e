"""OpenPGP keys and signatures, written here byte by byte (RFC 9580), to be as wrong as wanted.

gpg refuses to write much of what a hostile signer can: control characters in a notation,
a signature of a type of its own, a foreign issuer. Keys are version 4, EdDSA over
Ed25519; equal seeds give equal keys.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kit.formats import openpgp
from kit.formats.armor import crc24
from kit.trust.keyrings import Keyring, keyring
from kit.verifiers.openpgp import OpenPgpVerifier

MADE = datetime(2024, 1, 1, tzinfo=UTC)
SIGNED = datetime(2024, 6, 1, tzinfo=UTC)
NOW = datetime(2025, 1, 1, tzinfo=UTC)
DATA = b"the release\n" * 100

GPG = Path(shutil.which("gpg") or "/nonexistent/gpg")

_ED25519 = bytes.fromhex("092b06010401da470f01")  # the curve's name, after its length
_HASHES = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
_BINARY, _CERTIFICATION, _BINDING, _BACK, _REVOCATION = 0x00, 0x13, 0x18, 0x19, 0x20


def packet(tag: int, body: bytes) -> bytes:
    """Return a packet in the new format, its length in five bytes."""
    return bytes((0xC0 | tag, 0xFF)) + len(body).to_bytes(4, "big") + body


def subpacket(kind: int, content: bytes) -> bytes:
    """Return a subpacket of a signature."""
    return b"\xff" + (len(content) + 1).to_bytes(4, "big") + bytes((kind,)) + content


def notation(name: bytes, value: bytes) -> bytes:
    """Return a notation that says of itself that it is text."""
    lengths = len(name).to_bytes(2, "big") + len(value).to_bytes(2, "big")
    return subpacket(20, b"\x80\0\0\0" + lengths + name + value)


def seconds(when: datetime) -> bytes:
    """Return a time as OpenPGP writes it."""
    return int(when.timestamp()).to_bytes(4, "big")


def armored(raw: bytes, label: str = "SIGNATURE", headers: str = "") -> bytes:
    """Return bytes in armor."""
    text = base64.b64encode(raw).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    check = base64.b64encode(crc24(raw).to_bytes(3, "big")).decode()
    begin, end = f"-----BEGIN PGP {label}-----", f"-----END PGP {label}-----"
    return f"{begin}\n{headers}\n{lines}\n={check}\n{end}\n".encode()


def _mpi(raw: bytes) -> bytes:
    number = int.from_bytes(raw, "big")
    return number.bit_length().to_bytes(2, "big") + number.to_bytes(
        (number.bit_length() + 7) // 8, "big"
    )


@dataclass
class Pair:
    """A key pair: its public key packet's body, its fingerprint, and signatures by it."""

    seed: str
    made: datetime = MADE
    private: Ed25519PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        """Make the key of the seed."""
        seed = hashlib.sha256(self.seed.encode()).digest()
        self.private = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def body(self) -> bytes:
        """The body of the packet."""
        point = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return b"\x04" + seconds(self.made) + b"\x16" + _ED25519 + _mpi(b"\x40" + point)

    @property
    def hashed_body(self) -> bytes:
        """What signatures over the key hash of it."""
        return b"\x99" + len(self.body).to_bytes(2, "big") + self.body

    @property
    def fingerprint(self) -> str:
        """The whole fingerprint."""
        return hashlib.sha1(self.hashed_body).hexdigest().upper()  # noqa: S324

    def sign(  # the fields of a signature
        self,
        data: bytes,
        *,
        at: datetime = SIGNED,
        kind: int = _BINARY,
        digest: int = 8,
        more: bytes = b"",
        issuer: str | None = None,
    ) -> bytes:
        """Return a signature packet over ``data``; ``more`` are further hashed subpackets."""
        named = bytes.fromhex(issuer or self.fingerprint)
        hashed = subpacket(2, seconds(at)) + subpacket(33, b"\x04" + named) + more
        unhashed = subpacket(16, named[-8:])
        start = bytes((4, kind, 22, digest)) + len(hashed).to_bytes(2, "big") + hashed
        whole = data + start + b"\x04\xff" + len(start).to_bytes(4, "big")
        summed = hashlib.new(_HASHES[digest], whole).digest()
        signed = self.private.sign(summed)
        return packet(
            2,
            start
            + len(unhashed).to_bytes(2, "big")
            + unhashed
            + summed[:2]
            + _mpi(signed[:32])
            + _mpi(signed[32:]),
        )


@dataclass
class Key(Pair):
    """A primary key with a user id, and whatever else its packets have."""

    user_id: bytes = b"Tool <tool@example.org>"
    expires_after: int | None = None
    subkey: Pair | None = None
    revoked: bool = False

    @property
    def public(self) -> bytes:
        """The key as a file without armor."""
        flags = subpacket(27, b"\x03")
        lasting = self.expires_after
        expiry = b"" if lasting is None else subpacket(9, lasting.to_bytes(4, "big"))
        over = self.hashed_body + b"\xb4" + len(self.user_id).to_bytes(4, "big") + self.user_id
        certified = self.sign(over, at=self.made, kind=_CERTIFICATION, more=flags + expiry)
        revocation = self.sign(self.hashed_body, kind=_REVOCATION) if self.revoked else b""
        return (
            packet(6, self.body) + revocation + packet(13, self.user_id) + certified + self._bound()
        )

    def _bound(self) -> bytes:
        if self.subkey is None:
            return b""
        over = self.hashed_body + self.subkey.hashed_body
        back = self.subkey.sign(over, at=self.made, kind=_BACK)
        more = subpacket(27, b"\x02") + subpacket(32, back[6:])  # the body, after its header
        binding = self.sign(over, at=self.made, kind=_BINDING, more=more)
        return packet(14, self.subkey.body) + binding

    @property
    def keyring(self) -> Keyring:
        """The key as this host would have read it."""
        return keyring(self.fingerprint, armored(self.public, "PUBLIC KEY BLOCK"), "tests")


def verifier(*keys: Key, at: datetime = NOW, **options: Any) -> OpenPgpVerifier:
    """Return a verifier that pins these keys."""
    rings = {key.fingerprint: key.keyring for key in keys}
    return OpenPgpVerifier(rings, at, options.pop("program", GPG), **options)


def checked(raw: bytes) -> openpgp.Detached:
    """Read a detached signature."""
    return openpgp.detached(raw)


@contextmanager
def home() -> Iterator[Home]:
    """Make a home for a gpg that writes; end its agent and remove it."""
    with TemporaryDirectory(prefix="g-") as folder:
        made = Home(Path(folder))
        try:
            yield made
        finally:
            subprocess.run(
                ["gpgconf", "--homedir", folder, "--kill", "all"], capture_output=True, check=False
            )


@dataclass
class Home:
    """A gpg home, to make keys and signatures as people do."""

    folder: Path

    def run(self, *arguments: str, data: bytes = b"") -> bytes:
        """Run gpg in it; return what it writes."""
        return subprocess.run(
            [GPG, "--homedir", self.folder, "--batch", "--quiet", "--no-options",
             "--pinentry-mode", "loopback", "--passphrase", "", *arguments],
            input=data, capture_output=True, check=True,
        ).stdout  # fmt: skip

    def key(self, user_id: str) -> Keyring:
        """Generate a key; return its public half as this host would have read it."""
        self.run("--quick-generate-key", user_id, "ed25519", "sign", "never")
        raw = self.run("--export", "--armor", user_id)
        return keyring(openpgp.public_key(raw).fingerprint, raw, "tests")
