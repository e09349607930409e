"""The files that ``cosign sign-blob --bundle`` wrote before there were Sigstore bundles.

::

    {"base64Signature": BASE64, "cert": BASE64 of PEM, "rekorBundle": {…}}

cosign names them as it is told, ``NAME.bundle``, ``NAME.sigstore.json`` or otherwise
(pkg/cosign, LocalSignedPayload). ``cert`` is the signer's certificate; for a key it is
left out, or has the public key. What the log was told is in ``rekorBundle``
(:mod:`kit.formats.rekor_bundle`), promised and not proved; without upload it is left out.
"""

from __future__ import annotations

from typing import Any

from kit.errors import EvidenceError, MalformedError
from kit.formats import log_entry, rekor_bundle, strictjson, unbundled
from kit.formats.fields import Fields
from kit.formats.sigstore_bundle import Bundle, LogEntry
from kit.model import Digest

MAX_BYTES = rekor_bundle.MAX_BYTES


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as one."""
    return isinstance(value, dict) and "base64Signature" in value


def parse(raw: bytes) -> Bundle:
    """Read one as the bundle it would be; raise :class:`MalformedError` for any other bytes."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))
    signature = top.needed_octets("base64Signature")
    signer = top.text("cert")
    told = top.get("rekorBundle")
    entries = () if told is None else (rekor_bundle.parse(told, "rekorBundle"),)
    for path in top.unread():
        # Go's reader ignores case: it would take `Cert` too, and perhaps instead.
        raise MalformedError(f"{path}: unknown field")
    content = unbundled.message(signature, _hint(entries))
    return unbundled.bundle(content, _certificate(signer), entries)


def bundles(raw: bytes) -> tuple[bytes, ...]:
    """Return the one Sigstore bundle that a file is."""
    return (unbundled.render(parse(raw)),)


def _certificate(text: Any) -> bytes | None:
    if not text:
        return None
    signer = unbundled.signer(text.encode())
    # A public key here is nobody's word: the log entry must name the key that was given.
    return signer.der if signer.is_certificate else None


def _hint(entries: tuple[LogEntry, ...]) -> Digest | None:
    """Return which bytes the log was told of: as unauthenticated as a bundle's own hint."""
    for entry in entries:
        try:
            return log_entry.parse(entry).signed
        except EvidenceError:
            return None  # said by name when the entry is verified
    return None
