"""Which OpenPGP signatures count, with the real gpg, over signatures as wrong as can be."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gnupg
import pytest

from kit.errors import AnchorError, EvidenceError
from kit.model import Digest, EvidenceKind
from kit.trust.keyrings import Keyring
from kit.verifiers.openpgp import OpenPgpVerifier, Verified
from tests.openpgp import (
    DATA,
    GPG,
    MADE,
    NOW,
    SIGNED,
    Key,
    Pair,
    armored,
    notation,
    subpacket,
    verifier,
)

pytestmark = pytest.mark.skipif(not GPG.exists(), reason="gpg is not installed")

OWNER = Key("owner")
NEXT = Key("next")
MALLORY = Key("mallory")
SUBKEY = Pair("subkey")
YEAR = 365 * 24 * 3600


def verify(asked: OpenPgpVerifier, signature: bytes, data: bytes = DATA) -> Verified:
    with asked as asking:
        return asking.verify(asking.read(signature), lambda: io.BytesIO(data))


def refusal(asked: OpenPgpVerifier, signature: bytes, data: bytes = DATA) -> str:
    with pytest.raises(EvidenceError) as caught:
        verify(asked, signature, data)
    return caught.value.code


@pytest.mark.parametrize("digest", [8, 9, 10])
@pytest.mark.parametrize("form", [bytes, armored])
def test_a_good_signature_is_accepted(digest: int, form: type[bytes]) -> None:
    found = verify(verifier(OWNER), form(OWNER.sign(DATA, digest=digest)))
    (signature,) = found.accepted
    assert signature.fingerprint == signature.signing_key == OWNER.fingerprint
    assert signature.claimed_time == SIGNED
    assert signature.digest == {8: "SHA-256", 9: "SHA-384", 10: "SHA-512"}[digest]
    assert found.unknown == ()


def test_a_claim_says_who_signed_and_vouches_for_no_time_and_no_user_id() -> None:
    found = verify(verifier(OWNER), OWNER.sign(DATA))
    digest = Digest("sha256", "0" * 64)
    (claim,) = found.claims_for("evidence/tool.asc", {"sha256": digest})
    assert claim.kind is EvidenceKind.OPENPGP
    assert (claim.instance, claim.digest, claim.names) == ("openpgp", digest, ())
    assert claim.identity.subject == OWNER.fingerprint
    assert (claim.identity.subject_type, claim.identity.issuer) == ("openpgp", "")
    assert claim.identity.facts == {
        "signing-key": OWNER.fingerprint,
        "hash": "SHA-256",
        "claimed-time": "2024-06-01T00:00:00Z",
    }
    assert claim.signed_at is None
    assert claim.accepted_by[0].startswith("gpg 2.")


def test_a_subkey_that_the_pinned_key_bound_signs_for_it() -> None:
    found = verify(verifier(Key("owner", subkey=SUBKEY)), SUBKEY.sign(DATA))
    assert found.accepted[0].fingerprint == OWNER.fingerprint
    assert found.accepted[0].signing_key == SUBKEY.fingerprint


def test_a_subkey_of_another_key_does_not() -> None:
    stolen = Key("mallory", subkey=SUBKEY)
    assert refusal(verifier(OWNER), SUBKEY.sign(DATA)) == "openpgp.unknown-key"
    assert refusal(verifier(OWNER), stolen.sign(DATA)) == "openpgp.unknown-key"


def test_other_bytes_are_refused() -> None:
    assert refusal(verifier(OWNER), OWNER.sign(DATA), DATA + b"\n") == "openpgp.signature"
    assert refusal(verifier(OWNER), OWNER.sign(DATA), b"") == "openpgp.signature"


def test_a_stranger_who_names_the_pinned_key_as_issuer_is_refused() -> None:
    forged = MALLORY.sign(DATA, issuer=OWNER.fingerprint)
    assert refusal(verifier(OWNER), forged) == "openpgp.signature"


@pytest.mark.parametrize("digest", [1, 2, 11])
def test_a_weak_hash_is_refused(digest: int) -> None:
    # gpg calls SHA-1 a GOODSIG and ends with 0.
    assert refusal(verifier(OWNER), OWNER.sign(DATA, digest=digest)) == "openpgp.weak-digest"


def test_a_revoked_key_is_refused() -> None:
    revoked = Key("owner", revoked=True)
    assert refusal(verifier(revoked), OWNER.sign(DATA)) == "openpgp.key-revoked"


def test_an_expired_signature_is_refused() -> None:
    month = subpacket(3, (30 * 24 * 3600).to_bytes(4, "big"))
    signature = OWNER.sign(DATA, more=month)
    assert refusal(verifier(OWNER), signature) == "openpgp.expired"
    assert verify(verifier(OWNER, at=SIGNED + timedelta(days=7)), signature).accepted


# ---- time -----------------------------------------------------------------

SHORT_LIVED = Key("owner", expires_after=YEAR)
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def test_whether_a_key_has_expired_is_judged_at_the_time_of_the_check() -> None:
    # An audit years later, as of then, comes to the verdict of then.
    signature = OWNER.sign(DATA)
    assert verify(verifier(SHORT_LIVED, at=SIGNED), signature).accepted
    assert refusal(verifier(SHORT_LIVED, at=LATER), signature) == "openpgp.key-expired"


def test_a_policy_may_accept_what_was_signed_before_the_key_expired() -> None:
    lenient = verifier(SHORT_LIVED, at=LATER, accept_expired=[SHORT_LIVED.fingerprint])
    (accepted,) = verify(lenient, OWNER.sign(DATA)).accepted
    assert accepted.facts["key-expired"] == "true"  # another signer may not accept it


def test_but_never_what_was_signed_after() -> None:
    signature = OWNER.sign(DATA, at=datetime(2029, 1, 1, tzinfo=UTC))
    lenient = verifier(SHORT_LIVED, at=LATER, accept_expired=[SHORT_LIVED.fingerprint])
    assert refusal(lenient, signature) == "openpgp.key-expired"


def test_a_key_that_was_prolonged_has_not_expired() -> None:
    prolonged = Key("owner", expires_after=20 * YEAR)
    assert verify(verifier(prolonged, at=LATER), OWNER.sign(DATA)).accepted


def test_a_signature_from_the_future_says_that_the_clock_is_behind() -> None:
    signature = OWNER.sign(DATA, at=NOW + timedelta(minutes=10))
    assert refusal(verifier(OWNER), signature) == "clock.behind"
    assert verify(verifier(OWNER, at=NOW + timedelta(minutes=6)), signature).accepted


def test_a_time_before_the_key_was_made_is_behind_too() -> None:
    early = verifier(OWNER, at=datetime(1990, 1, 1, tzinfo=UTC))
    assert refusal(early, OWNER.sign(DATA)) == "clock.behind"


def test_a_key_that_is_newer_than_its_signature_is_refused() -> None:
    before = OWNER.sign(DATA, at=MADE - timedelta(days=1))
    assert refusal(verifier(OWNER), before) == "openpgp.key-time"


def test_a_time_beyond_openpgp_is_its_last() -> None:
    far = datetime(9999, 12, 31, tzinfo=UTC)
    assert verify(verifier(OWNER, at=far), OWNER.sign(DATA)).accepted


# ---- several signatures in a file -----------------------------------------


def test_two_pinned_keys_make_two_claims() -> None:
    both = OWNER.sign(DATA) + NEXT.sign(DATA, digest=10)
    found = verify(verifier(OWNER, NEXT), both)
    assert [s.fingerprint for s in found.accepted] == [OWNER.fingerprint, NEXT.fingerprint]


@pytest.mark.parametrize("first", [True, False])
def test_a_signature_by_an_unknown_key_spoils_nothing(first: bool) -> None:
    ours, theirs = OWNER.sign(DATA), NEXT.sign(DATA)
    found = verify(verifier(OWNER), ours + theirs if first else theirs + ours)
    assert [s.fingerprint for s in found.accepted] == [OWNER.fingerprint]
    assert found.unknown == (NEXT.fingerprint[-16:],)


def test_signatures_by_unknown_keys_alone_are_nobodys() -> None:
    assert refusal(verifier(OWNER), NEXT.sign(DATA) + MALLORY.sign(DATA)) == "openpgp.unknown-key"


@pytest.mark.parametrize("first", [True, False])
def test_a_bad_signature_refuses_the_file_wherever_it_stands(first: bool) -> None:
    good, bad = OWNER.sign(DATA), OWNER.sign(b"other")
    asked = verifier(OWNER)
    assert refusal(asked, good + bad if first else bad + good) == "openpgp.signature"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"digest": 2}, "openpgp.weak-digest"),
        ({"more": subpacket(3, (60).to_bytes(4, "big"))}, "openpgp.expired"),
        ({"at": NOW + timedelta(days=1)}, "clock.behind"),
        ({"kind": 1}, "openpgp.text-mode"),
    ],
)
def test_every_signature_by_a_pinned_key_must_hold(first: bool, other: dict, code: str) -> None:  # type: ignore[type-arg]
    good, less = OWNER.sign(DATA), OWNER.sign(DATA, **other)
    assert refusal(verifier(OWNER), good + less if first else less + good) == code


def test_the_library_takes_the_last_signature_for_all_of_them() -> None:
    # Why its verdict is not used: bad by one pinned key, then good by another, is `valid`.
    bad_then_good = MALLORY.sign(DATA, issuer=OWNER.fingerprint) + NEXT.sign(DATA)
    strangers = OWNER.sign(DATA) + MALLORY.sign(DATA)
    assert library_says(strangers, OWNER, MALLORY) == MALLORY.fingerprint
    assert verify(verifier(OWNER), strangers).accepted[0].fingerprint == OWNER.fingerprint
    assert refusal(verifier(OWNER, NEXT), bad_then_good) == "openpgp.signature"
    weak = OWNER.sign(DATA, digest=2)
    assert library_says(weak, OWNER) == OWNER.fingerprint
    assert refusal(verifier(OWNER), weak) == "openpgp.weak-digest"


def library_says(signature: bytes, *keys: Key) -> str | None:
    """Return whom python-gnupg alone says a valid signature is by."""
    said = library(signature, *keys)
    return said.pubkey_fingerprint if said.valid else None


def library(signature: bytes, *keys: Key) -> Any:
    """Return what python-gnupg alone makes of a signature."""
    with TemporaryDirectory(prefix="g-") as folder:
        options = ["--no-autostart", "--trust-model", "always"]
        gpg = gnupg.GPG(gpgbinary=str(GPG), gnupghome=folder, options=options)
        for key in keys:
            gpg.import_keys(key.public)
        path = Path(folder) / "signature"
        path.write_bytes(signature)
        return gpg.verify_data(str(path), DATA)


# ---- what a signer can write into keys and signatures ----------------------

HOSTILE = (
    b"\x1b[31mTool\r\n[GNUPG:] GOODSIG " + OWNER.fingerprint[-16:].encode() + b" x\n",
    "Å[GNUPG:] VALIDSIG ".encode() + OWNER.fingerprint.encode(),
    "a\u2028\u0085\x0c[GNUPG:] NEWSIG\n[GNUPG:] BADSIG 0 x".encode(),
    b"x" * 2000,
    b"%0A[GNUPG:] GOODSIG 0",
    b"\xff\xfe\x00",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_user_id_says_nothing_for_gpg(text: bytes) -> None:
    hostile = Key("owner", user_id=text)
    assert len(verify(verifier(hostile), OWNER.sign(DATA)).accepted) == 1
    assert refusal(verifier(hostile), OWNER.sign(b"other")) == "openpgp.signature"
    both = OWNER.sign(b"other") + MALLORY.sign(DATA)
    assert refusal(verifier(hostile), both) == "openpgp.signature"


@pytest.mark.parametrize("text", [*HOSTILE, b"y" * 4000], ids=range(len(HOSTILE) + 1))
def test_a_notation_says_nothing_for_gpg(text: bytes) -> None:
    more = notation(b"n@example.org", text)
    more += subpacket(26, text[:3000]) + subpacket(28, text[:2000])  # a policy, a signer's name
    good, bad = OWNER.sign(DATA, more=more), OWNER.sign(b"other", more=more)
    assert len(verify(verifier(OWNER), good).accepted) == 1
    assert refusal(verifier(OWNER), bad) == "openpgp.signature"


def test_the_library_lets_a_user_id_say_of_a_bad_signature_that_it_is_good() -> None:
    # It ends lines at U+0085, the second byte of this letter; gpg does not.
    line = f"[GNUPG:] VALIDSIG {OWNER.fingerprint} 2024-06-01 1717200000 0 4 0 22 8 00 "
    uid = f"Å{line}{OWNER.fingerprint}Å[GNUPG:] GOODSIG {OWNER.fingerprint[-16:]} x"
    liar, bad = Key("owner", user_id=uid.encode()), OWNER.sign(b"other")
    said = library(bad, liar)
    assert (said.status, said.fingerprint) == ("signature good", OWNER.fingerprint)
    assert refusal(verifier(liar), bad) == "openpgp.signature"


# ---- keys -----------------------------------------------------------------


def test_a_key_that_gpg_does_not_take_is_no_anchor() -> None:
    # Its user id is certified by nobody.
    bare = Keyring(key=OWNER.keyring.key, raw=b"", origin="tests")
    unsigned = Key("owner").public[:57]  # the key packet alone
    bare = replace(bare, key=replace(bare.key, raw=unsigned))
    asked = OpenPgpVerifier({OWNER.fingerprint: bare}, NOW, GPG)
    with pytest.raises(AnchorError) as caught:
        verify(asked, OWNER.sign(DATA))
    assert caught.value.code == "trust.openpgp-key"


def test_another_key_than_the_pinned_is_no_anchor() -> None:
    wrong = {OWNER.fingerprint: Keyring(key=NEXT.keyring.key, raw=b"", origin="tests")}
    asked = OpenPgpVerifier(wrong, NOW, GPG)
    with pytest.raises(AnchorError) as caught:
        verify(asked, NEXT.sign(DATA))
    assert caught.value.code == "trust.openpgp-key"
