"""What a leaf says can be read back."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab import AT, EXTENSIONS, IDENTITY, ISSUER, Lab
from tests.lab.extensions import ARC

LAB = Lab("acme")


def leaf(**options: Any) -> x509.Certificate:
    bundle = json.loads(LAB.sign(b"artifact", **options))
    raw = bundle["verificationMaterial"]["certificate"]["rawBytes"]
    return x509.load_der_x509_certificate(b64decode(raw))


def read(certificate: x509.Certificate) -> dict[str, str]:
    """Return what a leaf says, by name."""
    names = {extension.oid: name for name, extension in EXTENSIONS.items()}
    said = {}
    for extension in certificate.extensions:
        if extension.oid.dotted_string.startswith(f"{ARC}."):
            assert isinstance(extension.value, x509.UnrecognizedExtension)
            name, octets = names[extension.oid], extension.value.value
            said[name] = octets.decode() if EXTENSIONS[name].raw else asn1.decode_der(str, octets)
    return said


def test_a_workflow_says_all_that_github_tells() -> None:
    said = read(leaf())
    commit = said["source-repository-digest"]
    run = said["run-invocation-uri"]
    assert len(commit) == 40
    assert run.startswith("https://github.com/acme/tool/actions/runs/")
    assert said["source-repository-identifier"].isdigit()
    assert said["source-repository-owner-identifier"].isdigit()
    assert said == {
        "issuer": ISSUER,
        "github-workflow-trigger": "push",
        "github-workflow-sha": commit,
        "github-workflow-name": "release",
        "github-workflow-repository": "acme/tool",
        "github-workflow-ref": "refs/tags/v1.0",
        "issuer-v2": ISSUER,
        "build-signer-uri": IDENTITY,
        "build-signer-digest": commit,
        "runner-environment": "github-hosted",
        "source-repository-uri": "https://github.com/acme/tool",
        "source-repository-digest": commit,
        "source-repository-ref": "refs/tags/v1.0",
        "source-repository-identifier": said["source-repository-identifier"],
        "source-repository-owner-uri": "https://github.com/acme",
        "source-repository-owner-identifier": said["source-repository-owner-identifier"],
        "build-config-uri": IDENTITY,
        "build-config-digest": commit,
        "build-trigger": "push",
        "run-invocation-uri": run,
        "source-repository-visibility": "public",
    }


@pytest.mark.parametrize("identity", ["jo@acme.test", "https://acme.test/builder"])
def test_any_other_identity_says_its_issuer_only(identity: str) -> None:
    said = read(leaf(identity=identity, issuer="https://accounts.acme.test"))
    assert said == dict.fromkeys(("issuer", "issuer-v2"), "https://accounts.acme.test")


# Where DER writes the length in one octet, in two, and in three.
@pytest.mark.parametrize("length", [1, 63, 64, 127, 128, 1000])
def test_extensions_can_be_changed_added_and_left_out(length: int) -> None:
    changed = {
        "runner-environment": "self-hosted",
        "deployment-environment": "é" * length,
        "issuer": None,
    }
    said = read(leaf(extensions=changed))
    assert said["runner-environment"] == "self-hosted"
    assert said["deployment-environment"] == "é" * length
    assert "issuer" not in said
    assert said["issuer-v2"] == ISSUER


def test_extensions_can_be_malformed() -> None:
    certificate = leaf(extensions={"issuer-v2": b"\x0c\x02a"})
    extension = certificate.extensions.get_extension_for_oid(EXTENSIONS["issuer-v2"].oid)
    assert extension.value.public_bytes() == b"\x0c\x02a"


def test_a_leaf_has_the_profile_of_fulcio() -> None:
    certificate = leaf()
    find = certificate.extensions.get_extension_for_class
    usage, purpose, name = (
        find(x509.KeyUsage),
        find(x509.ExtendedKeyUsage),
        find(x509.SubjectAlternativeName),
    )
    assert list(certificate.subject) == []
    assert usage.critical
    assert usage.value.digital_signature
    assert list(purpose.value) == [ExtendedKeyUsageOID.CODE_SIGNING]
    assert name.critical
    assert name.value.get_values_for_type(x509.UniformResourceIdentifier) == [IDENTITY]
    assert certificate.not_valid_before_utc < AT < certificate.not_valid_after_utc
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lifetime.total_seconds() == 600


def test_an_email_is_named_as_one() -> None:
    name = leaf(identity="jo@acme.test").extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert name.value.get_values_for_type(x509.RFC822Name) == ["jo@acme.test"]
