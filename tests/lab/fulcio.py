"""A Fulcio: a root, an intermediate, and leaves that live for ten minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.lab import certificate
from tests.lab.certificate import Draft
from tests.lab.ctlog import CtLog
from tests.lab.keys import Seed

FROM = datetime(2021, 1, 1, tzinfo=UTC)
UNTIL = datetime(2051, 1, 1, tzinfo=UTC)
LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a leaf is to say."""

    public_key: ec.EllipticCurvePublicKey
    identity: str
    extensions: tuple[x509.UnrecognizedExtension, ...]
    not_before: datetime
    usage: str = "digitalSignature"
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulcio:
    """A certificate authority of two certificates."""

    domain: str
    key: ec.EllipticCurvePrivateKey
    intermediate: x509.Certificate
    root: x509.Certificate

    @classmethod
    def of(cls, domain: str, seed: Seed) -> Fulcio:
        """Return the authority of this name whose keys come from ``seed``."""
        above, key = seed.p384("root"), seed.p384("intermediate")
        root = _authority(_name(domain, "sigstore"), above.public_key(), above, path_length=None)
        subject = _name(domain, "sigstore-intermediate")
        intermediate = _authority(subject, key.public_key(), above, path_length=0)
        return cls(
            domain=domain,
            key=key,
            intermediate=intermediate.sign(root.subject, above),
            root=root.sign(root.subject, above),
        )

    def issue(self, request: Request, ctlog: CtLog | None) -> x509.Certificate:
        """Issue a leaf, promised by ``ctlog`` before it is signed and with the promise inside."""
        issuer = self.key.public_key()
        draft = _leaf(request, issuer)
        if ctlog is not None:
            # The log gets a precertificate, poisoned so that it cannot be used, but signs
            # its TBSCertificate without the poison (RFC 6962 section 3.2): that of the draft.
            tbs = self._sign(draft).tbs_certificate_bytes
            promise = ctlog.promise(tbs, issuer=issuer, at=request.not_before)
            draft = replace(draft, extensions=(*draft.extensions, (promise, False)))
        return self._sign(draft)

    def _sign(self, draft: Draft) -> x509.Certificate:
        return draft.sign(self.intermediate.subject, self.key)


def _name(domain: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, domain),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _authority(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: ec.EllipticCurvePrivateKey,
    *,
    path_length: int | None,
) -> Draft:
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
    # As in the public good instance, the intermediate is for code signing and the root for any.
    return Draft(
        subject=subject,
        public_key=key,
        not_before=FROM,
        not_after=UNTIL,
        extensions=(
            (certificate.key_usage("keyCertSign", "cRLSign"), True),
            *(((purpose, False),) if path_length is not None else ()),
            (x509.BasicConstraints(ca=True, path_length=path_length), True),
            *certificate.key_ids(key, issuer.public_key()),
        ),
    )


def _leaf(request: Request, issuer: ec.EllipticCurvePublicKey) -> Draft:
    name = x509.SubjectAlternativeName([_general_name(request.identity)])
    return Draft(
        subject=x509.Name([]),
        public_key=request.public_key,
        not_before=request.not_before,
        not_after=request.not_before + LIFETIME,
        extensions=(
            (certificate.key_usage(request.usage), True),
            (x509.ExtendedKeyUsage([request.purpose]), False),
            *certificate.key_ids(request.public_key, issuer),
            # RFC 5280 section 4.2.1.6: critical, because the subject is empty.
            (name, True),
            *((extension, False) for extension in request.extensions),
        ),
    )


def _general_name(identity: str) -> x509.GeneralName:
    if "://" not in identity and "@" in identity:
        return x509.RFC822Name(identity)
    return x509.UniformResourceIdentifier(identity)
