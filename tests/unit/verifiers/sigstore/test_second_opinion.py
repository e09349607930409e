"""The table of D18: what sigstore-python cannot read, each row held to the locked version.

Every row's bundle is one that the kit accepts alone. The library is asked all the same,
and refuses: a version that reads it fails here, and its row can go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509

from kit.errors import AnchorError, KitError, RejectedError
from kit.formats import encodings, public_key, sigstore_bundle, trusted_root
from kit.formats.dsse import Envelope
from kit.formats.sigstore_bundle import Bundle
from kit.model import Digest
from kit.trust.anchors import Anchor
from kit.verifiers.sigstore import SigstoreVerifier, chain
from kit.verifiers.sigstore.second_opinion import SecondOpinion, can_read
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT
from tests.lab import Lab

ARTIFACT = b"the artifact"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LAB = Lab("acme")
KNOWN = {
    name: Digest(name, hashlib.new(name, ARTIFACT).hexdigest()) for name in ("sha256", "sha512")
}


def edited(raw: bytes, change: Callable[[Any], None]) -> bytes:
    """Return JSON after a change."""
    value = json.loads(raw)
    change(value)
    return json.dumps(value).encode()


def _hint(value: Any) -> None:
    digest = Digest("sha512", hashlib.sha512(ARTIFACT).hexdigest())
    raw = encodings.b64encode(bytes.fromhex(digest.hex))
    value["messageSignature"]["messageDigest"] = {"algorithm": "SHA2_512", "digest": raw}


def _without(part: str) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        value[part] = []

    return change


SAME = LAB.trusted_root()
ROWS = {
    "keyed": (SAME, LAB.sign(ARTIFACT, form="keyed")),
    "several entries": (SAME, LAB.sign(ARTIFACT, form="two-entries")),
    "no proof": (SAME, LAB.sign(ARTIFACT, form="promise-only")),
    "no checkpoint": (SAME, LAB.sign(ARTIFACT, form="no-checkpoint")),
    "intoto": (SAME, LAB.attest({"a": ARTIFACT}, form="intoto")),
    "SHA-512 hint": (SAME, edited(LAB.sign(ARTIFACT), _hint)),
    "no log entry": (
        edited(SAME, _without("tlogs")),
        LAB.sign(ARTIFACT, form="keyed+no-log"),
    ),
    "root without CT log": (edited(SAME, _without("ctlogs")), LAB.sign(ARTIFACT)),
}


def anchor(raw: bytes) -> Anchor:
    """Trust a root."""
    return Anchor(instance="acme", raw=raw, root=trusted_root.parse(raw), origin="test")


def leaf(bundle: Bundle) -> x509.Certificate | None:
    """Return the bundle's certificate, if it has one."""
    return chain.load(bundle.certificates[0]) if bundle.certificates else None


def ask(root: bytes, raw: bytes) -> None:
    """Ask the library, whatever the table says."""
    bundle = sigstore_bundle.parse(raw)
    opinion = SecondOpinion("acme", trusted_root.parse(root))
    if isinstance(bundle.content, Envelope):
        opinion.check_envelope(bundle, bundle.content)
    else:
        opinion.check_digest(bundle, KNOWN["sha256"])


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_accepted_by_the_kit_and_refused_by_the_library(row: str) -> None:
    root, raw = ROWS[row]
    bundle = sigstore_bundle.parse(raw)
    assert can_read(bundle, leaf(bundle), trusted_root.parse(root), ()) is not None
    key = public_key.from_pem(LAB.public_key())
    verifier = SigstoreVerifier(
        anchor(root), NOW, public_keys=[key], require_log=bool(bundle.entries)
    )
    assert verifier.verify(raw).claim_for("x", KNOWN).accepted_by == ("airgap-kit",)
    with pytest.raises((RejectedError, AnchorError)):
        ask(root, raw)


def test_what_it_can_read_it_is_asked() -> None:
    raw = LAB.sign(ARTIFACT)
    bundle = sigstore_bundle.parse(raw)
    assert can_read(bundle, leaf(bundle), trusted_root.parse(SAME), ()) is None
    ask(SAME, raw)


@pytest.mark.parametrize("spoil", ["sct", "signature", "checkpoint", "entry-certificate"])
def test_its_refusal_refuses_by_name(spoil: str) -> None:
    with pytest.raises(KitError) as refused:
        ask(SAME, LAB.sign(ARTIFACT, spoil=spoil))
    assert refused.value.code == "verifier.disagree"


def test_windows_of_its_copy_are_open_so_the_clock_of_the_host_is_not_asked() -> None:
    def future(value: Any) -> None:
        for part in ("tlogs", "ctlogs"):
            value[part][0]["publicKey"]["validFor"] = {"start": "2090-01-01T00:00:00Z"}

    ask(edited(SAME, future), LAB.sign(ARTIFACT))


def test_a_strangers_timestamp_is_noted_and_keeps_nobody_away() -> None:
    # The library refuses any timestamp under a root without a TSA; it is not shown a stranger's.
    if not PRESENT:
        pytest.skip(WHY_ABSENT)
    stamped = json.loads(
        (CORPUS / "conformance/rekor2-happy-path/bundle.sigstore.json").read_bytes()
    )
    stamps = stamped["verificationMaterial"]["timestampVerificationData"]

    def add(value: Any) -> None:
        value["verificationMaterial"]["timestampVerificationData"] = stamps

    verified = SigstoreVerifier(anchor(SAME), NOW).verify(edited(LAB.sign(ARTIFACT), add))
    assert [note.code for note in verified.notes] == ["sigstore.timestamp"]
    assert verified.claim_for("x", KNOWN).accepted_by == ("airgap-kit", "sigstore-python")
