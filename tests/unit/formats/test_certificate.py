"""kit.formats.certificate: whom a leaf names, and nobody where it is ambiguous."""

from __future__ import annotations

import json
import warnings
from base64 import b64decode
from collections.abc import Iterable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kit.errors import MalformedError, RejectedError
from kit.formats import certificate
from kit.model import Identity
from kit.verifiers.sigstore import chain
from kit.verifiers.sigstore.quiet import quiet
from tests.lab import AT, EXTENSIONS, IDENTITY, ISSUER, Lab
from tests.lab.encoding import der
from tests.lab.extensions import Overrides
from tests.lab.keys import Seed

LAB = Lab("acme")
OTHER = "https://accounts.example"
UTF8_STRING = 0x0C
USERNAME = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")


def leaf(identity: str = IDENTITY, said: Overrides | None = None) -> bytes:
    """Return a leaf of the lab's Fulcio, with extensions changed, or left out where None."""
    bundle = json.loads(LAB.sign(b"x", identity=identity, extensions=said or {}))
    return b64decode(bundle["verificationMaterial"]["certificate"]["rawBytes"])


def by_hand(names: Iterable[x509.GeneralName] | None, *more: x509.UnrecognizedExtension) -> bytes:
    """Return a certificate with these subject alternative names, as no Fulcio would issue it."""
    key = Seed(("by hand",)).p256("key")
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "by hand")]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(AT)
        .not_valid_after(AT + timedelta(minutes=10))
        .add_extension(x509.UnrecognizedExtension(EXTENSIONS["issuer"].oid, b"issuer"), False)
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    for extension in more:
        builder = builder.add_extension(extension, critical=False)
    signed = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    return signed.public_bytes(Encoding.DER)


def identity(raw: bytes) -> Identity:
    """Load a certificate as the verifier does, and return whom it names."""
    with quiet():
        return certificate.identity(chain.load(raw))


def rejected(raw: bytes) -> str:
    with pytest.raises(RejectedError) as caught:
        identity(raw)
    return caught.value.code


# ---- whom it names ------------------------------------------------------------------


def test_a_workflow_is_named_with_all_that_is_said_of_it() -> None:
    found = identity(leaf())
    assert (found.subject, found.subject_type, found.issuer) == (IDENTITY, "uri", ISSUER)
    assert found.facts["source-repository-ref"] == "refs/tags/v1.0"
    assert found.facts.keys() == EXTENSIONS.keys() - {
        "issuer", "issuer-v2", "deployment-environment", "token-subject",
    }  # fmt: skip


def test_a_person_is_named_by_email() -> None:
    expected = Identity(subject="jo@acme.test", subject_type="email", issuer=ISSUER)
    assert identity(leaf("jo@acme.test")) == expected


def test_a_user_is_named_by_an_other_name() -> None:
    name = x509.OtherName(USERNAME, der(UTF8_STRING, b"jo!acme.test"))
    found = identity(by_hand([name]))
    assert (found.subject, found.subject_type) == ("jo!acme.test", "username")


@pytest.mark.parametrize("absent", ["issuer", "issuer-v2"])
def test_either_issuer_is_enough(absent: str) -> None:
    assert identity(leaf(said={absent: None})).issuer == ISSUER


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 2048])
def test_a_der_string_of_any_length_is_read(length: int) -> None:
    said = identity(leaf(said={"deployment-environment": "e" * length})).facts
    assert said["deployment-environment"] == "e" * length


def test_a_text_over_the_limit_is_malformed() -> None:
    # A policy's regexp runs on it.
    with pytest.raises(MalformedError):
        identity(leaf(said={"deployment-environment": "e" * 2049}))


def test_a_subject_name_over_the_limit_is_malformed() -> None:
    with pytest.raises(MalformedError, match="over 2048 characters"):
        identity(leaf("https://acme.test/" + "a" * 2048))


def test_extensions_of_unknown_number_are_ignored() -> None:
    unknown = [
        x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.{number}"), b"\xff")
        for number in ("1.25", "1.8.1", "2", "1")
    ]
    uri = x509.UniformResourceIdentifier("https://acme.test")
    assert identity(by_hand([uri], *unknown)).facts == {}


# ---- ambiguous ----------------------------------------------------------------------


# Row C-135: one library reads the first, another the second.
@pytest.mark.parametrize("issuer", [OTHER, "", ISSUER + "/", ISSUER + "\0"])
def test_two_issuers_that_differ_are_refused(issuer: str) -> None:
    assert rejected(leaf(said={"issuer-v2": issuer})) == "sigstore.identity"


def test_no_issuer_is_refused() -> None:
    assert rejected(leaf(said={"issuer": None, "issuer-v2": None})) == "sigstore.identity"


