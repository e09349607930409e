"""Seals weighed without programs: keys by type, forgeries, and what a forgery ends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kit.check import custody
from kit.check.custody import Judged, Sealed
from kit.formats import custody as custody_format
from kit.formats.custody import Record, Role
from kit.formats.rules import CustodyRule, Signer
from kit.formats.signing_key import SigningKey
from kit.model import Level
from kit.trust.keys import KeyAnchor
from kit.verifiers.custody import Sealers
from tests.openpgp import GPG, Key, Pair, verifier

PACK = "1" * 64
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OURS = Signer(name="ours", key="keys/ours.pub")
Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def anchor(private: Private) -> KeyAnchor:
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return KeyAnchor(path="keys/ours.pub", der=der, origin="a place")


def record(role: Role = Role.COLLECTED, previous: str | None = None) -> Record:
    return Record(pack=PACK, previous=previous, role=role, at=AT)


def line(private: Private, said: Record, *, forged: bool = False) -> bytes:
    """Return a line by a key, or one that only says so."""
    message = custody_format.to_sign(said)
    if isinstance(private, rsa.RSAPrivateKey):
        signature = private.sign(message, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = SigningKey(private).sign(message)
    signature = b"\0" * 64 if forged else signature
    return custody_format.render(said, f"sha256:{anchor(private).sha256}", signature)


def judge(private: Private, raw: bytes | None, *roles: Role) -> Judged:
    keys = (anchor(private),)
    rules = [CustodyRule(role=role, signers=(OURS,)) for role in roles]
    return custody.judge(Sealed(raw=raw, keys=keys), PACK, rules, Sealers(keys=keys), AT)


def codes(judged: Judged) -> list[tuple[str, Level]]:
    return [(finding.code, finding.level) for finding in judged.findings]


@pytest.mark.parametrize(
    "private",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
    ],
)
def test_the_keys_of_the_format_seal(private: Private) -> None:
    judged = judge(private, line(private, record()), Role.COLLECTED)
    assert judged.findings == ()
    assert [seal.verified for seal in judged.seals] == [True]


def test_a_key_of_another_type_seals_nothing() -> None:
    private = rsa.generate_private_key(65537, 2048)
    judged = judge(private, line(private, record()), Role.COLLECTED)
    assert codes(judged) == [
        ("custody.signature", Level.ERROR),
        ("custody.missing", Level.ERROR),
    ]


def test_after_a_forgery_nothing_is_verified() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    first = line(private, record(), forged=True)
    second = line(private, record(Role.RECEIVED, custody_format.line_sha256(first)))
    judged = judge(private, first + second, Role.RECEIVED)
    assert [seal.verified for seal in judged.seals] == [False, False]
    assert [code for code, _ in codes(judged)] == ["custody.signature", "custody.missing"]
    # Where nothing is demanded the forgery is told, and fails nothing.
    assert codes(judge(private, first + second)) == [("custody.signature", Level.WARNING)]


def test_a_seal_in_another_role_is_not_the_demanded_one() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    judged = judge(private, line(private, record()), Role.COLLECTED, Role.RECEIVED)
    assert codes(judged) == [("custody.missing", Level.ERROR)]
    assert judged.findings[0].subject == "custody[1]"


def test_without_a_file_only_what_is_demanded_is_missed() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    assert judge(private, None) == Judged()
    assert codes(judge(private, None, Role.COLLECTED)) == [("custody.missing", Level.ERROR)]


@pytest.mark.skipif(not GPG.exists(), reason="gpg is not installed")
@pytest.mark.parametrize("signed_by", ["subkey", "primary"])
def test_a_denied_subkey_seals_nothing(signed_by: str) -> None:
    """Whoever stole it would name the primary key, which is not denied."""
    subkey = Pair("subkey")
    owner = Key("owner", subkey=subkey)
    said = record()
    pair = subkey if signed_by == "subkey" else owner
    signature = pair.sign(custody_format.to_sign(said))
    raw = custody_format.render(said, f"openpgp:{owner.fingerprint}", signature)
    rule = CustodyRule(
        role=Role.COLLECTED, signers=(Signer(name="owner", openpgp=owner.fingerprint),)
    )
    sealed = Sealed(
        raw=raw,
        openpgp_keys={owner.fingerprint: owner.keyring},
        denied=frozenset({subkey.fingerprint}),
    )
    with verifier(owner, at=AT) as openpgp:
        sealers = Sealers(openpgp=openpgp, fingerprints=(owner.fingerprint,))
        judged = custody.judge(sealed, PACK, [rule], sealers, AT)
    denied = [("custody.denied", Level.NOTE), ("custody.missing", Level.ERROR)]
    assert codes(judged) == (denied if signed_by == "subkey" else [])
    assert judged.seals[0].verified is (signed_by == "primary")
