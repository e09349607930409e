"""What cosign attaches to images, signed by a lab instance.

The lab signs bundles; here they are taken apart into the blob and the annotations of a layer,
as cosign up to version 2 writes them, or put into a referrer, as version 3 does.

::

    layer = signature(store, lab, image, "ghcr.io/acme/tool")
    layer = attestation(store, lab, image, "https://slsa.dev/provenance/v1", form="intoto")
    store.attached(layer, …)                     # the manifest under sha256-HEX.sig or .att
    manifest, bundle = signed_bundle(store, lab, image)
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from textwrap import fill
from typing import Any, Unpack

from tests.lab.encoding import base64, document
from tests.lab.images import Blob, Store
from tests.lab.instance import Lab
from tests.lab.order import Options

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGN = "https://sigstore.dev/cosign/sign/v1"
_STATEMENT = "https://in-toto.io/Statement/v0.1"


def payload(image: Blob, reference: str, changes: Mapping[str, Any] | None = None) -> bytes:
    """Return the simple signing payload for an image in a repository; `changes` are to it."""
    critical = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": image.digest},
        "type": "cosign container image signature",
    }
    return document({"critical": critical | dict(changes or {}), "optional": None})


def signature(
    store: Store, lab: Lab, image: Blob, reference: str, **options: Unpack[Options]
) -> dict[str, Any]:
    """Sign an image; return the layer of a ``.sig`` manifest."""
    return signed(store, lab, payload(image, reference), **options)


def signed(store: Store, lab: Lab, raw: bytes, **options: Unpack[Options]) -> dict[str, Any]:
    """Sign any payload; return the layer."""
    bundle = json.loads(lab.sign(raw, **_legacy(options)))
    annotations = annotations_of(bundle)
    annotations["dev.cosignproject.cosign/signature"] = bundle["messageSignature"]["signature"]
    return store.put(SIMPLE_SIGNING, raw).descriptor(annotations=annotations)


def attestation(
    store: Store,
    lab: Lab,
    image: Blob,
    predicate_type: str,
    predicate: Mapping[str, Any] | None = None,
    name: str = "ghcr.io/acme/tool",
    **options: Unpack[Options],
) -> dict[str, Any]:
    """Attest to an image; return the layer of an ``.att`` manifest.

    Its timestamp, if its form has one, is over the whole envelope, as cosign's are.
    """
    statement = document(
        {
            "_type": _STATEMENT,
            "predicateType": predicate_type,
            "subject": [{"name": name, "digest": {"sha256": image.hex}}],
            "predicate": dict(predicate or {}),
        }
    )
    bundle = json.loads(lab.envelope(statement, **_legacy(options)))
    raw = document(_uploaded(bundle["dsseEnvelope"], options.get("form") or ""))
    annotations = annotations_of(bundle) | {
        "dev.cosignproject.cosign/signature": "",
        "predicateType": predicate_type,
    }
    if "dev.sigstore.cosign/rfc3161timestamp" in annotations:
        annotations["dev.sigstore.cosign/rfc3161timestamp"] = _stamp(lab.stamp(raw))
    return store.put(DSSE, raw).descriptor(annotations=annotations)


def _uploaded(envelope: dict[str, Any], form: str) -> dict[str, Any]:
    """Return an envelope as the log was sent it, and so as cosign keeps it."""
    if "intoto-0.0.1" not in form:
        return envelope
    (made,) = envelope["signatures"]
    return {
        "payloadType": envelope["payloadType"],
        "payload": envelope["payload"],
        "signatures": [{"keyid": made.get("keyid", ""), "sig": made["sig"]}],
    }


def signed_bundle(
    store: Store,
    lab: Lab,
    image: Blob,
    predicate_type: str = SIGN,
    predicate: Mapping[str, Any] | None = None,
    **options: Unpack[Options],
) -> tuple[Blob, Blob]:
    """Sign as cosign 3 does; return the referrer and the bundle that is its layer."""
    statement = document(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": image.hex}}],
            "predicateType": predicate_type,
            "predicate": dict(predicate or {}),
        }
    )
    layer = store.put(BUNDLE, lab.envelope(statement, **options))
    annotations = {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": predicate_type,
    }
    return store.referrer(image, BUNDLE, layer, **annotations), layer


def annotations_of(bundle: Mapping[str, Any]) -> dict[str, str]:
    """Return certificate, log entry and timestamp of a bundle as a layer has them."""
    material = bundle["verificationMaterial"]
    found: dict[str, str] = {}
    chain = material.get("x509CertificateChain", {}).get("certificates", [])
    if chain:
        found["dev.sigstore.cosign/certificate"] = pem(chain[0]["rawBytes"])
    for entry in material.get("tlogEntries", []):
        found["dev.sigstore.cosign/bundle"] = document(
            {
                "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                "Payload": {
                    "body": entry["canonicalizedBody"],
                    "integratedTime": int(entry["integratedTime"]),
                    "logIndex": int(entry["logIndex"]),
                    "logID": b64decode(entry["logId"]["keyId"]).hex(),
                },
            }
        ).decode()
    for stamp in material.get("timestampVerificationData", {}).get("rfc3161Timestamps", []):
        found["dev.sigstore.cosign/rfc3161timestamp"] = _stamp(b64decode(stamp["signedTimestamp"]))
    return found


def _legacy(options: Options) -> Options:
    return Options(version="0.1") | options


def _stamp(token: bytes) -> str:
    return document({"SignedRFC3161Timestamp": base64(token)}).decode()


def pem(text: str) -> str:
    """Return a certificate in base64 as PEM."""
    return f"-----BEGIN CERTIFICATE-----\n{fill(text, 64)}\n-----END CERTIFICATE-----\n"
