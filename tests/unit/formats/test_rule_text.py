"""kit.formats.rule_text: what signers and requirements may say, and together."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from kit.errors import MalformedError, UsageError
from kit.formats import predicate_schema, release_file
from kit.formats.release_file import ReleaseFile
from kit.formats.rules import Alternatives, Requirement
from kit.model import Digest
from kit.model.predicates import Severity

FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
SIGNERS = f"""
[signers.ci]
issuer = "https://token.actions.githubusercontent.com"
identity = "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1.0"
[signers.people]
issuer = "https://accounts.example"
identity-regexp = "(jo|mo)@acme[.]test"
[signers.key]
key = "keys/cosign.pub"
trusted-root = "inside"
[signers.gpg]
openpgp = "{FINGERPRINT.lower()}"
"""
SCHEMA = {"type": "object", "properties": {"a": {"pattern": "^(x|y)$"}}}


def parse(require: str, top: str = "", signers: str = SIGNERS) -> ReleaseFile:
    text = (
        f'schema = 1\nname = "tool"\nversion = "1.0"\n{top}\n{signers}\n'
        f'[[artifact]]\nsource = "file:a.whl"\n[[artifact.require]]\n{require}\n'
    )
    return release_file.parse(text.encode(), "r.toml", beside)


def beside(name: str) -> bytes:
    if name == "schemas/p.json":
        return json.dumps(SCHEMA).encode()
    raise MalformedError(f"{name} is not there")


def requirement(text: str) -> Requirement:
    (part,) = parse(text).lines[0].requirements
    return part


def refused(require: str, top: str = "", signers: str = SIGNERS) -> str:
    with pytest.raises(UsageError) as caught:
        parse(require, top, signers)
    assert caught.value.code == "release.malformed"
    return str(caught.value).removeprefix("r.toml: ")


def test_a_key_signer_names_a_file_among_the_anchors() -> None:
    release = parse('signer = "key"')
    assert release.keys == (("keys/cosign.pub", "inside"),)
    assert release.instances == ("inside",)


def test_an_openpgp_fingerprint_is_written_in_upper_case_and_needs_no_instance() -> None:
    release = parse('signer = "gpg"')
    assert release.openpgp_fingerprints == (FINGERPRINT,)
    assert release.instances == ()


def test_a_requirement_may_name_an_openpgp_key_itself() -> None:
    spaced = " ".join(FINGERPRINT[i : i + 4] for i in range(0, 40, 4))
    assert parse(f'openpgp = "{spaced}"').openpgp_fingerprints == (FINGERPRINT,)


def test_signers_that_nothing_rests_on_need_no_anchor() -> None:
    release = parse('signer = "ci"')
    assert (release.keys, release.openpgp_fingerprints) == ((), ())


def test_the_signers_of_vex_need_their_anchors_too() -> None:
    release = parse('signer = "ci"\nscan = {fail-on = "high", vex = "key"}')
    assert release.instances == ("inside", "sigstore")


def test_everything_about_a_build_is_read() -> None:
    build = requirement(
        'signer = "ci"\nbuilder-id = "https://b.test"\n'
        'source-repository = "https://github.com/acme/tool"\nsource-tag = "v1.0"\n'
        f'source-digest = "{"a" * 40}"\nsigner-workflow = "acme/tool/.github/workflows/r.yml"\n'
        'build-trigger = "push"\nrunner-environment = "github-hosted"\n'
        'external-parameters = {workflow = {ref = "refs/tags/v1.0"}}'
    ).build
    assert build.ref == "refs/tags/v1.0"
    assert build.build_trigger == ("push",)
    assert build.external_parameters == {"workflow": {"ref": "refs/tags/v1.0"}}


@pytest.mark.parametrize(
    ("written", "ref"),
    [
        ('source-ref = "refs/heads/main"', "refs/heads/main"),
        ('source-branch = "main"', "refs/heads/main"),
        ('source-tag = "v1"', "refs/tags/v1"),
    ],
)
def test_a_ref_may_be_written_three_ways(written: str, ref: str) -> None:
    assert requirement(f'signer = "ci"\n{written}').build.ref == ref


def test_a_scan_is_read_and_all_scans_must_hold_unless_said_otherwise() -> None:
    part = requirement(
        'signer = "ci"\nscan = {fail-on = "critical", max-age = "30d", max-database-age = "36h",'
        ' exceptions = [{id = "CVE-2026-1", reason = "not reached", expires = 2027-01-01}]}'
    )
    assert part.every
    assert part.scan is not None
    assert part.scan.fail_on is Severity.CRITICAL
    assert part.scan.max_age == timedelta(days=30)
    assert part.scan.max_database_age == timedelta(hours=36)
    assert part.scan.exceptions[0].expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert not requirement('signer = "ci"\nscan = {fail-on = "low"}\nevery = false').every


def test_an_sbom_is_read_in_both_forms() -> None:
    short = requirement('signer = "ci"\nsbom = true').sbom
    assert short is not None
    assert (short.format, short.minimum_components) == (None, 1)
    long = requirement('signer = "ci"\nsbom = {format = "spdx", minimum-components = 9}').sbom
    assert long is not None
    assert (long.format, long.minimum_components) == ("spdx", 9)


def test_any_of_and_all_of_are_read() -> None:
    (demand,) = (
        parse(
            'any-of = [{signer = "ci"}, {all-of = [{signer = "gpg"}, {signer = "people"}]}]\n'
            'optional = "later"'
        )
        .lines[0]
        .require
    )
    assert isinstance(demand, Alternatives)
    assert [len(parts) for parts in demand.of] == [1, 2]
    assert demand.optional == "later"


def test_terms_are_read() -> None:
    terms = parse(
        'signer = "ci"',
        "expires = 2027-01-01\nminimum-version = '0.9'\n"
        "oldest-signature = 2026-01-01T00:00:00+01:00\nnewest-signature = '2026-12-31T00:00:00Z'\n"
        f"deny = {{digests = ['sha256:{'a' * 64}'], identities = ['x'],"
        f" keys = ['sha256:{'b' * 64}', '{FINGERPRINT.lower()}']}}",
    ).terms
    assert terms.expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert terms.oldest_signature == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert terms.denied.digests == {Digest("sha256", "a" * 64)}
    assert terms.denied.keys == {f"sha256:{'b' * 64}", FINGERPRINT}


def test_a_schema_for_predicates_is_read_beside_the_release_file() -> None:
    release = parse('signer = "ci"\npredicate-schema = "schemas/p.json"')
    assert release.of_whole_predicates == ((release.signers["ci"], ()),)
    (part,) = release.lines[0].requirements
    assert part.predicate_schema is not None
    assert part.predicate_schema.first_fault({"a": "x"}) is None
    assert part.predicate_schema.first_fault({"a": "xx"}) is not None


SIGNERS_REFUSED = {
    "a key and an identity": (
        'issuer = "i"\nidentity = "me"\nkey = "keys/a.pub"',
        "signers.s: needs exactly one of",
    ),
    "nobody": ('issuer = "i"', "signers.s: needs exactly one of"),
    "an identity of any issuer": ('identity = "me"', "signers.s.issuer: is missing"),
    "a key with an issuer": ('key = "keys/a.pub"\nissuer = "i"', "signers.s.issuer: says nothing"),
    "a short key id": ('openpgp = "0123456789ABCDEF"', "signers.s.openpgp: '0123456789ABCDEF' is"),
    "a key elsewhere": ('key = "../a.pub"', "signers.s.key: "),
    "a key in the current folder": ('key = "a.pub"', "signers.s.key: "),
    "an instance of an OpenPGP key": (
        f'openpgp = "{FINGERPRINT}"\ntrusted-root = "x"',
        "signers.s.trusted-root: says nothing",
    ),
}


@pytest.mark.parametrize("name", SIGNERS_REFUSED)
def test_a_signer_is_refused_with_its_path(name: str) -> None:
    text, message = SIGNERS_REFUSED[name]
    assert refused('digest = "sha256:' + "a" * 64 + '"', signers=f"[signers.s]\n{text}").startswith(
        message
    )


R = "artifact[0].require[0]"
WAYS = 'any-of = [{signer = "ci"}, {signer = "gpg"}]'
BEFORE_TIME = '{id = "CVE-1", reason = "x", expires = 0001-01-01T00:00:00+01:00}'
REFUSED = {
    "a rule on a build by nobody": ('source-tag = "v1"', f"{R}.source-tag: says nothing without"),
    "only a reason": ('optional = "why"', f"{R}: demands nothing"),
    "a build by OpenPGP": ('signer = "gpg"\nsource-tag = "v1"', f"{R}.source-tag: an OpenPGP"),
    "a log of OpenPGP": ('signer = "gpg"\nlog = true', f"{R}.log: an OpenPGP"),
    "a statement in a digest manifest": (
        'signer = "ci"\nlisted-in = "SUMS"\nsbom = true',
        f"{R}.sbom: a line of a digest manifest",
    ),
    "SBOM and scan at once": (
        'signer = "ci"\nsbom = true\nscan = {fail-on = "low"}',
        f"{R}.scan: one claim is not both",
    ),
    "two refs": (
        'signer = "ci"\nsource-tag = "v1"\nsource-ref = "refs/tags/v1"',
        f"{R}.source-tag: source-ref says",
    ),
    "a tag as a ref": ('signer = "ci"\nsource-tag = "refs/tags/v1"', f"{R}.source-tag: "),
    "a ref that is none": ('signer = "ci"\nsource-ref = "v1"', f"{R}.source-ref: "),
    "a short commit": ('signer = "ci"\nsource-digest = "abcdef0"', f"{R}.source-digest: "),
    "a repository with .git": (
        'signer = "ci"\nsource-repository = "https://github.com/acme/tool.git"',
        f"{R}.source-repository: ",
    ),
    "a repository without scheme": (
        'signer = "ci"\nsource-repository = "github.com/acme/tool"',
        f"{R}.source-repository: ",
    ),
    "a workflow as a URL": (
        'signer = "ci"\nsigner-workflow = "https://github.com/acme/tool/x.yml"',
        f"{R}.signer-workflow: ",
    ),
    "an unknown severity": ('signer = "ci"\nscan = {fail-on = "bad"}', f"{R}.scan"),
    "an exception without reason": (
        """signer = "ci"
