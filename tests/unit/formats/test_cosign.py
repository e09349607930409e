"""kit.formats.cosign: payloads and annotations as bundles; kit.formats.helm_chart, image_config."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import cosign, helm_chart, image_config, sigstore_bundle
from kit.formats.dsse import Envelope
from kit.formats.oci_platform import Platform
from kit.formats.sigstore_bundle import MessageSignature
from kit.model import Digest
from tests.lab import Lab
from tests.lab import cosign as lab_cosign
from tests.lab.images import Store

LAB = Lab("acme", shape="full")
HEX = "1f" * 32
PAYLOAD: dict[str, Any] = {
    "critical": {
        "identity": {"docker-reference": "ghcr.io/acme/tool"},
        "image": {"docker-manifest-digest": f"sha256:{HEX}"},
        "type": "cosign container image signature",
    },
    "optional": None,
}


def payload(**critical: Any) -> bytes:
    return json.dumps(PAYLOAD | {"critical": PAYLOAD["critical"] | critical}).encode()


def test_a_payload_names_an_image_and_its_repository() -> None:
    found = cosign.parse_payload(payload())
    assert found.digest == Digest("sha256", HEX)
    assert found.reference == "ghcr.io/acme/tool"
    assert cosign.parse_payload(payload(identity={"docker-reference": ""})).reference == ""
    assert cosign.parse_payload(payload(identity={})).reference == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"critical": null}',
        payload(type="atomic container signature"),
        payload(type=None),
        payload(image=None),
        payload(image={"docker-manifest-digest": HEX}),
        payload(image={"docker-manifest-digest": f"sha512:{HEX * 2}"}),
        payload(image={"docker-manifest-digest": f"sha256:{HEX.upper()}"}),
        payload(identity=None),
        payload(identity={"docker-reference": 1}),
        payload(identity={"docker-reference": "a" * 2049}),
        payload().replace(b'"type"', b'"type": "x", "type"'),
        payload() + b"{}",
        b" " * (1 << 20) + payload(),
    ],
)
def test_what_is_no_payload_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        cosign.parse_payload(raw)


def layer(**options: Any) -> tuple[bytes, dict[str, str]]:
    store = Store()
    made = lab_cosign.signature(store, LAB, store.image(), "ghcr.io/acme/tool", **options)
    return store.blobs[made["digest"].removeprefix("sha256:")], made["annotations"]


def test_a_signature_s_layer_is_a_bundle_over_its_payload() -> None:
    raw, annotations = layer(form="timestamp")
    bundle = cosign.signature_bundle(raw, annotations)
    assert isinstance(bundle.content, MessageSignature)
    assert bundle.content.hint == Digest("sha256", hashlib.sha256(raw).hexdigest())
    assert (bundle.version, len(bundle.entries), len(bundle.timestamps)) == ("0.1", 1, 1)
    assert bundle.key_hint is None
    # It can be written as the bundle that it is, and read again.
    assert sigstore_bundle.parse(sigstore_bundle.render(bundle)) == bundle


def test_a_keyed_signature_has_no_certificate() -> None:
    bundle = cosign.signature_bundle(*layer(form="keyed"))
    assert (bundle.certificates, bundle.key_hint) == ((), "")


def test_an_attestation_s_layer_is_a_bundle_of_its_envelope() -> None:
    store = Store()
    made = lab_cosign.attestation(store, LAB, store.image(), "https://acme.test/type")
    raw = store.blobs[made["digest"].removeprefix("sha256:")]
    bundle = cosign.attestation_bundle(raw, made["annotations"])
    assert isinstance(bundle.content, Envelope)
    assert len(bundle.certificates) == 1


def test_intermediates_are_carried_and_a_root_is_not() -> None:
    raw, annotations = layer()
    root = json.loads(LAB.trusted_root())["certificateAuthorities"][0]["certChain"]["certificates"]
    chain = "".join(lab_cosign.pem(each["rawBytes"]) for each in root)
    bundle = cosign.signature_bundle(raw, annotations | {cosign.CHAIN: chain})
    assert len(bundle.certificates) == len(root)  # the leaf, and all but the root


@pytest.mark.parametrize(
    "changes",
    [
        {cosign.SIGNATURE: ""},
        {cosign.SIGNATURE: "AAA"},
        {cosign.SIGNATURE: "AA-_"},
        {cosign.CERTIFICATE: "x"},
        {cosign.CHAIN: "x"},
        {cosign.CHAIN: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {cosign.BUNDLE: "x"},
        {cosign.BUNDLE: "[]"},
        {cosign.TIMESTAMP: "x"},
        {cosign.TIMESTAMP: "{}"},
        {cosign.TIMESTAMP: '{"SignedRFC3161Timestamp": "x"}'},
        {cosign.TIMESTAMP: '{"SignedRFC3161Timestamp": ""}'},
        {cosign.BUNDLE: "{" * 100_000},
        {cosign.SIGNATURE: "\ud800"},
    ],
)
def test_annotations_that_prove_nothing_are_malformed(changes: dict[str, str]) -> None:
    raw, annotations = layer()
    with pytest.raises(MalformedError):
        cosign.signature_bundle(raw, annotations | changes)


def test_a_long_chain_is_refused() -> None:
    raw, annotations = layer()
    chain = annotations[cosign.CERTIFICATE] * 8
    with pytest.raises(MalformedError, match="over 7"):
        cosign.signature_bundle(raw, annotations | {cosign.CHAIN: chain})


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"payload": "", "payloadType": "a"}'])
def test_what_is_no_envelope_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        cosign.attestation_bundle(raw, {})


def test_an_envelope_of_two_signatures_is_refused() -> None:
    value = {"payload": "", "payloadType": "a", "signatures": [{"sig": "AA=="}, {"sig": "AA=="}]}
    with pytest.raises(MalformedError, match="2 signatures"):
        cosign.attestation_bundle(json.dumps(value).encode(), {})


# ---- configs ------------------------------------------------------------------------


def test_a_config_names_its_platform() -> None:
    raw = json.dumps({"os": "linux", "architecture": "arm64", "variant": "v8"}).encode()
    assert image_config.platform(raw) == Platform(os="linux", architecture="arm64", variant="v8")


@pytest.mark.parametrize(
    "value", [[], {}, {"os": "linux"}, {"os": 1, "architecture": "a"}, {"os": "l" * 129}]
)
def test_a_config_without_a_platform_is_refused(value: Any) -> None:
    with pytest.raises(MalformedError):
        image_config.platform(json.dumps(value).encode())


def test_a_chart_s_tag_has_no_plus() -> None:
    chart = helm_chart.parse(b'{"name": "tool", "version": "1.0.0+build.1"}')
    assert (chart.name, chart.version, chart.tag) == ("tool", "1.0.0+build.1", "1.0.0_build.1")


@pytest.mark.parametrize(
    "value",
    [
        [], {}, {"name": "a"}, {"name": "..", "version": "1"}, {"name": "a/b", "version": "1"},
        {"name": "a", "version": ""}, {"name": "a", "version": "1/2"},
        {"name": "a\n", "version": "1"}, {"name": "-a", "version": "1"},
        {"name": "a" * 251, "version": "1"},
    ],
)  # fmt: skip
def test_what_is_no_chart_is_refused(value: Any) -> None:
    with pytest.raises(MalformedError) as caught:
        helm_chart.parse(json.dumps(value).encode())
    assert caught.value.code == "helm.malformed"
