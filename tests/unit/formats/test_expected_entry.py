"""kit.formats.expected_entry: where the log should have a signature."""

import hashlib

import pytest

from kit.formats import expected_entry, sigstore_bundle
from kit.formats.sigstore_bundle import Bundle
from tests.lab import Lab

LAB = Lab("acme")
FILE = b"artifact"
SHA256 = hashlib.sha256(FILE).hexdigest()
FORMS = [None, "intoto", "intoto-0.0.1"]


def leaf_of(bundle: Bundle) -> str:
    return hashlib.sha256(b"\x00" + bundle.entries[0].body).hexdigest()


@pytest.mark.parametrize("key_type", ["p256", "p384", "rsa3072"])
def test_a_message_signature_has_one_place(key_type: str) -> None:
    signed = LAB.sign(FILE, key_type=key_type, algorithm="sha256")
    bundle = sigstore_bundle.parse(signed)
    assert expected_entry.leaves(bundle, SHA256) == (leaf_of(bundle),)
    assert leaf_of(bundle) not in expected_entry.leaves(bundle, "00" * 32)


@pytest.mark.parametrize("form", FORMS)
def test_an_envelope_is_where_clients_have_it_logged(form: str | None) -> None:
    bundle = sigstore_bundle.parse(LAB.attest({"tool": FILE}, form=form))
    expected = expected_entry.leaves(bundle, None)
    assert len(set(expected)) == 9  # one question's worth
    assert leaf_of(bundle) in expected


def test_of_a_key_nothing_is_expected() -> None:
    bundle = sigstore_bundle.parse(LAB.sign(FILE, form="keyed"))
    assert expected_entry.leaves(bundle, SHA256) == ()


def test_of_bytes_that_are_not_at_hand_nothing_is_expected() -> None:
    assert expected_entry.leaves(sigstore_bundle.parse(LAB.sign(FILE)), None) == ()
