"""Who a Fulcio certificate names: its one SAN, its issuer, its extensions.

Fulcio's extensions live under 1.3.6.1.4.1.57264.1 (sigstore/fulcio, docs/oid-info.md):
numbers 1 to 6 hold the string itself, all later ones a DER UTF8String. Nothing here
verifies a certificate; call it for one that a verifier accepted.
"""

from __future__ import annotations

from cryptography import x509

from kit.errors import MalformedError, RejectedError
from kit.model import Identity

#: Characters in a name or extension. Fulcio's are far shorter, and policies run regexps on them.
MAX_TEXT = 2048

_ARC = "1.3.6.1.4.1.57264.1."
_RAW_NUMBERS = frozenset(range(1, 7))
_OTHER_NAME = _ARC + "7"

#: Extension numbers, named as Fulcio's documentation names them.
_NAMES = {
    1: "issuer-v1",
    8: "issuer-v2",
    2: "github-workflow-trigger",
    3: "github-workflow-sha",
    4: "github-workflow-name",
    5: "github-workflow-repository",
    6: "github-workflow-ref",
    9: "build-signer-uri",
    10: "build-signer-digest",
    11: "runner-environment",
    12: "source-repository-uri",
    13: "source-repository-digest",
    14: "source-repository-ref",
    15: "source-repository-identifier",
    16: "source-repository-owner-uri",
    17: "source-repository-owner-identifier",
    18: "build-config-uri",
    19: "build-config-digest",
    20: "build-trigger",
    21: "run-invocation-uri",
    22: "source-repository-visibility",
    23: "deployment-environment",
    24: "token-subject",
}
_NUMBERS = {x509.ObjectIdentifier(f"{_ARC}{number}"): number for number in _NAMES}


def identity(certificate: x509.Certificate, *, needs_issuer: bool = True) -> Identity:
    """Return who the certificate names.

    Raises :class:`MalformedError` where it cannot be read, and :class:`RejectedError`
    (``sigstore.identity``) where it is ambiguous: not exactly one SAN, no issuer (unless
    ``needs_issuer`` is false: then it is empty), or two issuers that differ.
    """
    try:
        extensions = certificate.extensions
        sans = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise RejectedError("the certificate names nobody", code="sigstore.identity") from error
    except Exception as error:  # cryptography raises many things on hostile DER
        raise MalformedError(f"the certificate cannot be read: {error}") from error
    subject_type, subject = _san(sans)
    facts = _facts(extensions)
    if max(map(len, (subject, *facts.values()))) > MAX_TEXT:
        raise MalformedError(f"the certificate has a name of over {MAX_TEXT} characters")
    issuers = {facts.pop(key) for key in ("issuer-v1", "issuer-v2") if key in facts}
    if not issuers and not needs_issuer:
        issuers = {""}
    if len(issuers) != 1:
        raise RejectedError(
            f"the certificate names {len(issuers)} issuers: {', '.join(sorted(issuers)) or 'none'}",
            code="sigstore.identity",
        )
    return Identity(subject=subject, subject_type=subject_type, issuer=issuers.pop(), facts=facts)


def _san(sans: x509.SubjectAlternativeName) -> tuple[str, str]:
    names = list(sans)
    if len(names) != 1:
        # A reader that takes the first and a reader that takes any must never differ.
        raise RejectedError(
            f"the certificate has {len(names)} subject names, not one", code="sigstore.identity"
        )
    name = names[0]
    if isinstance(name, x509.UniformResourceIdentifier):
        return "uri", name.value
    if isinstance(name, x509.RFC822Name):
        return "email", name.value
    if isinstance(name, x509.OtherName) and name.type_id.dotted_string == _OTHER_NAME:
        return "username", _utf8_string(name.value)
    raise RejectedError(
        f"the certificate's subject name is a {type(name).__name__}", code="sigstore.identity"
    )


def _facts(extensions: x509.Extensions) -> dict[str, str]:
    facts: dict[str, str] = {}
    for extension in extensions:
        number = _NUMBERS.get(extension.oid)
        if number is None or not isinstance(extension.value, x509.UnrecognizedExtension):
            continue
        raw = extension.value.value
        facts[_NAMES[number]] = _utf8(raw) if number in _RAW_NUMBERS else _utf8_string(raw)
    return facts


def _utf8_string(raw: bytes) -> str:
    """Read a DER UTF8String (X.690 8.1.3, 10.1): shortest length form, nothing after it."""
    if len(raw) < 2 or raw[0] != 0x0C:
        raise MalformedError("a certificate extension is no DER UTF8String")
    length, start = raw[1], 2
    if length > 0x7F:
        octets = length & 0x7F
        length, start = int.from_bytes(raw[2 : 2 + octets], "big"), 2 + octets
        if octets not in (1, 2) or length < (0x80 if octets == 1 else 0x100):
            raise MalformedError("a certificate extension has a length that is not DER")
    if len(raw) != start + length:
        raise MalformedError("a certificate extension is longer or shorter than it says")
    return _utf8(raw[start:])


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("a certificate extension is not UTF-8") from error
