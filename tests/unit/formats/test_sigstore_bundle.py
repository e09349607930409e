"""kit.formats.sigstore_bundle: one spelling of a bundle, every size bounded."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import sigstore_bundle
from kit.formats.dsse import Envelope
from kit.formats.sigstore_bundle import Bundle, MessageSignature
from kit.model import Digest
from tests.lab import VERSIONS, Lab

LAB = Lab("acme")
FILE = b"the artifact"
SIGNED = json.loads(LAB.sign(FILE))
ATTESTED = json.loads(LAB.attest({"tool": FILE}))
CHAIN = json.loads(LAB.sign(FILE, version="0.2"))
KEYED = json.loads(LAB.sign(FILE, form="keyed"))

MATERIAL = "verificationMaterial"
ENTRY = (MATERIAL, "tlogEntries", 0)
PROOF = (*ENTRY, "inclusionProof")
STAMP = {"signedTimestamp": b64encode(b"stamp").decode()}


def put(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """Return a copy with what is at `path` replaced, or left out for `...`."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    if new is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return copy


def parse(value: Any) -> Bundle:
    return sigstore_bundle.parse(json.dumps(value).encode())


# ---- what is read -----------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_read(version: str) -> None:
    bundle = sigstore_bundle.parse(LAB.sign(FILE, version=version))
    assert bundle.version == version.removesuffix("-old")


def test_a_message_signature_is_read_with_its_hint() -> None:
    content = parse(SIGNED).content
    assert isinstance(content, MessageSignature)
    assert content.hint is not None
    assert content.hint.algorithm == "sha256"


def test_a_message_signature_needs_no_hint() -> None:
    content = parse(put(SIGNED, ("messageSignature", "messageDigest"), ...)).content
    assert isinstance(content, MessageSignature)
    assert content.hint is None


@pytest.mark.parametrize(
    ("name", "algorithm", "size"),
    [("SHA2_256", "sha256", 32), ("SHA2_384", "sha384", 48), ("SHA2_512", "sha512", 64)],
)
def test_a_hint_may_be_of_every_accepted_algorithm(name: str, algorithm: str, size: int) -> None:
    hint = {"algorithm": name, "digest": b64encode(bytes(size)).decode()}
    content = parse(put(SIGNED, ("messageSignature", "messageDigest"), hint)).content
    assert isinstance(content, MessageSignature)
    assert content.hint == Digest(algorithm, "00" * size)


def test_an_envelope_is_read() -> None:
    content = parse(ATTESTED).content
    assert isinstance(content, Envelope)
    assert content.payload_type == "application/vnd.in-toto+json"


def test_a_keyed_bundle_has_a_hint_and_no_certificate() -> None:
    bundle = parse(KEYED)
    assert bundle.key_hint
    assert bundle.certificates == ()


def test_a_key_hint_may_be_empty() -> None:
    assert parse(put(KEYED, (MATERIAL, "publicKey"), {})).key_hint == ""


def test_a_chain_is_read_leaf_first() -> None:
    leaf = CHAIN[MATERIAL]["x509CertificateChain"]["certificates"][0]
    several = [leaf, {"rawBytes": "QQ=="}]
    bundle = parse(put(CHAIN, (MATERIAL, "x509CertificateChain", "certificates"), several))
    assert bundle.as_chain
    assert bundle.certificates[1] == b"A"


@pytest.mark.parametrize("time", [..., None, 0, "0"])
def test_a_log_time_of_zero_is_none(time: Any) -> None:
    assert parse(put(SIGNED, (*ENTRY, "integratedTime"), time)).entries[0].integrated_time is None


@pytest.mark.parametrize("index", [..., None])
def test_an_absent_index_is_zero(index: Any) -> None:
    assert parse(put(SIGNED, (*ENTRY, "logIndex"), index)).entries[0].index == 0


@pytest.mark.parametrize("key", ["inclusionPromise", "inclusionProof"])
@pytest.mark.parametrize("value", [..., None])
def test_a_promise_and_a_proof_may_be_absent(key: str, value: Any) -> None:
    entry = parse(put(SIGNED, (*ENTRY, key), value)).entries[0]
    assert (entry.promise if key == "inclusionPromise" else entry.proof) is None


def test_a_checkpoint_may_be_absent() -> None:
    proof = parse(put(SIGNED, (*PROOF, "checkpoint"), ...)).entries[0].proof
    assert proof is not None
    assert proof.checkpoint is None


@pytest.mark.parametrize("entries", [..., None, []])
def test_log_entries_may_be_absent(entries: Any) -> None:
    assert parse(put(SIGNED, (MATERIAL, "tlogEntries"), entries)).entries == ()


