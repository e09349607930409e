"""The rarer forms are right: what sigstore-python cannot read is checked by hand."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from tests.lab import FORMS, VERSIONS, Lab

ARTIFACT = b"tool-1.0\n"
LAB = Lab("acme")


def signed(**options: Any) -> Any:
    return json.loads(LAB.sign(ARTIFACT, **options))


def attested(**options: Any) -> Any:
    return json.loads(LAB.attest({"tool-1.0": ARTIFACT}, **options))


def entries(bundle: Any) -> Any:
    return bundle["verificationMaterial"]["tlogEntries"]


def verify(key: object, signature: str, message: bytes) -> None:
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(b64decode(signature), message, ec.ECDSA(hashes.SHA256()))


def pae(envelope: Any) -> bytes:
    payload_type, payload = envelope["payloadType"].encode(), b64decode(envelope["payload"])
    return b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type, len(payload), payload)


@pytest.mark.parametrize("version", VERSIONS)
def test_versions_differ_in_how_they_carry_the_leaf(version: str) -> None:
    bundle = signed(version=version)
    material = bundle["verificationMaterial"]
    assert bundle["mediaType"] == VERSIONS[version]
    if version in {"0.1", "0.2"}:
        (leaf,) = material["x509CertificateChain"]["certificates"]
        assert "certificate" not in material
    else:
        leaf = material["certificate"]
        assert "x509CertificateChain" not in material
    certificate = x509.load_der_x509_certificate(b64decode(leaf["rawBytes"]))
    assert list(certificate.subject) == []


def test_a_promise_holds_alone() -> None:
    bundle = signed(form="promise-only")
    (entry,) = entries(bundle)
    assert bundle["mediaType"] == VERSIONS["0.1"]
    assert "inclusionProof" not in entry
    promised = {
        "body": entry["canonicalizedBody"],
        "integratedTime": int(entry["integratedTime"]),
        "logID": b64decode(entry["logId"]["keyId"]).hex(),
        "logIndex": int(entry["logIndex"]),
    }
    log = json.loads(LAB.trusted_root())["tlogs"][0]["publicKey"]["rawBytes"]
    verify(
        load_der_public_key(b64decode(log)),
        entry["inclusionPromise"]["signedEntryTimestamp"],
        json.dumps(promised, sort_keys=True, separators=(",", ":")).encode(),
    )


def test_a_proof_without_checkpoint_is_the_same_proof() -> None:
    bundle = signed(form="no-checkpoint")
    (entry,), (whole,) = entries(bundle), entries(signed())
    assert bundle["mediaType"] == VERSIONS["0.1"]
    assert set(whole["inclusionProof"]) - set(entry["inclusionProof"]) == {"checkpoint"}
    assert whole["inclusionProof"].items() > entry["inclusionProof"].items()


def test_a_keyed_message_holds_under_the_key() -> None:
    bundle = signed(form="keyed")
    pem = LAB.public_key()
    key = load_pem_public_key(pem)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    material = bundle["verificationMaterial"]
    assert material.keys() == {"publicKey", "tlogEntries"}
    assert material["publicKey"]["hint"] == b64encode(hashlib.sha256(der).digest()).decode()
    verify(key, bundle["messageSignature"]["signature"], ARTIFACT)
    body = json.loads(b64decode(entries(bundle)[0]["canonicalizedBody"]))
    assert b64decode(body["spec"]["signature"]["publicKey"]["content"]) == pem


def test_a_keyed_envelope_names_its_key() -> None:
    bundle = attested(form="keyed", key="backup")
    (signature,) = bundle["dsseEnvelope"]["signatures"]
    assert signature["keyid"] == bundle["verificationMaterial"]["publicKey"]["hint"]
    key = load_pem_public_key(LAB.public_key("backup"))
    verify(key, signature["sig"], pae(bundle["dsseEnvelope"]))


def test_without_a_log_there_is_no_entry() -> None:
    bundle = signed(form="no-log")
    assert bundle["mediaType"] == VERSIONS["0.3"]
    assert entries(bundle) == []


def test_two_entries_are_of_two_shards_of_one_log() -> None:
    first, second = entries(signed(form="two-entries"))
    assert [first] == entries(signed())
    assert first["canonicalizedBody"] == second["canonicalizedBody"]
    assert first["logId"] == second["logId"]
    origins = [
        entry["inclusionProof"]["checkpoint"]["envelope"].split("\n")[0]
        for entry in (first, second)
    ]
    assert origins[0] != origins[1]
    assert int(first["logIndex"]) < int(second["logIndex"])


def test_an_intoto_entry_encodes_the_signature_twice() -> None:
    bundle = attested(form="intoto")
    (entry,) = entries(bundle)
    envelope = bundle["dsseEnvelope"]
    content = json.loads(b64decode(entry["canonicalizedBody"]))["spec"]["content"]
    (told,) = content["envelope"]["signatures"]
    assert entry["kindVersion"] == {"kind": "intoto", "version": "0.0.2"}
    assert b64decode(told["sig"]).decode() == envelope["signatures"][0]["sig"]
    payload = b64decode(envelope["payload"])
    assert content["payloadHash"]["value"] == hashlib.sha256(payload).hexdigest()


def test_forms_can_be_joined() -> None:
    bundle = attested(form="keyed+intoto+promise-only")
    (entry,) = entries(bundle)
    content = json.loads(b64decode(entry["canonicalizedBody"]))["spec"]["content"]
    (told,) = content["envelope"]["signatures"]
    assert told["keyid"] == bundle["verificationMaterial"]["publicKey"]["hint"]
    assert "inclusionProof" not in entry


def test_every_form_says_why() -> None:
    assert all(form.why for form in FORMS.values())


INTOTO = ["intoto", "intoto-0.0.1", "intoto-0.0.1-bare"]


@pytest.mark.parametrize("form", INTOTO)
def test_an_intoto_entry_is_as_its_version_has_it(form: str) -> None:
    bundle = attested(form=form)
    (entry,) = entries(bundle)
    body = json.loads(b64decode(entry["canonicalizedBody"]))
    assert entry["kindVersion"] == {"kind": body["kind"], "version": body["apiVersion"]}
    content, payload = body["spec"]["content"], b64decode(bundle["dsseEnvelope"]["payload"])
    if form == "intoto-0.0.1-bare":
        assert content.keys() == {"hash"}
    else:
        assert content["payloadHash"]["value"] == hashlib.sha256(payload).hexdigest()
    told = (
        content["envelope"]["signatures"][0]["publicKey"]
        if form == "intoto"
        else body["spec"]["publicKey"]
    )
    leaf = x509.load_pem_x509_certificate(b64decode(told))
    shown = bundle["verificationMaterial"]["certificate"]["rawBytes"]
    assert leaf.public_bytes(Encoding.DER) == b64decode(shown)


@pytest.mark.parametrize("keyed", ["", "+keyed"])
@pytest.mark.parametrize("form", ["intoto-0.0.1", "intoto-0.0.1-bare"])
def test_an_old_intoto_entry_has_the_hash_of_the_envelope_as_go_writes_it(
    form: str, keyed: str
) -> None:
    bundle = attested(form=form + keyed)
    (entry,) = entries(bundle)
    envelope = bundle["dsseEnvelope"]
    (signature,) = envelope["signatures"]
    uploaded = (
        f'{{"payloadType":"{envelope["payloadType"]}","payload":"{envelope["payload"]}",'
        f'"signatures":[{{"keyid":"{signature.get("keyid", "")}","sig":"{signature["sig"]}"}}]}}'
    )
    content = json.loads(b64decode(entry["canonicalizedBody"]))["spec"]["content"]
    assert content["hash"]["value"] == hashlib.sha256(uploaded.encode()).hexdigest()


@pytest.mark.parametrize("lack", ["promise-only", "no-checkpoint"])
@pytest.mark.parametrize("form", [*INTOTO, None])
def test_every_kind_of_entry_can_be_promised_or_proved_alone(form: str | None, lack: str) -> None:
    bundle = attested(form=f"{form}+{lack}" if form else lack)
    (entry,), (whole,) = entries(bundle), entries(attested(form=form))
    assert bundle["mediaType"] == VERSIONS["0.1"]
    if lack == "promise-only":
        assert set(whole) - set(entry) == {"inclusionProof"}
    else:
        assert set(whole["inclusionProof"]) - set(entry["inclusionProof"]) == {"checkpoint"}
    assert entry["inclusionPromise"] == whole["inclusionPromise"]
