"""Sigstore trusted roots (protobuf-specs, sigstore_trustroot.proto), read to be judged.

A trusted root says which CAs and logs of *one* instance may vouch, and when. Duplicate
keys, other spellings of names, missing or inverted windows, log ids that are not of their
key, and chains of timestamp authorities out of order refuse it. What can
still be used but should be known is in :attr:`TrustedRoot.remarks`: unknown fields, which
are ignored; a log or authority with a key of an unknown type, which is left out. Several
roots in one file stand one a line (JSON Lines), as ``gh attestation trusted-root`` writes
them.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509

from kit.errors import MalformedError, UnsupportedError
from kit.formats import encodings, log_key, public_key, strictjson
from kit.formats.fields import Fields

MAX_BYTES = 4 << 20
MAX_ITEMS = 64
MAX_CHAIN = 8

MEDIA_TYPES = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
)

#: What every log hashes its tree with (RFC 6962); absent says the same.
_TREE_HASH = "SHA2_256"
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a key or CA may vouch: a closed interval; no end means still valid."""

    start: datetime
    end: datetime | None

    def contains(self, moment: datetime) -> bool:
        """Say whether the moment lies in the window, its ends included."""
        return self.start <= moment and (self.end is None or moment <= self.end)

    def __str__(self) -> str:
        """Write it for people."""
        end = "" if self.end is None else f" to {encodings.render_time(self.end)}"
        return f"from {encodings.render_time(self.start)}{end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A transparency or CT log: where it is, its key as SubjectPublicKeyInfo, its window.

    ``host`` is the host[:port] of ``base_url``; ``by_name`` says that the log's id is the
    C2SP key id of that name rather than the digest of the key, as only Rekor v2 has it.
    """

    base_url: str
    log_id: bytes
    key: bytes
    key_details: str
    window: Window
    by_name: bool

    @property
    def host(self) -> str:
        """The host, and the port if there is one, that ``base_url`` names."""
        return log_key.host(self.base_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority: its chain as DER, issuing certificate first, and its window."""

    uri: str
    organization: str
    common_name: str
    chain: tuple[bytes, ...]
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about a root that does not refuse it. ``code`` is a finding's."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedRoot:
    """One instance's trusted material.

    ``lists_tlogs`` and ``lists_ctlogs`` count also what was left out for its key: what an
    instance demands must not depend on what the kit can read.
    """

    media_type: str
    tlogs: tuple[Log, ...]
    ctlogs: tuple[Log, ...]
    certificate_authorities: tuple[Authority, ...]
    timestamp_authorities: tuple[Authority, ...]
    lists_tlogs: bool
    lists_ctlogs: bool
    unknown: tuple[str, ...]
    remarks: tuple[Remark, ...]

    @property
    def newest(self) -> datetime:
        """The latest start of any window: the root is at least this new."""
        return max(item.window.start for item in self._all())

    @property
    def oldest(self) -> datetime:
        """The earliest start of any window: nothing of this instance was signed before."""
        return min(item.window.start for item in self._all())

    @property
    def ca_certificates(self) -> frozenset[bytes]:
        """Every CA certificate, DER: what two versions of one instance's root share."""
        return frozenset(der for ca in self.certificate_authorities for der in ca.chain)

    def _all(self) -> list[Log | Authority]:
        return [
            *self.tlogs, *self.ctlogs,
            *self.certificate_authorities, *self.timestamp_authorities,
        ]  # fmt: skip


def split(raw: bytes) -> tuple[bytes, ...]:
    """Return the roots in a file: the whole of it, or its lines if it is JSON Lines."""
    lines = tuple(line for line in raw.split(b"\n") if line.strip())
    if len(lines) > 1 and all(line.lstrip()[:1] == b"{" for line in lines):
        return lines
    return (raw,)


