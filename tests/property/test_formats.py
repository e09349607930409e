"""Any bytes are read or refused; what is written is read back; more evidence never hurts."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tempfile
import warnings
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kit.errors import EvidenceError, KitError, MalformedError, RejectedError, UsageError
from kit.formats import (
    certificate,
    digest_manifest,
    distribution,
    dsse,
    encodings,
    kinds,
    release_file,
    release_line,
    sigstore_bundle,
    source_text,
    statement,
    strictjson,
    trusted_root,
)
from kit.formats.dsse import Envelope, EnvelopeSignature
from kit.formats.release_file import ReleaseFile
from kit.formats.rules import Requirement
from kit.formats.sigstore_bundle import Bundle, InclusionProof, LogEntry, MessageSignature
from kit.model import Artifact, Claim, Digest
from kit.policy import binding
from kit.policy.facts import FileFacts
from kit.policy.judge import judge
from kit.verifiers.sigstore import chain
from tests import archives, claims
from tests.lab import AT, IDENTITY, ISSUER, Lab

many = settings(max_examples=150, deadline=None, database=None)
some = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

LAB = Lab("acme")
SIGNED = LAB.sign(b"artifact")
ATTESTED = LAB.attest({"tool": b"artifact"})
ROOT = LAB.trusted_root()
STATEMENT = b64decode(json.loads(ATTESTED)["dsseEnvelope"]["payload"])
LEAF = b64decode(json.loads(SIGNED)["verificationMaterial"]["certificate"]["rawBytes"])
SUMS = b"".join(
    [
        b"a" * 64 + b"  tool\n",
        b"\\" + b"b" * 64 + b" *a\\nb\n",
        b"SHA512 (x) = " + b"c" * 128 + b"\r\n",
        b"# comment\n",
    ]
)
RELEASE = claims.release(
    'signer = "release"\npredicate-type = "spdx"',
    signers="[signers.people]\nissuer = 'i'\nidentity-regexp = '[a-z]+@acme[.]test'\n",
).raw
WHEEL, SDIST = archives.wheel(), gzip.decompress(archives.sdist())


# ---- any bytes ----------------------------------------------------------------------

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(["sig", "digest"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@st.composite
def edited(draw: st.DrawFn, raw: bytes) -> bytes:
    """Return bytes with a few places overwritten, cut out, filled in or repeated."""
    result = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(result)))
        end = min(len(result), start + draw(st.integers(0, 8)))
        result[start:end] = draw(
            st.binary(max_size=8)
            | st.sampled_from([bytes(result[start : start + 40]), b"\n", b'"'])
        )
    return bytes(result)


def nodes(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every value within a value."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(found for step, item in inner for found in nodes(item, (*path, step)))]


@st.composite
def retyped(draw: st.DrawFn, raw: bytes) -> bytes:
    """Return a JSON document with a few of its values, or their keys, replaced."""
    value = json.loads(raw)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(nodes(value)))
        if not path:
            continue
        inner = value
        for step in path[:-1]:
            inner = inner[step]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                inner[path[-1]] = draw(JSON)
            case "remove":
                del inner[path[-1]]
            case _ if isinstance(inner, dict):
                inner[draw(st.text(max_size=12))] = draw(JSON)
            case _:
                inner.append(draw(JSON))
    return json.dumps(value).encode()


def document(raw: bytes) -> st.SearchStrategy[bytes]:
    """Return documents of any degree of damage."""
    return st.binary(max_size=200) | edited(raw) | retyped(raw)


def refuses(error: type[KitError], read: Callable[[], object]) -> None:
    """Read, and let nothing but one kind of error pass; it says something, and briefly."""
    try:
        read()
    except error as caught:
        message = caught.message
    else:
        message = "read"
    assert 0 < len(message) < 2000


@many
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | edited(SIGNED))
def test_any_bytes_are_json_or_malformed(raw: bytes) -> None:
    refuses(MalformedError, lambda: strictjson.parse(raw, max_bytes=1 << 20))


@many
@given(edited(STATEMENT) | st.text(max_size=60).map(lambda text: text.encode()))
def test_what_is_json_here_is_the_same_json_elsewhere(raw: bytes) -> None:
    try:
        value = strictjson.parse(raw, max_bytes=1 << 20)
    except MalformedError:
        return
    assert value == json.loads(raw)


@many
@given(JSON | retyped(ATTESTED).map(lambda raw: json.loads(raw).get("dsseEnvelope")))
def test_any_json_is_an_envelope_or_malformed(value: Any) -> None:
    refuses(MalformedError, lambda: dsse.parse(value))


@many
@given(document(STATEMENT))
def test_any_bytes_are_a_statement_or_malformed(raw: bytes) -> None:
    refuses(MalformedError, lambda: statement.parse(raw))


@many
@given(document(SIGNED) | document(ATTESTED))
def test_any_bytes_are_a_bundle_or_malformed(raw: bytes) -> None:
    refuses(MalformedError, lambda: sigstore_bundle.parse(raw))


@many
@given(document(SIGNED) | document(ATTESTED))
def test_what_is_a_bundle_is_one_again_when_rendered(raw: bytes) -> None:
    try:
        bundle = sigstore_bundle.parse(raw)
    except MalformedError:
        return
    again = sigstore_bundle.parse(sigstore_bundle.render(bundle))
    assert again == replace(bundle, unknown=())


@many
@given(st.binary(max_size=200) | edited(SIGNED + b"\n" + ATTESTED + b"\n"))
def test_any_bytes_are_split_without_losing_any(raw: bytes) -> None:
    for parts in (sigstore_bundle.split(raw), trusted_root.split(raw)):
        assert b"".join(b"".join(parts).split()) == b"".join(raw.split())


@many
@given(document(ROOT))
def test_any_bytes_are_a_trusted_root_or_malformed(raw: bytes) -> None:
    refuses(MalformedError, lambda: trusted_root.parse(raw))


NAMES = st.text(max_size=20) | st.sampled_from(["SHA256SUMS", "tool.sha256", "MD5SUMS", "a.json"])


@many
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | edited(SUMS), NAMES)
def test_any_bytes_are_a_digest_manifest_or_refused(raw: bytes, name: str) -> None:
    refuses(EvidenceError, lambda: digest_manifest.parse(raw, name))


@many
@given(NAMES, document(SIGNED))
def test_any_file_is_of_some_kind_or_of_none(name: str, raw: bytes) -> None:
    kinds.by_content(name, raw)
    kinds.named_after(name)


@many
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | edited(RELEASE),
)
def test_any_bytes_are_a_release_file_or_a_usage_error(raw: bytes) -> None:
    refuses(UsageError, lambda: release_file.parse(raw, "release.toml"))


@many
@given(st.text(max_size=40) | st.tuples(
    st.sampled_from(["file:", "https:", "https://", "http://a.test/", "pypi:", "file:a/"]),
    st.text(max_size=20) | st.text("/.:@%2eF[]\\?#a1", max_size=20),
).map("".join))  # fmt: skip
def test_any_text_is_a_source_or_malformed(text: str) -> None:
    refuses(MalformedError, lambda: source_text.parse_source(text, "artifact[0].source"))


@many
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_pattern_matches_any_name_or_does_not(pattern: str, name: str) -> None:
    release_line.matches(pattern, name)
    assert release_line.matches("*", name)
    if not {"*", "?"} & set(pattern):
        assert release_line.matches(pattern, name) == (pattern == name)


NAMED = st.tuples(
    st.text("tool-_.v0123456789rcabx+~", max_size=30), st.sampled_from(["", ".whl", ".tar.gz"])
).map("".join)


@many
@given(st.text(max_size=30) | NAMED)
def test_any_name_is_a_distributions_or_is_not(name: str) -> None:
    distribution.parse_name(name)


@many
@given(
    st.text(max_size=30) | NAMED, st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,9}", fullmatch=True)
)
def test_any_text_names_a_version_or_does_not(text: str, version: str) -> None:
    binding.names_version(text, version)
    # A version never names another that it only begins or ends.
    assert not binding.names_version(f"tool-{version}", f"{version}0")
    assert not binding.names_version(f"tool-{version}.1.exe", version)


@many
@given(edited(LEAF) | st.binary(max_size=100))
def test_any_bytes_are_a_certificate_or_refused(der: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography deprecates much of what it reads
        with contextlib.suppress(MalformedError, RejectedError):
            certificate.identity(chain.load(der))


def unpacks(name: str, raw: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refuses(MalformedError, lambda: distribution.read(name, io.BytesIO(raw)))


@many
@given(st.binary(max_size=600), st.sampled_from([archives.WHEEL_NAME, archives.SDIST_NAME]))
def test_any_bytes_are_a_distribution_or_malformed(raw: bytes, name: str) -> None:
    unpacks(name, raw)


@many
@given(edited(WHEEL))
def test_any_damaged_wheel_is_read_or_malformed(raw: bytes) -> None:
    unpacks(archives.WHEEL_NAME, raw)


@many
@given(edited(SDIST[:4096]).map(archives.gzipped) | edited(archives.sdist()))
def test_any_damaged_sdist_is_read_or_malformed(raw: bytes) -> None:
    unpacks(archives.SDIST_NAME, raw)


# ---- what is written is read back ---------------------------------------------------

OCTETS = st.binary(min_size=1, max_size=40)
INT64 = st.integers(0, 2**63 - 1)
WORD = st.text(min_size=1, max_size=10)
PROOF = st.builds(
    InclusionProof,
    index=INT64,
    root_hash=OCTETS,
    tree_size=INT64,
    hashes=st.lists(st.binary(max_size=32), max_size=3).map(tuple),
    checkpoint=st.none() | WORD,
)
ENTRY = st.builds(
    LogEntry,
    index=INT64,
    log_id=OCTETS,
    kind=WORD,
    version=WORD,
    integrated_time=st.none() | st.integers(1, 2**63 - 1),
    promise=st.none() | OCTETS,
    proof=st.none() | PROOF,
    body=OCTETS,
)
DIGEST = st.sampled_from(sorted(encodings.DIGEST_BYTES.items())).flatmap(
    lambda item: st.binary(min_size=item[1], max_size=item[1]).map(
        lambda raw: Digest(item[0], raw.hex())
    )
)
CONTENT = st.builds(MessageSignature, signature=OCTETS, hint=st.none() | DIGEST) | st.builds(
    Envelope,
    payload=st.binary(max_size=40),
    payload_type=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1),
    signatures=st.tuples(st.builds(EnvelopeSignature, sig=OCTETS, keyid=st.text(max_size=5))),
)
SIGNER = (
    st.tuples(st.just(()), st.just(False), st.text(max_size=10))
    | st.tuples(st.tuples(OCTETS), st.just(False), st.none())
    | st.tuples(st.lists(OCTETS, min_size=1, max_size=3).map(tuple), st.just(True), st.none())
)


@st.composite
def bundles(draw: st.DrawFn) -> Bundle:
    signed_by, as_chain, hint = draw(SIGNER)
    media_types = [
        media_type
        for media_type, version in sigstore_bundle.VERSIONS.items()
        if version != "0.3" or not as_chain
    ]
    return Bundle(
        media_type=draw(st.sampled_from(media_types)),
        certificates=signed_by,
        as_chain=as_chain,
        key_hint=hint,
        entries=tuple(draw(st.lists(ENTRY, max_size=3))),
        timestamps=tuple(draw(st.lists(OCTETS, max_size=3))),
        content=draw(CONTENT),
        unknown=(),
    )


@many
@given(bundles())
def test_a_rendered_bundle_is_parsed_back(bundle: Bundle) -> None:
    assert sigstore_bundle.parse(sigstore_bundle.render(bundle)) == bundle


@many
@given(st.binary(max_size=60))
def test_encoded_bytes_are_decoded_back(raw: bytes) -> None:
    text = encodings.b64encode(raw)
    urlsafe = text.replace("+", "-").replace("/", "_")
    assert encodings.b64decode(text) == raw
    assert encodings.b64decode_either(urlsafe) == raw
    assert encodings.b64decode_either(urlsafe.rstrip("=")) == raw


@many
@given(st.text(max_size=12) | st.text("QUJD+/-_=A ", max_size=12))
def test_decoded_text_is_the_only_text_for_its_bytes(text: str) -> None:
    try:
        raw = encodings.b64decode(text)
    except MalformedError:
        return
    assert encodings.b64encode(raw) == text


@many
@given(DIGEST)
def test_a_written_digest_is_read_back(digest: Digest) -> None:
    assert encodings.parse_digest(str(digest)) == digest


@many
@given(st.datetimes(datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_a_written_time_is_read_back_to_the_second(moment: datetime) -> None:
    assert encodings.parse_time(encodings.render_time(moment)) == moment.replace(microsecond=0)


@many
@given(st.text(max_size=30) | st.text("0123456789-:.TZ+", max_size=30) | st.datetimes().map(
    lambda moment: moment.isoformat() + "Z"
))  # fmt: skip
def test_any_text_is_a_time_in_utc_or_malformed(text: str) -> None:
    try:
        moment = encodings.parse_time(text)
    except MalformedError:
        return
    assert moment.tzinfo is UTC


@many
@given(JSON)
def test_canonical_json_is_parsed_back_and_rendered_the_same(value: Any) -> None:
    raw = strictjson.canonical(value)
    assert strictjson.parse(raw, max_bytes=1 << 20) == value
    assert strictjson.canonical(strictjson.parse(raw, max_bytes=1 << 20)) == raw


@many
@given(st.lists(st.tuples(st.text(max_size=12), st.binary(min_size=32, max_size=32)), max_size=4))
def test_a_subject_is_told_for_its_own_digest_and_no_other(
    subjects: list[tuple[str, bytes]],
) -> None:
    assume(subjects)
    value = {
        "_type": statement.TYPES[1],
        "predicateType": "t",
        "subject": [{"name": name, "digest": {"sha256": raw.hex()}} for name, raw in subjects],
    }
    parsed = statement.parse(json.dumps(value).encode())
    for _, raw in subjects:
        told = parsed.names_of({"sha256": Digest("sha256", raw.hex())})
        assert told == tuple(name for name, of in subjects if of == raw and name not in ("", "_"))
    assert parsed.names_of({"sha256": Digest("sha256", hashlib.sha256(b"x").hexdigest())}) is None


# ---- policy -------------------------------------------------------------------------

OTHERS = """
[signers.people]
issuer = "https://accounts.example"
identity-regexp = ".+@acme[.]test"
[signers.inside]
issuer = "https://accounts.example"
identity = "jo@acme.test"
trusted-root = "inside"
"""
PEOPLE: dict[str, Any] = {"subject": "jo@acme.test", "issuer": "https://accounts.example"}
REQUIRED = [
    'signer = "release"',
    'signer = "release"\npredicate-type = "slsa-provenance"',
    'signer = "people"\npredicate-type = "spdx"',
    'signer = "people"\nlisted-in = "SHA256SUMS"',
    'signer = "inside"',
    f'digest = "{claims.sha256(b"artifact")}"',
    f'signer = "people"\ndigest = "sha256:{"0" * 64}"',
]
RIGHT = [
    claims.statement(),
    claims.claim(instance="inside", **PEOPLE),
    claims.statement(predicate_type="https://spdx.dev/Document/v2.3", **PEOPLE),
    claims.line(**PEOPLE),
]
CHANGES: dict[str, list[Any]] = {
    "subject": [IDENTITY, f"{IDENTITY}-evil", "jo@acme.test", "jo@acme.test.evil"],
    "issuer": [ISSUER, "https://accounts.example"],
    "instance": ["sigstore", "inside"],
    "names": [(), (claims.WHEEL,), ("other.whl",)],
    "predicate_type": [None, claims.PROVENANCE, "https://spdx.dev/Document/v2.3"],
    "listed_in": [None, "SHA256SUMS"],
    "digest": [claims.sha256(b"artifact"), claims.sha256(b"other")],
}


@st.composite
def nearly_right(draw: st.DrawFn) -> Claim:
    """Return a claim that meets a requirement, or would but for a fact or two."""
    claim = draw(st.sampled_from(RIGHT))
    for name in draw(st.lists(st.sampled_from(sorted(CHANGES)), max_size=2)):
        value = draw(st.sampled_from(CHANGES[name]))
        if name in ("subject", "issuer"):
            claim = replace(claim, identity=replace(claim.identity, **{name: value}))
        else:
            claim = replace(claim, **{name: value})
    return claim


CLAIM = nearly_right()
POLICY = st.lists(st.sampled_from(REQUIRED), max_size=3).map(
    lambda texts: claims.release(
        "\n[[artifact.require]]\n".join(texts) if texts else None, signers=OTHERS
    )
)


def passes(policy: ReleaseFile, file: FileFacts) -> bool:
    (verdict,), _ = judge(policy, [file], claims.UNREADABLE, AT)
    return verdict.passed


def meets(requirement: Requirement, claim: Claim) -> bool:
    """Say the same as the kit's policy, in as few words as it can be said."""
    signer = requirement.signer
    types = requirement.predicate_types
    return (
        signer is not None
        and (claim.instance, claim.identity.issuer) == (signer.trusted_root, signer.issuer)
        and (
            claim.identity.subject == signer.identity
            or (signer.name == "people" and claim.identity.subject == "jo@acme.test")
        )
        and (not types or any(kind.matches(claim.predicate_type) for kind in types))
        and claim.listed_in == requirement.listed_in
        and claim.digest == claims.sha256(b"artifact")
        and requirement.digest in (None, claim.digest)
    )


