"""Which certificate an RFC 3161 token says it is signed with.

CMS (RFC 5652) signs over attributes but not over the certificates it carries. So the
attributes must name the signer's certificate (RFC 3161 section 2.4.2): ``signing-certificate``
by SHA-1 (RFC 2634), ``signing-certificate-v2`` by any hash (RFC 5035, RFC 5816). Of several
certificates the first is the signer's; the others only narrow the path, which is here that
of the trusted root. Nothing here verifies a signature; read only tokens whose holds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kit.errors import MalformedError
from kit.formats import der
from kit.formats.der import Element

# 1.2.840.113549.1.9.16.2.12 and .47, as the content of an OBJECT IDENTIFIER.
_V1 = bytes.fromhex("2a864886f70d010910020c")
_V2 = bytes.fromhex("2a864886f70d010910022f")
# 2.16.840.1.101.3.4.2.1 to .3
_HASHES = {
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_TAGGED_0, _DIRECTORY_NAME = 0xA0, 0xA4


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateId:
    """A certificate named by a digest, and by issuer and serial number where they are told.

    ``issuer`` is a name's DER, ``serial`` the content of an INTEGER.
    """

    algorithm: str
    digest: bytes
    issuer: bytes | None = None
    serial: bytes | None = None

    def names(self, certificate: x509.Certificate) -> bool:
        """Say whether this names the certificate."""
        raw = certificate.public_bytes(Encoding.DER)
        # SHA-1 selects among certificates that the trusted root vouches for; it proves nothing.
        if hashlib.new(self.algorithm, raw, usedforsecurity=False).digest() != self.digest:
            return False
        if self.issuer is None or self.serial is None:
            return True
        return (
            self.issuer == certificate.issuer.public_bytes()
            and int.from_bytes(self.serial, "big", signed=True) == certificate.serial_number
        )


def signing_certificates(token: bytes) -> tuple[CertificateId, ...]:
    """Return what the token's one signer says is its certificate, once for each attribute.

    None where it says nothing. Raises :class:`MalformedError` for a token that is not DER of
    one signer, and for an attribute that is there twice or has not one value.
    """
    found: dict[bytes, CertificateId] = {}
    for attribute in _attributes(token):
        kind, values = _children(attribute, der.SEQUENCE, 2, 2)
        oid = der.value(kind, der.OBJECT_IDENTIFIER)
        if oid not in (_V1, _V2):
            continue
        if oid in found:
            raise MalformedError("the token names its signing certificate twice")
        # One value (RFC 5035 section 3), of certificates and perhaps policies.
        (value,) = _children(values, der.SET, 1, 1)
        certificates = _children(value, der.SEQUENCE, 1, 2)[0]
        first = _children(certificates, der.SEQUENCE, 1, der.MAX_ELEMENTS)[0]
        found[oid] = _certificate_id(first, needs_sha1=oid == _V1)
    return tuple(found.values())


def _attributes(token: bytes) -> list[Element]:
    """Return the signed attributes of the token's one signer (RFC 5652 sections 3 to 5.3)."""
    kind, content = _children(der.parse(token), der.SEQUENCE, 2, 2)
    if der.value(kind, der.OBJECT_IDENTIFIER) != _SIGNED_DATA:
        raise MalformedError("the token is no CMS signed data")
    (signed,) = _children(content, _TAGGED_0, 1, 1)
    # version, digest algorithms, content, [certificates,] [revocations,] signers
    (signer,) = _children(_children(signed, der.SEQUENCE, 4, 6)[-1], der.SET, 1, 1)
    # version, certificate, digest algorithm, attributes, algorithm, signature, [unsigned]
    return der.inside(_children(signer, der.SEQUENCE, 6, 7)[3], _TAGGED_0)


def _certificate_id(element: Element, *, needs_sha1: bool) -> CertificateId:
    """Read an ESSCertID, or an ESSCertIDv2 (RFC 5035 section 4)."""
    parts = _children(element, der.SEQUENCE, 1, 3)
    algorithm = "sha1" if needs_sha1 else "sha256"  # the default, which DER leaves out
    if not needs_sha1 and parts[0].tag == der.SEQUENCE:
        oid = _children(parts.pop(0), der.SEQUENCE, 1, 2)[0]
        algorithm = _HASHES.get(der.value(oid, der.OBJECT_IDENTIFIER), "")
        if not algorithm:
            raise MalformedError("the token names its signing certificate by an unknown hash")
    if len(parts) not in (1, 2):
        raise MalformedError("the token's signing certificate is not named as it must be")
    digest = der.value(parts[0], der.OCTET_STRING)
    if len(parts) == 1:
        return CertificateId(algorithm=algorithm, digest=digest)
    issuers, serial = _children(parts[1], der.SEQUENCE, 2, 2)
    (issuer,) = _children(issuers, der.SEQUENCE, 1, 1)
    (name,) = _children(issuer, _DIRECTORY_NAME, 1, 1)
    return CertificateId(
        algorithm=algorithm,
        digest=digest,
        issuer=name.raw,
        serial=der.value(serial, der.INTEGER),
    )


def _children(element: Element, tag: int, least: int, most: int) -> list[Element]:
    found = der.inside(element, tag)
    if not least <= len(found) <= most:
        raise MalformedError(f"the token has {len(found)} elements where {least} to {most} belong")
    return found