def parse(raw: bytes) -> TrustedRoot:
    """Read one trusted root; raise :class:`MalformedError` for anything that is not one."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))
    media_type = top.needed_text("mediaType")
    if media_type not in MEDIA_TYPES:
        raise MalformedError(f"unknown trusted root media type {media_type[:100]!r}")
    reading = _Reading(top)
    tlogs = reading.each("tlogs", reading.log)
    ctlogs = reading.each("ctlogs", reading.log)
    authorities = reading.each("certificateAuthorities", reading.authority)
    stampers = reading.each("timestampAuthorities", reading.stamper)
    if not (tlogs or ctlogs or authorities or stampers):
        raise MalformedError("the trusted root lists nothing that the kit can use")
    reading.compare(tlogs, ctlogs, stampers)
    unknown = reading.unread()
    return TrustedRoot(
        media_type=media_type,
        tlogs=tlogs,
        ctlogs=ctlogs,
        certificate_authorities=authorities,
        timestamp_authorities=stampers,
        lists_tlogs=bool(top.array("tlogs", MAX_ITEMS)),
        lists_ctlogs=bool(top.array("ctlogs", MAX_ITEMS)),
        unknown=unknown,
        remarks=tuple(reading.remarks),
    )


class _Reading:
    """One reading of a root: what was read of it, and what there is to say about it."""

    def __init__(self, top: Fields) -> None:
        self._top = top
        self._read = [top]
        self.remarks: list[Remark] = []

    def each(self, name: str, read: Callable[[Fields], _Item]) -> tuple[_Item, ...]:
        """Read every item of a list, but for those whose key is of an unknown type."""
        found = []
        for item in self._top.objects(name, MAX_ITEMS):
            try:
                found.append(read(item))
            except UnsupportedError as error:
                self._remark("trust.unknown-key", f"{item.path} is left out: {error}")
        return tuple(found)

    def log(self, item: Fields) -> Log:
        """Read a log, and hold its id against its key."""
        key, log_id = item.needed_object("publicKey"), item.needed_object("logId")
        self._read.extend([item, key, log_id])
        for known in ("checkpointKeyId", "operator"):
            item.get(known)
        base_url, given = item.text("baseUrl") or "", log_id.needed_octets("keyId")
        raw, window = key.needed_octets("rawBytes"), self._window(key)
        details, hashed = key.needed_text("keyDetails"), item.text("hashAlgorithm") or _TREE_HASH
        if hashed != _TREE_HASH:
            raise UnsupportedError(f"its tree is hashed with {hashed[:60]!r}")
        spki = log_key.read(raw, details)
        if given not in log_key.ids(spki, details, base_url):
            raise MalformedError(f"{log_id.where('keyId')} is not the id of this log's key")
        return Log(
            base_url=base_url,
            log_id=given,
            key=spki,
            key_details=details,
            window=window,
            by_name=given != hashlib.sha256(spki).digest(),
        )

    def authority(self, item: Fields) -> Authority:
        """Read an authority; each of its certificates must have a key that can be read."""
        chain = item.needed_object("certChain")
        certificates = chain.objects("certificates", MAX_CHAIN)
        if not certificates:
            raise MalformedError(f"{chain.where('certificates')} is empty")
        subject = item.object("subject")
        self._read.extend([item, chain, *certificates, *([subject] if subject else [])])
        item.get("operator")
        window = self._window(item)
        ders = tuple(certificate.needed_octets("rawBytes") for certificate in certificates)
        for der in ders:
            public_key.of_certificate(der)
        return Authority(
            uri=item.text("uri") or "",
            organization=(subject.text("organization") if subject else None) or "",
            common_name=(subject.text("commonName") if subject else None) or "",
            chain=ders,
            window=window,
        )

    def stamper(self, item: Fields) -> Authority:
        """Read a timestamp authority; its own certificate, if it is there, comes first.

        Behind a CA it would be taken for one, and any certificate beside it for its own.
        """
        read = self.authority(item)
        chain = [x509.load_der_x509_certificate(der) for der in read.chain]
        for certificate, issuer in itertools.pairwise(chain):
            try:
                certificate.verify_directly_issued_by(issuer)
            except Exception as error:  # a wrong name or signature, or DER that is not read
                raise MalformedError(
                    f"{item.path}: its certificates are not each issued by the next"
                ) from error
        return read

    def compare(
        self, tlogs: tuple[Log, ...], ctlogs: tuple[Log, ...], stampers: tuple[Authority, ...]
    ) -> None:
        """Refuse one id for two keys; tell what else is odd (design section 13)."""
        for name, logs in (("tlogs", tlogs), ("ctlogs", ctlogs)):
            keys: dict[bytes, bytes] = {}
            for log in logs:
                if keys.setdefault(log.log_id, log.key) != log.key:
                    raise MalformedError(f"{name} has two keys under one log id")
        for log in tlogs:
            if any(log.key == other.key and log.by_name != other.by_name for other in tlogs):
                raise MalformedError("tlogs has one key as that of a Rekor v1 and of a Rekor v2")
        for log in ctlogs:
            if any(log.key == other.key for other in tlogs):
                self._remark("trust.shared-key", f"one key is of a log and a CT log: {log.host}")
        for stamper in stampers:
            if len(stamper.chain) == 1:
                self._remark(
                    "trust.short-chain",
                    f"a timestamp authority's chain is one certificate: {stamper.uri}",
                )

    def unread(self) -> tuple[str, ...]:
        """Return the paths of the fields that nobody asked for, and remark on them."""
        unknown = tuple(sorted(path for fields in self._read for path in fields.unread()))
        for path in unknown:
            if "_" in path:
                # Other readers of proto3 JSON take `base_url` for `baseUrl`; no field is named so.
                raise MalformedError(f"{path}: a field's name is written in lowerCamelCase")
        if unknown:
            self._remark("trust.unknown-field", f"fields not read: {', '.join(unknown[:5])}")
        return unknown

    def _window(self, item: Fields) -> Window:
        given = item.needed_object("validFor")
        self._read.append(given)
        end_text = given.text("end")
        start = encodings.parse_time(given.needed_text("start"))
        end = encodings.parse_time(end_text) if end_text is not None else None
        if end is not None and end < start:
            raise MalformedError(f"{given.path} ends before it starts")
        return Window(start=start, end=end)

    def _remark(self, code: str, message: str) -> None:
        self.remarks.append(Remark(code=code, message=message))
