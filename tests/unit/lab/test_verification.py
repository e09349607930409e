"""sigstore-python accepts what the lab makes, and refuses what it spoils for the reason given."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from sigstore.errors import VerificationError
from sigstore.models import Bundle, InvalidBundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from tests.lab import IDENTITY, ISSUER, SPOILS, VERSIONS, Lab, spoils
from tests.lab.authorities import Authorities
from tests.lab.keys import Seed

ARTIFACT = b"tool-1.0\n"
DSSE = "DSSE: invalid signature"
INCONSISTENT = "transparency log entry is inconsistent with other materials"
SCT = "failed to verify SCT on signing certificate: "
TIME = "cert is not valid at validation time"

# What sigstore-python says of a message and of an envelope; None where there is no such fault.
REASONS: dict[str, tuple[str | None, str | None]] = {
    "chain": ("candidates exhausted: signature does not match",) * 2,
    "expired": (TIME,) * 2,
    "early": (TIME,) * 2,
    "eku": ("Extended usage does not contain `code signing`",) * 2,
    "key-usage": ("Key usage is not of type `digital signature`",) * 2,
    "sct": (f"{SCT}SCT verify failed: keyring: invalid signature",) * 2,
    "ct-log": (f"{SCT}SCT verify failed: keyring: invalid signature",) * 2,
    "no-sct": (f"{SCT}Certificate does not contain a signed certificate timestamp",) * 2,
    "signature": ("Signature is invalid for input", DSSE),
    "artifact": ("Signature is invalid for input", None),
    "message-digest": ("Bundle message digest mismatch", None),
    "payload": (None, DSSE),
    "entry-digest": (INCONSISTENT, None),
    "payload-hash": (None, "log entry payload hash does not match bundle"),
    "entry-signature": (INCONSISTENT, "log entry signatures do not match bundle"),
    "entry-certificate": (INCONSISTENT, "log entry signatures do not match bundle"),
    "log-key": ("invalid log entry: checkpoint: invalid signature: keyring",) * 2,
    "set": ("invalid log entry: SET: invalid inclusion promise: keyring",) * 2,
    "inclusion-proof": ("inclusion proof contains invalid root hash: expected",) * 2,
    "checkpoint": ("invalid log entry: checkpoint: invalid signature: keyring",) * 2,
    "root-hash": ("Inclusion proof contains invalid root hash signature",) * 2,
}
MESSAGES = {name: says for name, (says, _) in REASONS.items() if says is not None}
ENVELOPES = {name: says for name, (_, says) in REASONS.items() if says is not None}

# A spoiled record is logged as it is, so these members of the body are all that can differ.
TOLD = {
    "entry-digest": {"spec.data.hash.value"},
    "payload-hash": {"spec.payloadHash.value"},
    "entry-signature": {"spec.signature.content"},
    "entry-certificate": {"spec.signature.publicKey.content"},
}


@pytest.fixture
def under(tmp_path: Path) -> Callable[[bytes], Verifier]:
    """Return a verifier for a trusted root."""

    def verifier(trusted_root: bytes) -> Verifier:
        path = tmp_path / "trusted_root.json"
        path.write_bytes(trusted_root)
        return Verifier(trusted_root=TrustedRoot.from_file(str(path)))

    return verifier


@pytest.fixture
def lab() -> Lab:
    return Lab("acme")


@pytest.fixture
def verifier(lab: Lab, under: Callable[[bytes], Verifier]) -> Verifier:
    return under(lab.trusted_root())


def check(verifier: Verifier, bundle: bytes, identity: str = IDENTITY, issuer: str = ISSUER) -> Any:
    """Verify as the bundle's kind has it: the message against ARTIFACT, or the envelope."""
    policy = Identity(identity=identity, issuer=issuer)
    parsed = Bundle.from_json(bundle)
    if "dsseEnvelope" in json.loads(bundle):
        return verifier.verify_dsse(parsed, policy)
    return verifier.verify_artifact(ARTIFACT, parsed, policy)


def entry_of(bundle: bytes) -> Any:
    return json.loads(bundle)["verificationMaterial"]["tlogEntries"][0]