URI = x509.UniformResourceIdentifier(IDENTITY)
EMAIL = x509.RFC822Name("jo@acme.test")


# Row C-133: one reader takes the first, another any.
@pytest.mark.parametrize(
    "names",
    [
        [URI, EMAIL],
        [EMAIL, URI],
        [URI, URI],
        [URI, x509.DNSName("acme.test")],
        [],
    ],
)
def test_not_exactly_one_subject_name_is_refused(names: list[x509.GeneralName]) -> None:
    assert rejected(by_hand(names)) == "sigstore.identity"


def test_no_subject_names_at_all_are_refused() -> None:
    assert rejected(by_hand(None)) == "sigstore.identity"


@pytest.mark.parametrize(
    "name",
    [
        x509.DNSName("acme.test"),
        x509.DirectoryName(x509.Name([])),
        x509.RegisteredID(USERNAME),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), der(UTF8_STRING, b"jo")),
    ],
)
def test_a_subject_name_of_another_kind_is_refused(name: x509.GeneralName) -> None:
    assert rejected(by_hand([name])) == "sigstore.identity"


# ---- malformed ----------------------------------------------------------------------

NOT_DER = {
    "empty": (b"", "no DER UTF8String"),
    "only a tag": (b"\x0c", "no DER UTF8String"),
    "an IA5String": (b"\x16\x01a", "no DER UTF8String"),
    "raw text": (b"https://acme.test", "no DER UTF8String"),
    "too short": (b"\x0c\x02a", "longer or shorter"),
    "too long": (b"\x0c\x01ab", "longer or shorter"),
    "indefinite length": (b"\x0c\x80a\0\0", "length that is not DER"),
    "long form of a short length": (b"\x0c\x81\x01a", "length that is not DER"),
    "long form of 127": (b"\x0c\x81\x7f" + b"a" * 127, "length that is not DER"),
    "two octets for 255": (b"\x0c\x82\x00\xff" + b"a" * 255, "length that is not DER"),
    "three octets": (b"\x0c\x83\x01\x00\x00" + b"a" * 65_536, "length that is not DER"),
    "cut in its length": (b"\x0c\x82\x01", "length that is not DER"),
    "cut before its length": (b"\x0c\x81", "length that is not DER"),
    "not UTF-8": (b"\x0c\x01\xff", "not UTF-8"),
}


@pytest.mark.parametrize("name", NOT_DER)
@pytest.mark.parametrize("extension", ["issuer-v2", "source-repository-ref"])
def test_an_extension_that_is_no_der_string_is_malformed(extension: str, name: str) -> None:
    raw, rule = NOT_DER[name]
    with pytest.raises(MalformedError, match=rule):
        identity(leaf(said={extension: raw}))


@pytest.mark.parametrize("name", ["an IA5String", "not UTF-8"])
def test_a_user_name_that_is_no_der_string_is_malformed(name: str) -> None:
    raw, rule = NOT_DER[name]
    with pytest.raises(MalformedError, match=rule):
        identity(by_hand([x509.OtherName(USERNAME, raw)]))


def test_a_raw_issuer_that_is_not_utf_8_is_malformed() -> None:
    with pytest.raises(MalformedError, match="not UTF-8"):
        identity(leaf(said={"issuer": b"\xff"}))


@pytest.mark.parametrize("raw", [b"", b"\x30\x00", b"certificate", leaf()[:-1], leaf() + b"\0"])
def test_what_is_no_certificate_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError, match="cannot be read"):
        identity(raw)


GOOD = leaf()
VERSION = GOOD.index(b"\xa0\x03\x02\x01\x02")
NAME = GOOD.index(IDENTITY.encode()) - 2


# What cryptography raises of these is no ValueError, or a warning.
@pytest.mark.parametrize(
    ("offset", "octet"),
    [(VERSION + 4, 0x03), (NAME, 0xA3), (NAME, 0xA5)],
)
def test_what_cryptography_cannot_read_is_malformed(offset: int, octet: int) -> None:
    raw = GOOD[:offset] + bytes([octet]) + GOOD[offset + 1 :]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MalformedError):
            identity(raw)


def test_a_certificate_that_has_an_extension_twice_is_malformed() -> None:
    # cryptography does not build one, so the second of two gets the number of the first.
    numbered = bytes.fromhex("060a2b0601040183bf3001")
    trigger = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.2"), b"a")
    raw = by_hand([URI], trigger)
    assert numbered + b"\x02" in raw
    with pytest.raises(MalformedError, match="cannot be read"):
        identity(raw.replace(numbered + b"\x02", numbered + b"\x01"))
