"""Trusted roots by the catalogue of attacks on them (security.md 4.3, R-012 to R-018).

What refuses a root is asked of where `check` and `verify` find it; what a root is let pass
with is a remark of it, and what then needs the missing part fails by name. Where the two
documents differ, design section 13 has settled it, and the test says so.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from kit.errors import AnchorError
from kit.formats import trusted_root
from kit.trust import anchors
from kit.trust.places import Place
from tests.lab import Lab
from tests.unit.lab.judges import made, verdict
from tests.unit.lab.judges import verifier as library
from tests.unit.verifiers.trying import code, lab, under

FULL = lab("full")
ROOT = FULL.trusted_root()
V2 = {"rekor": "v2"}
Change = Callable[[Any], None]


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[[bytes], str]:
    """Return what says why a root is no anchor, or "" where it is one."""

    def code_of(raw: bytes) -> str:
        file = tmp_path / "root.json"
        file.write_bytes(raw)
        try:
            anchors.find(["acme"], [], [str(file)])
        except AnchorError as error:
            return error.code
        return ""

    return code_of


def edited(change: Change, raw: bytes = ROOT) -> bytes:
    value = json.loads(raw)
    change(value)
    return json.dumps(value).encode()


def remarks(raw: bytes) -> list[str]:
    return [remark.code for remark in trusted_root.parse(raw).remarks]


def rename(*path: str | int) -> Change:
    """Write a name as Python's and Go's readers of proto3 JSON also take it."""

    def change(value: Any) -> None:
        *above, name = path
        for part in above:
            value = value[part]
        other = "".join(f"_{c.lower()}" if c.isupper() else c for c in str(name))
        assert other != name
        value[other] = value.pop(name)

    return change


NAMES = [
    rename("mediaType"),
    rename("certificateAuthorities"),
    rename("timestampAuthorities"),
    rename("tlogs", 0, "baseUrl"),
    rename("tlogs", 0, "hashAlgorithm"),
    rename("tlogs", 0, "publicKey"),
    rename("tlogs", 0, "publicKey", "rawBytes"),
    rename("tlogs", 0, "publicKey", "validFor"),
    rename("ctlogs", 0, "logId", "keyId"),
    rename("certificateAuthorities", 0, "certChain"),
    rename("certificateAuthorities", 0, "subject", "commonName"),
]


def test_r012_a_duplicate_key(refusal: Callable[[bytes], str]) -> None:
    assert refusal(FULL.trusted_root(twist="duplicate-key")) == "trust.malformed"
    assert refusal(b'{"mediaType":"x",' + ROOT.lstrip()[1:]) == "trust.malformed"


@pytest.mark.parametrize("change", NAMES)
def test_r012_another_spelling_of_a_name(change: Change, refusal: Callable[[bytes], str]) -> None:
    assert refusal(edited(change)) == "trust.malformed"


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\0"])
def test_r012_a_byte_order_mark(mark: bytes, refusal: Callable[[bytes], str]) -> None:
    assert refusal(mark + ROOT) == "trust.malformed"


def test_r012_an_unknown_field_is_told_and_changes_nothing() -> None:
    # Settled: ignored and reported, also by design 13.
    root = FULL.trusted_root(twist="unknown-field")
    assert remarks(root) == ["trust.unknown-field"]
    assert code(under(root), made(FULL, "message", **V2)) == ""


def test_r012_the_media_type_of_another_version(refusal: Callable[[bytes], str]) -> None:
    # Settled: the three that there are (formats.md 2.2), and no other.
    known = FULL.trusted_root(twist="media-type")
    assert code(under(known), made(FULL, "message", **V2)) == ""
    for other in ("trustedroot.v0.3+json", "trustedroot+json;version=0.2", "bundle.v0.3+json"):
        unknown = edited(
            lambda v, o=other: v.update(mediaType=f"application/vnd.dev.sigstore.{o}")  # type: ignore[misc]
        )
        assert refusal(unknown) == "trust.malformed"


START, END = "2021-01-01T00:00:00Z", "2041-01-01T00:00:00Z"
WINDOWS = {
    "none": None,
    "no start": {"end": END},
    "no start, no end": {},
    "ends before it starts": {"start": END, "end": START},
    "naive": {"start": "2021-01-01T00:00:00"},
    "naive end": {"start": START, "end": "2041-01-01T00:00:00"},
    "a date": {"start": "2021-01-01"},
    "no such day": {"start": "2021-02-30T00:00:00Z"},
    "a number": {"start": 1609459200},
    "no text": {"start": None},
    "empty": {"start": ""},
    "words": {"start": START, "end": "never"},
}


@pytest.mark.parametrize(
    "part", ["tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"]
)
@pytest.mark.parametrize("window", WINDOWS)
def test_r013_a_window_that_is_none(
    window: str, part: str, refusal: Callable[[bytes], str]
) -> None:
    def change(value: Any) -> None:
        item = value[part][-1]
        item.get("publicKey", item)["validFor"] = WINDOWS[window]

    assert refusal(edited(change)) == "trust.malformed"


def set_key(part: str, **fields: str) -> Change:
    def change(value: Any) -> None:
        value[part][-1]["publicKey"] |= fields

    return change


def set_certificate(part: str, raw: bytes) -> Change:
    def change(value: Any) -> None:
        certificates = value[part][-1]["certChain"]["certificates"]
        certificates[0] = {"rawBytes": b64encode(raw).decode()}

    return change


JUNK = {
    "log, junk": set_key("tlogs", rawBytes=b64encode(b"junk").decode()),
    "log, empty": set_key("tlogs", rawBytes=""),
    "log, no base64": set_key("tlogs", rawBytes="*"),
    "CT log, junk": set_key("ctlogs", rawBytes=b64encode(b"junk").decode()),
    "log, of another type than it says": set_key("tlogs", keyDetails="PKIX_ECDSA_P256_SHA_256"),
    "CA, junk": set_certificate("certificateAuthorities", b"junk"),
    "TSA, junk": set_certificate("timestampAuthorities", b"junk"),
}


@pytest.mark.parametrize("name", JUNK)
def test_r014_junk_for_a_key(name: str, refusal: Callable[[bytes], str]) -> None:
    assert refusal(edited(JUNK[name])) == "trust.malformed"


@pytest.mark.parametrize("details", ["PKIX_ED25519_PH", "ML_DSA_65", "PKIX_TOMORROW"])
def test_r014_a_key_of_an_unknown_type_is_left_out_and_what_needs_it_fails(details: str) -> None:
    # Settled by design 13; the log still counts as listed, so that nothing is demanded less.
    root = edited(set_key("tlogs", keyDetails=details))
    assert remarks(root) == ["trust.unknown-key"]
    assert code(under(root), made(FULL, "message", **V2)) == "sigstore.log-key"
    assert code(under(root), made(FULL, "message")) == ""
    no_log = edited(lambda v: v.update(tlogs=v["tlogs"][-1:]), root)
    assert code(under(no_log), made(FULL, "message", form="no-log+timestamp")) == "sigstore.no-log"


@pytest.mark.parametrize("twist", ["log-id", "ctlog-id"])
def test_r015_a_log_id_that_is_not_of_the_key(twist: str, refusal: Callable[[bytes], str]) -> None:
    root = FULL.trusted_root(twist=twist)
    assert verdict(library(root), made(FULL, "message", **V2)) == ""
    assert refusal(root) == "trust.malformed"


def test_r015_a_hash_that_is_not_the_trees() -> None:
    # The log is left out, as one with an unknown key: its tree would not be what it says.
    for name in ("SHA2_384", "SHA2_512", "SHA3_256", "HASH_ALGORITHM_UNSPECIFIED", "sha256"):

        def change(value: Any, name: str = name) -> None:
            value["tlogs"][-1]["hashAlgorithm"] = name

        root = edited(change)
        assert remarks(root) == ["trust.unknown-key"]
        assert code(under(root), made(FULL, "message", **V2)) == "sigstore.log-key"
        assert code(under(root), made(FULL, "message")) == ""
    absent = edited(lambda v: v["tlogs"][-1].pop("hashAlgorithm"))
    assert code(under(absent), made(FULL, "message", **V2)) == ""


def test_r015_another_address_of_a_log(refusal: Callable[[bytes], str]) -> None:
    def elsewhere(number: int) -> Change:
        return lambda value: value["tlogs"][number].update(baseUrl="https://log.mallory.test")

    # Of a v2 log the id is of the name, too; a v1 log names itself, which is noted.
    assert refusal(edited(elsewhere(-1))) == "trust.malformed"
    noted = under(edited(elsewhere(-2))).verify(made(FULL, "message"))
    assert [note.code for note in noted.notes] == ["sigstore.origin"]


@pytest.mark.parametrize("content", ["message", "envelope"])
def test_r016_two_instances_in_one_root_are_one_and_in_two_lines_never(
    content: str, tmp_path: Path
) -> None:
    """What a file of one root says is trusted together; lines are kept apart.

    The library takes a CA of one operator with a log of another, if one root lists both. So
    does the kit: whoever wrote that root said so. `verify` and `check` never make such a root
    of two: see also tests/e2e/test_verify.py.
    """
    ours, theirs = json.loads(lab("plain").trusted_root()), json.loads(_mallory().trusted_root())
    crossed = [{**ours, "tlogs": theirs["tlogs"]}, {**theirs, "tlogs": ours["tlogs"]}]
    bundle = made(lab("plain"), content)
    told = [code(under(json.dumps(root).encode()), bundle) for root in crossed]
    assert told == ["sigstore.log-key", "sigstore.chain"]
    file = tmp_path / "roots.jsonl"
    file.write_bytes(b"".join(json.dumps(root).encode() + b"\n" for root in crossed))
    place = tmp_path / "acme"
    place.mkdir()
    (place / "trusted_root.json").write_bytes(lab("plain").trusted_root())
    pinned = Place(folder=tmp_path, label="pinned")
    found = anchors.find(["acme"], [pinned], [str(file)])["acme"]
    assert json.loads(found.raw) == crossed[0]
    assert code(under(found.raw), bundle) == "sigstore.log-key"


def _mallory() -> Lab:
    return Lab("mallory")


def test_r017_a_chain_of_a_timestamp_authority_out_of_order(
    refusal: Callable[[bytes], str],
) -> None:
    # From the root down, the authority's own certificate would be taken for a CA's, and any
    # certificate beside it for its own.
    assert refusal(FULL.trusted_root(twist="tsa-reversed")) == "trust.malformed"

    def stranger(value: Any) -> None:
        chain = value["timestampAuthorities"][-1]["certChain"]["certificates"]
        chain[-1] = value["timestampAuthorities"][0]["certChain"]["certificates"][-1]

    assert refusal(edited(stranger)) == "trust.malformed"


def shortened(part: slice) -> bytes:
    """Return the root with a part of the chain of the TSA that has an intermediate."""

    def change(value: Any) -> None:
        chain = value["timestampAuthorities"][-1]["certChain"]
        chain["certificates"] = chain["certificates"][part]

    return edited(change)


@pytest.mark.parametrize(
    ("name", "part", "told"),
    [
        ("leaf only", slice(0, 1), "sigstore.timestamp"),
        ("no root: an intermediate as anchor", slice(0, 2), "sigstore.timestamp"),
        ("an intermediate alone", slice(1, 2), "sigstore.timestamp"),
        ("no leaf", slice(1, 3), ""),
        ("root only", slice(2, 3), "sigstore.time"),
    ],
)
def test_r017_a_short_chain_of_a_timestamp_authority(name: str, part: slice, told: str) -> None:
    # Settled: reported, not refused. Without a self-signed root no stamp of it holds. Without
    # its own certificate the stamp's counts, where the root lists what issued that: a stamp
    # whose issuer it does not list is a stranger's.
    root = shortened(part)
    bundle = json.loads(made(FULL, "message", form="two-timestamps+no-promise"))
    stamps = bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    del stamps[0]
    assert code(under(root), json.dumps(bundle).encode()) == told
    assert remarks(root) == (["trust.short-chain"] if part.stop - part.start == 1 else [])


def test_r017_a_chain_of_a_certificate_authority_from_the_root_down_is_the_same() -> None:
    # Sigstore's own root of June 2023 was so. Paths are found by names and signatures.
    def reverse(value: Any) -> None:
        for ca in value["certificateAuthorities"]:
            ca["certChain"]["certificates"].reverse()

    root = edited(reverse)
    first = json.loads(root)["certificateAuthorities"][-1]["certChain"]["certificates"][0]
    certificate = x509.load_der_x509_certificate(b64decode(first["rawBytes"]))
    assert certificate.subject == certificate.issuer
    assert code(under(root), made(FULL, "message")) == ""
    assert code(under(root), made(FULL, "message", spoil="chain")) == "sigstore.chain"


@pytest.mark.parametrize("options", [{}, V2])
def test_r018_logs_and_ct_logs_in_each_others_place(options: dict[str, str]) -> None:
    def swap(value: Any) -> None:
        value["tlogs"], value["ctlogs"] = value["ctlogs"], value["tlogs"]

    told = code(under(edited(swap, ROOT)), made(FULL, "message", **options))
    assert told == "sigstore.log-key"


@pytest.mark.parametrize(("options", "spoil"), [({}, None), (V2, None), ({}, "sct")])
def test_r018_one_key_as_a_logs_and_a_ct_logs_is_told(
    options: dict[str, str], spoil: str | None
) -> None:
    root = FULL.trusted_root(twist="shared-key")
    assert remarks(root) == ["trust.shared-key"]
    told = code(under(root), made(FULL, "message", spoil=spoil, **options))
    assert told == ("" if spoil is None else "sigstore.sct")


def test_r018_one_key_as_that_of_a_rekor_v1_and_of_a_v2(refusal: Callable[[bytes], str]) -> None:
    assert refusal(FULL.trusted_root(twist="v2-log-twice")) == "trust.malformed"
