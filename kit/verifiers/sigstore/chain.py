"""Step 3: who issued the signing certificate, at every time of signing.

A path (RFC 5280 section 6) from the leaf through intermediates, of the root or the bundle,
to the last certificate of one CA of the trusted root. At each time every certificate of
the path must be valid, and the root's own window for that CA, closed at both ends, must
contain it: a CA whose window is over signs nothing any more, however long its certificate
runs. Name constraints and unknown critical extensions are not understood, so they refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from kit.errors import ForeignError, KitError, MalformedError, RejectedError
from kit.formats.encodings import render_time
from kit.formats.trusted_root import Authority, Window
from kit.verifiers.sigstore.times import Time

MAX_PATH = 8
MAX_REMEMBERED = 1024

Path = tuple[x509.Certificate, ...]

_CA_EXTENSIONS = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
_REFUSED = "its certificate does not chain to the instance: "
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A verified path, the leaf first, the trusted certificate last."""

    path: Path

    @property
    def leaf(self) -> x509.Certificate:
        """The signing certificate."""
        return self.path[0]

    @property
    def issuer(self) -> x509.Certificate:
        """The certificate that issued the leaf."""
        return self.path[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A path in which every signature holds, and the root's window for its CA: no time yet."""

    path: Path
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ca:
    """One CA of the root: its certificates, issuing first and anchor last, and its window."""

    certificates: tuple[x509.Certificate, ...]
    window: Window


class CertificateAuthorities:
    """The CAs of one instance."""

    def __init__(self, authorities: Sequence[Authority]) -> None:
        """Load their certificates."""
        self._cas = [
            _Ca(
                certificates=tuple(map(x509.load_der_x509_certificate, authority.chain)),
                window=authority.window,
            )
            for authority in authorities
        ]
        self._listed = [certificate for ca in self._cas for certificate in ca.certificates]
        # Which CA certificate issued which: they are few and sign every bundle.
        self._issued: dict[tuple[x509.Certificate, x509.Certificate], bool] = {}
        self._sound: set[Path] = set()

    def candidates(self, ders: Sequence[bytes]) -> tuple[Candidate, ...]:
        """Return every path from the bundle's leaf to an anchor in which signatures hold.

        Raises :class:`ForeignError` (``sigstore.chain``) where there is none: the leaf is
        another instance's.
        """
        if len(set(ders)) != len(ders):
            raise _rejected("the bundle brings the same certificate twice")
        leaf, *rest = map(load, ders)
        # Old npm bundles repeat the instance's certificates; they say nothing new.
        carried = [certificate for certificate in rest if certificate not in self._listed]
        if any(certificate.subject == certificate.issuer for certificate in carried):
            raise _rejected("the bundle brings a root certificate of its own")
        found = tuple(
            Candidate(path=path, window=ca.window)
            for ca in self._cas
            for path in self._paths((leaf,), ca, carried)
        )
        if not found:
            raise ForeignError(
                f"{_REFUSED}no certificate authority of the trusted root issued it",
                code="sigstore.chain",
            )
        return found

    def holding(self, candidates: Sequence[Candidate], times: Sequence[Time]) -> Chain:
        """Return the first path that holds at every time.

        Raises :class:`RejectedError`: ``sigstore.ca-window`` where only the root's window for
        a CA is against it, else ``sigstore.chain``.
        """
        refusals: list[RejectedError] = []
        for candidate in candidates:
            try:
                self._check_authorities(candidate.path)
                for time in times:
                    _check_time(candidate.path, candidate.window, time.moment)
            except RejectedError as error:
                refusals.append(error)
            else:
                return Chain(path=candidate.path)
        raise max(refusals, key=lambda error: error.code == "sigstore.ca-window")

    def _paths(self, path: Path, ca: _Ca, carried: Sequence[x509.Certificate]) -> Iterator[Path]:
        """Yield every path on from here to the CA's anchor in which signatures hold."""
        anchor = ca.certificates[-1]
        for issuer in (*ca.certificates, *carried):
            if issuer.subject != path[-1].issuer or issuer in path or len(path) == MAX_PATH:
                continue
            if not self._did_issue(issuer, path[-1], is_leaf=len(path) == 1):
                continue
            if issuer == anchor:
                yield (*path, issuer)
            else:
                yield from self._paths((*path, issuer), ca, carried)

    def _did_issue(
        self, issuer: x509.Certificate, subject: x509.Certificate, *, is_leaf: bool
    ) -> bool:
        if is_leaf:
            return _signed(issuer, subject)
        pair = issuer, subject  # hashing certificates takes longer than anything else here
        known = self._issued.get(pair)
        if known is None:
            if len(self._issued) >= MAX_REMEMBERED:  # carried certificates are a stranger's
                self._issued.clear()
            known = self._issued[pair] = _signed(issuer, subject)
        return known

    def _check_authorities(self, path: Path) -> None:
        """Check what must hold of the CAs in a path at any time (RFC 5280 6.1.4)."""
        above = path[1:]
        if above in self._sound:
            return
        below = 0  # intermediates under the certificate at hand, self-issued ones not counted
        for certificate in above:
            try:
                _check_ca(certificate, below)
            except KitError:
                raise
            except Exception as error:  # see `load`
                raise MalformedError(f"a certificate cannot be read: {error}") from error
            below += certificate.subject != certificate.issuer
        if len(self._sound) < MAX_REMEMBERED:
            self._sound.add(above)


def load(der: bytes) -> x509.Certificate:
    """Load a certificate whose every part can be read; else raise :class:`MalformedError`."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        for _ in certificate.extensions:
            pass
        _ = certificate.subject, certificate.issuer, certificate.not_valid_after_utc
        _ = certificate.not_valid_before_utc, certificate.signature_hash_algorithm
    except Exception as error:  # cryptography raises many things on hostile DER
        raise MalformedError(f"a certificate cannot be read: {error}") from error
    return certificate


def valid_at(certificate: x509.Certificate, moment: datetime) -> bool:
    """Say whether a moment is in a certificate's validity, its ends included (RFC 5280)."""
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def _signed(issuer: x509.Certificate, subject: x509.Certificate) -> bool:
    algorithm = subject.signature_hash_algorithm
    if algorithm is not None and not isinstance(algorithm, _HASHES):
        return False  # SHA-1 and older; Ed25519 has none
    try:
        subject.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - a wrong signature, key type or DER: it did not issue it
        return False
    return True


def _check_ca(certificate: x509.Certificate, below: int) -> None:
    extensions = certificate.extensions
    for extension in extensions:
        if extension.oid == ExtensionOID.NAME_CONSTRAINTS or (
            extension.critical and extension.oid not in _CA_EXTENSIONS
        ):
            raise _rejected(
                f"a CA has the extension {extension.oid.dotted_string}, which is not read"
            )
    if not _is_ca(certificate):
        raise _rejected("a certificate in its chain is no certificate authority")
    limit = extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    if limit is not None and below > limit:
        raise _rejected("its chain is longer than a CA in it allows")
    usage = _find(extensions, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise _rejected("a CA's key may not sign certificates")
    purposes = _find(extensions, x509.ExtendedKeyUsage)
    if purposes is not None and not (
        {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
        & set(purposes)
    ):
        raise _rejected("a CA may not issue certificates for code signing")


def _check_time(path: Path, window: Window, moment: datetime) -> None:
    for certificate in path:
        if not valid_at(certificate, moment):
            what = "the signing certificate" if certificate is path[0] else "a CA in its chain"
            raise _rejected(
                f"signed at {render_time(moment)}, when {what} was not valid "
                f"({render_time(certificate.not_valid_before_utc)} to "
                f"{render_time(certificate.not_valid_after_utc)})"
            )
    if not window.contains(moment):
        raise RejectedError(
            f"signed at {render_time(moment)}, outside the time in which the trusted root lets "
            f"its certificate authority vouch ({window})",
            code="sigstore.ca-window",
        )


def _is_ca(certificate: x509.Certificate) -> bool:
    constraints = _find(certificate.extensions, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _find(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _rejected(reason: str) -> RejectedError:
    return RejectedError(f"{_REFUSED}{reason}", code="sigstore.chain")
