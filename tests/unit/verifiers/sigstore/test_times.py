"""The certificate that a stamp is signed with: the root's or the stamp's own, and named in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from kit.errors import RejectedError
from kit.formats.trusted_root import Authority, Window
from kit.verifiers.sigstore.times import TimestampAuthorities
from tests.lab import AT
from tests.lab.keys import Seed
from tests.lab.tsa import Purpose, Stamp, Tsa
from tests.unit.lab.judges import made
from tests.unit.verifiers.trying import claim, code, lab, under

MESSAGE = b"a signature"
ACME = Seed(("acme",))
# Two of each root: with an intermediate, which must be listed or carried, and without.
CHAINS = {
    "its own and those above": Tsa.of("acme", "", ACME, intermediate=True),
    "its own and the root": Tsa.of("acme", "", ACME),
}
LISTED = {"with its own": 0, "by those above alone": 1}


def time_of(tsa: Tsa, listed: int, **how: Any) -> datetime | None:
    """Return the time of a stamp under a root that lists the chain from this one on."""
    ders = tuple(each.public_bytes(Encoding.DER) for each in tsa.chain[listed:])
    window = Window(start=AT, end=AT)
    authority = Authority(uri="", organization="", common_name="", chain=ders, window=window)
    return TimestampAuthorities([authority]).time_of(tsa.stamp(MESSAGE, AT, Stamp(**how)), MESSAGE)


def refusal(tsa: Tsa, listed: int, **how: Any) -> str:
    with pytest.raises(RejectedError) as refused:
        time_of(tsa, listed, **how)
    assert refused.value.code == "sigstore.timestamp"
    assert refused.value.message.count("does not hold") == 1
    return refused.value.message


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("listed", LISTED)
def test_the_signed_attributes_name_the_certificate(chain: str, listed: str) -> None:
    tsa, first = CHAINS[chain], LISTED[listed]
    for named in (("v2",), ("v1",), ("v1", "v2-sha384"), ("v2-sha512",)):
        for issuer in (False, True):
            assert time_of(tsa, first, named=named, issuer=issuer) == AT
        other = refusal(tsa, first, named=named, vouched=b"another certificate")
        assert "signed with another certificate" in other
    assert "does not say which certificate" in refusal(tsa, first, named=())
    assert "does not say which certificate" in refusal(tsa, first, named=(), embedded=first > 0)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_certificate_that_the_root_has_not_is_in_the_stamp(chain: str) -> None:
    tsa = CHAINS[chain]
    assert time_of(tsa, 0, embedded=False) == AT
    assert "the root has none" in refusal(tsa, 1, embedded=False)


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("listed", LISTED)
def test_two_certificates_of_one_name_are_refused_whichever_comes_first(
    chain: str, listed: str
) -> None:
    # No signature is over what a stamp carries: whoever carries it can add a certificate.
    tsa = CHAINS[chain]
    double = (
        x509.CertificateBuilder()
        .subject_name(tsa.leaf.subject)
        .issuer_name(tsa.leaf.issuer)
        .serial_number(tsa.leaf.serial_number)
        .public_key(tsa.leaf.public_key())
        .not_valid_before(tsa.leaf.not_valid_before_utc)
        .not_valid_after(tsa.leaf.not_valid_after_utc)
        .sign(ACME.p256("somebody"), hashes.SHA256())
    ).public_bytes(Encoding.DER)
    assert "two certificates" in refusal(tsa, LISTED[listed], beside=(double,))


@pytest.mark.parametrize("listed", LISTED)
def test_the_certificate_is_for_timestamping_alone_wherever_it_comes_from(listed: str) -> None:
    usages = (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)
    for tsa in CHAINS.values():
        for purpose in (Purpose(usages=usages), Purpose(critical=False)):
            refusal(tsa.for_purpose(purpose), LISTED[listed])


@pytest.mark.parametrize("form", ["timestamp", "timestamp-ess-v1", "timestamp-ess-both"])
@pytest.mark.parametrize("content", ["message", "envelope"])
def test_a_bundle_under_a_root_that_lists_an_authority_by_its_root_alone(
    content: str, form: str
) -> None:
    judge = under(lab("full").trusted_root(twist="tsa-root-only"))
    alone = f"{form}+no-promise"
    assert claim(judge, made(lab("full"), content, form=alone)).signed_at == AT
    for spoil in ("tsa-ess", "tsa-no-ess", "tsa-signature", "tsa-untrusted"):
        wrong = made(lab("full"), content, form=alone, spoil=spoil)
        if wrong != made(lab("full"), content, form=alone):
            assert code(judge, wrong) == "sigstore.timestamp", spoil
