"""kit.formats.unproved, and whose an entry is: what is looked up, and what is taken of it."""

import hashlib
from dataclasses import replace

import pytest

from kit.formats import log_entry, sigstore_bundle, unproved
from kit.formats.sigstore_bundle import Bundle, LogEntry
from kit.model import EvidenceKind
from tests.lab import Lab, old_forms

LAB, FULL = Lab("acme"), Lab("acme", shape="full")
FILE = b"artifact"
SIGNED, ATTESTED = LAB.sign(FILE), LAB.attest({"tool": FILE})
KEYED = LAB.sign(FILE, form="keyed")


def parsed(raw: bytes) -> Bundle:
    return sigstore_bundle.parse(raw)


def digest_of(algorithm: str) -> str:
    return hashlib.new(algorithm, FILE).hexdigest()


# ---- what lacks the log's proof


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (EvidenceKind.SIGSTORE, LAB.sign(FILE, form="promise-only")),
        (EvidenceKind.SIGSTORE, LAB.sign(FILE, form="no-checkpoint")),
        (EvidenceKind.SIGSTORE, SIGNED + b"\n" + LAB.sign(FILE, form="promise-only")),
        (EvidenceKind.DSSE, old_forms.bare_envelope(ATTESTED)),
        (EvidenceKind.SIGN_BLOB, old_forms.sign_blob(SIGNED)),
        (EvidenceKind.SIGN_BLOB, old_forms.sign_blob(LAB.sign(FILE, form="no-log"))),
        (EvidenceKind.SIGNATURE, old_forms.detached(SIGNED)[0]),
    ],
)
def test_a_signature_without_the_logs_proof_is_found(kind: EvidenceKind, raw: bytes) -> None:
    found = unproved.find(kind, raw)
    assert found is not None
    assert len(found) == 1


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (EvidenceKind.SIGSTORE, SIGNED),
        (EvidenceKind.SIGSTORE, ATTESTED),
        (EvidenceKind.SIGSTORE, LAB.sign(FILE, form="two-entries")),
        (EvidenceKind.SIGSTORE, LAB.sign(FILE, form="no-log")),
        (EvidenceKind.SIGSTORE, FULL.sign(FILE, rekor="v2")),
        (EvidenceKind.SIGSTORE, FULL.sign(FILE, form="timestamp+no-log")),
        (EvidenceKind.SIGSTORE, b"no bundle"),
        (EvidenceKind.DSSE, ATTESTED),
        (EvidenceKind.DSSE, b"{}"),
        (EvidenceKind.SIGNATURE, b"untrusted comment: signify"),
        (EvidenceKind.DIGESTS, b"00  tool"),
    ],
)
def test_what_is_whole_or_is_no_signature_is_nobodys_business(
    kind: EvidenceKind, raw: bytes
) -> None:
    assert unproved.find(kind, raw) is None


# ---- whose an entry is (security: an entry must be of this very signature)


def entry(raw: bytes) -> LogEntry:
    return parsed(raw).entries[0]


@pytest.mark.parametrize("raw", [SIGNED, KEYED, LAB.sign(FILE, key_type="p384")])
def test_a_signatures_own_entry_is_no_strangers(raw: bytes) -> None:
    assert log_entry.stranger(entry(raw), parsed(raw), digest_of) is None


@pytest.mark.parametrize("form", [None, "intoto", "intoto-0.0.1", "intoto-0.0.1-bare"])
def test_an_envelopes_own_entry_is_no_strangers(form: str | None) -> None:
    raw = LAB.attest({"tool": FILE}, form=form)
    assert log_entry.stranger(entry(raw), parsed(raw), digest_of) is None


@pytest.mark.parametrize(
    ("mine", "others", "why"),
    [
        (SIGNED, LAB.sign(FILE, identity="jo@acme.test"), "certificate"),
        (SIGNED, LAB.sign(FILE, spoil="entry-signature"), "signature"),
        (SIGNED, LAB.sign(FILE, spoil="entry-digest"), "other bytes"),
        (SIGNED, KEYED, "certificate"),
        (SIGNED, ATTESTED, "certificate"),
        (KEYED, LAB.sign(FILE, form="keyed", key="another"), "signature"),
        (KEYED, SIGNED, "public key"),
        (ATTESTED, LAB.attest({"tool": FILE}, identity="jo@acme.test"), "certificate"),
        (ATTESTED, LAB.attest({"tool": FILE}, spoil="entry-signature"), "signature"),
        (ATTESTED, LAB.attest({"tool": FILE}, spoil="payload-hash"), "payload"),
    ],
)
def test_an_entry_of_another_signature_is_a_strangers(mine: bytes, others: bytes, why: str) -> None:
    told = log_entry.stranger(entry(others), parsed(mine), digest_of)
    assert told is not None
    assert why in told


def test_an_entry_that_cannot_be_read_is_a_strangers() -> None:
    mine = parsed(SIGNED)
    for changed in (
        replace(entry(SIGNED), kind="rekord"),
        replace(entry(SIGNED), version="0.0.9"),
        replace(entry(SIGNED), body=b"{}"),
    ):
        assert log_entry.stranger(changed, mine, digest_of) is not None


def test_an_entry_without_a_signature_tells_no_key() -> None:
    keyed = LAB.attest({"tool": FILE}, form="keyed+intoto-0.0.1")
    assert log_entry.stranger(entry(keyed), parsed(keyed), digest_of) is not None
