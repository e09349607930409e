"""What an OpenPGP file is, told before gpg sees it: detached signatures, and all else by name."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import EvidenceError, MalformedError
from kit.formats import kinds, openpgp
from kit.formats.armor import crc24
from kit.model import EvidenceKind
from tests.openpgp import DATA, GPG, Home, Key, Pair, armored, home, packet, subpacket

OWNER = Key("owner")
GOOD = OWNER.sign(DATA)
SUBKEY = Pair("subkey")


def refusal(raw: bytes) -> str:
    with pytest.raises(EvidenceError) as caught:
        openpgp.detached(raw)
    return caught.value.code


@pytest.mark.parametrize("raw", [GOOD, armored(GOOD), b"\r\n" + armored(GOOD) + b"\n \n"])
def test_a_detached_signature_is_handed_on_without_armor(raw: bytes) -> None:
    found = openpgp.detached(raw)
    assert found.raw == GOOD
    (signature,) = found.signatures
    assert (signature.version, signature.kind, signature.digest) == (4, 0, 8)
    assert signature.issuers == {OWNER.fingerprint, OWNER.fingerprint[-16:]}


def test_every_signature_of_a_file_is_read() -> None:
    assert len(openpgp.detached(armored(GOOD * 16)).signatures) == 16
    assert refusal(GOOD * 17) == "openpgp.malformed"


def test_windows_line_ends_and_a_missing_checksum_are_fine() -> None:
    text = armored(GOOD, headers="Version: GnuPG v2\nComment: \n").replace(b"\n", b"\r\n")
    assert openpgp.detached(text).raw == GOOD
    lines = armored(GOOD).split(b"\n")
    assert openpgp.detached(b"\n".join(line for line in lines if line[:1] != b"=")).raw == GOOD


BLOCK = armored(GOOD)
NAMED = {
    "empty": (b"", "openpgp.malformed"),
    "blank": (b" \n", "openpgp.malformed"),
    "cleartext": (
        b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhello\n" + BLOCK,
        "openpgp.cleartext",
    ),
    "text before cleartext": (
        b"x\n-----BEGIN PGP SIGNED MESSAGE-----\n\nhello\n" + BLOCK,
        "openpgp.cleartext",
    ),
    "message": (armored(GOOD, "MESSAGE"), "openpgp.inline"),
    "key block": (armored(OWNER.public, "PUBLIC KEY BLOCK"), "openpgp.key"),
    "secret block": (armored(b"", "PRIVATE KEY BLOCK"), "openpgp.key"),
    "key": (OWNER.public, "openpgp.key"),
    "key in a signature's armor": (armored(OWNER.public), "openpgp.key"),
    "two blocks": (BLOCK + BLOCK, "openpgp.malformed"),
    "a payload before": (b"Origin: evil\n" + BLOCK, "openpgp.malformed"),
    "a payload after": (BLOCK + b"Origin: evil\n", "openpgp.malformed"),
    "a payload between": (BLOCK + b"Origin: evil\n" + BLOCK, "openpgp.malformed"),
    "a form feed before": (b"\x0c" + BLOCK, "openpgp.not-openpgp"),
    "a NUL inside": (BLOCK.replace(b"\n\n", b"\n\n\0"), "openpgp.malformed"),
    "another kind of block beside": (BLOCK + armored(b"", "MESSAGE"), "openpgp.inline"),
    "a header that is none": (armored(GOOD, headers="evil payload\n"), "openpgp.malformed"),
    "no empty line": (BLOCK.replace(b"\n\n", b"\n"), "openpgp.malformed"),
    "a letter beyond ASCII": (armored(GOOD, headers="Comment: ü\n"), "openpgp.malformed"),
    "another checksum": (BLOCK.replace(b"\n=", b"\n=AAAA\n="), "openpgp.malformed"),
    "junk in base64": (BLOCK.replace(b"\n\n", b"\n\n!!!!"), "openpgp.malformed"),
    "no end": (BLOCK.rpartition(b"-----END")[0], "openpgp.malformed"),
    "minisign": (b"untrusted comment: x\nRUQ=\n", "openpgp.not-openpgp"),
    "ssh": (b"-----BEGIN SSH SIGNATURE-----\nU1M=\n", "openpgp.not-openpgp"),
    "json": (b'{"mediaType": ""}', "openpgp.not-openpgp"),
    "any text": (b"hello\n", "openpgp.not-openpgp"),
    "one-pass": (packet(4, bytes(13)) + packet(11, b"b\0\0\0\0\0x") + GOOD, "openpgp.inline"),
    "signature, then literal": (GOOD + packet(11, b"b\0\0\0\0\0x"), "openpgp.inline"),
    "literal in parts": (b"\xcb\xe1xx", "openpgp.inline"),
    "compressed, without length": (b"\xa3\x01xx", "openpgp.inline"),
    "encrypted": (packet(1, b"\x03"), "openpgp.inline"),
    "a user id beside": (GOOD + packet(13, b"x"), "openpgp.malformed"),
    "a marker before": (packet(10, b"PGP") + GOOD, "openpgp.malformed"),
    "text between packets": (GOOD + b"evil" + GOOD, "openpgp.malformed"),
    "cut off": (GOOD[:-1], "openpgp.malformed"),
    "a length beyond the end": (b"\xc2\xff\xff\xff\xff\xff" + GOOD[6:], "openpgp.malformed"),
    "in parts": (b"\xc2\xe1" + GOOD[6:], "openpgp.malformed"),
    "without length": (b"\x8b" + GOOD[6:], "openpgp.malformed"),
    "no body": (packet(2, b""), "openpgp.malformed"),
    "version 3": (packet(2, b"\x03\x05\0\0\0\0\0" + bytes(20)), "openpgp.version"),
    "text mode": (OWNER.sign(DATA, kind=1), "openpgp.text-mode"),
    "a certification": (OWNER.sign(DATA, kind=0x13), "openpgp.malformed"),
    "stand-alone": (OWNER.sign(DATA, kind=2), "openpgp.malformed"),
    "too long": (GOOD + bytes(openpgp.MAX_BYTES), "openpgp.malformed"),
    "an empty subpacket": (
        packet(2, b"\x04\x00\x16\x08\x00\x01\x00\x00\x00" + bytes(6)),
        "openpgp.malformed",
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_anything_else_is_refused_by_its_name(name: str) -> None:
    raw, code = NAMED[name]
    assert refusal(raw) == code


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for tried in (raw, b"\xc2" + raw, b"\x88" + raw, armored(raw)):
        openpgp.looks_like(tried)
        for read in (openpgp.detached, openpgp.public_key):
            with suppress(EvidenceError):
                read(tried)


@settings(max_examples=300)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(at: int, byte: int) -> None:
    changed = GOOD[:at] + bytes((byte,)) + GOOD[at + 1 :]
    with suppress(EvidenceError):
        assert openpgp.detached(changed).raw == changed


def test_lengths_are_read_in_every_form() -> None:
    body = GOOD[6:]
    assert 0 < len(body) < 192
    for start in (b"\xc2", b"\xc2\xff\0\0\0", b"\x88", b"\x89\0", b"\x8a\0\0\0"):
        whole = start + bytes((len(body),)) + body
        assert openpgp.detached(whole).raw == whole
    longer = OWNER.sign(DATA, more=subpacket(26, bytes(300)))[6:]
    two = (len(longer) - 192).to_bytes(2, "big")
    assert openpgp.detached(bytes((0xC2, two[0] + 192, two[1])) + longer).signatures


def test_the_checksum_is_that_of_the_standard() -> None:
    assert crc24(b"123456789") == 0x21CF02  # the check value of CRC-24/OPENPGP


# ---- keys -----------------------------------------------------------------


def test_a_key_file_says_its_fingerprints() -> None:
    key = openpgp.public_key(Key("owner", subkey=SUBKEY).keyring.raw)
    assert key.fingerprint == OWNER.fingerprint
    assert key.subkeys == (SUBKEY.fingerprint,)
    assert key.is_named_by(frozenset({SUBKEY.fingerprint[-16:]}))
    assert not key.is_named_by(frozenset({"0" * 16, OWNER.fingerprint[-8:]}))


def test_a_newer_key_has_the_longer_fingerprint() -> None:
    body = b"\x06" + bytes(40)
    key = openpgp.public_key(packet(6, body))
    assert len(key.fingerprint) == 64
    assert openpgp.key_id(key.fingerprint) == key.fingerprint[:16]
    assert len(openpgp.public_key(packet(6, b"\x05" + bytes(40))).fingerprint) == 64


KEYS = {
    "two primaries": OWNER.public + Key("next").public,
    "one twice": OWNER.public + OWNER.public,
    "none": b"",
    "a subkey first": packet(14, SUBKEY.body),
    "a user id first": packet(13, b"x") + OWNER.public,
    "a secret key": packet(5, OWNER.body),
    "a secret subkey": OWNER.public + packet(7, SUBKEY.body),
    "version 3": packet(6, b"\x03" + bytes(20)),
    "a literal": OWNER.public + packet(11, b"b\0\0\0\0\0x"),
    "another packet": OWNER.public + packet(63, b"x"),
    "a signature file": armored(GOOD),
    "two blocks": armored(OWNER.public, "PUBLIC KEY BLOCK") * 2,
    "text before": b"pub ed25519\n" + armored(OWNER.public, "PUBLIC KEY BLOCK"),
    "too long a key": packet(6, b"\x04" + bytes(70_000)),
    "too long": OWNER.public + packet(13, bytes(openpgp.MAX_KEY_BYTES)),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_file_of_anything_but_one_key_is_refused(name: str) -> None:
    with pytest.raises(EvidenceError):
        openpgp.public_key(KEYS[name])


# ---- what gpg itself writes -----------------------------------------------


@pytest.fixture(scope="module")
def theirs() -> dict[str, bytes]:
    """Return what gpg writes, by how it was asked."""
    if not GPG.exists():
        pytest.skip("gpg is not installed")
    with home() as made:
        key = made.key("Owner <owner@example.org>")
        return {"key": key.raw} | _written(made)


def _written(made: Home) -> dict[str, bytes]:
    asked = {
        "binary": ("--detach-sign",),
        "armored": ("--armor", "--detach-sign"),
        "textmode": ("--textmode", "--detach-sign"),
        "inline": ("--sign", "--compress-algo", "none"),
        "compressed": ("--sign",),
        "armored inline": ("--armor", "--sign"),
        "cleartext": ("--clear-sign",),
        "stored": ("--store",),
    }
    return {name: made.run(*options, data=DATA) for name, options in asked.items()}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("textmode", "openpgp.text-mode"),
        ("inline", "openpgp.inline"),
        ("compressed", "openpgp.inline"),
        ("armored inline", "openpgp.inline"),
        ("cleartext", "openpgp.cleartext"),
        ("stored", "openpgp.inline"),
        ("key", "openpgp.key"),
    ],
)
def test_what_gpg_writes_in_another_form_is_refused(
    theirs: dict[str, bytes], name: str, code: str
) -> None:
    assert refusal(theirs[name]) == code


def test_what_gpg_writes_as_detached_is_read(theirs: dict[str, bytes]) -> None:
    issuers = openpgp.detached(theirs["binary"]).signatures[0].issuers
    assert openpgp.detached(theirs["armored"]).signatures[0].issuers == issuers
    assert openpgp.public_key(theirs["key"]).is_named_by(issuers)


# ---- which files are evidence ---------------------------------------------


def test_a_sig_is_openpgps_by_its_bytes() -> None:
    for raw in (GOOD, armored(GOOD), b"junk\n" + armored(GOOD)):
        assert kinds.by_content("tool.sig", raw) is EvidenceKind.OPENPGP
    for raw in (b"", b"untrusted comment: x\nRUQ=\n", bytes(64), OWNER.public, b"MEUCIQ=="):
        assert kinds.by_content("tool.sig", raw) is EvidenceKind.SIGNATURE


def test_errors_are_of_evidence() -> None:
    with pytest.raises(MalformedError):
        openpgp.public_key(b"\x80")


def test_a_megabyte_of_empty_lines_takes_no_time() -> None:
    lines = b"\n" * (openpgp.MAX_BYTES - 100)
    raw = b"-----BEGIN PGP SIGNATURE-----\n\n" + lines + b"-----END PGP SIGNATURE-----\n"
    started = time.process_time()
    with pytest.raises(MalformedError, match="no signature"):
        openpgp.detached(raw)
    assert time.process_time() - started < 10  # was an hour
