"""Step 4: what the signing certificate is for, and that a CT log saw it.

The profile is Fulcio's (sigstore/fulcio, docs/certificate-specification.md): digital
signatures, code signing and nothing else, no CA, and a short life. An instance that lists
CT logs demands an embedded SCT (RFC 6962 section 3) by one of them; an SCT that names a
listed log must hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.certificate_transparency import LogEntryType, SignedCertificateTimestamp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from kit.errors import KitError, MalformedError, RejectedError
from kit.formats.encodings import render_time
from kit.verifiers.sigstore import keys
from kit.verifiers.sigstore.chain import Chain
from kit.verifiers.sigstore.logs import ListedLog

#: How far an SCT's time may lie outside the leaf's validity: two clocks.
SCT_SKEW = timedelta(minutes=5)
MAX_SCTS = 8
#: Fulcio's live for ten minutes, GitHub's for releases a year. Nothing revokes a longer one.
MAX_LIFETIME = timedelta(days=400)

_CRITICAL = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)


def check_profile(leaf: x509.Certificate) -> None:
    """Raise :class:`RejectedError` (``sigstore.leaf``) unless it is a code signing leaf."""
    try:
        _check_profile(leaf)
    except KitError:
        raise
    except Exception as error:  # cryptography raises many things on hostile DER
        raise MalformedError(f"the certificate cannot be read: {error}") from error


def _check_profile(leaf: x509.Certificate) -> None:
    extensions = {extension.oid: extension for extension in leaf.extensions}
    if leaf.version is not x509.Version.v3:
        raise _rejected("it is not an X.509 v3 certificate")
    for oid, extension in extensions.items():
        if extension.critical and oid not in _CRITICAL:
            raise _rejected(f"it has the critical extension {oid.dotted_string}, which is not read")
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    if lifetime > MAX_LIFETIME:
        raise _rejected(f"it is valid for {lifetime.days} days, over {MAX_LIFETIME.days}")
    constraints = extensions.get(ExtensionOID.BASIC_CONSTRAINTS)
    if constraints is not None and constraints.value.ca:
        raise _rejected("it is a certificate authority")
    usage = extensions.get(ExtensionOID.KEY_USAGE)
    if usage is None or not usage.value.digital_signature or usage.value.key_cert_sign:
        raise _rejected("its key is not for digital signatures")
    purposes = extensions.get(ExtensionOID.EXTENDED_KEY_USAGE)
    if purposes is None or list(purposes.value) != [ExtendedKeyUsageOID.CODE_SIGNING]:
        raise _rejected("it is not for code signing alone")


def check_scts(chain: Chain, ctlogs: Sequence[ListedLog]) -> None:
    """Raise :class:`RejectedError` (``sigstore.sct``) unless a CT log of the instance saw it."""
    try:
        scts = _scts(chain.leaf)
        known = 0
        for sct in scts:
            for log in ctlogs:
                if log.log_id == sct.log_id:
                    _check_sct(sct, chain, log)
                    known += 1
    except KitError:
        raise
    except Exception as error:  # cryptography raises many things on hostile DER
        raise MalformedError(f"the certificate's SCT cannot be read: {error}") from error
    if not known:
        lacking = "is by no CT log of the trusted root" if scts else "is missing"
        raise _sct_rejected(f"it {lacking}")


def _scts(leaf: x509.Certificate) -> list[SignedCertificateTimestamp]:
    try:
        extension = leaf.extensions.get_extension_for_class(
            x509.PrecertificateSignedCertificateTimestamps
        )
    except x509.ExtensionNotFound:
        return []
    scts = list(extension.value)
    if len(scts) > MAX_SCTS:
        raise _sct_rejected(f"there are over {MAX_SCTS}")
    return scts


def _check_sct(sct: SignedCertificateTimestamp, chain: Chain, log: ListedLog) -> None:
    issued, leaf = sct.timestamp.replace(tzinfo=UTC), chain.leaf
    if sct.entry_type is not LogEntryType.PRE_CERTIFICATE or not isinstance(
        sct.signature_hash_algorithm, hashes.SHA256
    ):
        raise _sct_rejected("it is not over a precertificate with SHA-256")
    if not (leaf.not_valid_before_utc - SCT_SKEW <= issued <= leaf.not_valid_after_utc + SCT_SKEW):
        raise _sct_rejected(
            f"its time {render_time(issued)} is not the certificate's "
            f"({render_time(leaf.not_valid_before_utc)} to "
            f"{render_time(leaf.not_valid_after_utc)})"
        )
    if not log.window.contains(issued):
        raise _sct_rejected(
            f"its time {render_time(issued)} is outside the CT log's ({log.window})"
        )
    if not keys.holds(log.key, sct.signature, _signed_bytes(sct, chain), "sha256"):
        raise _sct_rejected("the CT log did not sign it")


def _signed_bytes(sct: SignedCertificateTimestamp, chain: Chain) -> bytes:
    """Rebuild what a CT log signs for a precertificate (RFC 6962 section 3.2)."""
    tbs = chain.leaf.tbs_precertificate_bytes
    milliseconds = round((sct.timestamp.replace(tzinfo=UTC)).timestamp() * 1000)
    return b"".join(
        [
            b"\x00",  # v1
            b"\x00",  # certificate_timestamp
            milliseconds.to_bytes(8, "big"),
            b"\x00\x01",  # precert_entry
            _key_hash(chain.issuer),
            len(tbs).to_bytes(3, "big"),
            tbs,
            len(sct.extension_bytes).to_bytes(2, "big"),
            sct.extension_bytes,
        ]
    )


@lru_cache(maxsize=64)  # the CAs of an instance are few
def _key_hash(issuer: x509.Certificate) -> bytes:
    key = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).digest()


def _rejected(reason: str) -> RejectedError:
    return RejectedError(
        f"its certificate is not a code signing one: {reason}", code="sigstore.leaf"
    )


def _sct_rejected(reason: str) -> RejectedError:
    return RejectedError(
        f"the CT log's receipt in its certificate does not hold: {reason}", code="sigstore.sct"
    )
