"""Entries of a Rekor v2: no promise, no time, and a checkpoint that others may sign, too."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from tests.lab import AT, VERSIONS, Lab
from tests.lab.keys import Seed
from tests.unit.lab.judges import ARTIFACT, made, signature_of, verdict, verifier

FULL = Lab("acme", shape="full")
JUDGE = verifier(FULL.trusted_root())
CONTENTS = ["message", "envelope"]


def log() -> Any:
    (found,) = (
        each
        for each in json.loads(FULL.trusted_root())["tlogs"]
        if each["publicKey"]["keyDetails"] == "PKIX_ED25519"
    )
    return found


def entry_of(bundle: bytes) -> Any:
    (entry,) = json.loads(bundle)["verificationMaterial"]["tlogEntries"]
    return entry


def note_of(bundle: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the text of the checkpoint, and its signatures by name."""
    envelope: str = entry_of(bundle)["inclusionProof"]["checkpoint"]["envelope"]
    text, _, lines = envelope.rpartition("\n\n")
    signatures = []
    for line in lines.splitlines():
        dash, name, blob = line.split(" ")
        assert dash == "\N{EM DASH}"
        signatures.append((name, b64decode(blob)))
    return f"{text}\n", signatures


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("content", CONTENTS)
def test_sigstore_python_accepts(content: str, version: str) -> None:
    says = verdict(JUDGE, made(FULL, content, rekor="v2", version=version))
    # Version 0.1 wants a promise, which this log does not give.
    assert says == ("bundle must contain an inclusion promise" if version == "0.1" else "")


@pytest.mark.parametrize("content", CONTENTS)
def test_the_timestamp_is_all_the_time_there_is(content: str) -> None:
    bundle = made(FULL, content, rekor="v2")
    assert not {"integratedTime", "inclusionPromise"} & set(entry_of(bundle))
    assert "timestampVerificationData" in json.loads(bundle)["verificationMaterial"]


def test_the_log_is_named_as_c2sp_has_it() -> None:
    listed = log()
    host = listed["baseUrl"].removeprefix("https://")
    key = load_der_public_key(b64decode(listed["publicKey"]["rawBytes"]))
    assert isinstance(key, ed25519.Ed25519PublicKey)
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    log_id = hashlib.sha256(host.encode() + b"\n\x01" + raw).digest()
    assert b64decode(listed["logId"]["keyId"]) == log_id
    bundle = made(FULL, "message", rekor="v2")
    assert entry_of(bundle)["logId"] == listed["logId"]
    text, ((name, blob),) = note_of(bundle)
    assert text.split("\n")[0] == name == host
    assert blob[:4] == log_id[:4]
    key.verify(blob[4:], text.encode())


def test_a_body_has_the_digest_of_what_is_signed() -> None:
    for content in CONTENTS:
        bundle = made(FULL, content, rekor="v2")
        whole, entry = json.loads(bundle), entry_of(bundle)
        body = json.loads(b64decode(entry["canonicalizedBody"]))
        assert entry["kindVersion"] == {"kind": body["kind"], "version": body["apiVersion"]}
        said = body["spec"]["hashedRekordV002"]
        if content == "envelope":
            kind, payload = "application/vnd.in-toto+json", whole["dsseEnvelope"]["payload"]
            octets = b64decode(payload)
            signed = f"DSSEv1 {len(kind)} {kind} {len(octets)} ".encode() + octets
        else:
            signed = ARTIFACT
        assert b64decode(said["data"]["digest"]) == hashlib.sha256(signed).digest()
        assert b64decode(said["signature"]["content"]) == signature_of(whole)
        leaf = whole["verificationMaterial"]["certificate"]
        assert said["signature"]["verifier"] == {
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "x509Certificate": leaf,
        }


def test_a_keyed_body_has_the_key() -> None:
    entry = entry_of(made(FULL, "message", rekor="v2", form="keyed"))
    body = json.loads(b64decode(entry["canonicalizedBody"]))
    told = body["spec"]["hashedRekordV002"]["signature"]["verifier"]
    lines = FULL.public_key().decode().splitlines()
    assert told["publicKey"]["rawBytes"] == "".join(lines[1:-1])


def test_witnesses_sign_the_time_and_the_same_text() -> None:
    bundle = made(FULL, "message", rekor="v2", form="cosigned")
    text, (own, *others) = note_of(bundle)
    assert (text, [own]) == note_of(made(FULL, "message", rekor="v2"))
    for name, blob in others:
        key = Seed(("acme", "tiles")).ed25519("witness", name.partition(".")[0]).public_key()
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        assert blob[:4] == hashlib.sha256(name.encode() + b"\n\x04" + raw).digest()[:4]
        time = int.from_bytes(blob[4:12], "big")
        assert time == AT.timestamp()
        key.verify(blob[12:], f"cosignature/v1\ntime {time}\n{text}".encode())
    assert len(others) == 2
    assert verdict(JUDGE, bundle) == ""


@pytest.mark.parametrize("content", CONTENTS)
def test_a_signature_can_be_in_both_logs(content: str) -> None:
    bundle = json.loads(made(FULL, content, form="two-logs"))
    first, second = bundle["verificationMaterial"]["tlogEntries"]
    assert first == entry_of(made(FULL, content))
    assert second == entry_of(made(FULL, content, rekor="v2"))


def test_a_full_instance_signs_as_the_plain_one() -> None:
    for content in CONTENTS:
        assert made(FULL, content) == made(Lab("acme"), content)


@pytest.mark.parametrize("options", [{"rekor": "v2"}, {"form": "timestamp"}])
def test_a_plain_instance_has_neither_a_tsa_nor_a_second_log(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"needs a bundle with (tiles|tsa)"):
        Lab("acme").sign(ARTIFACT, **options)