@many
@given(POLICY, st.lists(CLAIM, max_size=4))
def test_a_file_passes_exactly_if_one_claim_meets_each_requirement_and_one_of_them_names_it(
    policy: ReleaseFile, made: list[Claim]
) -> None:
    require = policy.lines[0].requirements
    met = [[claim for claim in made if meets(r, claim)] for r in require]
    pinned = [r.digest == claims.sha256(b"artifact") for r in require]
    all_met = bool(require) and all(
        found or (pin and r.signer is None)
        for found, pin, r in zip(met, pinned, require, strict=True)
    )
    named = any(pinned) or any(claims.WHEEL in claim.names for found in met for claim in found)
    assert passes(policy, claims.file(*made)) == (all_met and named)


@many
@given(POLICY, st.lists(CLAIM, max_size=5), st.data())
def test_fewer_claims_never_turn_a_failure_into_a_pass(
    policy: ReleaseFile, made: list[Claim], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.sampled_from(made), max_size=4)) if made else []
    if passes(policy, claims.file(*kept)):
        assert passes(policy, claims.file(*made))


@many
@given(POLICY, st.lists(CLAIM, max_size=4), st.permutations(range(4)))
def test_the_order_of_claims_changes_no_verdict(
    policy: ReleaseFile, made: list[Claim], order: list[int]
) -> None:
    shuffled = [made[number] for number in order if number < len(made)]
    assert passes(policy, claims.file(*shuffled)) == passes(policy, claims.file(*made))


