"""Every fault that the lab can make, in every form it can be in: each has its code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kit.errors import RejectedError
from tests.lab import ALL_SPOILS, FORMS, Lab
from tests.unit.lab.judges import ARTIFACT, made
from tests.unit.verifiers.trying import KNOWN, claim, code, lab, under, verifier

CODES = {
    # Of the certificate.
    "chain": "sigstore.chain",
    "expired": "sigstore.chain",
    "early": "sigstore.chain",
    "eku": "sigstore.leaf",
    "key-usage": "sigstore.leaf",
    "leaf-long": "sigstore.leaf",
    "sct": "sigstore.sct",
    "ct-log": "sigstore.sct",
    "no-sct": "sigstore.sct",
    "ct-window": "sigstore.sct",
    "sct-time": "sigstore.sct",
    "ca-window": "sigstore.ca-window",
    "san-two": "sigstore.identity",
    "issuer-differs": "sigstore.identity",
    # Of the signature and what it is over.
    "signature": "sigstore.signature",
    "artifact": "sigstore.signature",
    "payload": "sigstore.signature",
    "message-digest": "sigstore.digest",
    # Of a keyed signer.
    "keyed-wrong-key": "sigstore.entry",
    "keyed-hint": "",
    "keyed-keyid": "",
    # Of the entry.
    "entry-digest": "sigstore.entry",
    "payload-hash": "sigstore.entry",
    "entry-signature": "sigstore.entry",
    "entry-certificate": "sigstore.entry",
    "intoto-payload-hash": "sigstore.entry",
    "intoto-hash": "sigstore.entry",
    "intoto-signature": "sigstore.entry",
    "intoto-key": "sigstore.entry",
    "entry-canonical": "evidence.malformed",
    "entry-duplicate": "evidence.malformed",
    "entry-spaces": "evidence.malformed",
    "entry-kind": "evidence.unsupported",
    # Of the log.
    "log-key": "sigstore.log-key",
    "log-id": "sigstore.log-key",
    "v1-entry-by-v2-key": "sigstore.log-key",
    "v2-entry-by-v1-key": "",
    "v2-log-by-key": "sigstore.log-key",
    "rekor-window": "sigstore.log-window",
    "set": "sigstore.promise",
    "promise-garbage": "sigstore.promise",
    "inclusion-proof": "sigstore.inclusion",
    "log-index": "sigstore.inclusion",
    "checkpoint": "sigstore.checkpoint",
    "root-hash": "sigstore.checkpoint",
    "checkpoint-size": "sigstore.checkpoint",
    "checkpoint-origin": "sigstore.checkpoint",
    "checkpoint-junk": "evidence.malformed",
    # Of time.
    "future": "clock.behind",
    "integrated-time-without-promise": "",
    "no-timestamp": "sigstore.time",
    "tsa-signature": "sigstore.timestamp",
    "tsa-untrusted": "sigstore.time",
    "tsa-window": "sigstore.timestamp",
    "tsa-imprint": "sigstore.timestamp",
    "tsa-sha1": "sigstore.timestamp",
    "tsa-content": "sigstore.timestamp",
    "tsa-ess": "sigstore.timestamp",
    "tsa-no-ess": "sigstore.timestamp",
    "tsa-status": "sigstore.timestamp",
    "tsa-two-signers": "sigstore.timestamp",
    "tsa-eku": "sigstore.time",
    "tsa-eku-more": "sigstore.time",
    "tsa-eku-loose": "sigstore.time",
    "tsa-late": "sigstore.chain",
    "tsa-early": "sigstore.chain",
    "tsa-garbage": "evidence.malformed",
    "two-timestamps-one-bad": "sigstore.timestamp",
    "two-timestamps-equal": "sigstore.timestamp",
}

# Faults that change nothing that the kit goes by, and why.
HARMLESS = {
    "keyed-hint": "a hint selects a key; here the operator has given it (formats.md 3)",
    "keyed-keyid": "a keyid is unauthenticated, and no reader may go by it (dsse, protocol.md)",
    "v2-entry-by-v1-key": "the id of an ECDSA log is that of its key in both generations of Rekor "
    "(C2SP signed-note), so that only its own signature over an origin without a tree tells (D27)",
    "integrated-time-without-promise": "it is noted and unused: the timestamp gives the time",
}

# A stamp by nobody whom the root lists gives no time: the bundle needs another.
STRANGERS = {"tsa-untrusted", "tsa-eku", "tsa-eku-more", "tsa-eku-loose", "no-timestamp"}

V2 = {"rekor": "v2"}
ORDERS: list[tuple[str, dict[str, str]]] = [
    ("plain", {}),
    *(
        ("plain", {"form": form})
        for form in (
            "promise-only", "no-checkpoint", "two-entries", "keyed", "keyed+promise-only",
            "intoto", "intoto-0.0.1", "intoto-0.0.1-bare", "keyed+intoto",
        )
    ),
    ("full", {}),
    ("full", V2),
    *(
        ("full", {"form": form})
        for form in ("timestamp", "timestamp+no-promise", "two-logs+timestamp", "keyed+timestamp")
    ),
    *(
        ("full", V2 | {"form": form})
        for form in (
            "timestamp-bare", "two-timestamps", "two-scts", "cosigned", "keyed", "dsse-0.0.2",
        )
    ),
    ("github", {}),
    ("github", {"form": "release"}),
    ("github", {"form": "keyed"}),
]  # fmt: skip

# The other forms that hold, for which every fault once more would say nothing new.
MORE_ORDERS: list[tuple[str, dict[str, str]]] = [
    ("full", options | {"form": form})
    for form in (
        "timestamp-bare", "timestamp-sha384", "timestamp-sha512", "timestamp-signing-time",
        "timestamp-ess-v1", "timestamp-ess-both", "two-timestamps", "twice-stamped", "rsa-sct",
    )
    for options in ({}, V2)
]  # fmt: skip


def forms_of(options: dict[str, str]) -> list[str]:
    return options.get("form", "").split("+")


def bundle(shape: str, content: str, options: dict[str, Any]) -> bytes:
    if forms_of(options) == ["release"] and content == "envelope":
        options = {**options, "form": None}
        return lab(shape).release("acme/tool", "v1.0", {"tool-1.0": ARTIFACT}, **options)
    return made(lab(shape), content, **options)


def judged(orders: list[tuple[str, dict[str, str]]], **more: str) -> Iterator[tuple[Any, str]]:
    """Yield each order that the lab can make, and what the kit says of it."""
    for shape, options in orders:
        for content in ("message", "envelope"):
            try:
                raw = bundle(shape, content, options | more)
            except ValueError:  # there is no such bundle
                continue
            judge = verifier(shape, keyed="keyed" in forms_of(options))
            yield (shape, options, content), code(judge, raw)


def expected(spoil: str, shape: str, options: dict[str, str]) -> str:
    forms, rekor = forms_of(options), options.get("rekor", "v1")
    other_time = rekor == "v1" and "no-promise" not in forms and shape != "github"
    if spoil in STRANGERS and (other_time or "keyed" in forms):
        return ""
    match spoil:
        case "keyed-wrong-key" if shape == "github":
            return "sigstore.signature"  # it is not logged
        case "checkpoint-origin" if rekor == "v1" and "two-logs" not in forms:
            return ""  # noted: the origin of a v1 log is a name of its own choice
        case "tsa-late" | "tsa-early" if "release" in forms:
            return ""  # an hour is nothing to a certificate for a year
        case "ct-log" if "two-scts" in forms:
            return ""  # the other SCT is of a log that the root lists
        case "v2-entry-by-v1-key" if "two-logs" in forms:
            return "sigstore.log-key"  # beside an entry of v1 in the same log
        case _:
            return CODES[spoil]


def test_the_table_is_whole() -> None:
    assert set(CODES) == set(ALL_SPOILS)
    assert set(HARMLESS) == {spoil for spoil, code in CODES.items() if not code}


@pytest.mark.parametrize("spoil", ALL_SPOILS)
def test_a_fault_has_its_own_code_in_every_form(spoil: str) -> None:
    found = list(judged(ORDERS, spoil=spoil))
    assert found
    wrong = [
        (what, told, wanted)
        for what, told in found
        if told != (wanted := expected(spoil, what[0], what[1]))
    ]
    assert not wrong


def test_every_right_form_holds() -> None:
    found = list(judged([*ORDERS, *MORE_ORDERS]))
    assert [(what, told) for what, told in found if told] == []
    tried = {form for (_, options, _), _ in found for form in forms_of(options)}
    assert set(FORMS) - tried == {"no-log"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"form": "no-log"}, "sigstore.no-log"),
        ({"form": "no-log+timestamp"}, "sigstore.no-log"),
        # v0.1 bundles are promised, and Rekor v2 promises nothing.
        ({"form": "no-checkpoint", "rekor": "v2"}, "sigstore.promise"),
    ],
)
@pytest.mark.parametrize("content", ["message", "envelope"])
def test_a_form_that_an_instance_with_logs_does_not_take(
    content: str, options: dict[str, str], told: str
) -> None:
    assert code(verifier("full"), bundle("full", content, options)) == told


@pytest.mark.parametrize("content", ["message", "envelope"])
def test_a_bundle_of_another_key_is_refused(content: str) -> None:
    judge = verifier("full", keyed=True)
    for form, told in (("keyed", "sigstore.entry"), ("keyed+no-log", "sigstore.no-log")):
        assert code(judge, made(lab("full"), content, form=form, key="other")) == told
    nowhere = made(lab("github"), content, form="keyed", key="other")
    assert code(verifier("github", keyed=True), nowhere) == "sigstore.signature"


@pytest.mark.parametrize("content", ["message", "envelope"])
@pytest.mark.parametrize("options", [V2, {"form": "two-logs"}])
def test_a_log_that_goes_by_its_key_alone_has_no_entry_of_rekor_v2(
    content: str, options: dict[str, str]
) -> None:
    # Its key is Ed25519: as a v2 log it would go by its name, too.
    judge = under(lab("full").trusted_root(twist="v2-log-by-key"))
    raw = made(lab("full"), content, spoil="v2-log-by-key", **options)
    with pytest.raises(RejectedError, match="is not what a Rekor v1 log has") as refused:
        claim(judge, raw)
    assert refused.value.code == "sigstore.log-key"
    assert code(judge, made(lab("full"), content)) == ""


@pytest.mark.parametrize("spoil", ["tsa-eku", "tsa-eku-more", "tsa-eku-loose"])
def test_a_listed_authority_that_is_not_for_stamping_alone_is_no_stranger(spoil: str) -> None:
    judge = under(lab("full").trusted_root(twist=spoil))
    stamped = made(lab("full"), "message", form="timestamp", spoil=spoil)
    assert code(judge, stamped) == "sigstore.timestamp"


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"form": "timestamp", "spoil": "integrated-time-without-promise"}, "sigstore.time"),
        ({"form": "timestamp", "spoil": "tsa-untrusted"}, "sigstore.timestamp"),
        ({"spoil": "checkpoint-origin"}, "sigstore.origin"),
    ],
)
@pytest.mark.parametrize("content", ["message", "envelope"])
def test_what_is_let_pass_is_noted(content: str, options: dict[str, str], note: str) -> None:
    raw = made(lab("full"), content, **options)
    verified = verifier("full").verify(raw)
    assert [each.code for each in verified.notes] == [note]
    assert verified.claim_for("x", KNOWN).signed_at is not None


def test_two_trees_of_a_log_may_have_an_entry_at_one_number() -> None:
    # Trees of the lab are small, so that such a pair is soon found.
    judge = verifier("plain")
    for number in range(40):
        options = {"identity": f"jo{number}@acme.test", "form": "two-entries"}
        assert code(judge, made(lab("plain"), "message", **options)) == ""


def test_bundles_of_an_unrelated_instance_are_refused_by_their_chain() -> None:
    for shape in ("plain", "full", "github"):
        raw = made(Lab("mallory", shape=shape), "message")
        with pytest.raises(RejectedError) as refused:
            claim(verifier(shape), raw)
        assert refused.value.code == "sigstore.chain"
