"""Bundles of every form: what is accepted, by whom, and the code of everything that is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.errors import (
    EvidenceError,
    MalformedError,
    RejectedError,
    UnsupportedError,
)
from kit.formats import public_key, trusted_root
from kit.model import Claim, Digest
from kit.trust.anchors import Anchor
from kit.verifiers.sigstore import SigstoreVerifier
from tests.lab import AT, EXTENSIONS, IDENTITY, ISSUER, SPOILS, VERSIONS, Lab

ARTIFACT = b"the artifact"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def anchor(lab: Lab) -> Anchor:
    """Trust a lab instance."""
    raw = lab.trusted_root()
    return Anchor(instance="acme", raw=raw, root=trusted_root.parse(raw), origin="test")


@pytest.fixture(scope="module")
def lab() -> Lab:
    """Return the trusted instance."""
    return Lab("acme")


@pytest.fixture(scope="module")
def verifier(lab: Lab) -> SigstoreVerifier:
    """Return a verifier of the trusted instance."""
    return SigstoreVerifier(anchor(lab), NOW)


def known(content: bytes = ARTIFACT, *algorithms: str) -> dict[str, Digest]:
    """Return the digests of a file."""
    return {
        name: Digest(name, hashlib.new(name, content).hexdigest())
        for name in ("sha256", *algorithms)
    }


def claim(verifier: SigstoreVerifier, bundle: bytes, content: bytes = ARTIFACT) -> Claim:
    """Verify a bundle about a file."""
    return verifier.verify(bundle).claim_for("evidence/x", known(content, "sha512"))


def edited(bundle: bytes, change: Callable[[Any], None]) -> bytes:
    """Return a bundle after a change to its JSON."""
    value = json.loads(bundle)
    change(value)
    return json.dumps(value).encode()


# ---- what it accepts ----------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_message_signature_makes_a_claim(
    lab: Lab, verifier: SigstoreVerifier, version: str
) -> None:
    made = claim(verifier, lab.sign(ARTIFACT, version=version))
    assert (made.identity.subject, made.identity.issuer) == (IDENTITY, ISSUER)
    assert made.signed_at == AT
    assert (made.names, made.predicate_type, made.instance) == ((), None, "acme")
    assert made.digest == known()["sha256"]
    assert made.identity.facts["source-repository-ref"].startswith("refs/")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_attestation_makes_a_claim_with_names_and_type(
    lab: Lab, verifier: SigstoreVerifier, version: str
) -> None:
    bundle = lab.attest({"a.txt": ARTIFACT, "b.txt": b"b"}, version=version)
    made = claim(verifier, bundle)
    assert made.names == ("a.txt",)
    assert made.predicate_type == "https://slsa.dev/provenance/v1"


def test_an_email_identity_is_told_as_such(lab: Lab, verifier: SigstoreVerifier) -> None:
    made = claim(verifier, lab.sign(ARTIFACT, identity="jo@acme.example"))
    assert (made.identity.subject_type, made.identity.subject) == ("email", "jo@acme.example")


def test_a_statement_v01_is_accepted(lab: Lab, verifier: SigstoreVerifier) -> None:
    payload = json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "subject": [{"name": "a", "digest": {"sha256": known()["sha256"].hex}}],
            "predicateType": "https://slsa.dev/provenance/v0.2",
            "predicate": None,
        }
    ).encode()
    assert claim(verifier, lab.envelope(payload)).names == ("a",)


def test_an_unknown_field_changes_nothing(lab: Lab, verifier: SigstoreVerifier) -> None:
    # sigstore-python refuses unknown fields; it is given only what the kit knows.
    def add(value: Any) -> None:
        value["somethingNew"] = {"a": 1}

    assert claim(verifier, edited(lab.sign(ARTIFACT), add)).identity.subject == IDENTITY


# ---- every single fault -------------------------------------------------------

CODES = {
    "chain": "sigstore.chain",
    "expired": "sigstore.chain",
    "early": "sigstore.chain",
    "eku": "sigstore.leaf",
    "key-usage": "sigstore.leaf",
    "sct": "sigstore.sct",
    "ct-log": "sigstore.sct",
    "no-sct": "sigstore.sct",
    "signature": "sigstore.signature",
    "artifact": "sigstore.signature",
    "message-digest": "sigstore.digest",
    "payload": "sigstore.signature",
    "entry-digest": "sigstore.entry",
    "payload-hash": "sigstore.entry",
    "entry-signature": "sigstore.entry",
    "entry-certificate": "sigstore.entry",
    "log-key": "sigstore.log-key",
    "set": "sigstore.promise",
    "inclusion-proof": "sigstore.inclusion",
    "checkpoint": "sigstore.checkpoint",
    "root-hash": "sigstore.checkpoint",
}


FAULTS = [
    (spoil, content)
    for spoil, fault in SPOILS.items()
    for content, other in (("message", "envelope"), ("envelope", "message"))
    if other not in fault.needs
]


@pytest.mark.parametrize(("spoil", "content"), FAULTS)
def test_every_single_fault_is_refused(
    lab: Lab, verifier: SigstoreVerifier, spoil: str, content: str
) -> None:
    bundle = (
        lab.sign(ARTIFACT, spoil=spoil)
        if content == "message"
        else lab.attest({"a.txt": ARTIFACT}, spoil=spoil)
    )
    with pytest.raises(RejectedError) as refused:
        claim(verifier, bundle)
    assert refused.value.code == CODES[spoil], refused.value


def test_another_instance_is_refused_by_its_chain(verifier: SigstoreVerifier) -> None:
    with pytest.raises(RejectedError) as refused:
        claim(verifier, Lab("mallory").sign(ARTIFACT))
    assert refused.value.code == "sigstore.chain"


def test_another_file_is_refused_by_its_digest(lab: Lab, verifier: SigstoreVerifier) -> None:
    with pytest.raises(RejectedError) as refused:
        claim(verifier, lab.sign(ARTIFACT), b"another artifact")
    assert refused.value.code == "sigstore.digest"


def test_another_file_is_refused_also_without_the_digest_hint(
    lab: Lab, verifier: SigstoreVerifier
) -> None:
    def drop(value: Any) -> None:
        del value["messageSignature"]["messageDigest"]

    bundle = edited(lab.sign(ARTIFACT), drop)
    assert claim(verifier, bundle).digest == known()["sha256"]
    with pytest.raises(RejectedError) as refused:
        claim(verifier, bundle, b"another artifact")
    assert refused.value.code == "sigstore.entry"


def test_a_statement_about_other_files_is_refused(lab: Lab, verifier: SigstoreVerifier) -> None:
    with pytest.raises(RejectedError) as refused:
        claim(verifier, lab.attest({"a.txt": b"something else"}))
    assert refused.value.code == "statement.subject"


def test_a_right_sha256_beside_a_wrong_sha512_is_another_file(
    lab: Lab, verifier: SigstoreVerifier
) -> None:
    subject = {"sha256": known()["sha256"].hex, "sha512": "0" * 128}
    payload = json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "a", "digest": subject}],
            "predicateType": "https://example.org/x",
        }
    ).encode()
    with pytest.raises(RejectedError) as refused:
        claim(verifier, lab.envelope(payload))
    assert refused.value.code == "statement.subject"


def test_a_signature_from_the_hosts_future_is_about_the_clock(lab: Lab) -> None:
    early = SigstoreVerifier(anchor(lab), AT - timedelta(minutes=6))
    with pytest.raises(RejectedError) as refused:
        claim(early, lab.sign(ARTIFACT))
    assert refused.value.code == "clock.behind"
    within = SigstoreVerifier(anchor(lab), AT - timedelta(minutes=4))
    assert claim(within, lab.sign(ARTIFACT)).signed_at == AT


@pytest.mark.parametrize(
    "extensions",
    [
        {"issuer-v2": "https://elsewhere.example"},
        {"issuer-v1": None, "issuer-v2": None},
    ],
    ids=["issuers differ", "no issuer"],
)
def test_an_ambiguous_certificate_is_refused(
    lab: Lab, verifier: SigstoreVerifier, extensions: dict[str, Any]
) -> None:
    names = {"issuer-v1": _named(1), "issuer-v2": _named(8)}
    given = {names[key]: value for key, value in extensions.items()}
    with pytest.raises(RejectedError) as refused:
        claim(verifier, lab.sign(ARTIFACT, extensions=given))
    assert refused.value.code == "sigstore.identity"


def _named(number: int) -> str:
    return next(name for name, extension in EXTENSIONS.items() if extension.number == number)


# ---- forms, and strictness beyond the library's ---------------------------------


@pytest.mark.parametrize("form", ["two-entries", "promise-only", "no-checkpoint"])
def test_a_form_that_the_library_does_not_read_is_verified_by_the_kit(
    lab: Lab, verifier: SigstoreVerifier, form: str
) -> None:
    assert claim(verifier, lab.sign(ARTIFACT, form=form)).accepted_by == ("airgap-kit",)
    assert claim(verifier, lab.sign(ARTIFACT)).accepted_by == ("airgap-kit", "sigstore-python")


def test_an_intoto_log_entry_is_verified_by_the_kit(lab: Lab, verifier: SigstoreVerifier) -> None:
    made = claim(verifier, lab.attest({"a.txt": ARTIFACT}, form="intoto"))
    assert (made.accepted_by, made.names) == (("airgap-kit",), ("a.txt",))


@pytest.mark.parametrize("form", ["keyed", "keyed+promise-only"])
def test_a_keyed_bundle_needs_a_key_of_this_host(
    lab: Lab, verifier: SigstoreVerifier, form: str
) -> None:
    bundle = lab.sign(ARTIFACT, form=form)
    with pytest.raises(UnsupportedError):
        verifier.verify(bundle)
    right, wrong = (public_key.from_pem(lab.public_key(name)) for name in ("release", "other"))
    made = claim(SigstoreVerifier(anchor(lab), NOW, public_keys=[wrong, right]), bundle)
    assert made.identity.subject == f"sha256:{hashlib.sha256(right).hexdigest()}"
    assert (made.identity.subject_type, made.identity.issuer) == ("key", "")
    with pytest.raises(RejectedError) as refused:
        claim(SigstoreVerifier(anchor(lab), NOW, public_keys=[wrong]), bundle)
    assert refused.value.code == "sigstore.entry"


def test_a_keyed_bundle_without_a_log_needs_leave(lab: Lab) -> None:
    bundle = lab.sign(ARTIFACT, form="keyed+no-log")
    key = public_key.from_pem(lab.public_key())
    with pytest.raises(RejectedError) as refused:
        SigstoreVerifier(anchor(lab), NOW, public_keys=[key]).verify(bundle)
    assert refused.value.code == "sigstore.no-log"
    lenient = SigstoreVerifier(anchor(lab), NOW, public_keys=[key], require_log=False)
    assert claim(lenient, bundle).signed_at is None
    with pytest.raises(RejectedError) as refused:
        claim(lenient, bundle, b"another artifact")
    assert refused.value.code == "sigstore.digest"


def test_an_instance_that_lists_a_log_demands_an_entry(
    lab: Lab, verifier: SigstoreVerifier
) -> None:
    with pytest.raises(RejectedError) as refused:
        verifier.verify(lab.sign(ARTIFACT, form="no-log"))
    assert refused.value.code == "sigstore.no-log"


def test_a_payload_that_is_no_statement_is_not_read(lab: Lab, verifier: SigstoreVerifier) -> None:
    with pytest.raises(UnsupportedError):
        verifier.verify(lab.envelope(b"{}", "text/plain"))


@pytest.mark.parametrize(
    "payload",
    [
        b"not JSON",
        b'{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x"}',
        b'{"type_":"https://in-toto.io/Statement/v1"}',
        b'{"_type":"https://in-toto.io/Statement/v1","_type":"https://in-toto.io/Statement/v1"}',
    ],
    ids=["not JSON", "no subject", "alias", "duplicate key"],
)
def test_a_signed_payload_is_still_read_strictly(
    lab: Lab, verifier: SigstoreVerifier, payload: bytes
) -> None:
    with pytest.raises(MalformedError):
        verifier.verify(lab.envelope(payload))


def _alias(value: Any) -> None:
    value["verification_material"] = value.pop("verificationMaterial")


def _junk(value: Any) -> None:
    signature = value["messageSignature"]["signature"]
    value["messageSignature"]["signature"] = signature[:8] + "\n" + signature[8:]


def _digits(value: Any) -> None:
    entry = value["verificationMaterial"]["tlogEntries"][0]
    entry["logIndex"] = f" {entry['logIndex']} "


@pytest.mark.parametrize("change", [_alias, _junk, _digits])
def test_another_spelling_of_a_good_bundle_is_malformed(
    lab: Lab, verifier: SigstoreVerifier, change: Callable[[Any], None]
) -> None:
    # security.md W19, W20, W21: sigstore-python takes each of these.
    with pytest.raises(MalformedError):
        verifier.verify(edited(lab.sign(ARTIFACT), change))


def test_a_duplicate_key_is_malformed(lab: Lab, verifier: SigstoreVerifier) -> None:
    # W18: the last one wins in sigstore-python.
    bundle = lab.sign(ARTIFACT).strip()
    with pytest.raises(MalformedError):
        verifier.verify(b'{"mediaType":"x",' + bundle[1:])


@pytest.mark.parametrize("time", ["9223372036854775807", "253402300800"])
def test_a_time_that_the_library_crashes_on_is_a_rejection(
    lab: Lab, verifier: SigstoreVerifier, time: str
) -> None:
    # X1, X2: OverflowError and ValueError escape from sigstore-python.
    def change(value: Any) -> None:
        value["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = time

    with pytest.raises(EvidenceError):
        claim(verifier, edited(lab.sign(ARTIFACT), change))


# ---- anchors ------------------------------------------------------------------


def changed(lab: Lab, change: Callable[[Any], None]) -> Anchor:
    """Trust the lab's root after a change to its JSON."""
    raw = edited(lab.trusted_root(), change)
    return Anchor(instance="acme", raw=raw, root=trusted_root.parse(raw), origin="test")