scan = {fail-on = "low", exceptions = [{id = "CVE-1", expires = 2027-01-01}]}""",
        f"{R}.scan",
    ),
    "an exception that never ends": (
        'signer = "ci"\nscan = {fail-on = "low", exceptions = [{id = "CVE-1", reason = "x"}]}',
        f"{R}.scan",
    ),
    "VEX by nobody": (
        'signer = "ci"\nscan = {fail-on = "low", vex = "me"}',
        f"{R}.scan.vex: no signer",
    ),
    "two of one": ('signer = "ci"\nat-least = 2', f"{R}.at-least: the signer 'ci' is one alone"),
    "three of two": (
        'at-least = 3\nany-of = [{signer = "ci"}, {signer = "gpg"}]',
        f"{R}.at-least: 3 of 2",
    ),
    "one way only": ('any-of = [{signer = "ci"}]', f"{R}.any-of: "),
    "any-of in any-of": (
        f'any-of = [{{signer = "ci", {WAYS}}}, {{signer = "gpg"}}]',
        f"{R}.any-of[0].any-of: ",
    ),
    "any-of in all-of": (
        f'any-of = [{{all-of = [{{signer = "ci", {WAYS}}}]}}, {{signer = "gpg"}}]',
        f"{R}.any-of[0].all-of[0].any-of: ",
    ),
    "a number that JSON has not": (
        'signer = "ci"\nexternal-parameters = {a = [nan]}',
        f"{R}.external-parameters: ",
    ),
    "an exception that ends before time": (
        f'signer = "ci"\nscan = {{fail-on = "low", exceptions = [{BEFORE_TIME}]}}',
        f"{R}.scan.exceptions[0].expires: ",
    ),
    "a key beside any-of": (
        'signer = "ci"\nany-of = [{signer = "ci"}, {signer = "gpg"}]',
        f"{R}.signer: belongs into each",
    ),
    "a key beside all-of": (
        'any-of = [{all-of = [{signer = "ci"}], signer = "ci"}, {signer = "gpg"}]',
        f"{R}.any-of[0]",
    ),
    "signers counted over all-of": (
        'at-least = 2\nany-of = [{signer = "ci"}, {all-of = [{signer = "gpg"}, {signer = "ci"}]}]',
        f"{R}.at-least: counts signers",
    ),
    "an optional way": (
        'any-of = [{signer = "ci", optional = "x"}, {signer = "gpg"}]',
        f"{R}.any-of[0].optional: ",
    ),
    "any-of within any-of": (
        'any-of = [{signer = "ci"}, {any-of = [{signer = "ci"}, {signer = "gpg"}]}]',
        f"{R}.any-of[1]",
    ),
    "a schema that is not there": (
        'signer = "ci"\npredicate-schema = "other.json"',
        f"{R}.predicate-schema: other.json",
    ),
    "a schema elsewhere": (
        'signer = "ci"\npredicate-schema = "../p.json"',
        f"{R}.predicate-schema: ",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_requirement_is_refused_with_its_path(name: str) -> None:
    text, message = REFUSED[name]
    assert refused(text).startswith(message)


TOP_REFUSED = {
    "no date": ("expires = 'soon'", "expires: "),
    "before time": ("expires = 0001-01-01T00:00:00+23:00", "expires: "),
    "after time": ("newest-signature = 9999-12-31T23:00:00-23:00", "newest-signature: "),
    "no such date": ("expires = '2027-02-30'", "expires: "),
    "a time without offset": ("expires = 2027-01-01T00:00:00", "expires: "),
    "a floor that cannot be ordered": ("minimum-version = 'x'", "minimum-version: "),
    "a short key id": ("deny = {keys = ['0123456789ABCDEF']}", "deny.keys[0]: "),
    "a digest without algorithm": (f"deny = {{digests = ['{'a' * 64}']}}", "deny.digests[0]: "),
    "an unknown key": ("deny = {names = ['x']}", "deny.names: unknown key"),
}


@pytest.mark.parametrize("name", TOP_REFUSED)
def test_terms_are_refused_with_their_path(name: str) -> None:
    text, message = TOP_REFUSED[name]
    assert refused('signer = "ci"', text).startswith(message)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://acme.test/schema.json"},
        {"properties": {"a": {"$ref": "other.json#/a"}}},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"$ref": "#/$defs/absent"},
        {"properties": {"a": {"$dynamicRef": "#absent"}}},
        {"pattern": "x"},
        {"pattern": "^x"},
        {"pattern": "^x|y$"},
        {"pattern": r"^x\$"},
        {"pattern": r"^[\]]|y[z]$"},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "#nowhere"},
        {"patternProperties": {"x": {}}},
        {"type": "nothing"},
        "text",
    ],
)
def test_a_schema_that_reaches_out_or_matches_parts_is_refused(schema: object) -> None:
    with pytest.raises(MalformedError) as caught:
        predicate_schema.read("s.json", lambda _: json.dumps(schema).encode(), "here")
    assert str(caught.value).startswith("here: s.json: ")


@pytest.mark.parametrize("pattern", ["^x$", "^(x|y)$", r"^\|$", "^[|]$", "^[]|]$", r"^(a(b|c))\\$"])
def test_an_anchored_pattern_is_taken(pattern: str) -> None:
    assert predicate_schema.is_anchored(pattern)


def test_a_schema_may_refer_to_its_own_parts() -> None:
    raw = b'{"$id": "urn:a", "$defs": {"a": {"$anchor": "b", "const": 1}}, "$ref": "#b"}'
    schema = predicate_schema.read("s.json", lambda _: raw, "here")
    assert schema.first_fault(1) is None
    assert schema.first_fault(2) is not None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": "^x$"}, "x\n"),
        ({"properties": {"a": {"anyOf": [{"pattern": "^x$"}]}}}, {"a": "x\n"}),
        ({"properties": {"const": {"pattern": "^x$"}}}, {"const": "x\n"}),
        ({"patternProperties": {"^x$": {}}, "additionalProperties": False}, {"x\n": 1}),
        ({"$defs": {"a": {"pattern": "^x$"}}, "$ref": "#/$defs/a"}, "x\n"),
    ],
)
def test_a_pattern_ends_where_the_text_ends(schema: object, value: object) -> None:
    read = predicate_schema.read("s.json", lambda _: json.dumps(schema).encode(), "here")
    good = json.loads(json.dumps(value).replace("\\n", ""))
    assert (read.first_fault(good), read.first_fault(value) is None) == (None, False)


@pytest.mark.parametrize("part", ["const", "enum", "default", "examples"])
def test_what_is_no_pattern_is_left_alone(part: str) -> None:
    value = {"pattern": "^x$"}
    schema = {part: [value] if part in ("enum", "examples") else value}
    read = predicate_schema.read("s.json", lambda _: json.dumps(schema).encode(), "here")
    assert read.first_fault(value) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$defs": {"a": {"$id": "https://a.test/b", "$ref": "#/$defs/c"}}, "$ref": "#/$defs/a"},
    ],
)
def test_a_schema_that_cannot_be_applied_is_satisfied_by_nothing(schema: object) -> None:
    read = predicate_schema.read("s.json", lambda _: json.dumps(schema).encode(), "here")
    fault = read.first_fault({})
    assert fault is not None
    assert fault.startswith("the schema refers to ")
