"""Windows and oddities of a trusted root, and what sigstore-python makes of each."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.lab import AT, ROOTS, Lab
from tests.unit.lab.judges import made, stamps_of, verdict, verifier

FULL = Lab("acme", shape="full")
LONG_AGO = datetime(2021, 1, 1, tzinfo=UTC)
LATER = AT + timedelta(days=30)
BEFORE = AT - timedelta(days=30)
V2 = {"rekor": "v2"}
NO_TIME = "not enough sources of verified time"

# The window, the options of the bundle, and what sigstore-python says: "" where it accepts.
WINDOWS: list[tuple[str, Any, dict[str, str], str]] = [
    ("rekor", (LONG_AGO, BEFORE), {}, ""),  # W1
    ("rekor", (LATER, None), {}, ""),  # W2
    ("rekor", None, {}, ""),  # W3
    ("rekor-v2", (LONG_AGO, BEFORE), V2, ""),  # W1
    ("rekor-v2", (LATER, None), V2, ""),  # W2
    ("rekor-v2", None, V2, ""),  # W3
    ("ctlog", (LONG_AGO, BEFORE), {}, ""),  # W4
    ("ctlog", (LATER, None), {}, ""),
    ("fulcio", (LONG_AGO, BEFORE), {}, ""),  # W5
    ("fulcio", (LATER, None), {}, ""),  # W5
    ("tsa", (LONG_AGO, BEFORE), V2, NO_TIME),
    ("tsa", (LATER, None), V2, NO_TIME),
    ("tsa", (AT, None), V2, ""),
    ("tsa", (LONG_AGO, AT), V2, NO_TIME),  # W6: the end is part of the window
    ("tsa", (LONG_AGO, AT + timedelta(seconds=1)), V2, ""),
]


@pytest.mark.parametrize("case", range(len(WINDOWS)))
def test_sigstore_python_says_of_a_window(case: int) -> None:
    name, window, options, says = WINDOWS[case]
    judge = verifier(FULL.trusted_root(windows={name: window}))
    told = verdict(judge, made(FULL, "message", **options))
    assert says in told
    assert bool(says) == bool(told)


def test_a_window_is_of_one_key_and_can_lack_its_ends() -> None:
    whole = json.loads(FULL.trusted_root())
    cases: list[tuple[Any, Any]] = [
        ((BEFORE, LATER), {"start": "2025-05-02T12:00:00Z", "end": "2025-07-01T12:00:00Z"}),
        ((BEFORE, None), {"start": "2025-05-02T12:00:00Z"}),
        ((None, LATER), {"end": "2025-07-01T12:00:00Z"}),
        ((None, None), {}),
        (None, None),
    ]
    for window, expected in cases:
        root = json.loads(FULL.trusted_root(windows={"rekor": window}))
        (changed,) = (i for i, each in enumerate(whole["tlogs"]) if each != root["tlogs"][i])
        assert root["tlogs"][changed]["publicKey"].get("validFor") == expected
        del root["tlogs"], whole["tlogs"]
        assert root == whole
        whole = json.loads(FULL.trusted_root())


REFUSED = "refused"
NO_LOG = "contains no transparency log instances"

# What sigstore-python says of a right bundle of Rekor v2; REFUSED where it takes no such root.
TWISTS: dict[str, str] = {
    "unknown-field": REFUSED,
    "duplicate-key": "",  # W18
    "media-type": REFUSED,
    "log-id": "",  # W31
    "ctlog-id": "",  # W31
    "v2-log-by-key": "",  # W31
    "v2-log-twice": "",
    "key-known": "",
    "key-unknown": REFUSED,
    "pkcs1": "",
    "shared-key": "",
    "no-logs": REFUSED,
    "tsa-leaf-only": NO_TIME,
    "tsa-root-only": NO_TIME,
    "tsa-reversed": NO_TIME,
    "tsa-eku": NO_TIME,
    "tsa-eku-more": NO_TIME,
    "tsa-eku-loose": NO_TIME,
}


@pytest.mark.parametrize("twist", ROOTS)
def test_sigstore_python_says_of_a_twist(twist: str) -> None:
    root = FULL.trusted_root(twist=twist)
    assert root != FULL.trusted_root()
    if TWISTS[twist] == REFUSED:
        with pytest.raises(Exception, match=r"."):
            verifier(root)
        return
    told = verdict(verifier(root), made(FULL, "message", rekor="v2"))
    assert TWISTS[twist] in told
    assert bool(TWISTS[twist]) == bool(told)


def test_every_twist_says_why() -> None:
    assert set(TWISTS) == set(ROOTS)
    assert all(twist.why for twist in ROOTS.values())


def test_a_pkcs1_key_is_that_of_the_log() -> None:
    (log,) = (
        each
        for each in json.loads(FULL.trusted_root(twist="pkcs1"))["ctlogs"]
        if each["publicKey"]["keyDetails"].startswith("PKCS1")
    )
    (plain,) = (
        each
        for each in json.loads(FULL.trusted_root())["ctlogs"]
        if "RSA" in each["publicKey"]["keyDetails"]
    )
    raw, spki = (b64decode(each["publicKey"]["rawBytes"]) for each in (log, plain))
    assert raw in spki
    assert isinstance(load_der_public_key(spki), rsa.RSAPublicKey)
    assert b64decode(log["logId"]["keyId"]) == hashlib.sha256(spki).digest()
    judge = verifier(FULL.trusted_root(twist="pkcs1"))
    assert verdict(judge, made(FULL, "envelope", form="rsa-sct")) == ""


def test_a_shared_key_is_in_both_lists() -> None:
    root = json.loads(FULL.trusted_root(twist="shared-key"))
    keys = [{each["publicKey"]["rawBytes"] for each in root[kind]} for kind in ("tlogs", "ctlogs")]
    assert len(keys[0] & keys[1]) == 1


def test_a_duplicate_is_in_the_text() -> None:
    root = FULL.trusted_root(twist="duplicate-key")
    assert root.count(b'"tlogs":') == 2
    assert json.loads(root) == json.loads(FULL.trusted_root())


def test_the_chain_of_a_tsa_can_be_short_or_reversed() -> None:
    def lengths(twist: str | None) -> list[int]:
        listed = json.loads(FULL.trusted_root(twist=twist))["timestampAuthorities"]
        return [len(each["certChain"]["certificates"]) for each in listed]

    assert lengths(None) == lengths("tsa-reversed") == [2, 2, 3]
    assert lengths("tsa-leaf-only") == lengths("tsa-root-only") == [2, 1, 3]


def test_the_spoils_of_a_purpose_are_stamped_by_the_twisted_leaf() -> None:
    for name in ("tsa-eku", "tsa-eku-more", "tsa-eku-loose"):
        bundle = json.loads(made(FULL, "message", rekor="v2", spoil=name))
        root = json.loads(FULL.trusted_root(twist=name))
        leaf = root["timestampAuthorities"][1]["certChain"]["certificates"][0]["rawBytes"]
        (token,) = stamps_of(bundle)
        assert b64decode(leaf) in token


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"windows": {"rekor-v3": None}}, "no such window"),
        ({"twist": "odd"}, "no such root"),
    ],
)
def test_unknown_names_are_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        FULL.trusted_root(**options)


def test_a_twist_needs_what_it_twists() -> None:
    with pytest.raises(ValueError, match="needs an instance with tsa"):
        Lab("acme").trusted_root(twist="tsa-reversed")
    with pytest.raises(ValueError, match="no such shape"):
        Lab("acme", shape="round")