@many
@given(POLICY, st.lists(CLAIM, max_size=4))
def test_a_verdict_tells_only_claims_that_meet_a_requirement(
    policy: ReleaseFile, made: list[Claim]
) -> None:
    (verdict,), _notes = judge(policy, [claims.file(*made)], claims.UNREADABLE, AT)
    for claim in verdict.claims:
        assert any(meets(r, claim) for r in policy.lines[0].requirements)


@many
@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=6), st.lists(CLAIM, max_size=2))
def test_every_file_and_every_name_gets_a_verdict(names: list[str], made: list[Claim]) -> None:
    lines = (
        '[[artifact]]\nsource = "file:dist/"\nfiles = ["a", "b"]\nrequire = [{signer = "people"}]\n'
    )
    policy = claims.release(lines=lines, signers=OTHERS)
    files = [claims.file(*made, name=name, raw=name.encode()) for name in sorted(set(names))]
    verdicts, _ = judge(policy, files, claims.UNREADABLE, AT)
    assert sorted(verdict.name for verdict in verdicts) == sorted({"a", "b"} | set(names))
    assert not any(verdict.passed for verdict in verdicts if verdict.name not in names)


@many
@given(st.lists(CLAIM, max_size=3))
def test_no_claims_open_a_file_that_no_signer_vouches_for(made: list[Claim]) -> None:
    policy = claims.release('signer = "release"', signers=OTHERS)
    required = policy.lines[0].requirements[0]

    def inside(_: Artifact) -> distribution.Named:
        assert any(meets(required, claim) for claim in made)
        raise MalformedError("opened")

    judge(policy, [claims.file(*made)], claims.reading(inside), AT)


