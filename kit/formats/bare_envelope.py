"""DSSE envelopes that stand by themselves, as slsa-github-generator published them.

Until v2.1.0 its provenance (``NAME.intoto.jsonl``, ``multiple.intoto.jsonl``) was an
envelope with a member that DSSE does not have: ``cert``, the signer's certificate in PEM.
The log entry that shows when it was signed is in the log alone. An envelope without
``cert`` is by a key. Envelopes may stand one a line (in-toto attestation bundles).
"""

from __future__ import annotations

from typing import Any

from kit.errors import MalformedError
from kit.formats import dsse, sigstore_bundle, strictjson, unbundled
from kit.formats.fields import Fields
from kit.formats.sigstore_bundle import Bundle


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as an envelope."""
    return isinstance(value, dict) and {"payloadType", "payload", "signatures"} <= value.keys()


def parse(raw: bytes) -> Bundle:
    """Read one envelope as the bundle it would be; raise :class:`MalformedError`."""
    value = strictjson.parse(
        raw, max_bytes=sigstore_bundle.MAX_BYTES, max_values=sigstore_bundle.MAX_VALUES
    )
    envelope = dsse.parse(value)
    if len(envelope.signatures) != 1:
        raise MalformedError(f"the envelope has {len(envelope.signatures)} signatures, not one")
    (signature,) = Fields(value).objects("signatures", limit=1)
    certificate = signature.text("cert")
    if certificate is None:
        return unbundled.bundle(envelope, None, key_hint=envelope.signatures[0].keyid)
    signer = unbundled.signer(certificate.encode())
    if not signer.is_certificate:
        raise MalformedError(f"{signature.where('cert')} is a public key")
    return unbundled.bundle(envelope, signer.der)


def bundles(raw: bytes) -> tuple[bytes, ...]:
    """Return the envelopes of a file as Sigstore bundles, in their order.

    A line that is a bundle already is left as it is. One line that is neither makes the
    file malformed.
    """
    return tuple(_bundle(line) for line in sigstore_bundle.split(raw))


def _bundle(line: bytes) -> bytes:
    if b'"verificationMaterial"' in line:  # no member that an envelope has
        return line
    return unbundled.render(parse(line))
