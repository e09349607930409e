"""Keys follow from their names, and signatures from their keys."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab import keys
from tests.lab.keys import Seed

SEED = Seed(("acme",))


def ids() -> list[bytes]:
    made = (SEED.p256("a"), SEED.p256("b"), SEED.p384("a"), SEED.ed25519("a"))
    return [keys.key_id(key.public_key()) for key in made]


def test_a_name_is_one_key_of_each_type() -> None:
    assert ids() == ids()
    assert len(set(ids())) == 4


def test_a_child_is_a_longer_name() -> None:
    assert SEED.child("a").octets("b") == SEED.octets("a", "b")


def test_names_are_not_run_together() -> None:
    assert SEED.octets("a", "bc") != SEED.octets("ab", "c")
    assert Seed(("acme", "a")).octets() != Seed(("acmea",)).octets()


def test_equal_messages_have_equal_signatures() -> None:
    key = SEED.p256("a")
    signature = keys.sign(key, b"message")
    assert signature == keys.sign(key, b"message")
    assert signature == keys.sign_digest(key, hashlib.sha256(b"message").digest())
    key.public_key().verify(signature, b"message", ec.ECDSA(hashes.SHA256()))


def test_a_signature_has_a_twin_that_holds_as_well() -> None:
    key = SEED.p256("a")
    signature = keys.sign(key, b"message")
    twin = keys.twin(signature)
    assert twin != signature
    assert keys.twin(twin) == signature
    key.public_key().verify(twin, b"message", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.public_key().verify(twin, b"other", ec.ECDSA(hashes.SHA256()))
