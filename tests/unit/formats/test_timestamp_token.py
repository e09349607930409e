"""What a token says of its certificate: the attributes that are signed, read strictly."""

from __future__ import annotations

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import decode_timestamp_response

from kit.errors import MalformedError
from kit.formats import timestamp_token
from kit.formats.timestamp_token import CertificateId
from tests.lab import AT, asn1
from tests.lab.keys import Seed
from tests.lab.tsa import HASHES, Stamp, Tsa

TSA = Tsa.of("acme", "https://tsa.test", Seed(("acme",)), intermediate=True)
V1, V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
SHA256 = asn1.octets(bytes(32))


def token(**how: object) -> bytes:
    """Return the CMS of a stamp."""
    stamp = TSA.stamp(b"x", AT, Stamp(**how))  # type: ignore[arg-type]
    return decode_timestamp_response(stamp).time_stamp_token()


def attribute(kind: str, *values: bytes) -> bytes:
    return asn1.sequence(asn1.oid(kind), asn1.set_of(*values))


def names(*ids: bytes) -> bytes:
    """Return a SigningCertificate of either version."""
    return asn1.sequence(asn1.sequence(*ids))


def signed(*attributes: bytes, signers: int = 1, attributes_tag: int = 0) -> bytes:
    """Return a token as far as it is read."""
    signer = asn1.sequence(
        asn1.integer(1),
        asn1.sequence(),
        asn1.sequence(),
        asn1.tagged(attributes_tag, b"".join(attributes)),
        asn1.sequence(),
        asn1.octets(b""),
    )
    data = asn1.sequence(
        asn1.integer(3), asn1.set_of(), asn1.sequence(), asn1.set_of(*[signer] * signers)
    )
    return asn1.sequence(asn1.oid("1.2.840.113549.1.7.2"), asn1.tagged(0, data))


@pytest.mark.parametrize(
    ("how", "algorithms"),
    [
        ({}, ["sha256"]),
        ({"named": ("v1",)}, ["sha1"]),
        ({"named": ("v2-sha384",)}, ["sha384"]),
        ({"named": ("v2-sha256",), "issuer": True}, ["sha256"]),
        ({"named": ("v1", "v2-sha512"), "issuer": True}, ["sha1", "sha512"]),
        ({"named": ()}, []),
    ],
)
def test_a_token_names_its_certificate(how: dict[str, object], algorithms: list[str]) -> None:
    found = timestamp_token.signing_certificates(token(**how))
    assert sorted(each.algorithm for each in found) == algorithms
    assert all(each.names(TSA.leaf) for each in found)
    assert not any(each.names(other) for each in found for other in TSA.chain[1:])
    assert all((each.issuer is not None) == bool(how.get("issuer")) for each in found)


def test_issuer_and_number_are_compared_where_they_are_told() -> None:
    leaf = TSA.leaf
    digest = hashlib.sha256(leaf.public_bytes(Encoding.DER)).digest()
    number = leaf.serial_number.to_bytes(21, "big")

    def told(issuer: x509.Name, serial: bytes) -> bool:
        raw = issuer.public_bytes()
        named = CertificateId(algorithm="sha256", digest=digest, issuer=raw, serial=serial)
        return named.names(leaf)

    assert told(leaf.issuer, number)
    assert not told(leaf.subject, number)
    assert not told(leaf.issuer, b"\x01")


def test_of_several_certificates_the_first_is_the_signers() -> None:
    first, second = asn1.sequence(SHA256), asn1.sequence(asn1.octets(b"\x01" * 32))
    (found,) = timestamp_token.signing_certificates(signed(attribute(V2, names(first, second))))
    assert found.digest == bytes(32)


def test_what_is_not_signed_is_not_read() -> None:
    # Among the unsigned attributes, or beside other kinds, it says nothing.
    assert timestamp_token.signing_certificates(signed(attribute("1.2.3", SHA256))) == ()


GOOD = attribute(V2, names(asn1.sequence(SHA256)))
SERIAL = asn1.sequence(
    asn1.sequence(asn1.tagged(4, TSA.leaf.issuer.public_bytes())), asn1.integer(1)
)
REFUSED = {
    "no DER": b"no DER",
    "other content": asn1.sequence(asn1.oid("1.2.3"), asn1.tagged(0, b"")),
    "nothing signed": asn1.sequence(asn1.oid("1.2.840.113549.1.7.2"), asn1.tagged(0, b"")),
    "no signer": signed(signers=0),
    "two signers": signed(GOOD, signers=2),
    "no signed attributes": signed(GOOD, attributes_tag=1),
    "the attribute twice": signed(GOOD, GOOD),
    "no value": signed(attribute(V2)),
    "two values": signed(
        attribute(V2, names(asn1.sequence(SHA256)), names(asn1.sequence(asn1.octets(b""))))
    ),
    "no certificate": signed(attribute(V2, names())),
    "nothing of a certificate": signed(attribute(V2, names(asn1.sequence()))),
    "a digest of another type": signed(attribute(V2, names(asn1.sequence(asn1.integer(1))))),
    "an unknown hash": signed(
        attribute(V2, names(asn1.sequence(asn1.sequence(asn1.oid(HASHES["sha1"])), SHA256)))
    ),
    "a hash in the old attribute": signed(
        attribute(V1, names(asn1.sequence(asn1.sequence(asn1.oid(HASHES["sha256"])), SHA256)))
    ),
    "a hash and no digest": signed(
        attribute(V2, names(asn1.sequence(asn1.sequence(asn1.oid(HASHES["sha256"])))))
    ),
    "more than belongs": signed(attribute(V2, names(asn1.sequence(SHA256, SERIAL, SERIAL)))),
    "another kind of name": signed(
        attribute(V2, names(asn1.sequence(SHA256, asn1.sequence(SERIAL, asn1.integer(1)))))
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_token_is_refused(name: str) -> None:
    assert timestamp_token.signing_certificates(signed(GOOD))
    with pytest.raises(MalformedError):
        timestamp_token.signing_certificates(REFUSED[name])