def test_up_to_32_log_entries_are_read() -> None:
    entry = SIGNED[MATERIAL]["tlogEntries"][0]
    assert len(parse(put(SIGNED, (MATERIAL, "tlogEntries"), [entry] * 32)).entries) == 32


def test_timestamps_are_read() -> None:
    data = {"rfc3161Timestamps": [STAMP]}
    bundle = parse(put(SIGNED, (MATERIAL, "timestampVerificationData"), data))
    assert bundle.timestamps == (b"stamp",)


@pytest.mark.parametrize("data", [None, {}, {"rfc3161Timestamps": []}])
def test_timestamps_may_be_absent(data: Any) -> None:
    assert parse(put(SIGNED, (MATERIAL, "timestampVerificationData"), data)).timestamps == ()


# ---- unknown fields -----------------------------------------------------------------

PLACES: list[tuple[str | int, ...]] = [
    (), (MATERIAL,), (MATERIAL, "certificate"), ENTRY, (*ENTRY, "logId"), (*ENTRY, "kindVersion"),
    (*ENTRY, "inclusionPromise"), PROOF, (*PROOF, "checkpoint"), ("messageSignature",),
    ("messageSignature", "messageDigest"),
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_an_unknown_field_is_told_by_its_path(place: tuple[str | int, ...]) -> None:
    (told,) = parse(put(SIGNED, (*place, "newField"), 1)).unknown
    assert told.endswith("newField")


def test_nothing_unknown_is_told_of_an_ordinary_bundle() -> None:
    assert parse(SIGNED).unknown == parse(ATTESTED).unknown == parse(KEYED).unknown == ()


# Design section 13 and row C-038: other readers of proto3 JSON take these for the known ones.
@pytest.mark.parametrize(
    "path",
    [
        ("media_type",),
        ("dsse_envelope",),
        (MATERIAL, "tlog_entries"),
        (MATERIAL, "public_key"),
        (MATERIAL, "timestamp_verification_data"),
        (MATERIAL, "certificate", "raw_bytes"),
        (*ENTRY, "inclusion_promise"),
        (*ENTRY, "integrated_time"),
        (*PROOF, "tree_size"),
        ("messageSignature", "message_digest"),
    ],
)
def test_a_snake_case_key_is_refused_and_never_ignored(path: tuple[str | int, ...]) -> None:
    with pytest.raises(MalformedError, match="lowerCamelCase"):
        parse(put(SIGNED, path, None))


# ---- refused ------------------------------------------------------------------------

CERTIFICATE = SIGNED[MATERIAL]["certificate"]
LOGGED = SIGNED[MATERIAL]["tlogEntries"][0]
Change = Callable[[], Any]


def change(path: tuple[str | int, ...], new: Any, value: Any = SIGNED) -> Change:
    return lambda: put(value, path, new)


# Rows C-069 to C-081 of the catalogue.
MALFORMED: dict[str, tuple[Change, str]] = {
    "no object": (lambda: [SIGNED], "the document is not an object"),
    "null": (lambda: None, "the document is not an object"),
    "no media type": (change(("mediaType",), ...), "mediaType is missing"),
    "media type empty": (change(("mediaType",), ""), "mediaType is empty"),
    "media type number": (change(("mediaType",), 3), "mediaType is not a string"),
    "v0.4": (
        change(("mediaType",), "application/vnd.dev.sigstore.bundle.v0.4+json"),
        "unknown bundle media type",
    ),
    "media type with blank": (
        change(("mediaType",), SIGNED["mediaType"] + " "),
        "unknown bundle media type",
    ),
    "media type in capitals": (
        change(("mediaType",), SIGNED["mediaType"].upper()),
        "unknown bundle media type",
    ),
    "no material": (change((MATERIAL,), ...), "verificationMaterial is missing"),
    "material null": (change((MATERIAL,), None), "verificationMaterial is missing"),
    "material array": (change((MATERIAL,), []), "verificationMaterial is not an object"),
    "no signer": (change((MATERIAL, "certificate"), ...), "exactly one of .* it has 0"),
    "certificate and key": (change((MATERIAL, "publicKey"), {"hint": ""}), "it has 2"),
    "certificate and chain": (
        change((MATERIAL, "x509CertificateChain"), {"certificates": [CERTIFICATE]}),
        "it has 2",
    ),
    "certificate without bytes": (change((MATERIAL, "certificate"), {}), "rawBytes is missing"),
    "certificate empty": (
        change((MATERIAL, "certificate", "rawBytes"), ""),
        "rawBytes is empty",
    ),
    "certificate URL-safe": (
        change((MATERIAL, "certificate", "rawBytes"), "-_-_"),
        "rawBytes: not base64",
    ),
    "certificate with stray bits": (
        change((MATERIAL, "certificate", "rawBytes"), "QR=="),
        "rawBytes: not canonical",
    ),
    "chain in v0.3": (
        change(("mediaType",), VERSIONS["0.3"], CHAIN),
        "a single certificate, not a chain",
    ),
    "chain in old v0.3": (
        change(("mediaType",), VERSIONS["0.3-old"], CHAIN),
        "a single certificate, not a chain",
    ),
    "chain empty": (
        change((MATERIAL, "x509CertificateChain", "certificates"), [], CHAIN),
        "certificates is empty",
    ),
    "chain absent": (
        change((MATERIAL, "x509CertificateChain", "certificates"), ..., CHAIN),
        "certificates is empty",
    ),
    "chain with null": (
        change((MATERIAL, "x509CertificateChain", "certificates"), [None], CHAIN),
        r"certificates\[0\] is not an object",
    ),
    "chain of 9": (
        change((MATERIAL, "x509CertificateChain", "certificates"), [CERTIFICATE] * 9, CHAIN),
        "9 items, over 8",
    ),
    "key hint number": (
        change((MATERIAL, "publicKey"), {"hint": 1}, KEYED),
        "hint is not a string",
    ),
    "entries no array": (change((MATERIAL, "tlogEntries"), {}), "tlogEntries is not an array"),
    "33 entries": (change((MATERIAL, "tlogEntries"), [LOGGED] * 33), "33 items, over 32"),
    "entry null": (change(ENTRY, None), r"tlogEntries\[0\] is not an object"),
    "entry without body": (change((*ENTRY, "canonicalizedBody"), ...), "Body is missing"),
    "entry with empty body": (change((*ENTRY, "canonicalizedBody"), ""), "Body is empty"),
    "entry without log id": (change((*ENTRY, "logId"), ...), "logId is missing"),
    "entry without key id": (change((*ENTRY, "logId"), {}), "keyId is missing"),
    "entry without kind": (change((*ENTRY, "kindVersion"), ...), "kindVersion is missing"),
    "kind without version": (change((*ENTRY, "kindVersion", "version"), ""), "version is empty"),
    "index negative": (change((*ENTRY, "logIndex"), "-1"), "64-bit integer"),
    "index boolean": (change((*ENTRY, "logIndex"), True), "64-bit integer"),
    "index float": (change((*ENTRY, "logIndex"), 1.0), "64-bit integer"),
    "time 2**63": (change((*ENTRY, "integratedTime"), str(2**63)), "64-bit integer"),
    "promise empty": (change((*ENTRY, "inclusionPromise"), {}), "signedEntryTimestamp is missing"),
    "proof empty": (change(PROOF, {}), "rootHash is missing"),
    "65 proof hashes": (change((*PROOF, "hashes"), ["QQ=="] * 65), "65 items, over 64"),
    "proof hash null": (change((*PROOF, "hashes"), [None]), r"hashes\[0\] is not a string"),
    "checkpoint empty": (change((*PROOF, "checkpoint"), {}), "envelope is missing"),
    "checkpoint over 64 KiB": (
        change((*PROOF, "checkpoint", "envelope"), "x" * 65_537),
        "checkpoint is over 65536",
    ),
    "stamps no object": (
        change((MATERIAL, "timestampVerificationData"), []),
        "timestampVerificationData is not an object",
    ),
    "33 stamps": (
        change((MATERIAL, "timestampVerificationData"), {"rfc3161Timestamps": [STAMP] * 33}),
        "33 items, over 32",
    ),
    "stamp empty": (
        change((MATERIAL, "timestampVerificationData"), {"rfc3161Timestamps": [{}]}),
        "signedTimestamp is missing",
    ),
    "no content": (change(("messageSignature",), ...), "exactly one of messageSignature"),
    "two contents": (
        change(("dsseEnvelope",), ATTESTED["dsseEnvelope"]),
        "exactly one of messageSignature",
    ),
    "content null": (change(("messageSignature",), None), "exactly one of messageSignature"),
    "signature empty": (change(("messageSignature", "signature"), ""), "signature is empty"),
    "hint without algorithm": (
        change(("messageSignature", "messageDigest", "algorithm"), ...),
        "algorithm is missing",
    ),
    "hint by number": (
        change(("messageSignature", "messageDigest", "algorithm"), 1),
        "algorithm is not a string",
    ),
    "hint of SHA-3": (
        change(("messageSignature", "messageDigest", "algorithm"), "SHA3_256"),
        "algorithm is 'SHA3_256'",
    ),
    "hint too short": (
        change(("messageSignature", "messageDigest", "digest"), "QQ=="),
        "a sha256 digest is 64",
    ),
    "no envelope signature": (
        change(("dsseEnvelope", "signatures"), [], ATTESTED),
        "signatures is empty",
    ),
    "two envelope signatures": (
        change(("dsseEnvelope", "signatures"), [{"sig": "QQ=="}] * 2, ATTESTED),
        "2 signatures, not one",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_anything_else_is_malformed(name: str) -> None:
    make, rule = MALFORMED[name]
    with pytest.raises(MalformedError, match=rule):
        parse(make())


def test_a_bundle_over_the_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(MalformedError, match="over the limit"):
        sigstore_bundle.parse(b"\xff" * (sigstore_bundle.MAX_BYTES + 1))


# ---- recognising and splitting --------------------------------------------------------


@pytest.mark.parametrize("media_type", [*VERSIONS.values(), SIGNED["mediaType"].replace("3", "9")])
def test_a_bundle_of_any_version_looks_like_one(media_type: str) -> None:
    assert sigstore_bundle.looks_like({"mediaType": media_type})


@pytest.mark.parametrize("value", [None, [], {}, {"mediaType": 1}, {"mediaType": "text/plain"}])
def test_other_json_does_not_look_like_a_bundle(value: Any) -> None:
    assert not sigstore_bundle.looks_like(value)


SPLITS: dict[str, tuple[bytes, tuple[bytes, ...]]] = {
    "one line": (b'{"a":1}', (b'{"a":1}',)),
    "one line with newline": (b'{"a":1}\n', (b'{"a":1}\n',)),
    "two lines": (b'{"a":1}\n{"b":2}\n', (b'{"a":1}', b'{"b":2}')),
    "no final newline": (b"{}\n{}", (b"{}", b"{}")),
    "blank lines between": (b"\n{}\n \t\r\n{}\n\n", (b"{}", b"{}")),
    "indented lines": (b" {}\n\t{}\n", (b" {}", b"\t{}")),
    "CRLF": (b"{}\r\n{}\r\n", (b"{}\r", b"{}\r")),
    "one object over several lines": (b'{\n"a":\n{}\n}\n', (b'{\n"a":\n{}\n}\n',)),
    "an opening brace alone": (b'{\n"a":1}', (b'{\n"a":1}',)),
    "a line that is no object": (b"{}\n[]\n", (b"{}\n[]\n",)),
    "nothing": (b"", (b"",)),
    "blanks": (b" \n\n", (b" \n\n",)),
}


@pytest.mark.parametrize("name", SPLITS)
def test_a_file_is_one_bundle_or_one_a_line(name: str) -> None:
    raw, parts = SPLITS[name]
    assert sigstore_bundle.split(raw) == parts


def test_as_many_lines_as_allowed_are_split() -> None:
    assert len(sigstore_bundle.split(b"{}\n" * 1024)) == 1024


def test_more_lines_are_malformed() -> None:
    with pytest.raises(MalformedError, match="over 1024 bundles"):
        sigstore_bundle.split(b"{}\n" * 1025)


# ---- rendering ------------------------------------------------------------------------

RENDERED = {
    "message": SIGNED,
    "no hint": put(SIGNED, ("messageSignature", "messageDigest"), ...),
    "envelope": ATTESTED,
    "chain": CHAIN,
    "keyed": KEYED,
    "keyed, no hint": put(KEYED, (MATERIAL, "publicKey"), {}),
    "timestamps": put(
        SIGNED, (MATERIAL, "timestampVerificationData"), {"rfc3161Timestamps": [STAMP, STAMP]}
    ),
    "no entries": put(SIGNED, (MATERIAL, "tlogEntries"), ...),
    "no promise": put(SIGNED, (*ENTRY, "inclusionPromise"), ...),
    "no log time": put(SIGNED, (*ENTRY, "integratedTime"), ...),
    "no proof": put(SIGNED, PROOF, ...),
    "no checkpoint": put(SIGNED, (*PROOF, "checkpoint"), ...),
    "no proof hashes": put(SIGNED, (*PROOF, "hashes"), ...),
}


@pytest.mark.parametrize("name", RENDERED)
def test_what_is_rendered_is_parsed_back(name: str) -> None:
    bundle = parse(RENDERED[name])
    assert sigstore_bundle.parse(sigstore_bundle.render(bundle)) == bundle


def test_only_known_fields_are_rendered() -> None:
    bundle = parse(put(SIGNED, ("newField",), "secret"))
    assert b"newField" not in sigstore_bundle.render(bundle)
