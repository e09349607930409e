"""What sigstore-python lets through and the kit must not: both verdicts (security.md 6.2).

Each test asks the library directly, so that one that has become stricter fails here, and
its row can go. W30 to W35 are of policies and of the library's own files.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from sigstore.dsse import Statement
from sigstore.hashes import Hashed
from sigstore.models import Bundle
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from sigstore_models.common.v1 import HashAlgorithm

from kit.errors import MalformedError
from kit.formats import trusted_root
from tests.lab import AT, IDENTITY
from tests.lab.content import Envelope
from tests.unit.lab.judges import ARTIFACT, made, verdict
from tests.unit.lab.judges import verifier as library
from tests.unit.verifiers.trying import KNOWN, claim, code, lab, under, verifier

FULL = lab("full")
V2 = {"rekor": "v2"}
LONG_AGO = datetime(2021, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@cache
def theirs() -> Verifier:
    return library(FULL.trusted_root())


def refused_by_the_kit_alone(told: str, **options: Any) -> None:
    """Both contents: the library accepts them, and the kit does not, with this code."""
    for content in ("message", "envelope"):
        raw = made(FULL, content, **options)
        assert verdict(theirs(), raw) == ""
        assert code(verifier("full"), raw) == told


def under_windows(told: str, windows: Mapping[str, Any], **options: Any) -> None:
    """Under a root with these windows, the library accepts, and the kit says this."""
    root = FULL.trusted_root(windows=windows)
    for content in ("message", "envelope"):
        raw = made(FULL, content, **options)
        assert verdict(library(root), raw) == ""
        assert code(under(root), raw) == told


def edited(raw: bytes, change: Callable[[Any], None]) -> bytes:
    value = json.loads(raw)
    change(value)
    return json.dumps(value).encode()


def malformed_for_the_kit_alone(raw: bytes) -> None:
    assert verdict(theirs(), raw) == ""
    assert code(verifier("full"), raw) == "evidence.malformed"


def entry_of(value: Any) -> Any:
    return value["verificationMaterial"]["tlogEntries"][0]


def test_w01_a_log_key_whose_window_was_over() -> None:
    refused_by_the_kit_alone("sigstore.log-window", spoil="rekor-window")


def test_w02_a_log_key_whose_window_had_not_begun() -> None:
    under_windows("sigstore.log-window", {"rekor": (AT + SECOND, None)})


@pytest.mark.parametrize("name", ["rekor", "rekor-v2", "ctlog", "fulcio", "tsa"])
@pytest.mark.parametrize("window", [None, (None, None), (None, AT + SECOND)])
def test_w03_an_authority_without_a_window(name: str, window: Any) -> None:
    root = FULL.trusted_root(windows={name: window})
    if window is None and name in {"rekor", "rekor-v2", "ctlog"}:
        assert verdict(library(root), made(FULL, "message", **V2)) == ""
    with pytest.raises(MalformedError):
        trusted_root.parse(root)


def test_w04_a_ct_log_key_whose_window_was_over_or_had_not_begun() -> None:
    refused_by_the_kit_alone("sigstore.sct", spoil="ct-window")
    under_windows("sigstore.sct", {"ctlog": (AT + SECOND, None)})


def test_w05_a_certificate_authority_whose_window_was_over_or_had_not_begun() -> None:
    refused_by_the_kit_alone("sigstore.ca-window", spoil="ca-window")
    for options in ({}, V2):
        under_windows("sigstore.ca-window", {"fulcio": (LONG_AGO, AT - SECOND)}, **options)
        under_windows("sigstore.ca-window", {"fulcio": (AT + SECOND, None)}, **options)


@pytest.mark.parametrize("content", ["message", "envelope"])
def test_w06_the_window_of_a_timestamp_authority_is_closed(content: str) -> None:
    raw = made(FULL, content, **V2)
    for end, told in ((AT, ""), (AT - SECOND, "sigstore.timestamp")):
        root = FULL.trusted_root(windows={"tsa": (LONG_AGO, end)})
        assert verdict(library(root), raw)  # stricter than the specification
        assert code(under(root), raw) == told
    begun = under(FULL.trusted_root(windows={"tsa": (AT, None)}))
    assert code(begun, raw) == ""


def test_w07_an_sct_of_another_time() -> None:
    refused_by_the_kit_alone("sigstore.sct", spoil="sct-time")


def test_w08_a_signature_from_the_future() -> None:
    refused_by_the_kit_alone("clock.behind", spoil="future")
    refused_by_the_kit_alone("clock.behind", spoil="future", **V2)


def test_w09_a_log_id_that_is_of_no_log() -> None:
    refused_by_the_kit_alone("sigstore.log-key", spoil="log-id")
    refused_by_the_kit_alone("sigstore.log-key", spoil="log-id", **V2)


def test_w10_an_entry_of_rekor_v1_by_the_v2_log() -> None:
    refused_by_the_kit_alone("sigstore.log-key", spoil="v1-entry-by-v2-key")


def test_w11_a_checkpoint_of_another_origin() -> None:
    refused_by_the_kit_alone("sigstore.checkpoint", spoil="checkpoint-origin", **V2)


def test_w12_a_checkpoint_of_another_size() -> None:
    refused_by_the_kit_alone("sigstore.checkpoint", spoil="checkpoint-size")
    refused_by_the_kit_alone("sigstore.checkpoint", spoil="checkpoint-size", **V2)


def test_w13_an_index_beside_the_proof() -> None:
    refused_by_the_kit_alone("sigstore.inclusion", spoil="log-index", **V2)


@pytest.mark.parametrize("options", [{}, V2])
def test_w13_no_number_of_a_proof_can_be_moved(options: dict[str, str]) -> None:
    raw = made(FULL, "message", **options)
    proof = entry_of(json.loads(raw))["inclusionProof"]
    index, size = int(proof["logIndex"]), int(proof["treeSize"])
    moved = 0
    for other in {(index, n) for n in range(size + 40)} | {(n, size) for n in range(size + 2)}:
        if other == (index, size):
            continue

        def move(value: Any, other: tuple[int, int] = other) -> None:
            entry = entry_of(value)
            entry["inclusionProof"] |= {"logIndex": str(other[0]), "treeSize": str(other[1])}
            if options:
                entry["logIndex"] = str(other[0])

        wrong = edited(raw, move)
        told = code(verifier("full"), wrong)
        assert told in {"sigstore.inclusion", "sigstore.checkpoint"}, other
        moved += told == "sigstore.checkpoint" and verdict(theirs(), wrong) == ""
    # Other sizes of the same shape, which the library takes, where the tree has one.
    assert moved or options


def test_w14_a_promise_that_is_no_signature() -> None:
    refused_by_the_kit_alone("sigstore.promise", spoil="promise-garbage", form="timestamp")


@pytest.mark.parametrize("content", ["message", "envelope"])
def test_w15_a_time_that_nobody_promised_is_noted_and_unused(content: str) -> None:
    spoil = "integrated-time-without-promise"
    raw = made(FULL, content, form="timestamp", spoil=spoil)
    late = edited(raw, lambda value: entry_of(value).update(integratedTime="1"))
    for each in (raw, late):
        assert verdict(theirs(), each) == ""
        assert [note.code for note in verifier("full").verify(each).notes] == ["sigstore.time"]
        assert claim(verifier("full"), each).signed_at == AT
    # Where it would be the only time, there is none (CVE-2024-55655).
    bare = edited(raw, lambda value: value["verificationMaterial"].pop("timestampVerificationData"))
    assert verdict(theirs(), bare)
    assert code(verifier("full"), bare) == "sigstore.time"


def test_w16_a_second_timestamp_that_does_not_hold() -> None:
    for options in ({"form": "timestamp"}, V2):
        refused_by_the_kit_alone("sigstore.timestamp", spoil="two-timestamps-one-bad", **options)


@pytest.mark.parametrize("content", ["message", "envelope"])
def test_w17_two_timestamps_of_one_authority_are_no_more_than_one(content: str) -> None:
    # The kit has no threshold that they could meet: its claim is the same, at the first time.
    once, twice = (made(FULL, content, form=form, **V2) for form in (None, "twice-stamped"))
    assert verdict(theirs(), twice) == ""
    assert claim(verifier("full"), twice) == claim(verifier("full"), once)


def test_w18_a_key_twice_in_a_bundle() -> None:
    raw = made(FULL, "message").strip()
    malformed_for_the_kit_alone(b'{"mediaType":"x",' + raw[1:])


def test_w18_a_key_twice_in_a_root() -> None:
    root = FULL.trusted_root(twist="duplicate-key")
    assert verdict(library(root), made(FULL, "message")) == ""
    with pytest.raises(MalformedError):
        trusted_root.parse(root)


def test_w18_a_key_twice_in_a_log_entry() -> None:
    for options in ({}, V2):
        refused_by_the_kit_alone("evidence.malformed", spoil="entry-duplicate", **options)


def statement(**changes: Any) -> dict[str, Any]:
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "tool-1.0", "digest": {"sha256": KNOWN["sha256"].hex}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {},
    }
    return value | changes


def their_match(payload: bytes) -> bool:
    """Say whether sigstore-python takes a statement to be about the artifact."""
    digest = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=hashlib.sha256(ARTIFACT).digest())
    return Statement(payload)._matches_digest(digest)


def test_w18_a_key_twice_in_a_statement() -> None:
    payload = b'{"_type":"x",' + json.dumps(statement()).encode()[1:]
    assert their_match(payload)
    malformed_for_the_kit_alone(FULL.envelope(payload))


def test_w19_other_names_of_fields_in_a_bundle() -> None:
    def rename(value: Any) -> None:
        value["verification_material"] = value.pop("verificationMaterial")

    malformed_for_the_kit_alone(edited(made(FULL, "message"), rename))


@pytest.mark.parametrize(
    ("right", "other"),
    [("_type", "type_"), ("subject", "subjects"), ("predicateType", "predicate_type")],
)
def test_w19_other_names_of_fields_in_a_statement(right: str, other: str) -> None:
    value = statement()
    value[other] = value.pop(right)
    payload = json.dumps(value).encode()
    assert their_match(payload)
    malformed_for_the_kit_alone(FULL.envelope(payload))


@pytest.mark.parametrize("junk", ["\n", " ", "*", "="])
def test_w20_base64_with_junk(junk: str) -> None:
    def spoil(value: Any) -> None:
        signature = value["messageSignature"]["signature"]
        value["messageSignature"]["signature"] = signature[:8] + junk + signature[8:]

    raw = edited(made(FULL, "message"), spoil)
    if junk != "=":
        assert verdict(theirs(), raw) == ""
    assert code(verifier("full"), raw) == "evidence.malformed"


@pytest.mark.parametrize("spell", [" {} ", "0{}", "+{}", "arabic", "under_score"])
def test_w21_another_spelling_of_a_number(spell: str) -> None:
    def respell(value: Any) -> None:
        entry = entry_of(value)
        number = entry["integratedTime"]
        if spell == "arabic":
            entry["integratedTime"] = number.translate({48 + n: 0x660 + n for n in range(10)})
        elif spell == "under_score":
            entry["integratedTime"] = f"{number[:-3]}_{number[-3:]}"
        else:
            entry["integratedTime"] = spell.format(number)

    malformed_for_the_kit_alone(edited(made(FULL, "message"), respell))


def test_w22_junk_among_the_signatures_of_a_checkpoint() -> None:
    for options in ({}, V2):
        refused_by_the_kit_alone("evidence.malformed", spoil="checkpoint-junk", **options)


def test_w22_a_checkpoint_of_very_many_signatures() -> None:
    def more(value: Any) -> None:
        line = f"\N{EM DASH} witness.test {b64encode(bytes(68)).decode()}\n"
        entry_of(value)["inclusionProof"]["checkpoint"]["envelope"] += line * 20

    malformed_for_the_kit_alone(edited(made(FULL, "message"), more))


def test_w23_a_log_entry_that_is_not_as_rekor_writes_it() -> None:
    for spoil in ("entry-canonical", "entry-spaces"):
        told = "evidence.malformed"
        refused_by_the_kit_alone(told, spoil=spoil)
    refused_by_the_kit_alone("evidence.malformed", spoil="entry-spaces", **V2)


@pytest.mark.parametrize(
    ("payload_type", "told"),
    [
        ("application/vnd.in-toto+json", "evidence.malformed"),
        ("text/plain", "evidence.unsupported"),
    ],
)
def test_w24_a_payload_that_is_no_statement(payload_type: str, told: str) -> None:
    raw = FULL.envelope(b"not a statement", payload_type)
    assert verdict(theirs(), raw) == ""
    assert code(verifier("full"), raw) == told


def test_w24_a_statement_about_another_file() -> None:
    raw = FULL.attest({"tool-1.0": b"another file"})
    assert verdict(theirs(), raw) == ""
    assert code(verifier("full"), raw) == "statement.subject"


def test_w25_a_digest_that_differs_beside_one_that_does_not() -> None:
    digests = {"sha256": KNOWN["sha256"].hex, "sha512": "0" * 128}
    payload = json.dumps(statement(subject=[{"name": "tool-1.0", "digest": digests}])).encode()
    raw = FULL.envelope(payload)
    assert their_match(payload)
    assert verdict(theirs(), raw) == ""
    assert code(verifier("full"), raw) == "statement.subject"


def test_w25_the_names_of_a_statement_are_in_the_claim() -> None:
    payload = json.dumps(statement()).replace("tool-1.0", "another-name").encode()
    assert their_match(payload)
    assert claim(verifier("full"), FULL.envelope(payload)).names == ("another-name",)


def test_w26_a_payload_type_whose_length_in_characters_is_not_that_in_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payload, odd = json.dumps(statement()).encode(), "application/vnd.é+json"
    assert verdict(theirs(), FULL.envelope(payload, odd))
    assert code(verifier("full"), FULL.envelope(payload, odd)) == "evidence.malformed"

    def pae(envelope: Envelope) -> bytes:
        name = envelope.payload_type
        return f"DSSEv1 {len(name)} {name} {len(envelope.payload)} ".encode() + envelope.payload

    monkeypatch.setattr(Envelope, "pae", property(pae))
    malformed_for_the_kit_alone(FULL.envelope(payload, odd))


def test_w27_two_issuers_that_differ() -> None:
    refused_by_the_kit_alone("sigstore.identity", spoil="issuer-differs")


def test_w27_no_issuer() -> None:
    raw = FULL.sign(ARTIFACT, extensions={"issuer": None, "issuer-v2": None})
    theirs().verify_artifact(ARTIFACT, Bundle.from_json(raw), Identity(identity=IDENTITY))
    assert code(verifier("full"), raw) == "sigstore.identity"


def test_w28_two_names() -> None:
    refused_by_the_kit_alone("sigstore.identity", spoil="san-two")


def test_w29_a_certificate_for_ten_years() -> None:
    refused_by_the_kit_alone("sigstore.leaf", spoil="leaf-long")
    refused_by_the_kit_alone("sigstore.leaf", spoil="leaf-long", **V2)


@pytest.mark.parametrize("content", ["message", "envelope"])
@pytest.mark.parametrize(
    ("key_type", "algorithm", "told"),
    [
        ("p256", "sha256", ""),
        ("p384", "sha384", ""),
        ("p384", "sha256", ""),  # keyDetails has it by name: PKIX_ECDSA_P384_SHA_256
        ("p256", "sha384", "sigstore.signature"),
        ("p256", "sha512", "sigstore.signature"),
        ("p384", "sha512", "sigstore.signature"),
        ("rsa2048", "sha256", ""),
        ("rsa2048", "sha512", ""),
    ],
)
def test_w29_a_key_signs_with_the_hashes_that_go_with_it(
    content: str, key_type: str, algorithm: str, told: str
) -> None:
    for rekor in ("v1", "v2"):
        raw = made(FULL, content, key_type=key_type, algorithm=algorithm, rekor=rekor)
        assert code(verifier("full"), raw) == told
    if key_type == "p384" and algorithm == "sha256":
        assert verdict(theirs(), made(FULL, content, key_type=key_type, algorithm=algorithm)) == ""


def test_x_what_the_library_crashes_on_is_refused_by_a_name() -> None:
    # X1 and X2: OverflowError, ValueError; X7 and X8: bytes that are no certificate, no base64.
    def at(time: str) -> Callable[[Any], None]:
        return lambda value: entry_of(value).update(integratedTime=time)

    def certificate(value: Any) -> None:
        value["verificationMaterial"]["certificate"]["rawBytes"] = "AAAA"

    def body(value: Any) -> None:
        entry = entry_of(value)
        told = json.loads(b64decode(entry["canonicalizedBody"]))
        told["spec"]["signature"]["content"] = "*"
        text = json.dumps(told, separators=(",", ":"), sort_keys=True)
        entry["canonicalizedBody"] = b64encode(text.encode()).decode()

    for change, told in (
        (at("9223372036854775807"), "sigstore.promise"),
        (at("253402300800"), "sigstore.promise"),
        (certificate, "evidence.malformed"),
        (body, "evidence.malformed"),
    ):
        raw = edited(made(FULL, "message"), change)
        assert verdict(theirs(), raw)
        assert code(verifier("full"), raw) == told
