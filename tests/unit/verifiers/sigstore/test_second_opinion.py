"""The table of D18: what sigstore-python cannot read, each row held to the locked version.

Every row's bundle is one that the kit accepts alone. The library is asked all the same,
and refuses: a version that reads it fails here, and its row can go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.errors import AnchorError, KitError, RejectedError
from kit.formats import encodings, public_key, sigstore_bundle, trusted_root
from kit.formats.dsse import Envelope
from kit.model import Digest
from kit.trust.anchors import Anchor
from kit.verifiers.sigstore import SigstoreVerifier, chain
from kit.verifiers.sigstore.second_opinion import SecondOpinion, can_read
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT
from tests.lab import AT, Lab
from tests.lab.keys import Seed
from tests.lab.trust import certificates
from tests.lab.tsa import Stamp, Tsa
from tests.unit.lab.judges import signature_of

ARTIFACT = b"the artifact"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LAB = Lab("acme")
KNOWN = {
    name: Digest(name, hashlib.new(name, ARTIFACT).hexdigest())
    for name in ("sha256", "sha384", "sha512")
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


def _lone(value: Any) -> None:
    """List an authority whose chain is one certificate, which nobody issued but itself."""
    (listed,) = [each for each in value["timestampAuthorities"] if each["uri"] == FIRST]
    listed["certChain"] = {"certificates": certificates(LONE.chain)}


def _stamped_by_lone(value: Any) -> None:
    token = LONE.stamp(signature_of(value), AT, Stamp())
    value["verificationMaterial"]["timestampVerificationData"] = {
        "rfc3161Timestamps": [{"signedTimestamp": encodings.b64encode(token)}]
    }


FULL = Lab("acme", shape="full")
LONE = Tsa.of("lone", "https://tsa.lone.test", Seed(("lone",))).alone()
SAME, ALL = LAB.trusted_root(), FULL.trusted_root()
FIRST = next(
    each["uri"]
    for each in json.loads(ALL)["timestampAuthorities"]
    if each["uri"].startswith("https://timestamp.")
)
CLOSED = FULL.trusted_root(windows={"tsa": (datetime(2021, 1, 1, tzinfo=UTC), AT)})
ALONE = "timestamp+no-promise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A bundle that the kit accepts under a root, and in which words the table leaves it out.

    ``moments`` are the times of its timestamps.
    """

    root: bytes = SAME
    raw: bytes
    why: str
    moments: tuple[datetime, ...] = ()


def _full(why: str, raw: bytes, root: bytes = ALL, *moments: datetime) -> Row:
    return Row(root=root, raw=raw, why=why, moments=moments)


ROWS = {
    "root without a log": Row(
        root=edited(SAME, _without("tlogs")),
        raw=LAB.sign(ARTIFACT, form="keyed+no-log"),
        why="lists no log",
    ),
    "root without a CT log": Row(
        root=edited(SAME, _without("ctlogs")), raw=LAB.sign(ARTIFACT), why="lists no CT log"
    ),
    "root without a CA": Row(
        root=edited(SAME, _without("certificateAuthorities")),
        raw=LAB.sign(ARTIFACT, form="keyed"),
        why="lists no certificate authority",
    ),
    "keyed": Row(raw=LAB.sign(ARTIFACT, form="keyed"), why="with a key"),
    "no log entry": Row(raw=LAB.sign(ARTIFACT, form="keyed+no-log"), why="with a key"),
    "several log entries": Row(raw=LAB.sign(ARTIFACT, form="two-entries"), why="2 log entries"),
    "no proof": Row(raw=LAB.sign(ARTIFACT, form="promise-only"), why="no inclusion proof"),
    "no checkpoint": Row(raw=LAB.sign(ARTIFACT, form="no-checkpoint"), why="with a checkpoint"),
    "intoto 0.0.2": Row(raw=LAB.attest({"a": ARTIFACT}, form="intoto"), why="intoto 0.0.2"),
    "intoto 0.0.1": Row(raw=LAB.attest({"a": ARTIFACT}, form="intoto-0.0.1"), why="intoto 0.0.1"),
    "dsse 0.0.2": _full(
        "dsse 0.0.2", FULL.attest({"a": ARTIFACT}, form="dsse-0.0.2", rekor="v2"), ALL, AT
    ),
    "a digest of SHA-384": Row(raw=LAB.sign(ARTIFACT, key_type="p384"), why="a sha384 digest"),
    "a hint of SHA-512": Row(raw=edited(LAB.sign(ARTIFACT), _hint), why="a sha512 digest"),
    "P-384 leaf": Row(raw=LAB.attest({"a": ARTIFACT}, key_type="p384"), why="another curve"),
    "P-384 leaf in Rekor v2": _full(
        "another curve",
        FULL.sign(ARTIFACT, key_type="p384", algorithm="sha256", rekor="v2"),
        ALL,
        AT,
    ),
    "Ed25519 leaf": Row(raw=LAB.attest({"a": ARTIFACT}, key_type="ed25519"), why="not ECDSA"),
    "RSA leaf": Row(raw=LAB.sign(ARTIFACT, key_type="rsa2048"), why="not ECDSA"),
    "RSA leaf, envelope": Row(raw=LAB.attest({"a": ARTIFACT}, key_type="rsa3072"), why="not ECDSA"),
    "two SCTs": _full("several SCTs", FULL.sign(ARTIFACT, form="two-scts")),
    "a TSA of one certificate": _full(
        "timestamp authority's chain",
        edited(FULL.sign(ARTIFACT, form=ALONE), _stamped_by_lone),
        edited(ALL, _lone),
        AT,
    ),
    "a TSA by its root alone": _full(
        "timestamp authority's chain",
        FULL.sign(ARTIFACT, form=ALONE),
        FULL.trusted_root(twist="tsa-root-only"),
        AT,
    ),
    "the end of a TSA's window": _full(
        "the end of a timestamp authority's window",
        FULL.sign(ARTIFACT, rekor="v2"),
        CLOSED,
        AT,
    ),
}


