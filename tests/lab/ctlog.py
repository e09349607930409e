"""A certificate transparency log: it promises, in an SCT, to have seen a precertificate."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID

from tests.lab import keys
from tests.lab.encoding import der

_OCTET_STRING = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class CtLog:
    """A log by its id; ``key`` is the one it signs with, right or not."""

    url: str
    log_id: bytes
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @classmethod
    def of(cls, url: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> CtLog:
        """Return the log whose id goes with its key."""
        return cls(url=url, log_id=keys.key_id(key.public_key()), key=key)

    def promise(self, tbs: bytes, *, issuer: ec.EllipticCurvePublicKey, at: datetime) -> bytes:
        """Return an SCT for a leaf.

        ``tbs`` is its TBSCertificate with neither this extension nor the poison
        of the precertificate: RFC 6962 section 3.2 signs it without both.
        """
        milliseconds = round(at.timestamp() * 1000).to_bytes(8, "big")
        # struct { version v1(0); signature_type certificate_timestamp(0); timestamp;
        #          entry_type precert_entry(1); issuer_key_hash; tbs<3>; extensions<2> }
        signed = (
            b"\x00\x00" + milliseconds + b"\x00\x01" + hashlib.sha256(keys.spki(issuer)).digest()
        )
        signature = keys.sign(self.key, signed + _opaque(tbs, 3) + _opaque(b"", 2))
        # struct { version v1(0); log_id; timestamp; extensions<2>;
        #          hash sha256(4); algorithm rsa(1) or ecdsa(3); signature<2> }
        sct = b"\x00" + self.log_id + milliseconds + _opaque(b"", 2)
        algorithm = b"\x03" if isinstance(self.key, ec.EllipticCurvePrivateKey) else b"\x01"
        return sct + b"\x04" + algorithm + _opaque(signature, 2)


def sct_list(scts: Iterable[bytes]) -> x509.UnrecognizedExtension:
    """Return the extension that carries SCTs."""
    # Section 3.3: the list is a TLS vector inside an OCTET STRING inside the extension.
    value = der(_OCTET_STRING, _opaque(b"".join(_opaque(sct, 2) for sct in scts), 2))
    return x509.UnrecognizedExtension(ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS, value)


def _opaque(octets: bytes, width: int) -> bytes:
    # RFC 5246 section 4.3: a vector is its length and its octets.
    return len(octets).to_bytes(width, "big") + octets
