"""What there is to say of each key in an anchor: its kind, its fingerprint, its window.

A fingerprint is the SHA-256 of a certificate, or of a key's SubjectPublicKeyInfo, in hex;
an OpenPGP key has its own. Nothing here verifies anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509

from kit.formats import npm_keys, openpgp, public_key
from kit.formats.npm_keys import NpmKey
from kit.formats.trusted_root import Authority, Log, TrustedRoot


class KeyKind(StrEnum):
    """What a key is for."""

    CA = "ca"
    TLOG = "tlog"
    CTLOG = "ctlog"
    TSA = "tsa"
    NPM = "npm"
    PUBLIC_KEY = "public-key"
    OPENPGP = "openpgp"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFact:
    """One key: whose it is, and when it may vouch.

    ``above`` are the fingerprints of the certificates above a CA's or a TSA's own.
    ``certificates_end`` is when the first of its certificates ends, whatever its window says.
    """

    kind: KeyKind
    name: str
    fingerprint: str
    above: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    certificates_end: datetime | None = None

    @property
    def last(self) -> datetime | None:
        """The last moment in which it may vouch; ``None`` where nothing says one."""
        ends = [end for end in (self.end, self.certificates_end) if end is not None]
        return min(ends) if ends else None


def of_trusted_root(root: TrustedRoot) -> tuple[KeyFact, ...]:
    """Return every key of a trusted root, in its order: CAs, logs, CT logs, TSAs."""
    return (
        *(_authority(KeyKind.CA, each) for each in root.certificate_authorities),
        *(_log(KeyKind.TLOG, each) for each in root.tlogs),
        *(_log(KeyKind.CTLOG, each) for each in root.ctlogs),
        *(_authority(KeyKind.TSA, each) for each in root.timestamp_authorities),
    )


def of_npm_keys(raw: bytes) -> tuple[KeyFact, ...]:
    """Return the keys of npm's ``keys.json``; raise :class:`MalformedError` for anything else."""
    return tuple(_npm(key) for key in npm_keys.parse(raw))


def of_public_key(name: str, raw: bytes) -> KeyFact:
    """Return what a PEM file's one public key is; raise :class:`EvidenceError` for another file."""
    der = public_key.from_pem(raw)
    return KeyFact(kind=KeyKind.PUBLIC_KEY, name=name, fingerprint=_sha256(der))


def of_openpgp(raw: bytes) -> KeyFact:
    """Return what a file's one OpenPGP key is; raise :class:`MalformedError` for another file."""
    fingerprint = openpgp.public_key(raw).fingerprint
    return KeyFact(kind=KeyKind.OPENPGP, name=f"OpenPGP {fingerprint}", fingerprint=fingerprint)


def aloud(fingerprint: str) -> str:
    """Return a fingerprint in groups of four, to be read aloud and compared."""
    return " ".join(fingerprint[n : n + 4] for n in range(0, len(fingerprint), 4))


def _authority(kind: KeyKind, authority: Authority) -> KeyFact:
    certificates = [x509.load_der_x509_certificate(der) for der in authority.chain]
    own, *above = authority.chain
    subject = certificates[0].subject.rfc4514_string()
    return KeyFact(
        kind=kind,
        name=f"{subject} ({authority.uri})" if authority.uri else subject,
        fingerprint=_sha256(own),
        above=tuple(_sha256(der) for der in above),
        start=authority.window.start,
        end=authority.window.end,
        certificates_end=min(certificate.not_valid_after_utc for certificate in certificates),
    )


def _log(kind: KeyKind, log: Log) -> KeyFact:
    return KeyFact(
        kind=kind,
        name=log.base_url or log.log_id.hex(),
        fingerprint=_sha256(log.key),
        start=log.window.start,
        end=log.window.end,
    )


def _npm(key: NpmKey) -> KeyFact:
    uses = " and ".join(sorted(key.uses))
    return KeyFact(
        kind=KeyKind.NPM,
        name=f"{key.keyid} for {uses}",
        fingerprint=_sha256(key.der),
        start=key.start,
        end=key.end,
    )


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