def test_a_root_with_an_unknown_field_is_used_without_it(lab: Lab) -> None:
    odd = changed(lab, lambda value: value.update(somethingNew=1))
    assert [remark.code for remark in odd.root.remarks] == ["trust.unknown-field"]
    made = claim(SigstoreVerifier(odd, NOW), lab.sign(ARTIFACT))
    assert made.accepted_by == ("airgap-kit", "sigstore-python")


def test_a_log_with_a_key_of_an_unknown_type_is_left_out_but_still_demanded(lab: Lab) -> None:
    def change(value: Any) -> None:
        value["tlogs"][0]["publicKey"]["keyDetails"] = "ML_DSA_65"

    odd = changed(lab, change)
    assert [remark.code for remark in odd.root.remarks] == ["trust.unknown-key"]
    verifier = SigstoreVerifier(odd, NOW)
    for form, code in (("no-log", "sigstore.no-log"), (None, "sigstore.log-key")):
        with pytest.raises(RejectedError) as refused:
            verifier.verify(lab.sign(ARTIFACT, form=form))
        assert refused.value.code == code


def _window(part: str, start: str, end: str | None = None) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        (item,) = value[part]
        owner = item if part == "certificateAuthorities" else item["publicKey"]
        owner["validFor"] = {"start": start} | ({} if end is None else {"end": end})

    return change


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("tlogs", "sigstore.log-window"),
        ("ctlogs", "sigstore.sct"),
        ("certificateAuthorities", "sigstore.ca-window"),
    ],
)
def test_a_window_is_compared_with_the_time_of_signing(lab: Lab, part: str, code: str) -> None:
    # W1 to W5: sigstore-python compares each of these with the host's clock alone.
    long_ago, after = "2020-01-01T00:00:00Z", f"{AT + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    exactly = f"{AT:%Y-%m-%dT%H:%M:%SZ}"
    bundle = lab.sign(ARTIFACT)
    for start, end in ((long_ago, "2025-01-01T00:00:00Z"), (after, None)):
        with pytest.raises(RejectedError) as refused:
            claim(SigstoreVerifier(changed(lab, _window(part, start, end)), NOW), bundle)
        assert refused.value.code == code
    if part != "ctlogs":  # the SCT is a minute older
        closed = changed(lab, _window(part, long_ago, exactly))
        assert claim(SigstoreVerifier(closed, NOW), bundle).signed_at == AT
