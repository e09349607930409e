"""Sigstore trusted roots (protobuf-specs, sigstore_trustroot.proto), read to be judged.

A trusted root says which CAs and logs of *one* instance may vouch, and when. Duplicate
keys and missing or inverted windows refuse it; unknown fields are ignored and named in
:attr:`TrustedRoot.unknown`. Several roots in one file stand one a line (JSON Lines), as
``gh attestation trusted-root`` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kit.errors import MalformedError
from kit.formats import encodings, strictjson
from kit.formats.fields import Fields

MAX_BYTES = 4 << 20
MAX_ITEMS = 64
MAX_CHAIN = 8

MEDIA_TYPES = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a key or CA may vouch: a closed interval; no end means still valid."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A transparency or CT log: where it is, its key as it came, and the key's window."""

    base_url: str
    log_id: bytes
    key: bytes
    key_details: str
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certificate authority: its chain as DER, issuing certificate first, and its window."""

    uri: str
    chain: tuple[bytes, ...]
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedRoot:
    """One instance's trusted material."""

    media_type: str
    tlogs: tuple[Log, ...]
    ctlogs: tuple[Log, ...]
    certificate_authorities: tuple[Authority, ...]
    timestamp_authorities: tuple[Authority, ...]
    unknown: tuple[str, ...]

    @property
    def newest(self) -> datetime:
        """The latest start of any window: the root is at least this new."""
        return max(item.window.start for item in self._all())

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
    read = [top]
    root = TrustedRoot(
        media_type=media_type,
        tlogs=tuple(_log(item, read) for item in top.objects("tlogs", MAX_ITEMS)),
        ctlogs=tuple(_log(item, read) for item in top.objects("ctlogs", MAX_ITEMS)),
        certificate_authorities=tuple(
            _authority(item, read) for item in top.objects("certificateAuthorities", MAX_ITEMS)
        ),
        timestamp_authorities=tuple(
            _authority(item, read) for item in top.objects("timestampAuthorities", MAX_ITEMS)
        ),
        unknown=(),
    )
    if not root.certificate_authorities:
        raise MalformedError("the trusted root lists no certificate authority")
    unknown = tuple(sorted(path for fields in read for path in fields.unread()))
    return TrustedRoot(
        media_type=root.media_type,
        tlogs=root.tlogs,
        ctlogs=root.ctlogs,
        certificate_authorities=root.certificate_authorities,
        timestamp_authorities=root.timestamp_authorities,
        unknown=unknown,
    )


def _log(item: Fields, read: list[Fields]) -> Log:
    key, log_id = item.needed_object("publicKey"), item.needed_object("logId")
    read.extend([item, key, log_id])
    for known in ("hashAlgorithm", "checkpointKeyId", "operator"):
        item.get(known)
    return Log(
        base_url=item.needed_text("baseUrl"),
        log_id=log_id.needed_octets("keyId"),
        key=key.needed_octets("rawBytes"),
        key_details=key.needed_text("keyDetails"),
        window=_window(key, read),
    )


def _authority(item: Fields, read: list[Fields]) -> Authority:
    chain = item.needed_object("certChain")
    certificates = chain.objects("certificates", MAX_CHAIN)
    if not certificates:
        raise MalformedError(f"{chain.where('certificates')} is empty")
    read.extend([item, chain, *certificates])
    for known in ("subject", "operator"):
        item.get(known)
    return Authority(
        uri=item.text("uri") or "",
        chain=tuple(certificate.needed_octets("rawBytes") for certificate in certificates),
        window=_window(item, read),
    )


def _window(item: Fields, read: list[Fields]) -> Window:
    given = item.needed_object("validFor")
    read.append(given)
    end_text = given.text("end")
    start = encodings.parse_time(given.needed_text("start"))
    end = encodings.parse_time(end_text) if end_text is not None else None
    if end is not None and end < start:
        raise MalformedError(f"{given.path} ends before it starts")
    return Window(start=start, end=end)
