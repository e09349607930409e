"""Step 2: when was it signed. RFC 3161 timestamps, through rfc3161-client.

The library checks the CMS signature, the chain at the stamp's time, one signer, the
imprint. What it leaves to its caller is here: the stamp is of a TSA that the root lists,
within the window the root gives that TSA (closed at both ends), over SHA-256 or more, its
certificate is for timestamping and for nothing else (RFC 3161 section 2.3), and it is the
one that the signed attributes name (section 2.4.2).

A stamp by somebody else proves nothing and is only noted. One that bears the name of a
TSA of the root and does not hold is a forgery or damage, and fails the bundle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from kit.errors import EvidenceError, MalformedError, RejectedError
from kit.formats import timestamp_token
from kit.formats.trusted_root import Authority, Window

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse
    from rfc3161_client.verify import Verifier

_IMPRINTS = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_GRANTED = 0
_REFUSED = "a timestamp does not hold: "

#: What vouches for a time: a log by its promise, or a timestamp authority.
LOG, STAMP = "log", "timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """A verified moment of signing, which kind of authority vouches for it, and its stamp."""

    moment: datetime
    source: str
    stamp: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tsa:
    """A timestamp authority: its own certificate if the root has it, those above, its window."""

    leaf: x509.Certificate | None
    above: tuple[x509.Certificate, ...]
    window: Window
    _ready: list[Verifier] = field(default_factory=list)

    @classmethod
    def of(cls, authority: Authority) -> _Tsa:
        chain = tuple(x509.load_der_x509_certificate(der) for der in authority.chain)
        if _is_ca(chain[0]):  # a CA stamps nothing itself
            return cls(leaf=None, above=chain, window=authority.window)
        # A chain of a leaf alone is both the signer and what is trusted.
        return cls(leaf=chain[0], above=chain[1:] or chain, window=authority.window)

    def verifier(self) -> Verifier:
        """Return the library's verifier for stamps of this TSA, set up at its first stamp."""
        from rfc3161_client import VerifierBuilder  # noqa: PLC0415

        if not self._ready:
            # A builder of its own: it keeps lists that it hands to every verifier it builds.
            builder = VerifierBuilder().add_root_certificate(self.above[-1])
            if self.leaf is not None:  # it is trusted as given, so never one out of the stamp
                builder = builder.tsa_certificate(self.leaf)
            for certificate in self.above[:-1]:
                builder = builder.add_intermediate_certificate(certificate)
            self._ready.append(builder.build())
        return self._ready[0]

    def named_by(self, response: TimeStampResponse) -> bool:
        """Say whether the stamp names this TSA as its signer."""
        for signer in response.signed_data.signer_infos:
            if self.leaf is None:
                if signer.issuer == self.above[0].subject:
                    return True
            elif (signer.issuer, signer.serial_number) == (
                self.leaf.issuer,
                self.leaf.serial_number,
            ):
                return True
        return False


class TimestampAuthorities:
    """The TSAs of one instance."""

    def __init__(self, authorities: Sequence[Authority]) -> None:
        """Load their certificates."""
        self._tsas = [_Tsa.of(authority) for authority in authorities]

    def time_of(self, stamp: bytes, message: bytes) -> datetime | None:
        """Return the time of a stamp over ``message``, or ``None`` if it is a stranger's.

        Raises :class:`MalformedError`, and :class:`RejectedError` (``sigstore.timestamp``)
        for a stamp that names a TSA of the root and does not hold.
        """
        from rfc3161_client import decode_timestamp_response  # noqa: PLC0415 - few need it

        try:
            response = decode_timestamp_response(stamp)
            signers = len(response.signed_data.signer_infos)
            named = [tsa for tsa in self._tsas if tsa.named_by(response)]
            moment = response.tst_info.gen_time.astimezone(UTC)
        except Exception as error:  # a parser of hostile DER: whatever it raises is a no
            raise MalformedError(f"a timestamp cannot be read: {error}") from error
        if not named:
            return None
        if signers != 1:
            raise _rejected(f"it has {signers} signers, not one")
        _check_imprint(response, message)
        _check_window(named, moment)
        reasons = [_refusal(tsa, response, message) for tsa in named if tsa.window.contains(moment)]
        if None not in reasons:
            raise _rejected(str(reasons[0]))
        return moment


def _check_imprint(response: TimeStampResponse, message: bytes) -> None:
    if response.status != _GRANTED:
        raise _rejected(f"its status is {response.status}, not granted")
    imprint = response.tst_info.message_imprint
    algorithm = _IMPRINTS.get(imprint.hash_algorithm.dotted_string)
    if algorithm is None:
        raise _rejected(f"its hash is {imprint.hash_algorithm.dotted_string}, not SHA-2")
    if hashlib.new(algorithm, message).digest() != imprint.message:
        raise _rejected("it is over another signature")


def _check_window(named: Sequence[_Tsa], moment: datetime) -> None:
    if not any(tsa.window.contains(moment) for tsa in named):
        raise _rejected(
            f"its time {moment:%Y-%m-%dT%H:%M:%SZ} is outside the time of its authority "
            f"({named[0].window})"
        )


def _refusal(tsa: _Tsa, response: TimeStampResponse, message: bytes) -> str | None:
    """Return why the stamp does not hold under a TSA, or ``None`` if it does."""
    try:
        signer = _signer(tsa, response)
        _check_purpose(signer)
        tsa.verifier().verify_message(response, message)
        _check_named(signer, response)
    except EvidenceError as error:
        return error.message.removeprefix(_REFUSED)
    except Exception as error:  # noqa: BLE001 - its own errors, and what hostile DER makes others raise
        return str(error) or type(error).__name__
    return None


def _signer(tsa: _Tsa, response: TimeStampResponse) -> x509.Certificate:
    """Return the signer's certificate: the root's, or the stamp's for a root of CAs alone."""
    (signer,) = response.signed_data.signer_infos
    carried = [
        certificate
        for certificate in map(x509.load_der_x509_certificate, response.signed_data.certificates)
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number)
    ]
    if len(carried) > 1:  # nothing signs what a stamp carries: a reader may take either
        raise _rejected("it carries two certificates under its signer's name")
    if tsa.leaf is not None:
        return tsa.leaf
    if not carried:
        raise _rejected("it does not carry its signer's certificate, and the root has none")
    return carried[0]


def _check_named(signer: x509.Certificate, response: TimeStampResponse) -> None:
    named = timestamp_token.signing_certificates(response.time_stamp_token())
    if not named:
        raise _rejected("it does not say which certificate it is signed with")
    if not all(each.names(signer) for each in named):
        raise _rejected("it says that it is signed with another certificate")


def _check_purpose(leaf: x509.Certificate) -> None:
    if _is_ca(leaf):
        raise _rejected("its signer is a certificate authority")
    purpose = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    if not purpose.critical or list(purpose.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise _rejected("its signer's certificate is not for timestamping alone")


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return constraints.value.ca


def _rejected(reason: str) -> RejectedError:
    return RejectedError(f"{_REFUSED}{reason}", code="sigstore.timestamp")