def anchor(raw: bytes) -> Anchor:
    """Trust a root."""
    return Anchor(instance="acme", raw=raw, root=trusted_root.parse(raw), origin="test")


def reads(raw: bytes, root: bytes = SAME, moments: Sequence[datetime] = ()) -> str | None:
    """Ask the table."""
    bundle = sigstore_bundle.parse(raw)
    leaf = chain.load(bundle.certificates[0]) if bundle.certificates else None
    return can_read(bundle, leaf, trusted_root.parse(root), moments)


def ask(root: bytes, raw: bytes) -> None:
    """Ask the library, whatever the table says."""
    bundle = sigstore_bundle.parse(raw)
    opinion = SecondOpinion("acme", trusted_root.parse(root))
    if isinstance(bundle.content, Envelope):
        opinion.check_envelope(bundle, bundle.content)
    else:
        opinion.check_digest(bundle, KNOWN["sha256"])


def accepted_by(root: bytes, raw: bytes) -> tuple[str, ...]:
    """Return who of the two accepts, when the kit decides whom to ask."""
    key = public_key.from_pem(LAB.public_key())
    logged = bool(sigstore_bundle.parse(raw).entries)
    verifier = SigstoreVerifier(anchor(root), NOW, public_keys=[key], require_log=logged)
    return verifier.verify(raw).claim_for("x", KNOWN).accepted_by


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_accepted_by_the_kit_and_refused_by_the_library(name: str) -> None:
    row = ROWS[name]
    why = reads(row.raw, row.root, row.moments)
    assert why is not None
    assert row.why in why
    assert accepted_by(row.root, row.raw) == ("airgap-kit",)
    with pytest.raises((RejectedError, AnchorError)) as refused:
        ask(row.root, row.raw)
    assert refused.value.code in ("verifier.disagree", "trust.malformed")


@pytest.mark.parametrize("part", ["tlogs", "certificateAuthorities"])
def test_a_root_without_a_part_does_not_set_the_library_up(part: str) -> None:
    SecondOpinion("acme", trusted_root.parse(SAME))
    with pytest.raises(AnchorError):
        SecondOpinion("acme", trusted_root.parse(edited(SAME, _without(part))))


def test_no_log_entry_is_a_row_by_itself() -> None:
    # The kit demands an entry of an instance with logs unless a key signed: so no row above.
    raw = LAB.sign(ARTIFACT, form="no-log")
    assert reads(raw) is not None
    with pytest.raises(RejectedError):
        ask(SAME, raw)


def test_no_sct_is_a_row_by_itself() -> None:
    # The kit demands an SCT of an instance with CT logs; of one without, the root is the reason.
    raw = LAB.sign(ARTIFACT, spoil="no-sct")
    why = reads(raw)
    assert why == "the certificate has no SCT"
    with pytest.raises(RejectedError):
        ask(SAME, raw)
    assert accepted_by(edited(SAME, _without("ctlogs")), raw) == ("airgap-kit",)


BOTH = ("airgap-kit", "sigstore-python")


@pytest.mark.parametrize("row", ["a TSA by its root alone", "the end of a TSA's window"])
def test_with_a_time_of_the_log_it_is_asked_whatever_the_timestamp_is(row: str) -> None:
    assert accepted_by(ROWS[row].root, FULL.sign(ARTIFACT, form="timestamp")) == BOTH


@pytest.mark.parametrize("end", [AT + timedelta(seconds=1), None])
def test_a_time_before_the_end_of_a_window_it_takes(end: datetime | None) -> None:
    root = FULL.trusted_root(windows={"tsa": (datetime(2021, 1, 1, tzinfo=UTC), end)})
    assert accepted_by(root, FULL.sign(ARTIFACT, rekor="v2")) == BOTH


def test_p384_with_sha256_it_takes_where_the_entry_says_so() -> None:
    sha256 = {"key_type": "p384", "algorithm": "sha256"}
    assert accepted_by(SAME, LAB.sign(ARTIFACT, **sha256)) == BOTH  # type: ignore[arg-type]
    # Of an envelope nothing says which hash was signed, so that it is not asked.
    envelope = LAB.attest({"a": ARTIFACT}, **sha256)  # type: ignore[arg-type]
    assert accepted_by(SAME, envelope) == ("airgap-kit",)
    ask(SAME, envelope)


def test_what_it_can_read_it_is_asked() -> None:
    raw = LAB.sign(ARTIFACT)
    assert reads(raw) is None
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
