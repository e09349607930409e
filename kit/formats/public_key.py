"""Public keys as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), DER or PEM.

One key has one spelling here: what is read is written again as DER, so that two keys are
the same exactly where their bytes are. RSA keys also come as PKCS#1, in old trusted roots.
"""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from kit.errors import MalformedError, UnsupportedError
from kit.formats import encodings

MAX_BYTES = 16 << 10

_PEM = re.compile(
    r"-----BEGIN (?P<label>CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY)-----\r?\n"
    r"(?P<body>(?:[A-Za-z0-9+/=]+\r?\n)+)"
    r"-----END (?P=label)-----(?:\r?\n)*"
)


def from_der(raw: bytes) -> bytes:
    """Return the key as canonical SubjectPublicKeyInfo DER.

    Raises :class:`MalformedError` for bytes that are no key, and
    :class:`UnsupportedError` for a key of a type that ``cryptography`` does not know.
    """
    try:
        key = load_der_public_key(raw)
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UnsupportedAlgorithm as error:
        raise UnsupportedError(f"a public key of an unknown type: {error}") from error
    except Exception as error:  # cryptography raises many things on hostile DER
        raise MalformedError(f"not a public key: {error}") from error


def of_certificate(der: bytes) -> bytes:
    """Return the canonical SubjectPublicKeyInfo of a certificate."""
    try:
        key = x509.load_der_x509_certificate(der).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UnsupportedAlgorithm as error:
        raise UnsupportedError(f"a certificate's key of an unknown type: {error}") from error
    except Exception as error:  # cryptography raises many things on hostile DER
        raise MalformedError(f"not a certificate: {error}") from error


def from_pem(raw: bytes) -> bytes:
    """Return the one public key in a PEM file as canonical DER."""
    label, der = pem(raw)
    if label == "CERTIFICATE":
        raise MalformedError("a certificate where a public key is expected")
    return from_der(der)


def pem(raw: bytes) -> tuple[str, bytes]:
    """Return the label and the DER of a PEM text (RFC 7468) of exactly one block."""
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"PEM of {len(raw)} bytes, over the limit of {MAX_BYTES}")
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedError("not PEM: not ASCII") from error
    match = _PEM.fullmatch(text)
    if match is None:
        raise MalformedError("not PEM: one certificate or public key is expected, nothing else")
    return match["label"], encodings.b64decode(match["body"].replace("\r", "").replace("\n", ""))
