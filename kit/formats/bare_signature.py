"""Detached signatures that are nothing but the signature: ``NAME.sig``, in base64 or raw.

Who signed stands elsewhere: in a certificate beside it (``NAME.pem``, ``NAME.crt``,
``NAME.cert``, as ``cosign sign-blob --output-certificate`` writes it), or it is a key that
the verifier is given.
"""

from __future__ import annotations

from kit.errors import MalformedError, UnsupportedError
from kit.formats import encodings, unbundled

MAX_BYTES = 16 << 10


def parse(raw: bytes) -> bytes:
    """Return the signature in a file.

    Text must be base64, in one line or several: :class:`UnsupportedError` for other text,
    as signify and minisign write it, and :class:`MalformedError` for what is too long.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"a signature of {len(raw)} bytes, over the limit of {MAX_BYTES}")
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        return raw  # DER has octets that are no ASCII
    try:
        signature = encodings.b64decode(text.replace("\r", "").replace("\n", ""))
    except MalformedError as error:
        raise UnsupportedError("text that is no base64: no signature of a known form") from error
    if not signature:
        raise MalformedError("the signature is empty")
    return signature


def certificate(raw: bytes) -> bytes:
    """Return the DER of the one certificate in a file: PEM, or base64 of PEM."""
    signer = unbundled.signer(raw)
    if not signer.is_certificate:
        raise MalformedError("a public key where a certificate is expected")
    return signer.der


def bundles(raw: bytes) -> tuple[bytes, ...]:
    """Return the Sigstore bundle that a file is if a key signed: without entry or hint."""
    return (unbundled.render(unbundled.bundle(unbundled.message(parse(raw)), None)),)
