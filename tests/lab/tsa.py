"""A timestamp authority (RFC 3161): it says when it saw a signature.

The token is CMS (RFC 5652), with the attributes that RFC 3161 and RFC 5816 want.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab import asn1, certificate, keys
from tests.lab.certificate import FROM, UNTIL, Draft
from tests.lab.encoding import der
from tests.lab.keys import Seed

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_TIME = "1.2.840.113549.1.9.5"
_SIGNING_CERTIFICATES = {
    "v1": "1.2.840.113549.1.9.16.2.12",
    "v2": "1.2.840.113549.1.9.16.2.47",
}
_ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
_POLICY = "1.3.6.1.4.1.57264.2"  # that of Sigstore's own authority

HASHES: Mapping[str, str] = MappingProxyType(
    {
        "sha1": "1.3.14.3.2.26",
        "sha256": "2.16.840.1.101.3.4.2.1",
        "sha384": "2.16.840.1.101.3.4.2.2",
        "sha512": "2.16.840.1.101.3.4.2.3",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """How a token is to look.

    ``status`` is the PKIStatus, ``said`` the digest that the attributes are to give if not the
    content's. ``named`` are the attributes that name the signer's certificate: v1 by SHA-1
    (RFC 3161), v2 by SHA-256 or, as ``v2-sha512``, by SHA-512 (RFC 5816); ``vouched`` is what
    they are to name instead, and ``issuer`` says that they tell issuer and number as well.
    ``beside`` are certificates that the token carries besides its own.
    """

    algorithm: str = "sha256"
    embedded: bool = True
    signing_time: bool = False
    status: int = 0
    signers: int = 1
    named: tuple[str, ...] = ("v2",)
    vouched: bytes | None = None
    issuer: bool = False
    beside: tuple[bytes, ...] = ()
    said: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a leaf is for; RFC 3161 section 2.3 wants time stamping alone, and critical."""

    usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,)
    critical: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Tsa:
    """An authority by its certificates, leaf first; ``key`` signs, and is the leaf's or not.

    ``above`` is the key of the certificate above the leaf, ``lives`` the time of the leaf and
    of the intermediate.
    """

    organization: str
    uri: str
    key: ec.EllipticCurvePrivateKey
    above: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]
    lives: tuple[datetime, datetime]

    @classmethod
    def of(
        cls,
        organization: str,
        uri: str,
        seed: Seed,
        *,
        intermediate: bool = False,
        root: Seed | None = None,
        lives: tuple[datetime, datetime] = (FROM, UNTIL),
    ) -> Tsa:
        """Return the authority of this name whose keys come from ``seed``.

        The root may come from a seed of its own: generations share it.
        """
        top, key = (root or seed).p384("root"), seed.p256("leaf")
        name = certificate.name(organization, "tsa-root")
        draft = certificate.authority(name, top.public_key(), top, purpose=None)
        above, chain = top, [draft.sign(name, top)]
        if intermediate:
            above = seed.p384("intermediate")
            draft = certificate.authority(
                certificate.name(organization, "tsa-intermediate"),
                above.public_key(),
                top,
                purpose=ExtendedKeyUsageOID.TIME_STAMPING,
                lives=lives,
            )
            chain.insert(0, draft.sign(name, top))
        made = cls(
            organization=organization,
            uri=uri,
            key=key,
            above=above,
            chain=tuple(chain),
            lives=lives,
        )
        leaf = made._issue(Purpose())
        return replace(made, chain=(leaf, *chain))

    def alone(self) -> Tsa:
        """Return the authority with a leaf that nobody issued but itself."""
        issuer = Draft(
            subject=certificate.name(self.organization, "tsa"),
            public_key=self.key.public_key(),
            not_before=self.lives[0],
            not_after=self.lives[1],
            extensions=(),
        ).sign(certificate.name(self.organization, "tsa"), self.key)
        leaf = replace(self, chain=(issuer,), above=self.key)._issue(Purpose())
        return replace(self, chain=(leaf,), above=self.key)

    def for_purpose(self, purpose: Purpose) -> Tsa:
        """Return the authority with a leaf for this purpose, right in all else."""
        _, *chain = self.chain
        return replace(self, chain=(replace(self, chain=tuple(chain))._issue(purpose), *chain))

    @property
    def leaf(self) -> x509.Certificate:
        """Return the certificate that tokens are signed with."""
        return self.chain[0]

    def stamp(self, message: bytes, at: datetime, how: Stamp) -> bytes:
        """Return a TimeStampResp for these bytes (RFC 3161 section 2.4.2)."""
        info = self._info(hashlib.new(how.algorithm, message).digest(), at, how)
        # RFC 5652 section 5.1: version 3, because the content is not plain data.
        signed = asn1.sequence(
            asn1.integer(3),
            asn1.set_of(_hash("sha256")),
            asn1.sequence(asn1.oid(_TST_INFO), asn1.tagged(0, asn1.octets(info))),
            *self._certificates(how),
            der(0x31, self._signer(info, at, how) * how.signers),
        )
        token = asn1.sequence(asn1.oid(_SIGNED_DATA), asn1.tagged(0, signed))
        return asn1.sequence(asn1.sequence(asn1.integer(how.status)), token)

    def _issue(self, purpose: Purpose) -> x509.Certificate:
        # Of an authority whose chain lacks its leaf.
        key, (not_before, not_after) = self.key.public_key(), self.lives
        draft = Draft(
            subject=certificate.name(self.organization, "tsa"),
            public_key=key,
            not_before=not_before,
            not_after=not_after,
            extensions=(
                (certificate.key_usage("digitalSignature"), True),
                (x509.ExtendedKeyUsage(purpose.usages), purpose.critical),
                *certificate.key_ids(key, self.above.public_key()),
            ),
        )
        return draft.sign(self.chain[0].subject, self.above)

    def _info(self, imprint: bytes, at: datetime, how: Stamp) -> bytes:
        serial = hashlib.sha256(imprint + asn1.generalized_time(at) + _der(self.leaf)).digest()
        return asn1.sequence(
            asn1.integer(1),
            asn1.oid(_POLICY),
            asn1.sequence(_hash(how.algorithm), asn1.octets(imprint)),
            asn1.integer(int.from_bytes(serial[:16], "big")),
            asn1.generalized_time(at),
        )

    def _certificates(self, how: Stamp) -> tuple[bytes, ...]:
        if not how.embedded:
            return ()
        # The root is what the verifier must have.
        own = [_der(each) for each in self.chain[:-1]]
        return (asn1.tagged(0, b"".join([*how.beside, *own])),)

    def _signer(self, info: bytes, at: datetime, how: Stamp) -> bytes:
        attributes = self._attributes(info, at, how)
        # Section 5.4: signed as the SET that it is, carried under an IMPLICIT tag.
        signature = keys.sign(self.key, attributes)
        return asn1.sequence(
            asn1.integer(1),
            asn1.sequence(self.leaf.issuer.public_bytes(), asn1.integer(self.leaf.serial_number)),
            _hash("sha256"),
            asn1.tagged(0, asn1.untagged(attributes)),
            asn1.sequence(asn1.oid(_ECDSA_WITH_SHA256)),
            asn1.octets(signature),
        )

    def _attributes(self, info: bytes, at: datetime, how: Stamp) -> bytes:
        digest = how.said or hashlib.sha256(info).digest()
        attributes = [
            _attribute(_CONTENT_TYPE, asn1.oid(_TST_INFO)),
            _attribute(_MESSAGE_DIGEST, asn1.octets(digest)),
            *(
                _attribute(_SIGNING_CERTIFICATES[each[:2]], self._certificate(each, how))
                for each in how.named
            ),
        ]
        if how.signing_time:
            attributes.append(_attribute(_SIGNING_TIME, asn1.utc_time(at)))
        return asn1.set_of(*attributes)

    def _certificate(self, attribute: str, how: Stamp) -> bytes:
        """Return a SigningCertificate (RFC 2634) or SigningCertificateV2 (RFC 5035)."""
        version, _, algorithm = attribute.partition("-")
        usual = "sha1" if version == "v1" else "sha256"
        # SHA-256 is the default, which DER leaves out.
        parts = [_hash(algorithm)] if algorithm else []
        vouched = how.vouched or _der(self.leaf)
        parts.append(asn1.octets(hashlib.new(algorithm or usual, vouched).digest()))
        if how.issuer:
            name = asn1.tagged(4, self.leaf.issuer.public_bytes())
            parts.append(asn1.sequence(asn1.sequence(name), asn1.integer(self.leaf.serial_number)))
        return asn1.sequence(asn1.sequence(asn1.sequence(*parts)))


def _attribute(kind: str, value: bytes) -> bytes:
    return asn1.sequence(asn1.oid(kind), asn1.set_of(value))


def _hash(algorithm: str) -> bytes:
    # RFC 5754 section 2: without parameters.
    return asn1.sequence(asn1.oid(HASHES[algorithm]))


def _der(one: x509.Certificate) -> bytes:
    return one.public_bytes(Encoding.DER)
