"""Certificates as values, signed into bytes that depend on nothing but what they say."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID

from tests.lab import keys

_SCT_LIST = ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A certificate without an issuer; each extension goes with whether it is critical."""

    subject: x509.Name
    public_key: ec.EllipticCurvePublicKey
    not_before: datetime
    not_after: datetime
    extensions: tuple[tuple[x509.ExtensionType, bool], ...]

    @property
    def serial(self) -> int:
        """Return a number from the content; a precertificate and its certificate share it."""
        said = hashlib.sha256(self.subject.public_bytes() + keys.spki(self.public_key))
        said.update(f"{self.not_before.timestamp()} {self.not_after.timestamp()}".encode())
        for value, critical in self.extensions:
            if value.oid != _SCT_LIST:
                said.update(f"{value.oid.dotted_string} {critical}".encode())
                said.update(value.public_bytes())
        # RFC 5280 section 4.1.2.2: positive, and at most 20 octets.
        return int.from_bytes(said.digest()[:20], "big") >> 1

    def sign(self, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        """Issue it with the ids of both keys added, as every Fulcio certificate has them."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(issuer)
            .public_key(self.public_key)
            .serial_number(self.serial)
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
        )
        for value, critical in self.extensions:
            builder = builder.add_extension(value, critical=critical)
        return builder.sign(key, hashes.SHA384(), ecdsa_deterministic=True)


def key_ids(
    own: ec.EllipticCurvePublicKey, issuer: ec.EllipticCurvePublicKey
) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """Return the extensions that name the subject's key and the issuer's."""
    return (
        (x509.SubjectKeyIdentifier.from_public_key(own), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False),
    )


def key_usage(*usages: str) -> x509.KeyUsage:
    """Return the extension with these usages, by their names in RFC 5280, and no others."""
    return x509.KeyUsage(
        digital_signature="digitalSignature" in usages,
        content_commitment="contentCommitment" in usages,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign="keyCertSign" in usages,
        crl_sign="cRLSign" in usages,
        encipher_only=False,
        decipher_only=False,
    )
