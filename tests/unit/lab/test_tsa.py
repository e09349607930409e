"""The timestamps of the lab hold, in every variant, and are wrong only where they are to be."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import decode_timestamp_response

from tests.lab import AT, MORE_SPOILS, Lab, asn1
from tests.lab.certificate import FROM
from tests.lab.keys import Seed
from tests.lab.tsa import HASHES, Stamp, Tsa
from tests.unit.lab.judges import (
    made,
    signature_of,
    stamp_verdict,
    stamps_of,
    verdict,
    verifier,
)

FULL = Lab("acme", shape="full")
ROOT = json.loads(FULL.trusted_root())
JUDGE = verifier(FULL.trusted_root())
CONTENTS = ["message", "envelope"]
FORMS = [
    "timestamp",
    "timestamp-bare",
    "timestamp-sha384",
    "timestamp-sha512",
    "timestamp-signing-time",
    "timestamp-ess-v1",
    "timestamp-ess-both",
    "timestamp-bare+timestamp-sha512",
]


def authority(name: str) -> Any:
    (found,) = (
        each for each in ROOT["timestampAuthorities"] if each["uri"].startswith(f"https://{name}.a")
    )
    return found


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("form", FORMS)
def test_both_libraries_accept_every_variant(form: str, content: str) -> None:
    bundle = made(FULL, content, form=form)
    (token,) = stamps_of(json.loads(bundle))
    assert stamp_verdict(token, signature_of(json.loads(bundle)), authority("timestamp")) == ""
    # Without a promise the timestamp is all the time there is.
    alone = made(FULL, content, form=f"{form}+no-promise")
    assert (verdict(JUDGE, bundle), verdict(JUDGE, alone)) == ("", "")


def test_a_timestamp_says_what_it_is_asked_to() -> None:
    for name in ("sha256", "sha384", "sha512"):
        form = "timestamp" if name == "sha256" else f"timestamp-{name}"
        bundle = json.loads(made(FULL, "message", form=form))
        (token,) = stamps_of(bundle)
        info = decode_timestamp_response(token).tst_info
        assert info.gen_time == AT
        assert info.policy.dotted_string == "1.3.6.1.4.1.57264.2"
        assert info.message_imprint.hash_algorithm.dotted_string == HASHES[name]
        expected = hashlib.new(name, signature_of(bundle)).digest()
        assert info.message_imprint.message == expected


def test_a_timestamp_embeds_all_but_the_root_or_nothing() -> None:
    whole, bare = (
        [
            decode_timestamp_response(token).signed_data
            for token in stamps_of(json.loads(made(FULL, "message", form=form)))
        ]
        for form in ("two-timestamps", "two-timestamps+timestamp-bare")
    )
    assert [len(each.certificates) for each in whole] == [1, 2]
    assert [len(each.certificates) for each in bare] == [0, 0]
    assert all(len(each.signer_infos) == 1 for each in whole + bare)


def test_two_timestamps_are_of_two_authorities() -> None:
    bundle = made(FULL, "message", form="two-timestamps")
    signature = signature_of(json.loads(bundle))
    names = ("timestamp", "tsa")
    holds = [
        [not stamp_verdict(token, signature, authority(name)) for name in names]
        for token in stamps_of(json.loads(bundle))
    ]
    assert holds == [[True, False], [False, True]]
    assert verdict(JUDGE, bundle) == ""


def test_a_tsa_stamps_twice_a_second_apart() -> None:
    bundle = made(FULL, "envelope", form="twice-stamped")
    first, second = (
        decode_timestamp_response(token).tst_info for token in stamps_of(json.loads(bundle))
    )
    assert (second.gen_time - first.gen_time).total_seconds() == 1
    # And sigstore-python takes them for two witnesses.
    assert verdict(JUDGE, bundle) == ""


def test_the_leaf_has_the_profile_of_rfc_3161() -> None:
    tsa = Tsa.of("acme", "https://tsa.test", Seed(("acme",)), intermediate=True)
    usage = tsa.leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical
    assert list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    leaf, intermediate, root = tsa.chain
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)


# What rfc3161-client says of a spoiled token under a root that lists the spoiled leaf, too;
# OpenSSL, not the client, is the one to want a purpose that is critical and the only one.
TOKENS = {
    "tsa-signature": "signature failure",
    "tsa-untrusted": "unable to get local issuer certificate",
    "tsa-window": "unable to get local issuer certificate",
    "tsa-imprint": "Mismatch between messages",
    "tsa-sha1": "Unsupported hash algorithm",
    "tsa-content": "digest failure",
    "tsa-ess": "",
    "tsa-no-ess": "",
    "tsa-status": "PKIStatus is not GRANTED",
    "tsa-two-signers": "Expected exactly one SignerInfo",
    "tsa-eku": "unsuitable certificate purpose",
    "tsa-eku-more": "unsuitable certificate purpose",
    "tsa-eku-loose": "unsuitable certificate purpose",
    "tsa-late": "",
    "tsa-early": "",
    "tsa-garbage": "ASN.1 parse error",
}


@pytest.mark.parametrize("spoil", [name for name in MORE_SPOILS if name.startswith("tsa-")])
def test_rfc3161_client_refuses_a_spoiled_token_for_its_fault(spoil: str) -> None:
    bundle = json.loads(made(FULL, "message", form="timestamp", spoil=spoil))
    twist = spoil if "eku" in spoil else None
    listed = json.loads(FULL.trusted_root(twist=twist))["timestampAuthorities"][1]
    (token,) = stamps_of(bundle)
    says = stamp_verdict(token, signature_of(bundle), listed)
    assert TOKENS[spoil] in says
    assert bool(TOKENS[spoil]) == bool(says)


def test_a_second_signer_is_seen_only_beside_certificates() -> None:
    bundle = json.loads(made(FULL, "message", form="timestamp-bare", spoil="tsa-two-signers"))
    (token,) = stamps_of(bundle)
    assert stamp_verdict(token, signature_of(bundle), authority("timestamp")) == ""


@pytest.mark.parametrize(
    ("value", "der"),
    [(0, "020100"), (127, "02017f"), (128, "02020080"), (256, "02020100"), (1 << 15, "0203008000")],
)
def test_integers_are_as_short_as_their_sign_allows(value: int, der: str) -> None:
    assert asn1.integer(value).hex() == der


@pytest.mark.parametrize("dotted", ["1.2.840.113549.1.7.2", "2.16.840.1.101.3.4.2.1", "2.5.29.37"])
def test_object_identifiers_are_those_of_cryptography(dotted: str) -> None:
    name = x509.Name([x509.NameAttribute(x509.ObjectIdentifier(dotted), "a")])
    assert asn1.oid(dotted) in name.public_bytes()


def test_every_stamp_has_a_number_of_its_own() -> None:
    tsa = Tsa.of("acme", "", Seed(("acme",)))
    tokens = {tsa.stamp(message, FROM, Stamp()) for message in (b"a", b"b", b"c")}
    numbers = {decode_timestamp_response(token).tst_info.serial_number for token in tokens}
    assert len(numbers) == 3
