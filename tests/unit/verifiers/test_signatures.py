"""Signatures that are written wrongly, all else being right: logged, promised and stamped so.

What the bundle has, the log was told as well, unless a test says otherwise: only the
signature itself can refuse these.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.lab import keys, signing
from tests.lab.content import Content
from tests.unit.lab.judges import made, verdict
from tests.unit.lab.judges import verifier as library
from tests.unit.verifiers.trying import code, lab, verifier

FULL = lab("full")
N = ec.SECP256R1.group_order
OPTIONS: list[dict[str, Any]] = [{}, {"rekor": "v2"}, {"form": "keyed"}, {"form": "two-entries"}]
Change = Callable[[bytes], bytes]


def numbers(signature: bytes) -> tuple[int, int]:
    return utils.decode_dss_signature(signature)


def encoded(r: int, s: int) -> bytes:
    return utils.encode_dss_signature(r, s)


def der(r: bytes, s: bytes) -> bytes:
    inner = b"\x02" + bytes([len(r)]) + r + b"\x02" + bytes([len(s)]) + s
    return b"\x30" + bytes([len(inner)]) + inner


def parts(signature: bytes) -> tuple[bytes, bytes]:
    """Return r and s as DER writes them."""
    r_size = signature[3]
    return signature[4 : 4 + r_size], signature[6 + r_size :]


def _raw(signature: bytes) -> bytes:
    return b"".join(number.to_bytes(32, "big") for number in numbers(signature))


def _negative_r(signature: bytes) -> bytes:
    r, s = numbers(signature)
    return der((r - (1 << 256)).to_bytes(33, "big", signed=True), parts(encoded(1, s))[1])


WRONG: dict[str, Change] = {
    "raw r and s": _raw,
    "truncated": lambda sig: sig[:-1],
    "half": lambda sig: sig[: len(sig) // 2],
    "one byte": lambda sig: sig[:1],
    "trailing zero": lambda sig: sig + b"\0",
    "trailing bytes": lambda sig: sig + b"\x02\x01\x01",
    "twice": lambda sig: sig * 2,
    "a third number": lambda sig: bytes([0x30, sig[1] + 3]) + sig[2:] + b"\x02\x01\x01",
    "long length": lambda sig: sig[:1] + b"\x81" + sig[1:],
    "longer length": lambda sig: sig[:1] + b"\x82\x00" + sig[1:],
    "indefinite length": lambda sig: b"\x30\x80" + sig[2:] + b"\0\0",
    "long length of r": lambda sig: bytes([0x30, sig[1] + 1, 2, 0x81]) + sig[3:],
    "padded r": lambda sig: der(b"\0" + parts(sig)[0], parts(sig)[1]),
    "padded s": lambda sig: der(parts(sig)[0], b"\0" + parts(sig)[1]),
    "negative r": _negative_r,
    "a set": lambda sig: b"\x31" + sig[1:],
    "zero r": lambda sig: encoded(0, numbers(sig)[1]),
    "zero s": lambda sig: encoded(numbers(sig)[0], 0),
    "zeros": lambda _: encoded(0, 0),
    "r over the order": lambda sig: encoded(numbers(sig)[0] + N, numbers(sig)[1]),
    "s over the order": lambda sig: encoded(numbers(sig)[0], numbers(sig)[1] + N),
    "the order": lambda _: encoded(N, N),
    "ones": lambda _: encoded(1, 1),
    "r and s changed over": lambda sig: encoded(*reversed(numbers(sig))),
    "text": b64encode,
}


def rewritten(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """Have the signer write its signatures otherwise."""
    sign = signing.Signer.sign

    def other(signer: signing.Signer, content: Content, algorithm: str) -> bytes:
        return change(sign(signer, content, algorithm))

    monkeypatch.setattr(signing.Signer, "sign", other)


@pytest.mark.parametrize("name", WRONG)
def test_another_spelling_of_a_signature_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rewritten(monkeypatch, WRONG[name])
    for options in OPTIONS:
        judge = verifier("full", keyed=options.get("form") == "keyed")
        for content in ("message", "envelope"):
            raw = made(FULL, content, **options)
            assert code(judge, raw) == "sigstore.signature", (options, content)


def test_an_empty_signature_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten(monkeypatch, lambda _: b"")
    for content in ("message", "envelope"):
        assert code(verifier("full"), made(FULL, content)) == "evidence.malformed"


def test_the_twin_of_a_signature_holds_if_it_is_the_logged_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The field takes (r, n - s) for what it is: a signature. Which of the two, the log says.
    judge = library(FULL.trusted_root())
    rewritten(monkeypatch, keys.twin)
    for content in ("message", "envelope"):
        for rekor in ("v1", "v2"):
            raw = made(FULL, content, rekor=rekor)
            assert (verdict(judge, raw), code(verifier("full"), raw)) == ("", "")


@pytest.mark.parametrize(
    ("content", "options"),
    [
        *((content, options) for content in ("message", "envelope") for options in OPTIONS),
        ("message", {"form": "two-logs"}),
        ("envelope", {"form": "two-logs"}),
        ("envelope", {"form": "intoto"}),
        ("envelope", {"form": "keyed+intoto"}),
    ],
)
def test_a_bundle_never_has_another_signature_than_the_log(
    content: str, options: dict[str, Any]
) -> None:
    # The same changes to the bundle alone; the twin holds for key and bytes, and is not logged.
    judge = verifier("full", keyed="keyed" in options.get("form", ""))
    value = json.loads(made(FULL, content, **options))
    place, name = value.get("messageSignature"), "signature"
    if place is None:
        place, name = value["dsseEnvelope"]["signatures"][0], "sig"
    # A timestamp is over the signature, and is looked at first.
    stamped = "timestampVerificationData" in value["verificationMaterial"]
    right = b64decode(place[name])
    for change in (keys.twin, *WRONG.values()):
        place[name] = b64encode(change(right)).decode()
        told = code(judge, json.dumps(value).encode())
        assert told == ("sigstore.timestamp" if stamped else "sigstore.entry")


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()])
@pytest.mark.parametrize("content", ["message", "envelope"])
def test_a_signature_on_another_curve_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, content: str, curve: ec.EllipticCurve
) -> None:
    key = ec.derive_private_key(0x1234567890ABCDEF, curve)

    def sign(_: signing.Signer, content: Content, algorithm: str) -> bytes:
        return keys.sign_digest(key, content.hashed(algorithm), algorithm)

    monkeypatch.setattr(signing.Signer, "sign", sign)
    assert code(verifier("full"), made(FULL, content)) == "sigstore.signature"


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA224(), hashes.SHA384()])  # noqa: S303
@pytest.mark.parametrize("rekor", ["v1", "v2"])
def test_a_signature_over_another_hash_of_an_envelope_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, rekor: str, algorithm: hashes.HashAlgorithm
) -> None:
    def sign(signer: signing.Signer, content: Any, _: str) -> bytes:
        key: Any = signer.key
        return bytes(key.sign(content.pae, ec.ECDSA(algorithm, deterministic_signing=True)))

    monkeypatch.setattr(signing.Signer, "sign", sign)
    assert code(verifier("full"), made(FULL, "envelope", rekor=rekor)) == "sigstore.signature"


@pytest.mark.parametrize("rekor", ["v1", "v2"])
def test_a_signature_over_the_payload_and_not_its_encoding_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, rekor: str
) -> None:
    def sign(signer: signing.Signer, content: Any, _: str) -> bytes:
        return keys.sign(signer.key, content.payload)

    monkeypatch.setattr(signing.Signer, "sign", sign)
    assert code(verifier("full"), made(FULL, "envelope", rekor=rekor)) == "sigstore.signature"
