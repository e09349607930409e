"""kit.formats.statement: what a statement speaks of, told by digest alone."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from kit.errors import MalformedError
from kit.formats import statement
from kit.model import Digest

V01, V1 = statement.TYPES
FILE = b"the artifact"
KNOWN = {name: Digest(name, hashlib.new(name, FILE).hexdigest()) for name in ("sha256", "sha512")}
SHA256, SHA512 = KNOWN["sha256"].hex, KNOWN["sha512"].hex
OTHER = hashlib.sha256(b"another file").hexdigest()


def document(**changes: Any) -> dict[str, Any]:
    """Return a statement with members changed, or left out where they are `...`."""
    value = {
        "_type": V1,
        "subject": [{"name": "tool", "digest": {"sha256": SHA256}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {},
    } | changes
    return {key: item for key, item in value.items() if item is not ...}


def parse(**changes: Any) -> statement.Statement:
    return statement.parse(json.dumps(document(**changes)).encode())


def about(*subjects: dict[str, Any]) -> statement.Statement:
    return parse(subject=list(subjects))


def subject(name: str | None = "tool", **digests: str) -> dict[str, Any]:
    return {"name": name, "digest": digests}


@pytest.mark.parametrize("kind", [V01, V1])
def test_both_versions_are_read(kind: str) -> None:
    assert parse(_type=kind).names_of(KNOWN) == ("tool",)


@pytest.mark.parametrize("predicate", [..., None, {}, [], "text", 0])
def test_a_predicate_may_be_anything_or_absent(predicate: Any) -> None:
    assert parse(predicate=predicate).predicate == (None if predicate is ... else predicate)


def test_unknown_fields_are_ignored() -> None:
    assert parse(extra=1) == parse()


MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "no type": ({"_type": ...}, "_type is missing"),
    "type no text": ({"_type": 1}, "_type is not a string"),
    "type of a link": ({"_type": "https://in-toto.io/Link/v1"}, "not an in-toto statement"),
    "type with a slash": ({"_type": f"{V1}/"}, "not an in-toto statement"),
    "type with a newline": ({"_type": f"{V1}\n"}, "not an in-toto statement"),
    # Row C-119: names that one library takes for the right ones.
    "type_": ({"_type": ..., "type_": V1}, "_type is missing"),
    "subjects": ({"subject": ..., "subjects": [subject(sha256=SHA256)]}, "no subject"),
    "predicate_type": ({"predicateType": ..., "predicate_type": "a"}, "predicateType is missing"),
    # Row C-110.
    "no subject": ({"subject": ...}, "no subject"),
    "subject empty": ({"subject": []}, "no subject"),
    "subject no array": ({"subject": {}}, "subject is not an array"),
    "subject null": ({"subject": [None]}, r"subject\[0\] is not an object"),
    "name no text": ({"subject": [subject() | {"name": 1}]}, "name is not a string"),
    "no digest": ({"subject": [{"name": "tool"}]}, r"subject\[0\].digest is missing"),
    "digest empty": ({"subject": [subject()]}, "digest is not an object of 1 to 32"),
    "digest no object": ({"subject": [{"digest": SHA256}]}, "digest is not an object of 1 to 32"),
    "digest value no text": ({"subject": [{"digest": {"sha256": 1}}]}, "sha256 is not a string"),
    "weak digest no text": ({"subject": [{"digest": {"sha1": None}}]}, "sha1 is not a string"),
    # Rows C-045 and C-113.
    "upper-case hex": ({"subject": [subject(sha256=SHA256.upper())]}, "lower-case hex"),
    "short hex": ({"subject": [subject(sha256=SHA256[:-1])]}, "64 lower-case hex"),
    "hex with newline": ({"subject": [subject(sha256=SHA256[:-1] + "\n")]}, "64 lower-case hex"),
    "33 digests": (
        {"subject": [subject(**{f"h{n}": "a" for n in range(33)})]},
        "digest is not an object of 1 to 32",
    ),
    "1025 subjects": ({"subject": [subject(sha256=SHA256)] * 1025}, "1025 items, over 1024"),
    "no predicate type": ({"predicateType": ...}, "predicateType is missing"),
    "predicate type empty": ({"predicateType": ""}, "predicateType is empty"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_anything_else_is_malformed(name: str) -> None:
    changes, rule = MALFORMED[name]
    with pytest.raises(MalformedError, match=rule):
        parse(**changes)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'"text"', b"\xff", b"{}{}"])
def test_what_is_no_json_object_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        statement.parse(raw)


def test_a_payload_over_the_limit_is_malformed() -> None:
    with pytest.raises(MalformedError, match="over the limit"):
        statement.parse(b" " * (statement.MAX_BYTES + 1))


def test_a_message_about_a_digest_is_short_however_long_its_name_is() -> None:
    with pytest.raises(MalformedError) as caught:
        about({"digest": {"x" * 100_000: 1}})
    assert len(str(caught.value)) < 200


# ---- matching -------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"predicateType": "a" * 5000},
        {"subject": [{"name": "a" * 5000, "digest": {"sha256": SHA256}}]},
    ],
)
def test_what_findings_repeat_is_bounded(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match="is over 4096 characters") as caught:
        parse(**changes)
    assert len(str(caught.value)) < 200


def test_a_subject_matches_by_one_shared_digest() -> None:
    assert about(subject(sha256=SHA256, gitCommit="a" * 40)).names_of(KNOWN) == ("tool",)


def test_a_subject_matches_by_a_longer_digest_alone() -> None:
    assert about(subject(sha512=SHA512)).names_of(KNOWN) == ("tool",)


def test_another_digest_matches_nothing() -> None:
    assert about(subject(sha256=OTHER)).names_of(KNOWN) is None


# Rows C-061 and C-114.
@pytest.mark.parametrize(("sha256", "sha512"), [(SHA256, "0" * 128), (OTHER, SHA512)])
def test_one_right_and_one_wrong_digest_are_another_file(sha256: str, sha512: str) -> None:
    assert about(subject(sha256=sha256, sha512=sha512)).names_of(KNOWN) is None


# Row C-123.
@pytest.mark.parametrize("algorithm", ["sha1", "md5", "gitCommit", "SHA256", "sha-256", "sha3_256"])
def test_a_digest_of_another_algorithm_proves_nothing(algorithm: str) -> None:
    assert about(subject(**{algorithm: SHA256})).names_of(KNOWN) is None


def test_only_the_names_of_matching_subjects_are_told() -> None:
    # Row C-112: the right name with another digest says nothing.
    told = about(subject("tool", sha256=OTHER), subject("other", sha256=SHA256)).names_of(KNOWN)
    assert told == ("other",)


def test_names_are_told_in_the_order_of_the_subjects() -> None:
    told = about(
        subject("b", sha512=SHA512), subject("c", sha256=OTHER), subject("a", sha256=SHA256)
    ).names_of(KNOWN)
    assert told == ("b", "a")


def test_a_subject_with_two_matching_digests_is_told_once() -> None:
    assert about(subject(sha256=SHA256, sha512=SHA512)).names_of(KNOWN) == ("tool",)


@pytest.mark.parametrize("name", [None, "", "_"])
def test_a_subject_may_have_no_name(name: str | None) -> None:
    assert about(subject(name, sha256=SHA256)).names_of(KNOWN) == ()


def test_the_algorithms_of_all_subjects_are_told() -> None:
    told = about(subject(sha256=SHA256, md5="a"), subject(sha512=SHA512)).algorithms
    assert told == {"sha256", "sha512"}


def test_asking_many_subjects_about_many_files_takes_no_time_for_each_pair() -> None:
    digests = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(1024)]
    parsed = about(*(subject(f"f{n}", sha256=digest) for n, digest in enumerate(digests)))
    files = [{"sha256": Digest("sha256", digest)} for digest in digests] * 30
    # 31 million comparisons of a pair each would take half a minute.
    assert [parsed.names_of(file) for file in files[-2:]] == [("f1022",), ("f1023",)]
    assert sum(1 for file in files if parsed.names_of(file)) == len(files)