def leaves_of(value: Any, path: str = "") -> dict[str, Any]:
    """Return every scalar of a JSON value by its path."""
    match value:
        case dict():
            items = [(f"{path}.{key}".lstrip("."), each) for key, each in value.items()]
        case list():
            items = [(f"{path}.{index}", each) for index, each in enumerate(value)]
        case _:
            return {path: value}
    return {name: leaf for where, each in items for name, leaf in leaves_of(each, where).items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_message_signature_holds_in_every_version(
    lab: Lab, verifier: Verifier, version: str
) -> None:
    check(verifier, lab.sign(ARTIFACT, version=version))


@pytest.mark.parametrize("version", VERSIONS)
def test_an_attestation_holds_in_every_version(lab: Lab, verifier: Verifier, version: str) -> None:
    bundle = lab.attest(
        {"a.whl": b"a", "b.whl": b"b"}, predicate={"builder": {"id": "é"}}, version=version
    )
    payload_type, payload = check(verifier, bundle)
    statement = json.loads(payload)
    assert payload_type == "application/vnd.in-toto+json"
    assert statement["predicate"] == {"builder": {"id": "é"}}
    assert [subject["name"] for subject in statement["subject"]] == ["a.whl", "b.whl"]


def test_a_digest_is_signed_as_its_bytes_are(lab: Lab) -> None:
    assert lab.sign_digest(hashlib.sha256(ARTIFACT).hexdigest()) == lab.sign(ARTIFACT)


def test_any_payload_of_any_type_can_be_enveloped(lab: Lab, verifier: Verifier) -> None:
    bundle = lab.envelope(b"\x00not JSON", "text/plain")
    assert check(verifier, bundle) == ("text/plain", b"\x00not JSON")


def test_an_email_is_an_identity(lab: Lab, verifier: Verifier) -> None:
    google = "https://accounts.google.com"
    bundle = lab.sign(ARTIFACT, identity="jo@acme.test", issuer=google)
    check(verifier, bundle, identity="jo@acme.test", issuer=google)


@pytest.mark.parametrize(
    "at", [datetime(2022, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)]
)
def test_the_log_dates_the_signature_as_asked(lab: Lab, verifier: Verifier, at: datetime) -> None:
    bundle = lab.sign(ARTIFACT, at=at)
    check(verifier, bundle)
    assert entry_of(bundle)["integratedTime"] == str(int(at.timestamp()))


def test_the_global_index_is_not_that_of_the_shard(lab: Lab) -> None:
    entry = entry_of(lab.sign(ARTIFACT))
    assert int(entry["logIndex"]) > int(entry["inclusionProof"]["treeSize"])


def test_two_seeds_do_not_trust_each_other(lab: Lab, under: Callable[[bytes], Verifier]) -> None:
    stranger = Lab("acme2")
    with pytest.raises(VerificationError):
        check(under(stranger.trusted_root()), lab.sign(ARTIFACT))
    with pytest.raises(VerificationError):
        check(under(lab.trusted_root()), stranger.attest({"a": b"a"}))


def test_every_spoil_has_a_reason() -> None:
    assert set(REASONS) == set(SPOILS)
    for name, spoil in SPOILS.items():
        assert (name in MESSAGES) == ("envelope" not in spoil.needs)
        assert (name in ENVELOPES) == ("message" not in spoil.needs)


@pytest.mark.parametrize("spoil", MESSAGES)
def test_a_spoiled_message_is_refused_for_its_fault(
    lab: Lab, verifier: Verifier, spoil: str
) -> None:
    with pytest.raises((VerificationError, InvalidBundle)) as refused:
        check(verifier, lab.sign(ARTIFACT, spoil=spoil))
    assert MESSAGES[spoil] in str(refused.value)


@pytest.mark.parametrize("spoil", ENVELOPES)
def test_a_spoiled_envelope_is_refused_for_its_fault(
    lab: Lab, verifier: Verifier, spoil: str
) -> None:
    with pytest.raises((VerificationError, InvalidBundle)) as refused:
        check(verifier, lab.attest({"a": b"a"}, spoil=spoil))
    assert ENVELOPES[spoil] in str(refused.value)


@pytest.mark.parametrize("spoil", ["chain", "ct-log", "log-key"])
def test_an_impostor_is_wrong_in_nothing_but_its_keys(
    lab: Lab, under: Callable[[bytes], Verifier], spoil: str
) -> None:
    impostor = spoils.authorities(Authorities.of(Seed(("acme",))), spoil)
    check(under(impostor.trusted_root()), lab.sign(ARTIFACT, spoil=spoil))
    check(under(impostor.trusted_root()), lab.attest({"a": b"a"}, spoil=spoil))


def test_an_impostor_has_the_names_of_the_right_one() -> None:
    right = json.loads(Lab("acme").trusted_root())
    for spoil in ("chain", "ct-log", "log-key"):
        world = spoils.authorities(Authorities.of(Seed(("acme",))), spoil)
        differ = {
            path
            for path, leaf in leaves_of(json.loads(world.trusted_root())).items()
            if leaves_of(right)[path] != leaf
        }
        assert {path.rpartition(".")[2] for path in differ} <= {"rawBytes", "keyId"}


@pytest.mark.parametrize("spoil", TOLD)
def test_a_spoiled_record_differs_in_one_member(lab: Lab, spoil: str) -> None:
    def body(**options: Any) -> dict[str, Any]:
        bundle = (
            lab.attest({"a": b"a"}, **options)
            if "envelope" in SPOILS[spoil].needs
            else lab.sign(ARTIFACT, **options)
        )
        return leaves_of(json.loads(b64decode(entry_of(bundle)["canonicalizedBody"])))

    right, wrong = body(), body(spoil=spoil)
    assert {path for path in right if right[path] != wrong[path]} == TOLD[spoil]


@pytest.mark.parametrize("spoil", ["sct", "set", "checkpoint"])
def test_a_forgery_is_in_the_name_of_the_known_log(lab: Lab, spoil: str) -> None:
    root = json.loads(lab.trusted_root())
    bundle = lab.sign(ARTIFACT, spoil=spoil)
    leaf = json.loads(bundle)["verificationMaterial"]["certificate"]["rawBytes"]
    certificate = x509.load_der_x509_certificate(b64decode(leaf))
    scts = certificate.extensions.get_extension_for_class(
        x509.PrecertificateSignedCertificateTimestamps
    )
    assert scts.value[0].log_id == b64decode(root["ctlogs"][0]["logId"]["keyId"])
    assert entry_of(bundle)["logId"] == root["tlogs"][0]["logId"]
