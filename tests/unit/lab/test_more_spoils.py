"""What sigstore-python says of the finer faults: some it lets through, and the kit must not."""

from __future__ import annotations

import json
from base64 import b64decode
from functools import cache
from typing import Any

import pytest

from tests.lab import ALL_SPOILS, AT, MORE_SPOILS, SPOILS, Lab
from tests.unit.lab.judges import made, verdict, verifier

FULL = Lab("acme", shape="full")
JUDGE = verifier(FULL.trusted_root())

TIME = "cert is not valid at validation time"
NO_TIME = "not enough sources of verified time"
KEYED = "expected certificate in bundle"
INTOTO = "Integrated time only supported for dsse/hashedrekord 0.0.1 types"
V2 = {"rekor": "v2"}
STAMPED = {"form": "timestamp"}

# With which options, and what it says: "" where it accepts. A fault of a timestamp is refused
# if it is all the time there is, and overlooked beside the time of Rekor v1.
SAYS: dict[str, list[tuple[dict[str, str], str]]] = {
    "future": [({}, ""), (V2, "")],  # W8
    "ca-window": [({}, ""), (V2, "")],  # W5
    "ct-window": [({}, ""), (V2, "")],  # W4
    "rekor-window": [({}, "")],  # W1
    "sct-time": [({}, ""), (V2, "")],  # W7
    "san-two": [({}, ""), (V2, "")],  # W28
    "issuer-differs": [({}, ""), (V2, "")],  # W27
    "leaf-long": [({}, ""), (V2, "")],  # W29
    "keyed-wrong-key": [({"form": "keyed"}, KEYED)],
    "keyed-hint": [({"form": "keyed"}, KEYED)],
    "keyed-keyid": [({"form": "keyed"}, KEYED)],
    "entry-canonical": [({}, ""), (V2, "Extra inputs are not permitted")],  # W23
    "entry-duplicate": [({}, ""), (V2, "")],  # W18, W23
    "entry-spaces": [({}, ""), (V2, "")],  # W23
    "entry-kind": [({}, INTOTO), (V2, "entry type")],
    "intoto-payload-hash": [({"form": "intoto"}, INTOTO), ({"form": "intoto-0.0.1"}, INTOTO)],
    "intoto-hash": [({"form": "intoto-0.0.1-bare"}, INTOTO)],
    "intoto-signature": [({"form": "intoto"}, INTOTO)],
    "intoto-key": [({"form": "intoto"}, INTOTO), ({"form": "intoto-0.0.1"}, INTOTO)],
    "log-id": [({}, ""), (V2, "")],  # W9
    "log-index": [(V2, "")],  # W13
    "promise-garbage": [(STAMPED, "")],  # W14
    "integrated-time-without-promise": [(STAMPED, "")],  # W15
    "checkpoint-size": [({}, ""), (V2, "")],  # W12
    "checkpoint-origin": [({}, ""), (V2, "")],  # W11
    "checkpoint-junk": [({}, ""), (V2, "")],  # W22
    "v1-entry-by-v2-key": [({}, "")],  # W10
    "v2-entry-by-v1-key": [(V2, "")],  # W10, the other way round
    "v2-log-by-key": [(V2, "")],  # W9
    "no-timestamp": [(V2, "must contain an inclusion promise or signed timestamp")],
    "tsa-signature": [(V2, NO_TIME), (STAMPED, "")],
    "tsa-untrusted": [(V2, NO_TIME), (STAMPED, "")],
    "tsa-window": [(V2, NO_TIME), (STAMPED, "")],
    "tsa-imprint": [(V2, NO_TIME), (STAMPED, "")],
    "tsa-sha1": [(V2, NO_TIME), (STAMPED, "")],
    "tsa-content": [(V2, NO_TIME), (STAMPED, "")],
    "tsa-ess": [(V2, ""), (STAMPED, "")],
    "tsa-no-ess": [(V2, ""), (STAMPED, "")],
    "tsa-status": [(V2, NO_TIME), (STAMPED, "")],
    "tsa-two-signers": [
        (V2, NO_TIME),
        (STAMPED, ""),
        (V2 | {"form": "timestamp-bare"}, ""),
    ],
    "tsa-eku": [(V2, NO_TIME), (STAMPED, "")],
    "tsa-eku-more": [(V2, NO_TIME), (STAMPED, "")],
    "tsa-eku-loose": [(V2, NO_TIME), (STAMPED, "")],
    "tsa-late": [(V2, TIME), (STAMPED, TIME)],
    "tsa-early": [(V2, TIME), (STAMPED, TIME)],
    "tsa-garbage": [(V2, "Invalid Timestamp Response")],
    "two-timestamps-one-bad": [(V2, ""), (STAMPED, "")],  # W16
    "two-timestamps-equal": [(V2, "duplicate timestamp"), (STAMPED, "duplicate timestamp")],
}
CASES = [
    pytest.param(content, spoil, options, says, id=f"{spoil}-{content}-{number}")
    for spoil, told in SAYS.items()
    for number, (options, says) in enumerate(told)
    for content in ("message", "envelope")
    if content == "envelope"
    or not {"envelope", "intoto", "logged-envelope"} & ALL_SPOILS[spoil].needs
]


def bodies(bundle: bytes) -> list[Any]:
    entries = json.loads(bundle)["verificationMaterial"]["tlogEntries"]
    return [json.loads(b64decode(each["canonicalizedBody"])) for each in entries]


@cache
def right(content: str, **options: Any) -> bytes:
    return made(FULL, content, **options)


def test_the_table_is_whole() -> None:
    assert set(SAYS) == set(MORE_SPOILS)
    assert not set(SPOILS) & set(MORE_SPOILS)
    assert set(ALL_SPOILS) == set(SPOILS) | set(MORE_SPOILS)
    assert all(spoil.why and spoil.needs for spoil in MORE_SPOILS.values())


