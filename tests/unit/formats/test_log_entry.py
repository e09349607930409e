"""intoto 0.0.1: an entry that has neither signature nor payload, but a digest of the envelope."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import log_entry, public_key, sigstore_bundle, strictjson
from kit.formats.dsse import Envelope, EnvelopeSignature
from kit.formats.log_entry_body import Signer
from kit.formats.sigstore_bundle import LogEntry, MessageSignature
from tests.lab import Lab

LAB = Lab("acme")
PEM = LAB.public_key()
SIGNER = Signer(der=public_key.from_pem(PEM), is_certificate=False)
ENVELOPE = Envelope(
    payload=b'{"a":"b"}',
    payload_type="application/vnd.in-toto+json",
    signatures=(EnvelopeSignature(sig=b"\xfb\xff signature", keyid=""),),
)
# By hand, as Go writes what Rekor v1 was sent: in this order, an empty keyid, no spaces.
UPLOADED = (
    b'{"payloadType":"application/vnd.in-toto+json","payload":"eyJhIjoiYiJ9",'
    b'"signatures":[{"keyid":"","sig":"+/8gc2lnbmF0dXJl"}]}'
)


def told(raw: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(raw).hexdigest()}


def entry(content: dict[str, Any]) -> LogEntry:
    """Return an entry with this content."""
    spec = {"content": content, "publicKey": b64encode(PEM).decode()}
    body = {"apiVersion": "0.0.1", "kind": "intoto", "spec": spec}
    return LogEntry(
        index=0,
        log_id=bytes(32),
        kind="intoto",
        version="0.0.1",
        integrated_time=None,
        promise=None,
        proof=None,
        body=strictjson.canonical(body).removesuffix(b"\n"),
    )


def disagreement(
    content: dict[str, Any], envelope: Envelope = ENVELOPE, signer: Signer = SIGNER
) -> str | None:
    return log_entry.disagreement(log_entry.parse(entry(content)), envelope, signer)


def signed(**changes: Any) -> Envelope:
    (signature,) = ENVELOPE.signatures
    return replace(ENVELOPE, signatures=(replace(signature, **changes),))


def test_the_digest_of_the_envelope_as_it_was_sent_is_enough() -> None:
    assert disagreement({"hash": told(UPLOADED)}) is None
    named = UPLOADED.replace(b'"keyid":""', b'"keyid":"release"')
    assert disagreement({"hash": told(named)}, signed(keyid="release")) is None


@pytest.mark.parametrize(
    ("keyid", "written"),
    [("a&b", r"a\u0026b"), ("<k>", r"\u003ck\u003e"), ("é", "é"), ("\u2028", r"\u2028"),
     ('"', r"\"")],
)  # fmt: skip
def test_a_keyid_is_escaped_as_go_does_it(keyid: str, written: str) -> None:
    raw = UPLOADED.replace(b'"keyid":""', f'"keyid":"{written}"'.encode())
    assert disagreement({"hash": told(raw)}, signed(keyid=keyid)) is None


ENVELOPES = {
    "another payload": replace(ENVELOPE, payload=b'{"a":"c"}'),
    "another type": replace(ENVELOPE, payload_type="text/plain"),
    "another signature": signed(sig=b"another"),
    "another keyid": signed(keyid="release"),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_the_digest_of_another_envelope_is_refused(name: str) -> None:
    assert disagreement({"hash": told(UPLOADED)}, ENVELOPES[name]) is not None


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(json.loads(UPLOADED)).encode(),
        UPLOADED + b"\n",
        UPLOADED.replace(b'"keyid":"",', b""),
        strictjson.canonical(json.loads(UPLOADED)),
        UPLOADED.replace(b"+/", b"-_"),
        b"",
    ],
    ids=["spaces", "newline", "no keyid", "sorted", "other alphabet", "nothing"],
)
def test_the_digest_of_another_writing_is_refused(raw: bytes) -> None:
    assert disagreement({"hash": told(raw)}) == "the log entry is about another envelope"


def test_where_it_has_the_digest_of_the_payload_that_counts() -> None:
    right, wrong = told(ENVELOPE.payload), told(b"another payload")
    assert disagreement({"hash": told(b"as uploaded"), "payloadHash": right}) is None
    assert disagreement({"hash": told(UPLOADED), "payloadHash": wrong}) is not None


def test_another_signer_or_content_is_refused() -> None:
    content = {"hash": told(UPLOADED)}
    other = Signer(der=public_key.from_pem(LAB.public_key("other")), is_certificate=False)
    for signer in (other, replace(SIGNER, is_certificate=True)):
        assert disagreement(content, signer=signer) is not None
    message = MessageSignature(signature=ENVELOPE.signatures[0].sig, hint=None)
    logged = log_entry.parse(entry(content))
    assert log_entry.disagreement(logged, message, SIGNER) is not None


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"payloadHash": told(ENVELOPE.payload)},
        {"hash": None},
        {"hash": {"algorithm": "sha1", "value": "0" * 40}},
        {"hash": told(UPLOADED) | {"value": "0"}},
        {"hash": told(UPLOADED) | {"value": told(UPLOADED)["value"].upper()}},
    ],
)
def test_without_a_digest_it_is_malformed(content: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        log_entry.parse(entry(content))


def test_a_keyid_that_is_no_text_is_malformed() -> None:
    value = json.loads(LAB.attest({"a": b"a"}, form="keyed+intoto-0.0.1-bare"))
    value["dsseEnvelope"]["signatures"][0]["keyid"] = "\ud800"
    with pytest.raises(MalformedError):
        sigstore_bundle.parse(json.dumps(value).encode())
