"""A Fulcio: a root, an intermediate, and leaves that live for ten minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab import certificate
from tests.lab.certificate import FROM, UNTIL, Draft
from tests.lab.ctlog import CtLog, sct_list
from tests.lab.keys import PublicKey, Seed

LIFETIME = timedelta(minutes=10)
_NOBODY = x509.Name([])


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a leaf is to say; ``promised`` is when the CT log says it saw it."""

    public_key: PublicKey
    identity: str
    extensions: tuple[x509.UnrecognizedExtension, ...]
    not_before: datetime
    usage: str = "digitalSignature"
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING
    subject: x509.Name = _NOBODY
    also: tuple[str, ...] = ()
    lifetime: timedelta = LIFETIME
    promised: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a CA calls itself and its certificates, where it is, and since when until when."""

    organization: str
    root: str
    intermediate: str
    uri: str
    lives: tuple[datetime, datetime] = (FROM, UNTIL)

    @classmethod
    def of(cls, domain: str) -> Style:
        """Return that of the public good instance."""
        return cls(
            organization=domain,
            root="sigstore",
            intermediate="sigstore-intermediate",
            uri=f"https://fulcio.{domain}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulcio:
    """A certificate authority of two certificates."""

    style: Style
    key: ec.EllipticCurvePrivateKey
    intermediate: x509.Certificate
    root: x509.Certificate

    @classmethod
    def of(cls, style: Style, seed: Seed, *, root: Seed | None = None) -> Fulcio:
        """Return the authority of this style whose keys come from ``seed``.

        The root may come from a seed of its own: generations share it.
        """
        above, key = (root or seed).p384("root"), seed.p384("intermediate")
        name = certificate.name(style.organization, style.root)
        top = certificate.authority(name, above.public_key(), above, purpose=None)
        subject = certificate.name(style.organization, style.intermediate)
        below = certificate.authority(subject, key.public_key(), above, lives=style.lives)
        return cls(
            style=style,
            key=key,
            intermediate=below.sign(name, above),
            root=top.sign(name, above),
        )

    def issue(self, request: Request, ctlogs: tuple[CtLog, ...]) -> x509.Certificate:
        """Issue a leaf, promised by the logs before it is signed and with the promises inside."""
        issuer = self.key.public_key()
        draft = _leaf(request, issuer)
        if ctlogs:
            # The log gets a precertificate, poisoned so that it cannot be used, but signs
            # its TBSCertificate without the poison (RFC 6962 section 3.2): that of the draft.
            tbs = self._sign(draft).tbs_certificate_bytes
            at = request.promised or request.not_before
            scts = [log.promise(tbs, issuer=issuer, at=at) for log in ctlogs]
            draft = replace(draft, extensions=(*draft.extensions, (sct_list(scts), False)))
        return self._sign(draft)

    def _sign(self, draft: Draft) -> x509.Certificate:
        return draft.sign(self.intermediate.subject, self.key)


def _leaf(request: Request, issuer: ec.EllipticCurvePublicKey) -> Draft:
    names = [_general_name(each) for each in (request.identity, *request.also)]
    return Draft(
        subject=request.subject,
        public_key=request.public_key,
        not_before=request.not_before,
        not_after=request.not_before + request.lifetime,
        extensions=(
            (certificate.key_usage(request.usage), True),
            (x509.ExtendedKeyUsage([request.purpose]), False),
            *certificate.key_ids(request.public_key, issuer),
            # RFC 5280 section 4.2.1.6: critical where the subject is empty.
            (x509.SubjectAlternativeName(names), request.subject == _NOBODY),
            *((extension, False) for extension in request.extensions),
        ),
    )


def _general_name(identity: str) -> x509.GeneralName:
    if "://" not in identity and "@" in identity:
        return x509.RFC822Name(identity)
    return x509.UniformResourceIdentifier(identity)