@pytest.mark.parametrize(("content", "spoil", "options", "says"), CASES)
def test_sigstore_python_says(content: str, spoil: str, options: dict[str, Any], says: str) -> None:
    bundle = made(FULL, content, spoil=spoil, **options)
    assert bundle != right(content, **options)
    told = verdict(JUDGE, bundle)
    assert says in told
    assert bool(says) == bool(told)


@pytest.mark.parametrize("spoil", ["chain", "signature", "inclusion-proof", "root-hash"])
@pytest.mark.parametrize("options", [V2, STAMPED, {"form": "rsa-sct"}])
@pytest.mark.parametrize("content", ["message", "envelope"])
def test_the_plain_faults_are_refused_in_the_newer_forms(
    content: str, options: dict[str, Any], spoil: str
) -> None:
    assert verdict(JUDGE, made(FULL, content, spoil=spoil, **options))


@pytest.mark.parametrize(
    ("spoil", "form"),
    [
        ("set", None),
        ("promise-garbage", None),
        ("tsa-late", None),
        ("log-index", "timestamp"),
        ("keyed-hint", None),
        ("entry-signature", "intoto-0.0.1"),
        ("payload-hash", "intoto-0.0.1-bare"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_the_lab(spoil: str, form: str | None) -> None:
    options: dict[str, Any] = {"rekor": "v2"} if spoil == "set" else {}
    with pytest.raises(ValueError, match=r"needs a bundle with"):
        FULL.attest({"a": b"a"}, form=form, spoil=spoil, **options)


@pytest.mark.parametrize("spoil", ["sct", "ct-log", "ct-window"])
def test_a_fault_that_changes_nothing_is_refused_by_the_lab(spoil: str) -> None:
    with pytest.raises(ValueError, match="changes nothing in form 'rsa-sct'"):
        made(FULL, "message", form="rsa-sct", spoil=spoil)


def test_one_fault_is_one_difference_in_the_checkpoint() -> None:
    def note(bundle: bytes) -> list[str]:
        (entry,) = json.loads(bundle)["verificationMaterial"]["tlogEntries"]
        text: str = entry["inclusionProof"]["checkpoint"]["envelope"]
        return text.splitlines()

    whole = note(right("message"))
    size = note(made(FULL, "message", spoil="checkpoint-size"))
    origin = note(made(FULL, "message", spoil="checkpoint-origin"))
    assert [a == b for a, b in zip(whole, size, strict=True)] == [True, False, True, True, False]
    assert [a == b for a, b in zip(whole, origin, strict=True)] == [False, True, True, True, False]
    assert int(size[1]) == int(whole[1]) + 1
    assert origin[0].split(" - ")[1] == whole[0].split(" - ")[1]


def test_a_log_id_of_no_log_is_promised_as_such() -> None:
    (entry,) = json.loads(made(FULL, "message", spoil="log-id"))["verificationMaterial"][
        "tlogEntries"
    ]
    listed = [b64decode(log["logId"]["keyId"]) for log in json.loads(FULL.trusted_root())["tlogs"]]
    told = b64decode(entry["logId"]["keyId"])
    assert told not in listed
    assert told[:4] in {each[:4] for each in listed}


@pytest.mark.parametrize("spoil", ["keyed-wrong-key", "keyed-hint", "keyed-keyid"])
def test_a_spoiled_keyed_bundle_names_two_keys(spoil: str) -> None:
    bundle = json.loads(made(FULL, "envelope", form="keyed", spoil=spoil))
    whole = json.loads(right("envelope", form="keyed"))
    (told,), (wanted,) = bodies(json.dumps(bundle).encode()), bodies(json.dumps(whole).encode())
    names = (
        bundle["verificationMaterial"]["publicKey"] == whole["verificationMaterial"]["publicKey"],
        bundle["dsseEnvelope"]["signatures"][0]["keyid"]
        == whole["dsseEnvelope"]["signatures"][0]["keyid"],
        told["spec"]["signatures"][0]["verifier"] == wanted["spec"]["signatures"][0]["verifier"],
    )
    assert (
        names
        == {
            "keyed-wrong-key": (True, True, False),
            "keyed-hint": (False, True, True),
            "keyed-keyid": (True, False, True),
        }[spoil]
    )


@pytest.mark.parametrize(
    ("spoil", "form", "paths"),
    [
        ("intoto-payload-hash", "intoto", {"payloadHash"}),
        ("intoto-payload-hash", "intoto-0.0.1", {"payloadHash"}),
        ("intoto-hash", "intoto-0.0.1-bare", {"hash"}),
        ("intoto-signature", "intoto", {"envelope"}),
        ("intoto-key", "intoto", {"envelope"}),
        ("intoto-key", "intoto-0.0.1", set()),
    ],
)
def test_a_spoiled_intoto_entry_differs_in_one_member(
    spoil: str, form: str, paths: set[str]
) -> None:
    (told,) = bodies(made(FULL, "envelope", form=form, spoil=spoil))
    (wanted,) = bodies(right("envelope", form=form))
    content, other = told["spec"]["content"], wanted["spec"]["content"]
    assert {name for name in other if content[name] != other[name]} == paths
    differs = told["spec"].get("publicKey") != wanted["spec"].get("publicKey")
    assert differs == (not paths)


def test_all_of_a_future_bundle_is_of_the_future() -> None:
    bundle = made(FULL, "message", spoil="future")
    (entry,) = json.loads(bundle)["verificationMaterial"]["tlogEntries"]
    assert int(entry["integratedTime"]) > AT.timestamp() + 20 * 365 * 86400
