"""Published flaws of verifiers (security.md 2.1 and 2.3): the attack of each root cause, refused.

One test an advisory, by its id. The attack is made with the lab, so that nothing else is
wrong with it, and the refusal must be for that reason. Advisories about other things than
verifying a bundle are tested where those things are: collecting, policy, trust roots.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kit.errors import MalformedError, RejectedError, UnsupportedError
from kit.formats import trusted_root
from kit.model import Digest
from tests.lab import AT, Lab, keys, signing
from tests.lab.content import Content, Envelope
from tests.unit.lab.judges import ARTIFACT, made
from tests.unit.verifiers.trying import KNOWN, claim, code, lab, under, verifier

FULL = lab("full")
BOTH = ("message", "envelope")
V2 = {"rekor": "v2"}
OLDER = AT - timedelta(days=90)


def edited(raw: bytes, change: Callable[[Any], None]) -> bytes:
    value = json.loads(raw)
    change(value)
    return json.dumps(value).encode()


def material(value: Any) -> Any:
    return value["verificationMaterial"]


def entry_of(value: Any) -> Any:
    return material(value)["tlogEntries"][0]


def refused(told: str, raw: bytes, *, shape: str = "full", keyed: bool = False) -> None:
    assert code(verifier(shape, keyed=keyed), raw) == told


def spliced(raw: bytes, other: bytes, *members: str) -> bytes:
    """Return a bundle with these members of the verification material of another."""

    def change(value: Any) -> None:
        for member in members:
            material(value)[member] = material(json.loads(other))[member]

    return edited(raw, change)


def statement(*subjects: Any, **changes: Any) -> bytes:
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": list(subjects),
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {},
    }
    return json.dumps(value | changes).encode()


def subject(name: str = "tool-1.0", **digests: str) -> dict[str, Any]:
    return {"name": name, "digest": digests or {"sha256": KNOWN["sha256"].hex}}


# ---- that the log entry is about this signature ------------------------------------


@pytest.mark.parametrize("content", BOTH)
@pytest.mark.parametrize("form", [None, "promise-only", "no-checkpoint", "keyed"])
def test_cve_2022_23649_an_entry_of_another_signature(content: str, form: str | None) -> None:
    keyed = form == "keyed"
    raw, other = (made(FULL, content, form=form, at=at) for at in (AT, OLDER))
    assert code(verifier("full", keyed=keyed), other) == ""
    wrong = spliced(raw, other, "tlogEntries")
    if keyed and content == "envelope":
        # Deterministic: one key, one payload and so one signature, rightly logged twice.
        assert wrong != raw
        refused("", wrong, keyed=True)
        return
    # The certificate is too young for the older entry; of the same minute, it is another's.
    refused("" if keyed else "sigstore.chain", wrong, keyed=keyed)
    theirs = made(FULL, content, form=form, identity="jo@acme.test", key="other")
    refused("sigstore.entry", spliced(raw, theirs, "tlogEntries"), keyed=keyed)


def test_cve_2024_51746_the_first_entry_found_and_not_the_matching_one() -> None:
    raw = made(FULL, "message")
    other = FULL.sign(b"another artifact")
    refused("sigstore.entry", spliced(raw, other, "tlogEntries"))

    def before(value: Any) -> None:
        material(value)["tlogEntries"].insert(0, entry_of(json.loads(other)))

    refused("sigstore.entry", edited(raw, before))  # nor does one that matches make up for it


@pytest.mark.parametrize(
    "spoil", ["entry-digest", "payload-hash", "entry-signature", "entry-certificate"]
)
@pytest.mark.parametrize(
    "options", [{}, V2, {"form": "keyed"}, {"form": "promise-only"}, {"form": "two-entries"}]
)
def test_cve_2022_36056_parts_of_a_bundle_that_are_not_bound_to_each_other(
    spoil: str, options: dict[str, str]
) -> None:
    keyed = options.get("form") == "keyed"
    contents = {"entry-digest": ["message"], "payload-hash": ["envelope"]}.get(spoil, BOTH)
    for content in contents:
        refused("sigstore.entry", made(FULL, content, spoil=spoil, **options), keyed=keyed)


@pytest.mark.parametrize("content", BOTH)
def test_cve_2022_36056_another_certificate_beside_the_signature(content: str) -> None:
    theirs = made(FULL, content, identity="jo@acme.test")
    refused("sigstore.entry", spliced(made(FULL, content), theirs, "certificate"))


@pytest.mark.parametrize(
    "spoil", ["entry-digest", "payload-hash", "entry-signature", "entry-certificate"]
)
@pytest.mark.parametrize("form", ["promise-only", "no-checkpoint", "keyed+promise-only"])
def test_cve_2026_22703_a_promise_that_holds_over_another_entry(spoil: str, form: str) -> None:
    content = "message" if spoil == "entry-digest" else "envelope"
    raw = made(FULL, content, form=form, spoil=spoil)
    refused("sigstore.entry", raw, keyed=form.startswith("keyed"))


@pytest.mark.parametrize("form", [None, "intoto", "intoto-0.0.1", "intoto-0.0.1-bare"])
def test_cve_2024_53267_an_envelope_that_is_not_the_logged_one(form: str | None) -> None:
    other = statement(subject(), predicate={"another": 1})
    raw = made(FULL, "envelope", form=form)

    def change(value: Any) -> None:
        value["dsseEnvelope"]["payload"] = b64encode(other).decode()

    refused("sigstore.entry", edited(raw, change))
    whole = FULL.envelope(other, form=form)
    refused("sigstore.entry", spliced(whole, raw, "certificate", "tlogEntries"))


def test_sigstore_go_611_the_digest_of_an_entry_is_compared() -> None:
    raw = made(FULL, "message", spoil="entry-digest")
    refused("sigstore.entry", raw)
    refused("sigstore.entry", edited(raw, lambda v: v["messageSignature"].pop("messageDigest")))


def test_sigstore_python_1652_the_documented_digest_is_compared() -> None:
    for options in ({}, V2, {"form": "promise-only"}):
        refused("sigstore.digest", made(FULL, "message", spoil="message-digest", **options))
    raw = edited(made(FULL, "message"), lambda v: v["messageSignature"].pop("messageDigest"))
    refused("", raw)  # it is a hint, and may be left out


# ---- times and windows ----------------------------------------------------------


@pytest.mark.parametrize("content", BOTH)
@pytest.mark.parametrize("options", [{}, V2, {"form": "timestamp"}])
def test_cve_2026_24122_an_issuer_that_was_over_when_it_signed(
    content: str, options: dict[str, str]
) -> None:
    # The leaf is a minute old: its issuer's time ended in that minute.
    ended = FULL.trusted_root(
        windows={"fulcio": (AT - timedelta(days=9), AT - timedelta(seconds=30))}
    )
    assert code(under(ended), made(FULL, content, **options)) == "sigstore.ca-window"
    github, moment = lab("github"), AT.replace(year=2025, month=12, day=31, hour=23, minute=59)
    late = made(github, content, at=moment + timedelta(seconds=30))
    stamped = made(github, content, at=moment + timedelta(seconds=90))
    assert code(verifier("github"), late) == ""
    mixed = spliced(stamped, late, "certificate")
    assert code(verifier("github"), mixed) in {"sigstore.chain", "sigstore.ca-window"}


@pytest.mark.parametrize("content", BOTH)
def test_cve_2026_54787_the_key_of_a_log_outside_its_window(content: str) -> None:
    refused("sigstore.log-window", made(FULL, content, spoil="rekor-window"))
    for name, options in (("rekor", {}), ("rekor-v2", V2)):
        for window in (
            (AT - timedelta(days=9), AT - timedelta(seconds=1)),
            (AT + timedelta(seconds=1), None),
        ):
            judge = under(FULL.trusted_root(windows={name: window}))
            assert code(judge, made(FULL, content, **options)) == "sigstore.log-window"


@pytest.mark.parametrize("content", BOTH)
def test_cve_2024_55655_a_time_that_no_promise_binds(content: str) -> None:
    def unpromised(value: Any) -> None:
        entry_of(value).pop("inclusionPromise")

    refused("sigstore.time", edited(made(FULL, content), unpromised))

    def timed(value: Any) -> None:
        entry_of(value)["integratedTime"] = str(round(AT.timestamp()))
        material(value).pop("timestampVerificationData")

    refused("sigstore.time", edited(made(FULL, content, **V2), timed))

    def moved(value: Any) -> None:
        entry_of(value)["integratedTime"] = str(round(AT.timestamp()) + 1)

    refused("sigstore.promise", edited(made(FULL, content), moved))


@pytest.mark.parametrize("content", BOTH)
def test_cosign_71291bec_rekor_v2_without_a_timestamp(content: str) -> None:
    refused("sigstore.time", made(FULL, content, spoil="no-timestamp", **V2))


@pytest.mark.parametrize("content", BOTH)
def test_sigstore_rust_122_a_window_that_cannot_be_read_is_no_open_one(content: str) -> None:
    def change(value: Any) -> None:
        value["certificateAuthorities"][-1]["validFor"] = {"start": "soon"}

    with pytest.raises(MalformedError):
        trusted_root.parse(edited(FULL.trusted_root(), change))
    for window in (None, (None, None)):
        with pytest.raises(MalformedError):
            trusted_root.parse(FULL.trusted_root(windows={"fulcio": window}))


def test_sigstore_rust_119_the_signature_is_checked_also_without_a_log() -> None:
    for content in BOTH:
        for form in (None, "keyed"):
            raw = made(lab("github"), content, form=form, spoil="signature")
            refused("sigstore.signature", raw, shape="github", keyed=form is not None)


# ---- timestamps -------------------------------------------------------------------


@pytest.mark.parametrize("spoil", ["tsa-signature", "tsa-content", "tsa-two-signers"])
@pytest.mark.parametrize("options", [V2, {"form": "timestamp"}])
def test_cve_2025_52556_a_timestamp_whose_signature_does_not_hold(
    spoil: str, options: dict[str, str]
) -> None:
    refused("sigstore.timestamp", made(FULL, "message", spoil=spoil, **options))


@pytest.mark.parametrize("content", BOTH)
def test_cve_2026_39984_a_stamp_by_one_authority_under_the_name_of_another(content: str) -> None:
    refused("sigstore.time", made(FULL, content, spoil="tsa-untrusted", **V2))
    # With the right authority's certificates in the token beside its own.
    refused("sigstore.timestamp", made(FULL, content, spoil="tsa-signature", **V2))
    # A root without the authority's own certificate goes by the one in the token.
    judge = under(FULL.trusted_root(twist="tsa-root-only"))
    assert code(judge, made(FULL, content, **V2)) == ""
    for spoil in ("tsa-signature", "tsa-untrusted"):
        told = code(judge, made(FULL, content, spoil=spoil, **V2))
        assert told == "sigstore.timestamp"


@pytest.mark.parametrize("spoil", ["tsa-eku", "tsa-eku-more", "tsa-eku-loose"])
@pytest.mark.parametrize("twist", ["", "tsa-root-only"])
def test_timestamp_authority_42ce715_a_signer_that_is_not_for_stamping_alone(
    spoil: str, twist: str
) -> None:
    judge = under(FULL.trusted_root(twist=twist or spoil))
    assert code(judge, made(FULL, "message", spoil=spoil, **V2)) == "sigstore.timestamp"


def test_timestamp_authority_sha1_and_other_signatures() -> None:
    for spoil in ("tsa-sha1", "tsa-imprint", "tsa-status", "two-timestamps-one-bad"):
        for content in BOTH:
            refused("sigstore.timestamp", made(FULL, content, spoil=spoil, **V2))


def test_timestamp_authority_21dff8b_a_chain_is_judged_at_the_time_of_the_stamp() -> None:
    github = lab("github")
    old = made(github, "message", at=AT.replace(year=2023))
    # Its certificates and their windows have been over for two years and more.
    assert code(under(github.trusted_root(), at=AT.replace(year=2030)), old) == ""
    refused("sigstore.timestamp", made(FULL, "message", spoil="tsa-window", **V2))


# ---- thresholds and repetition -------------------------------------------------------


@pytest.mark.parametrize("content", BOTH)
def test_cve_2026_49834_one_log_that_tells_an_entry_twice(content: str) -> None:
    def twice(value: Any) -> None:
        material(value)["tlogEntries"] *= 2

    for options in ({}, V2):
        refused("sigstore.entry", edited(made(FULL, content, **options), twice))
    refused("sigstore.timestamp", made(FULL, content, spoil="two-timestamps-equal", **V2))


@pytest.mark.parametrize("content", BOTH)
def test_cve_2024_45395_counts_are_bounded_before_anything_is_verified(content: str) -> None:
    def more(value: Any) -> None:
        material(value)["tlogEntries"] *= 33

    def stamps(value: Any) -> None:
        material(value)["timestampVerificationData"]["rfc3161Timestamps"] *= 33

    def path(value: Any) -> None:
        entry_of(value)["inclusionProof"]["hashes"] *= 65

    for change in (more, stamps, path):
        refused("evidence.malformed", edited(made(FULL, content, **V2), change))


def test_cve_2024_45395_subjects_are_bounded() -> None:
    refused("evidence.malformed", FULL.envelope(statement(*[subject()] * 1025)))
    many = subject(**{f"sha{n}": "0" for n in range(40)})
    refused("evidence.malformed", FULL.envelope(statement(many)))


def test_cve_2023_25656_signatures_are_one() -> None:
    def more(value: Any) -> None:
        value["dsseEnvelope"]["signatures"] *= 2

    refused("evidence.malformed", edited(made(FULL, "envelope"), more))


# ---- what is signed -------------------------------------------------------------------


def test_ghsa_r2xv_vpr2_42m9_a_signature_that_is_not_over_the_encoding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def sign(signer: signing.Signer, content: Content, _: str) -> bytes:
        assert isinstance(content, Envelope)
        return keys.sign(signer.key, content.payload)

    monkeypatch.setattr(signing.Signer, "sign", sign)
    for form in ("keyed", None, "intoto"):
        refused("sigstore.signature", made(FULL, "envelope", form=form), keyed=form == "keyed")


def test_ghsa_mhg6_2q2v_9h2c_a_statement_about_other_files() -> None:
    refused("statement.subject", FULL.attest({"tool-1.0": b"another file"}))
    # Any subject counts, not the first alone; its algorithm is compared as well as its value.
    both = FULL.attest({"other": b"another file", "tool-1.0": ARTIFACT})
    assert claim(verifier("full"), both).names == ("tool-1.0",)
    hexadecimal = KNOWN["sha256"].hex
    refused("evidence.malformed", FULL.envelope(statement(subject(sha512=hexadecimal))))
    refused("statement.subject", FULL.envelope(statement(subject(sha1=hexadecimal))))


@pytest.mark.parametrize("subjects", [{"subject": []}, {"subject": None}, {"subject": [None]}])
def test_sigstore_rust_109_a_statement_about_nothing(subjects: dict[str, Any]) -> None:
    # cosign d996ce12 is the null, which it crashed on.
    refused("evidence.malformed", FULL.envelope(statement(**subjects)))


def test_sigstore_go_609_a_file_without_digests_is_no_file() -> None:
    nothing: dict[str, Digest] = {}
    for content in BOTH:
        verified = verifier("full").verify(made(FULL, content))
        with pytest.raises((RejectedError, UnsupportedError)):
            verified.claim_for("x", nothing)


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"null", b"[]", b'"text"', statement(subject())[:-1], statement(subject()) + b"{}"],
)
def test_cve_2026_39395_a_payload_that_cannot_be_read(payload: bytes) -> None:
    refused("evidence.malformed", FULL.envelope(payload))


def test_cve_2026_39395_the_type_of_the_predicate_is_in_the_claim() -> None:
    # CVE-2022-35929 and CVE-2022-35930 alike: policy goes by what this very statement says.
    for kind in ("https://slsa.dev/provenance/v1", "https://spdx.dev/Document"):
        raw = FULL.attest({"tool-1.0": ARTIFACT}, predicate_type=kind)
        assert claim(verifier("full"), raw).predicate_type == kind
    refused("evidence.malformed", FULL.envelope(statement(subject(), predicateType=None)))


@pytest.mark.parametrize("payload_type", ["text/plain", "application/vnd.acme+json", "in-toto"])
def test_cve_2026_39395_a_payload_of_another_type(payload_type: str) -> None:
    refused("evidence.unsupported", FULL.envelope(statement(subject()), payload_type))


def test_cve_2026_44309_the_bytes_that_are_read_are_those_that_were_signed() -> None:
    raw = FULL.envelope(statement(subject()))

    def respaced(value: Any) -> None:
        payload = json.loads(b64decode(value["dsseEnvelope"]["payload"]))
        value["dsseEnvelope"]["payload"] = b64encode(
            json.dumps(payload, indent=1).encode()
        ).decode()

    refused("sigstore.entry", edited(raw, respaced))
    twice = b'{"subject":[],' + statement(subject())[1:]
    refused("evidence.malformed", FULL.envelope(twice))


# ---- crashes ------------------------------------------------------------------------


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path, *(p for key in value for p in _paths(value[key], (*path, key)))]
    if isinstance(value, list):
        return [path, *(p for n in range(len(value)) for p in _paths(value[n], (*path, n)))]
    return [path]


#: Without it a bundle is as good: the hint, and what one with a timestamp need not have.
_OPTIONAL = {("messageSignature", "messageDigest")}


@pytest.mark.parametrize("content", BOTH)
@pytest.mark.parametrize("junk", [None, {}, [], "", 0, "junk"])
def test_cve_2026_23831_any_part_of_a_bundle_that_is_nothing_or_junk(
    content: str, junk: Any
) -> None:
    # CVE-2023-33199, GHSA-843x-px86-vq42, CVE-2026-44310 and cosign 7351cace are of this kind.
    raw = made(FULL, content)
    for path in _paths(json.loads(raw))[1:]:

        def change(value: Any, path: tuple[Any, ...] = path) -> None:
            for step in path[:-1]:
                value = value[step]
            value[path[-1]] = junk

        told = code(verifier("full"), edited(raw, change))  # any raw error fails the test
        assert told or (path in _OPTIONAL and junk is None), path


@pytest.mark.parametrize("content", BOTH)
@pytest.mark.parametrize("junk", [None, {}, [], "", 0, "junk"])
def test_cve_2023_33199_any_part_of_a_log_entry_that_is_nothing_or_junk(
    content: str, junk: Any
) -> None:
    for options in ({}, V2, *([{"form": "intoto"}] if content == "envelope" else [])):
        raw = made(FULL, content, **options)
        body = json.loads(b64decode(entry_of(json.loads(raw))["canonicalizedBody"]))
        for path in _paths(body):

            def change(value: Any, path: tuple[Any, ...] = path, body: Any = body) -> None:
                told = inner = {"": json.loads(json.dumps(body))}
                steps = ("", *path)
                for step in steps[:-1]:
                    inner = inner[step]
                inner[steps[-1]] = junk
                text = json.dumps(told[""], separators=(",", ":"), sort_keys=True)
                entry_of(value)["canonicalizedBody"] = b64encode(text.encode()).decode()

            assert code(verifier("full"), edited(raw, change)), path


@pytest.mark.parametrize("note", ["", "\n", "x\n1\n\n", "x\n1\nAAAA\n\n\N{EM DASH} x *\n", "\0"])
def test_sigstore_python_1826_a_checkpoint_that_is_none(note: str) -> None:
    def change(value: Any) -> None:
        entry_of(value)["inclusionProof"]["checkpoint"]["envelope"] = note

    for content in BOTH:
        refused("evidence.malformed", edited(made(FULL, content), change))


# ---- keys and instances ---------------------------------------------------------------


@pytest.mark.parametrize("shape", ["plain", "full"])
def test_cve_2023_47122_a_log_that_vouches_for_itself(shape: str) -> None:
    for content in BOTH:
        refused("sigstore.log-key", made(lab(shape), content, spoil="log-key"), shape=shape)
        theirs = Lab("mallory", shape=shape)
        raw = spliced(made(lab(shape), content), made(theirs, content), "tlogEntries")
        refused("sigstore.log-key", raw, shape=shape)


def test_cve_2025_25204_nothing_is_no_evidence() -> None:
    for raw in (b"", b"{}", b"[]", b"null", b"\n"):
        refused("evidence.malformed", raw)
    refused("sigstore.no-log", made(FULL, "message", form="no-log"))
