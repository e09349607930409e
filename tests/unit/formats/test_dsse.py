"""kit.formats.dsse: envelopes, and what a signature over one signs."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import dsse

PAYLOAD = b"\xfb\xef\xff?hello world"
TYPE = "http://example.com/HelloWorld"


def envelope(**changes: Any) -> dict[str, Any]:
    """Return an envelope with members changed, or left out where they are `...`."""
    value = {
        "payload": b64encode(PAYLOAD).decode(),
        "payloadType": TYPE,
        "signatures": [{"sig": b64encode(b"signature").decode(), "keyid": "key"}],
    } | changes
    return {key: item for key, item in value.items() if item is not ...}


def test_an_envelope_is_decoded() -> None:
    assert dsse.parse(envelope()) == dsse.Envelope(
        payload=PAYLOAD,
        payload_type=TYPE,
        signatures=(dsse.EnvelopeSignature(sig=b"signature", keyid="key"),),
    )


@pytest.mark.parametrize("padding", [True, False])
def test_base64_may_be_url_safe(padding: bool) -> None:
    text = urlsafe_b64encode(PAYLOAD).decode()
    assert "-" in text
    assert dsse.parse(envelope(payload=text if padding else text.rstrip("="))).payload == PAYLOAD


@pytest.mark.parametrize("keyid", [..., None, ""])
def test_a_key_hint_may_be_absent(keyid: Any) -> None:
    signature = {"sig": "QQ==", "keyid": keyid}
    if keyid is ...:
        del signature["keyid"]
    assert dsse.parse(envelope(signatures=[signature])).signatures[0].keyid == ""


def test_unknown_fields_are_ignored() -> None:
    assert dsse.parse(envelope(extra=1)) == dsse.parse(envelope())


def test_an_empty_payload_is_one() -> None:
    assert dsse.parse(envelope(payload="")).payload == b""


MALFORMED: dict[str, tuple[Any, str]] = {
    "no object": ([], "is not an object"),
    "no payload": (envelope(payload=...), "payload is missing"),
    "payload no text": (envelope(payload=1), "payload is not a string"),
    "payload with junk": (envelope(payload="aGVs bG8="), "not base64"),
    "payload in two alphabets": (envelope(payload="+_+_"), "two base64 alphabets"),
    "payload with stray bits": (envelope(payload="QR=="), "not canonical base64"),
    "no type": (envelope(payloadType=...), "payloadType is missing"),
    "type empty": (envelope(payloadType=""), "payloadType is empty"),
    "type no text": (envelope(payloadType=["a"]), "payloadType is not a string"),
    "no signatures": (envelope(signatures=...), "signatures is empty"),
    "signatures empty": (envelope(signatures=[]), "signatures is empty"),
    "signatures no array": (envelope(signatures={}), "signatures is not an array"),
    "signature null": (envelope(signatures=[None]), r"signatures\[0\] is not an object"),
    "33 signatures": (envelope(signatures=[{"sig": "QQ=="}] * 33), "33 items, over 32"),
    "no sig": (envelope(signatures=[{}]), r"signatures\[0\].sig is missing"),
    "sig empty": (envelope(signatures=[{"sig": ""}]), r"signatures\[0\].sig is empty"),
    "sig junk": (envelope(signatures=[{"sig": "?"}]), "not base64"),
    "keyid no text": (envelope(signatures=[{"sig": "QQ==", "keyid": 1}]), "keyid is not a string"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_anything_else_is_malformed(name: str) -> None:
    value, rule = MALFORMED[name]
    with pytest.raises(MalformedError, match=rule):
        dsse.parse(value)


# Row C-090: some implementations count characters, some bytes.
@pytest.mark.parametrize("kind", ["té/xt", "text/plain\n", "text\0plain", "\u202etext"])
def test_a_payload_type_that_is_not_printable_ascii_is_malformed(kind: str) -> None:
    with pytest.raises(MalformedError, match="payloadType is not printable ASCII"):
        dsse.parse(envelope(payloadType=kind))


def test_what_is_rendered_is_parsed_back() -> None:
    parsed = dsse.parse(envelope(signatures=[{"sig": "QQ==", "keyid": "a"}, {"sig": "Qg=="}]))
    assert dsse.parse(dsse.render(parsed)) == parsed


def test_the_signed_bytes_are_those_of_the_specification() -> None:
    # protocol.md, "Test Vectors".
    signed = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert dsse.pae(TYPE, b"hello world") == signed


def test_the_signed_bytes_count_bytes_and_not_characters() -> None:
    assert dsse.pae("t", "é".encode()) == b"DSSEv1 1 t 2 \xc3\xa9"
