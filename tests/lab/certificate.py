"""Certificates as values, signed into bytes that depend on nothing but what they say."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from tests.lab import keys

FROM = datetime(2021, 1, 1, tzinfo=UTC)
UNTIL = datetime(2051, 1, 1, tzinfo=UTC)
_SCT_LIST = ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A certificate without an issuer; each extension goes with whether it is critical."""

    subject: x509.Name
    public_key: keys.PublicKey
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


def name(organization: str, common_name: str) -> x509.Name:
    """Return a name as Sigstore's authorities have it."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def authority(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: ec.EllipticCurvePrivateKey,
    *,
    purpose: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CODE_SIGNING,
    lives: tuple[datetime, datetime] = (FROM, UNTIL),
) -> Draft:
    """Return the draft of an intermediate for one purpose or, if for none, of a root."""
    # As in the public good instance, a root is for any purpose.
    usages = () if purpose is None else ((x509.ExtendedKeyUsage([purpose]), False),)
    path_length = None if purpose is None else 0
    return Draft(
        subject=subject,
        public_key=key,
        not_before=lives[0],
        not_after=lives[1],
        extensions=(
            (key_usage("keyCertSign", "cRLSign"), True),
            *usages,
            (x509.BasicConstraints(ca=True, path_length=path_length), True),
            *key_ids(key, issuer.public_key()),
        ),
    )


def key_ids(
    own: keys.PublicKey, issuer: ec.EllipticCurvePublicKey
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
