"""The authorities of one instance, and the trusted root that vouches for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.lab import fulcio, keys
from tests.lab.ctlog import CtLog
from tests.lab.encoding import base64, document, timestamp
from tests.lab.fulcio import Fulcio
from tests.lab.keys import Seed
from tests.lab.rekor import Rekor

TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorities:
    """One instance. Without a CT log its leaves carry no promise."""

    seed: Seed
    fulcio: Fulcio
    ctlog: CtLog | None
    rekor: Rekor

    @classmethod
    def of(cls, seed: Seed) -> Authorities:
        """Return an instance with one authority of each kind, all from ``seed``."""
        domain = _domain(seed)
        return cls(
            seed=seed,
            fulcio=Fulcio.of(domain, seed.child("fulcio")),
            ctlog=CtLog.of(f"https://ct.{domain}/2021", seed.p256("ctlog")),
            rekor=Rekor.of(f"rekor.{domain}", seed.child("rekor")),
        )

    def trusted_root(self) -> bytes:
        """Return a trusted_root.json with what the authorities sign with."""
        ctlogs = () if self.ctlog is None else (self.ctlog,)
        return document(
            {
                "mediaType": TRUSTED_ROOT,
                "tlogs": [_log(f"https://{self.rekor.host}", self.rekor.promise_key)],
                "certificateAuthorities": [_authority(self.fulcio)],
                "ctlogs": [_log(log.url, log.key) for log in ctlogs],
                "timestampAuthorities": [],
            }
        )


def certificates(chain: Iterable[x509.Certificate]) -> list[dict[str, str]]:
    """Return X509Certificate messages, in the order given."""
    return [{"rawBytes": base64(each.public_bytes(Encoding.DER))} for each in chain]


def _domain(seed: Seed) -> str:
    # Readable where the seed is a plain word, and different for any two seeds. RFC 6761: .test.
    word = re.sub(r"[^a-z0-9]+", "-", seed.path[0].lower())[:24].strip("-")
    return f"{word or 'lab'}-{seed.octets('domain').hex()[:6]}.test"


def _log(url: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": base64(keys.spki(key.public_key())),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": timestamp(fulcio.FROM)},
        },
        "logId": {"keyId": base64(keys.key_id(key.public_key()))},
    }


def _authority(ca: Fulcio) -> dict[str, Any]:
    return {
        "subject": {"organization": ca.domain, "commonName": "sigstore"},
        "uri": f"https://fulcio.{ca.domain}",
        "certChain": {"certificates": certificates((ca.intermediate, ca.root))},
        "validFor": {"start": timestamp(fulcio.FROM)},
    }
