"""Trusted roots: what refuses one, what is left out, and what is only told."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kit.errors import MalformedError
from kit.formats import trusted_root, trusted_root_render
from tests.lab import Lab

ROOT = Lab("acme").trusted_root()


def parsed(change: Callable[[Any], None]) -> trusted_root.TrustedRoot:
    """Parse the lab's root after a change."""
    value = json.loads(ROOT)
    change(value)
    return trusted_root.parse(json.dumps(value).encode())


def log(value: Any) -> Any:
    """Return the root's log."""
    return value["tlogs"][0]


def b64(raw: bytes) -> str:
    """Encode as base64."""
    return base64.b64encode(raw).decode()


REFUSED: dict[str, Callable[[Any], None]] = {
    "no window": lambda v: log(v)["publicKey"].pop("validFor"),
    "no start": lambda v: log(v)["publicKey"]["validFor"].pop("start"),
    "ends before it starts": lambda v: log(v)["publicKey"]["validFor"].update(
        end="1999-01-01T00:00:00Z"
    ),
    "naive time": lambda v: log(v)["publicKey"]["validFor"].update(start="2021-01-01T00:00:00"),
    "junk key": lambda v: log(v)["publicKey"].update(rawBytes=b64(b"junk")),
    "key of another type than it says": lambda v: log(v)["publicKey"].update(
        keyDetails="PKIX_ECDSA_P384_SHA_384"
    ),
    "id of another key": lambda v: log(v)["logId"].update(keyId=b64(bytes(32))),
    "junk certificate": lambda v: v["certificateAuthorities"][0]["certChain"].update(
        certificates=[{"rawBytes": b64(b"junk")}]
    ),
    "empty chain": lambda v: v["certificateAuthorities"][0]["certChain"].update(certificates=[]),
    "unknown media type": lambda v: v.update(mediaType="application/json"),
    "nothing in it": lambda v: v.update(tlogs=[], ctlogs=[], certificateAuthorities=[]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_root_is_refused(name: str) -> None:
    # sigstore-python takes most of these.
    with pytest.raises(MalformedError):
        parsed(REFUSED[name])


def test_a_duplicate_key_refuses_the_root() -> None:
    with pytest.raises(MalformedError):
        trusted_root.parse(b'{"mediaType":"x",' + ROOT.lstrip()[1:])


def test_a_log_whose_address_was_changed_is_not_the_log_of_its_name() -> None:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    name = hashlib.sha256(b"log.example:8443\n\x01" + raw).digest()

    def v2(value: Any, url: str) -> None:
        log(value)["publicKey"].update(rawBytes=b64(spki), keyDetails="PKIX_ED25519")
        log(value).update(baseUrl=url, logId={"keyId": b64(name)})

    root = parsed(lambda value: v2(value, "https://log.example:8443/"))
    assert (root.tlogs[0].by_name, root.tlogs[0].host) == (True, "log.example:8443")
    with pytest.raises(MalformedError):
        parsed(lambda value: v2(value, "https://mallory.example/"))


def test_a_pkcs1_key_is_read_as_subject_public_key_info() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def change(value: Any) -> None:
        pkcs1 = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        log(value)["publicKey"].update(rawBytes=b64(pkcs1), keyDetails="PKCS1_RSA_PKCS1V5")
        log(value)["logId"].update(keyId=b64(hashlib.sha256(spki).digest()))

    assert parsed(change).tlogs[0].key == spki


def test_what_is_odd_is_told_and_used() -> None:
    def shared(value: Any) -> None:
        value["ctlogs"][0].update(publicKey=log(value)["publicKey"], logId=log(value)["logId"])
        value["something"] = 1

    codes = [remark.code for remark in parsed(shared).remarks]
    assert codes == ["trust.shared-key", "trust.unknown-field"]


def test_a_log_of_an_unknown_key_type_is_left_out_and_still_counts_as_listed() -> None:
    root = parsed(lambda value: log(value)["publicKey"].update(keyDetails="ML_DSA_65"))
    assert (root.tlogs, root.lists_tlogs) == ((), True)
    assert [remark.code for remark in root.remarks] == ["trust.unknown-key"]


def test_a_window_is_closed_at_both_ends() -> None:
    window = trusted_root.parse(ROOT).tlogs[0].window
    assert window.contains(window.start)
    assert window.end is None or window.contains(window.end)


def test_a_rendered_root_says_the_same() -> None:
    root = trusted_root.parse(ROOT)
    assert trusted_root.parse(trusted_root_render.render(root)) == root
