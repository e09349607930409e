"""Signatures that were published before Sigstore bundles, written as one.

Nothing is added: what such a form lacks (a log entry, a time) the bundle made of it lacks
too, and its verifier says so. What is carried stays as it was published.
"""

from __future__ import annotations

from kit.errors import MalformedError
from kit.formats import dsse, encodings, sigstore_bundle
from kit.formats.log_entry_body import Signer, signer_of_pem
from kit.formats.sigstore_bundle import Bundle, LogEntry, MessageSignature
from kit.model import Digest

_V1 = "application/vnd.dev.sigstore.bundle+json;version=0.1"
_V2 = "application/vnd.dev.sigstore.bundle+json;version=0.2"
_V3 = "application/vnd.dev.sigstore.bundle.v0.3+json"
_BEGINS = b"-----BEGIN"


def bundle(
    content: MessageSignature | dsse.Envelope,
    certificate: bytes | None,
    entries: tuple[LogEntry, ...] = (),
    *,
    key_hint: str = "",
) -> Bundle:
    """Return the bundle of a signature; without a certificate (DER), of one by some key.

    Its version is the oldest whose rules the entries meet: a promise alone is v0.1's.
    """
    whole = all(entry.proof is not None and entry.proof.checkpoint for entry in entries)
    return Bundle(
        media_type=_V3 if whole else _V1,
        certificates=() if certificate is None else (certificate,),
        as_chain=certificate is not None and not whole,
        key_hint=key_hint if certificate is None else None,
        entries=entries,
        timestamps=(),
        content=content,
        unknown=(),
    )


def with_entries(old: Bundle, entries: tuple[LogEntry, ...]) -> Bundle:
    """Return a bundle with these entries, each of them proved, in place of its own."""
    return Bundle(
        media_type=_V2 if old.as_chain else _V3,
        certificates=old.certificates,
        as_chain=old.as_chain,
        key_hint=old.key_hint,
        entries=entries,
        timestamps=old.timestamps,
        content=old.content,
        unknown=(),
    )


def render(made: Bundle) -> bytes:
    """Return a bundle's bytes, as :func:`kit.formats.sigstore_bundle.parse` reads them."""
    return sigstore_bundle.render(made)


def message(signature: bytes, hint: Digest | None = None) -> MessageSignature:
    """Return a signature over an artifact's bytes; raise for an empty one."""
    if not signature:
        raise MalformedError("the signature is empty")
    return MessageSignature(signature=signature, hint=hint)


def signer(raw: bytes) -> Signer:
    """Read whose signature it is: one certificate or public key in PEM, or base64 of that."""
    text = raw.strip()
    if not text.startswith(_BEGINS):
        try:
            text = encodings.b64decode(text.decode("ascii").replace("\r", "").replace("\n", ""))
        except UnicodeDecodeError as error:
            raise MalformedError("neither PEM nor base64 of PEM") from error
    return signer_of_pem(text.strip() + b"\n")
