"""An instance as GitHub's own: yearly authorities, timestamps, and no log of any kind."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store

from tests.lab import AT, IDENTITY, MORE_SPOILS, RELEASES, Lab, json_lines
from tests.unit.lab.judges import signature_of, stamp_verdict, stamps_of, verifier

GITHUB = Lab("acme", shape="github")
ROOT = json.loads(GITHUB.trusted_root())
ASSETS = {"tool-1.0.tar.gz": b"tool", "SHA256SUMS": b"sums"}


def leaf_of(bundle: Any) -> x509.Certificate:
    raw = b64decode(bundle["verificationMaterial"]["certificate"]["rawBytes"])
    return x509.load_der_x509_certificate(raw)


def listed(kind: str, at: datetime) -> Any:
    (found,) = (
        each
        for each in ROOT[kind]
        if each["validFor"]["start"] <= at.isoformat() < each["validFor"]["end"]
    )
    return found


def chains(leaf: x509.Certificate, at: datetime) -> bool:
    """Tell whether a leaf chains to the authority of its time."""
    chain = listed("certificateAuthorities", at)["certChain"]["certificates"]
    certificates = [x509.load_der_x509_certificate(b64decode(each["rawBytes"])) for each in chain]
    loose = (x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, None)
    verifier = (
        PolicyBuilder()
        .store(Store(certificates))
        .time(at)
        .extension_policies(
            ca_policy=ExtensionPolicy.webpki_defaults_ca().may_be_present(*loose),
            ee_policy=ExtensionPolicy.webpki_defaults_ee().may_be_present(*loose),
        )
        .build_client_verifier()
    )
    return len(verifier.verify(leaf, []).chain) > 1


def test_the_root_lists_generations_and_no_log() -> None:
    assert (ROOT["tlogs"], ROOT["ctlogs"]) == ([], [])
    for kind in ("certificateAuthorities", "timestampAuthorities"):
        windows = [each["validFor"] for each in ROOT[kind]]
        assert len(windows) == 4
        assert [each["end"] for each in windows[:-1]] == [each["start"] for each in windows[1:]]
        assert {each["subject"]["organization"] for each in ROOT[kind]} == {"GitHub, Inc."}
    assert all("://" not in each["uri"] for each in ROOT["certificateAuthorities"])
    assert ["uri" in each for each in ROOT["timestampAuthorities"]] == [False, True, True, True]


def test_an_intermediate_lives_for_a_year_and_the_root_for_all() -> None:
    lower, upper = set(), set()
    for each in ROOT["certificateAuthorities"]:
        intermediate, root = (
            x509.load_der_x509_certificate(b64decode(one["rawBytes"]))
            for one in each["certChain"]["certificates"]
        )
        lives = intermediate.not_valid_after_utc - intermediate.not_valid_before_utc
        assert lives <= timedelta(days=366)
        lower.add(intermediate)
        upper.add(root)
    assert (len(lower), len(upper)) == (4, 1)


@pytest.mark.parametrize("year", [2023, 2024, 2025, 2026])
def test_an_attestation_holds_under_the_generation_of_its_year(year: int) -> None:
    at = datetime(year, 3, 1, tzinfo=UTC)
    bundle = json.loads(GITHUB.attest(ASSETS, at=at))
    assert bundle["verificationMaterial"].keys() == {"certificate", "timestampVerificationData"}
    leaf, (token,) = leaf_of(bundle), stamps_of(bundle)
    assert chains(leaf, at)
    stamper = listed("timestampAuthorities", at)
    assert stamp_verdict(token, signature_of(bundle), stamper) == ""
    names = [extension.oid.dotted_string for extension in leaf.extensions]
    assert "1.3.6.1.4.1.11129.2.4.2" not in names
    key = leaf.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    payload = b64decode(bundle["dsseEnvelope"]["payload"])
    kind = b"application/vnd.in-toto+json"
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    key.verify(signature_of(bundle), signed, ec.ECDSA(hashes.SHA256()))


def test_a_release_is_signed_with_the_yearly_certificate() -> None:
    bundle = json.loads(GITHUB.release("acme/tool", "v1.0", ASSETS))
    leaf = leaf_of(bundle)
    find = leaf.extensions.get_extension_for_class
    assert leaf.subject.rfc4514_string() == "CN=Attester,O=GitHub\\, Inc."
    name, purpose = find(x509.SubjectAlternativeName), find(x509.ExtendedKeyUsage)
    assert name.value.get_values_for_type(x509.UniformResourceIdentifier) == [RELEASES]
    assert (list(purpose.value), purpose.critical) == ([ExtendedKeyUsageOID.CODE_SIGNING], False)
    assert find(x509.KeyUsage).critical
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=365)
    assert not any(
        each.oid.dotted_string.startswith("1.3.6.1.4.1.57264") for each in leaf.extensions
    )
    assert chains(leaf, AT)


def test_a_release_names_its_package_and_its_assets() -> None:
    bundle = json.loads(GITHUB.release("acme/tool", "v1.0", ASSETS))
    statement = json.loads(b64decode(bundle["dsseEnvelope"]["payload"]))
    package, *assets = statement["subject"]
    assert package.keys() == {"uri", "digest"}
    assert package["uri"] == "pkg:github/acme/tool@v1.0"
    assert package["digest"].keys() == {"sha1"}
    assert assets == [
        {"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}
        for name, content in ASSETS.items()
    ]
    assert statement["predicateType"] == "https://in-toto.io/attestation/release/v0.2"
    said = statement["predicate"]
    assert (said["repository"], said["tag"], said["purl"]) == (
        "acme/tool",
        "v1.0",
        "pkg:github/acme/tool@v1.0",
    )


@pytest.mark.parametrize("spoil", ["chain", "expired", "early", "eku", "tsa-signature", "san-two"])
def test_a_release_can_be_spoiled(spoil: str) -> None:
    right = GITHUB.release("acme/tool", "v1.0", ASSETS)
    assert GITHUB.release("acme/tool", "v1.0", ASSETS, spoil=spoil) != right


@pytest.mark.parametrize(
    "spoil", [name for name, each in MORE_SPOILS.items() if each.needs == {"timestamp"}]
)
def test_a_spoiled_timestamp_is_the_one_difference(spoil: str) -> None:
    right, wrong = (json.loads(GITHUB.attest(ASSETS, spoil=each)) for each in (None, spoil))
    for bundle in (right, wrong):
        del bundle["verificationMaterial"]["timestampVerificationData"]
    assert right == wrong


def test_nobody_serves_before_the_first_generation() -> None:
    with pytest.raises(ValueError, match="nobody serves at 2021"):
        GITHUB.attest(ASSETS, at=datetime(2021, 1, 1, tzinfo=UTC))


def test_what_needs_a_log_cannot_be_asked_for() -> None:
    for options in ({"spoil": "set"}, {"rekor": "v2"}, {"form": "promise-only"}):
        with pytest.raises(ValueError, match="needs a bundle with"):
            GITHUB.attest(ASSETS, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs a bundle with github"):
        Lab("acme").release("acme/tool", "v1.0", ASSETS)


def test_sigstore_python_has_no_verifier_for_it() -> None:
    with pytest.raises(Exception, match="contains no transparency log instances"):
        verifier(GITHUB.trusted_root())


def test_the_workflow_is_named_as_everywhere() -> None:
    leaf = leaf_of(json.loads(GITHUB.attest(ASSETS)))
    name = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert name.value.get_values_for_type(x509.UniformResourceIdentifier) == [IDENTITY]


def test_roots_are_told_one_a_line() -> None:
    plain = Lab("acme").trusted_root()
    lines = json_lines(plain, GITHUB.trusted_root())
    assert lines.endswith(b"\n")
    assert lines.splitlines() == [plain, GITHUB.trusted_root()]
