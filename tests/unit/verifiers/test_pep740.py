"""PEP 740's rule of what an attestation is about, over attestations that verify."""

import hashlib
from datetime import UTC, datetime

import pytest

from kit.errors import RejectedError
from kit.formats import trusted_root
from kit.model import Digest, EvidenceKind
from kit.trust.anchors import Anchor
from kit.verifiers import pep740
from kit.verifiers.sigstore import SigstoreVerifier
from tests.lab import Lab
from tests.lab.content import statement
from tests.lab.places import PUBLISH

LAB = Lab("acme")
RAW = LAB.trusted_root()
CONTENT = b"content"
KNOWN = {"sha256": Digest("sha256", hashlib.sha256(CONTENT).hexdigest())}
SDIST = "foo_bar-1.0.tar.gz"


@pytest.fixture(scope="module")
def verifier() -> SigstoreVerifier:
    anchor = Anchor(instance="acme", raw=RAW, root=trusted_root.parse(RAW), origin="test")
    return SigstoreVerifier(anchor, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_claim_names_the_file_and_the_predicate(verifier: SigstoreVerifier) -> None:
    verified = verifier.verify(LAB.attest({SDIST: CONTENT}, predicate_type=PUBLISH))
    claim = pep740.claim_for(verified, "e", KNOWN, SDIST)
    assert (claim.kind, claim.names, claim.predicate_type) == (
        EvidenceKind.PEP740, (SDIST,), PUBLISH,
    )  # fmt: skip
    assert len(claim.accepted_by) == 2


@pytest.mark.parametrize(
    ("signed", "name"),
    [
        (SDIST, "Foo.Bar-1.0.tar.gz"),
        (SDIST, "foo-bar-1.0.tar.gz"),
        ("foo_bar-1.0.zip", "foo-bar-1.0.zip"),
        ("foo_bar-1.0-py2.py3-none-any.whl", "foo_bar-1.0-py3.py2-none-any.whl"),
        (SDIST, None),
    ],
)
def test_names_are_compared_as_they_parse(
    verifier: SigstoreVerifier, signed: str, name: str | None
) -> None:
    verified = verifier.verify(LAB.attest({signed: CONTENT}, predicate_type=PUBLISH))
    assert pep740.claim_for(verified, "e", KNOWN, name).names == (signed,)


@pytest.mark.parametrize(
    ("signed", "name"),
    [
        (SDIST, "foo_bar-1.0.1.tar.gz"),
        (SDIST, "foo_baz-1.0.tar.gz"),
        (SDIST, "foo_bar-1.0-py3-none-any.whl"),
        (SDIST, "SHA256SUMS"),
        ("foo_bar-1.0-1-py3-none-any.whl", "foo_bar-1.0-py3-none-any.whl"),
        ("foo_bar-1.0-py3-none-any.whl", "foo_bar-1.0-py2-none-any.whl"),
        ("foo_bar.txt", "foo_bar.txt"),
        ("dist/" + SDIST, SDIST),
    ],
)
def test_c161_an_attestation_of_another_distribution_is_refused(
    verifier: SigstoreVerifier, signed: str, name: str
) -> None:
    verified = verifier.verify(LAB.attest({signed: CONTENT}, predicate_type=PUBLISH))
    with pytest.raises(RejectedError) as caught:
        pep740.claim_for(verified, "e", KNOWN, name)
    assert caught.value.code == "statement.subject"


@pytest.mark.parametrize(
    "payload",
    [
        statement({SDIST: CONTENT, "foo_bar-1.0-py3-none-any.whl": CONTENT}, PUBLISH, {}),
        statement({SDIST: b"another"}, PUBLISH, {}),
        statement({SDIST: CONTENT}, PUBLISH, {}).replace(b"Statement/v1", b"Statement/v0.1"),
        statement({"": CONTENT}, PUBLISH, {}),
    ],
)
def test_one_subject_of_a_statement_v1_with_this_digest(
    verifier: SigstoreVerifier, payload: bytes
) -> None:
    verified = verifier.verify(LAB.envelope(payload))
    with pytest.raises(RejectedError) as caught:
        pep740.claim_for(verified, "e", KNOWN, SDIST)
    assert caught.value.code == "statement.subject"


def test_a_subject_without_a_sha256_is_refused(verifier: SigstoreVerifier) -> None:
    digest = hashlib.sha512(CONTENT).hexdigest()
    payload = statement({SDIST: CONTENT}, PUBLISH, {}).replace(
        f'"sha256":"{KNOWN["sha256"].hex}"'.encode(), f'"sha512":"{digest}"'.encode()
    )
    known = KNOWN | {"sha512": Digest("sha512", digest)}
    with pytest.raises(RejectedError, match="no SHA-256"):
        pep740.claim_for(verifier.verify(LAB.envelope(payload)), "e", known, SDIST)


def test_a_signature_over_bare_bytes_is_no_attestation(verifier: SigstoreVerifier) -> None:
    with pytest.raises(RejectedError):
        pep740.claim_for(verifier.verify(LAB.sign(CONTENT)), "e", KNOWN, SDIST)
