"""kit.formats.glance: never one digest algorithm too few, and no crash on anything."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import glance
from tests.lab import Lab

LAB = Lab("acme", shape="full")
FILE = b"the artifact"
TYPE = "application/vnd.in-toto+json"
BOTH = {"sha384", "sha512"}


def stating(**digests: str) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "tool", "digest": digests}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {},
    }


def digests(*names: str) -> dict[str, str]:
    return {name: hashlib.new(name, FILE).hexdigest() for name in names}


def bundle(payload: bytes) -> bytes:
    envelope = {"payload": b64encode(payload).decode(), "payloadType": TYPE}
    return json.dumps({"dsseEnvelope": envelope}).encode()


@pytest.mark.parametrize("names", [["sha256"], ["sha512"], ["sha256", "sha384", "sha512"]])
def test_every_digest_of_a_subject_is_named(names: list[str]) -> None:
    signed = LAB.envelope(json.dumps(stating(**digests(*names))).encode(), TYPE)
    assert glance.algorithms(signed) == set(names)


def test_an_escaped_name_is_named_too() -> None:
    text = json.dumps(stating(**digests("sha256", "sha512")))
    escaped = text.replace('"sha512"', '"sha5\\u0031\\u0032"')
    assert escaped != text
    assert glance.algorithms(bundle(escaped.encode())) == {"sha256", "sha512"}


@pytest.mark.parametrize("rekor", ["v1", "v2"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_the_digest_of_a_message_signature_is_named(algorithm: str, rekor: str) -> None:
    signed = LAB.sign(FILE, algorithm=algorithm, key_type="rsa3072", rekor=rekor)
    assert glance.algorithms(signed) == {algorithm}
    value = json.loads(signed)
    del value["messageSignature"]["messageDigest"]  # the log entry says it as well
    assert glance.algorithms(json.dumps(value).encode()) == {algorithm}
    value = json.loads(signed)
    del value["verificationMaterial"]["tlogEntries"]  # and so does the hint alone
    assert glance.algorithms(json.dumps(value).encode()) == {algorithm}


def test_a_message_signature_that_says_nothing_may_be_over_the_larger_ones() -> None:
    value = {"messageSignature": {"signature": "AAAA"}, "verificationMaterial": {}}
    assert glance.algorithms(json.dumps(value).encode()) == BOTH


DEEP = b'{"dsseEnvelope":' + b'{"payload":' * 2000 + b"1" + b"}" * 2001
HOSTILE = {
    "empty": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"a":"\xff"}',
    "a list": b"[]",
    "too deep": DEEP,
    "far too deep": b"[" * 200_000,
    "a huge integer": b'{"dsseEnvelope":' + b"9" * 5000 + b"}",
    "a surrogate": b'{"dsseEnvelope":{"payload":"\\ud800"}}',
    "an envelope of another type": b'{"dsseEnvelope":[]}',
    "a payload of another type": b'{"dsseEnvelope":{"payload":{}}}',
    "a payload that is not base64": b'{"dsseEnvelope":{"payload":"-+"}}',
    "an escaped payload that is no JSON": bundle(b'\\"sha512"'),
    "an escaped payload that is not UTF-8": bundle(b"\\\xff"),
    "an escaped payload that is too deep": bundle(b'"\\n"' + b"[" * 200_000),
    "no content": b'{"verificationMaterial":{}}',
    "no material": b'{"messageSignature":{}}',
    "material of another type": b'{"messageSignature":{},"verificationMaterial":[]}',
    "entries of another type": (
        b'{"messageSignature":{},"verificationMaterial":{"tlogEntries":{"a":1}}}'
    ),
    "an entry of another type": (
        b'{"messageSignature":{},"verificationMaterial":{"tlogEntries":[1]}}'
    ),
    "too many entries": (
        b'{"messageSignature":{},"verificationMaterial":{"tlogEntries":[' + b"{}," * 99 + b"{}]}}"
    ),
    "a hint of another type": (
        b'{"messageSignature":{"messageDigest":{"algorithm":[]}},"verificationMaterial":{}}'
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_bytes_are_malformed_and_nothing_else(case: str) -> None:
    with pytest.raises(MalformedError):
        glance.algorithms(HOSTILE[case])