# ---- the same as coreutils ----------------------------------------------------------

PROGRAMS = {name: shutil.which(f"{name}sum") for name in ("sha256", "sha384", "sha512")}
needs_coreutils = pytest.mark.skipif(not all(PROGRAMS.values()), reason="no coreutils")

FILE_NAME = (
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12)
    | st.text(" *\\\nnr#()=-.\tSHA256é\u2028", min_size=1, max_size=12)
).filter(lambda name: name not in (".", "..", "-"))  # `-` is the standard input


def run(folder: str, algorithm: str, *arguments: str, stdin: bytes = b"") -> bytes:
    program = PROGRAMS[algorithm]
    assert program is not None
    return subprocess.run(
        [program, *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=folder,
        env={"LC_ALL": "C"},
    ).stdout


@needs_coreutils
@some
@given(
    st.dictionaries(FILE_NAME, st.binary(max_size=20), min_size=1, max_size=5),
    st.sampled_from(sorted(PROGRAMS)),
    st.sampled_from(["--text", "--binary", "--tag"]),
)
def test_what_coreutils_writes_is_read_as_it_was_meant(
    files: dict[str, bytes], algorithm: str, form: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, raw in files.items():
            Path(folder, name).write_bytes(raw)
        assume(len(list(Path(folder).iterdir())) == len(files))  # not so where case does not count
        listing = run(folder, algorithm, form, "--", *files)
    # Before 9.0 it did not escape a carriage return.
    assume(b"\r" not in listing)
    parsed = digest_manifest.parse(listing, f"{algorithm.upper()}SUMS")
    assert parsed.entries == {
        name: (Digest(algorithm, hashlib.new(algorithm, raw).hexdigest()),)
        for name, raw in files.items()
    }


HEX = st.sampled_from(["a" * 64, "B" * 64, "0" * 63 + "1"])
PIECES = st.lists(
    st.sampled_from([*"ab *\\()=#é\t\r.", "\\n", "\\\\", "\\r", "\u2028"]),
    min_size=1,
    max_size=4,
).map("".join)
UNTAGGED = st.tuples(HEX, st.sampled_from(["  ", " *", " ", "\t", "\t*", "\t ", "   "]), PIECES)
TAGGED = st.tuples(
    st.sampled_from(["SHA256 (", "SHA256(", "SHA256  ("]), PIECES,
    st.sampled_from([") = ", ")= ", ")=", ") =  "]), HEX,
)  # fmt: skip
LINE = st.tuples(
    st.sampled_from(["", "", "", " ", "\t", "\\", " \\", "#"]),
    (UNTAGGED | TAGGED).map("".join) | st.sampled_from(["", "junk", " "]),
    st.sampled_from(["", "", "\r", " "]),
).map("".join)


@needs_coreutils
@settings(some, max_examples=200)
@given(st.lists(LINE, min_size=1, max_size=2).map("\n".join))
def test_no_line_is_read_otherwise_than_coreutils_reads_it(text: str) -> None:
    try:
        ours = set(digest_manifest.parse(text.encode(), "SHA256SUMS").entries)
    except EvidenceError:
        return  # stricter is right
    with tempfile.TemporaryDirectory() as folder:
        told = run(folder, "sha256", "--check", stdin=text.encode()).decode()
    # No such file is there, so each name it takes from the text is told to be missing.
    missing = ": FAILED open or read"
    theirs = {line.removesuffix(missing) for line in told.split("\n") if line.endswith(missing)}
    assert {name if name in theirs else escaped(name) for name in ours} == theirs


def escaped(name: str) -> str:
    """Return a name as coreutils tells of one that would break its line."""
    return "\\" + name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
