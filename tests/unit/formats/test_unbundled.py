"""Signatures from before Sigstore bundles, read as the bundles they would be."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import EvidenceError, MalformedError, UnsupportedError
from kit.formats import bare_envelope, bare_signature, bundled, kinds, sign_blob, sigstore_bundle
from kit.model import EvidenceKind
from tests.lab import Lab, old_forms

LAB = Lab("acme")
ATTESTED = LAB.attest({"tool": b"artifact"})
SIGNED = LAB.sign(b"artifact")
KEYED = LAB.sign(b"artifact", form="keyed")
ENVELOPE = old_forms.bare_envelope(ATTESTED)
BLOB = old_forms.sign_blob(SIGNED)
SIG, PEM = old_forms.detached(SIGNED)


def changed(raw: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    value = json.loads(raw)
    change(value)
    return json.dumps(value).encode()


def only(kind: EvidenceKind, raw: bytes) -> sigstore_bundle.Bundle:
    (bundle,) = bundled.split(kind, raw)
    return sigstore_bundle.parse(bundle)


# ---- slsa-github-generator's envelopes


def test_an_envelope_is_its_bundle_without_the_log() -> None:
    made, whole = only(EvidenceKind.DSSE, ENVELOPE), sigstore_bundle.parse(ATTESTED)
    assert (made.content, made.certificates) == (whole.content, whole.certificates)
    assert (made.entries, made.timestamps, made.version) == ((), (), "0.3")


def test_an_envelope_without_a_certificate_is_by_a_key() -> None:
    keyed = LAB.attest({"tool": b"artifact"}, form="keyed")
    made = only(EvidenceKind.DSSE, old_forms.bare_envelope(keyed))
    assert made.certificates == ()
    assert made.key_hint == sigstore_bundle.parse(keyed).key_hint


def test_envelopes_may_stand_one_a_line_beside_bundles() -> None:
    lines = ENVELOPE + b"\n" + ATTESTED.replace(b"\n", b"") + b"\n"
    first, second = bundled.split(EvidenceKind.DSSE, lines)
    assert sigstore_bundle.parse(first).entries == ()
    assert sigstore_bundle.parse(second) == sigstore_bundle.parse(ATTESTED)


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["signatures"].append(it["signatures"][0]),
        lambda it: it["signatures"].clear(),
        lambda it: it["signatures"][0].update(cert=LAB.public_key().decode()),
        lambda it: it["signatures"][0].update(cert="-----BEGIN CERTIFICATE-----\n"),
        lambda it: it["signatures"][0].update(cert=[]),
        lambda it: it["signatures"][0].update(cert=it["signatures"][0]["cert"] * 2),
        lambda it: it.update(payload="%"),
        lambda it: it.pop("payloadType"),
    ],
)
def test_another_envelope_is_malformed(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(MalformedError):
        bare_envelope.bundles(changed(ENVELOPE, change))


# ---- cosign's old bundles


def test_a_sign_blob_file_is_its_bundle_with_the_promise_alone() -> None:
    made, whole = only(EvidenceKind.SIGN_BLOB, BLOB), sigstore_bundle.parse(SIGNED)
    assert (made.content, made.certificates) == (whole.content, whole.certificates)
    assert (made.version, made.as_chain) == ("0.1", True)
    (entry,) = made.entries
    assert entry.proof is None
    assert (entry.promise, entry.body) == (whole.entries[0].promise, whole.entries[0].body)


def test_a_sign_blob_file_by_a_key_names_no_key() -> None:
    blob = old_forms.sign_blob(KEYED)
    stating = changed(blob, lambda it: it.update(cert=b64encode(LAB.public_key()).decode()))
    for raw in (blob, stating, changed(blob, lambda it: it.update(cert=""))):
        made = only(EvidenceKind.SIGN_BLOB, raw)
        assert (made.certificates, made.key_hint) == ((), "")


def test_a_sign_blob_file_may_be_unlogged_and_its_certificate_plain_pem() -> None:
    pem = b64decode(json.loads(BLOB)["cert"]).decode()
    raw = changed(BLOB, lambda it: (it.pop("rekorBundle"), it.update(cert=pem)))
    made = only(EvidenceKind.SIGN_BLOB, raw)
    assert made.certificates == sigstore_bundle.parse(SIGNED).certificates
    assert (made.entries, made.version) == ((), "0.3")


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.pop("base64Signature"),
        lambda it: it.update(base64Signature=""),
        lambda it: it.update(Cert="x"),
        lambda it: it.update(cert="AAAA"),
        lambda it: it.update(cert="\u00e9"),
        lambda it: it.update(rekorBundle=[]),
        lambda it: it.update(rekorbundle={}),
        lambda it: it["rekorBundle"].pop("Payload"),
    ],
)
def test_another_sign_blob_file_is_malformed(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(MalformedError):
        sign_blob.bundles(changed(BLOB, change))


# ---- detached signatures


@pytest.mark.parametrize("raw", [SIG, SIG + b"\n", SIG[:60] + b"\r\n" + SIG[60:], b64decode(SIG)])
def test_a_signature_is_read_in_base64_and_raw(raw: bytes) -> None:
    assert bare_signature.parse(raw) == b64decode(SIG)
    assert only(EvidenceKind.SIGNATURE, raw).key_hint == ""


@pytest.mark.parametrize(
    "raw", [PEM, PEM[:64] + b"\r\n" + PEM[64:], b64decode(PEM), b64decode(PEM).strip()]
)
def test_a_certificate_is_read_in_pem_and_in_base64_of_it(raw: bytes) -> None:
    assert bare_signature.certificate(raw) == sigstore_bundle.parse(SIGNED).certificates[0]


@pytest.mark.parametrize("raw", [b"untrusted comment: minisign\nRWQ=\n", b"a b", b"QQ"])
def test_other_text_is_no_signature_of_a_known_form(raw: bytes) -> None:
    with pytest.raises(UnsupportedError):
        bare_signature.parse(raw)


@pytest.mark.parametrize("raw", [b"", b"\n", b"QUFB" * 10_000])
def test_what_is_empty_or_too_long_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        bare_signature.parse(raw)


@pytest.mark.parametrize("raw", [b"", LAB.public_key(), b64decode(PEM) * 2, b"\xff"])
def test_what_is_not_one_certificate_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        bare_signature.certificate(raw)


# ---- what a file is


@pytest.mark.parametrize(
    ("name", "raw", "kind"),
    [
        ("tool.intoto.jsonl", ENVELOPE, EvidenceKind.DSSE),
        ("tool.intoto.jsonl", ATTESTED, EvidenceKind.SIGSTORE),
        ("tool.build.slsa", ATTESTED, EvidenceKind.SIGSTORE),
        ("attestation.json", ENVELOPE, EvidenceKind.DSSE),
        ("tool.provenance", ENVELOPE, EvidenceKind.DSSE),
        ("checksums.txt.sigstore.json", BLOB, EvidenceKind.SIGN_BLOB),
        ("checksums.txt.sigstore.json", SIGNED, EvidenceKind.SIGSTORE),
        ("tool.cosign.bundle", BLOB, EvidenceKind.SIGN_BLOB),
        ("tool.cosign.bundle", SIGNED, EvidenceKind.SIGSTORE),
        ("cosign.bundle", BLOB, EvidenceKind.SIGN_BLOB),
        ("tool.bundle", SIGNED, EvidenceKind.SIGSTORE),
        ("tool.bundle", b"# v2 git bundle\n", None),
        ("tool.sig", SIG, EvidenceKind.SIGNATURE),
        ("tool.pem", PEM, EvidenceKind.CERTIFICATE),
    ],
)
def test_what_a_file_is_its_content_says(name: str, raw: bytes, kind: EvidenceKind | None) -> None:
    assert kinds.by_content(name, raw) is kind


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (ENVELOPE, EvidenceKind.DSSE),
        (BLOB, EvidenceKind.SIGN_BLOB),
        (ATTESTED, EvidenceKind.SIGSTORE),
        (SIGNED, EvidenceKind.SIGSTORE),
        (b'{"base64Signature"', EvidenceKind.SIGSTORE),
        (b"", EvidenceKind.SIGSTORE),
    ],
)
def test_a_form_is_told_without_a_name(raw: bytes, kind: EvidenceKind) -> None:
    assert kinds.of_bundle(raw) is kind


# ---- any input


def mutated(raw: bytes) -> st.SearchStrategy[bytes]:
    places = st.integers(0, len(raw) - 1)
    one = st.builds(lambda at, byte: raw[:at] + byte + raw[at + 1 :], places, st.binary(max_size=3))
    return st.one_of(st.binary(max_size=200), one)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (EvidenceKind.DSSE, ENVELOPE),
        (EvidenceKind.SIGN_BLOB, BLOB),
        (EvidenceKind.SIGNATURE, SIG),
    ],
)
@given(data=st.data())
def test_any_bytes_are_bundles_or_refused(
    kind: EvidenceKind, raw: bytes, data: st.DataObject
) -> None:
    given_bytes = data.draw(mutated(raw))
    try:
        for bundle in bundled.split(kind, given_bytes):
            sigstore_bundle.parse(bundle)
    except EvidenceError:
        return
