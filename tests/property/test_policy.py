"""Policy is monotonic: a tighter rule, or less evidence, never turns a failure into a pass.

By definition not so: deny-lists, `every`, and digest manifests that contradict, where
more evidence may fail what passed before. The rules here have none of them, unless a rule is
tightened by it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from kit.errors import UsageError
from kit.formats.release_file import ReleaseFile
from kit.model import Claim, Identity
from kit.model.predicates import Provenance, Sbom, Scan, Severity, Vulnerability
from kit.policy.judge import judge
from tests import claims
from tests.lab import AT, IDENTITY, ISSUER

many = settings(max_examples=200, deadline=None)

REPOSITORY = "https://github.com/acme/tool"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SIGNERS = """
[signers.people]
issuer = "https://accounts.example"
identity-regexp = "(jo|mo)@acme[.]test"
[signers.key]
key = "keys/cosign.pub"
"""
FACTS = {
    "source-repository-uri": REPOSITORY,
    "source-repository-ref": "refs/tags/v1.0",
    "source-repository-digest": COMMIT,
    "build-trigger": "push",
    "runner-environment": "github-hosted",
}
PROVENANCE = Provenance(
    builder_id=IDENTITY,
    source_repository=REPOSITORY,
    source_ref="refs/tags/v1.0",
    source_digest=COMMIT,
)
SBOM = Sbom(format="spdx", version="2.3", components=3, about=(claims.sha256(b"artifact"),))
SCAN = Scan(
    format="grype",
    tool="grype",
    found=(Vulnerability(ids=("CVE-2026-1",), severity=Severity.MEDIUM),),
    finished_at=AT,
    database_at=AT,
    about=(claims.sha256(b"artifact"),),
)
PEOPLE = Identity(subject="jo@acme.test", subject_type="email", issuer="https://accounts.example")
KEY = Identity(subject="sha256:00", subject_type="key", issuer="", facts={"key": "keys/cosign.pub"})
CI = Identity(subject=IDENTITY, subject_type="uri", issuer=ISSUER, facts=FACTS)

#: Keys that make a rule tighter, with values that hold of the right claim, or nearly.
TIGHTER: dict[str, list[Any]] = {
    "predicate-type": ["slsa-provenance", "spdx", ["slsa-provenance", "vuln"]],
    "digest": [str(claims.sha256(b"artifact")), str(claims.sha256(b"other"))],
    "source-repository": [REPOSITORY, f"{REPOSITORY}-evil"],
    "source-tag": ["v1.0", "v1.0.1"],
    "source-digest": [COMMIT, COMMIT[::-1]],
    "build-trigger": ["push", "pull_request"],
    "runner-environment": ["github-hosted", "self-hosted"],
    "builder-id": [IDENTITY, f"{IDENTITY}-evil"],
    "sbom": [True, {"format": "spdx"}, {"format": "cyclonedx"}, {"minimum-components": 4}],
    "scan": [{"fail-on": "high"}, {"fail-on": "low"}, {"fail-on": "high", "max-age": "1h"}],
    "log": [True],
    "every": [True],
    "predicate-schema": ["s.json"],
}
SIGNED = st.sampled_from(["release", "people", "key"])


@st.composite
def claim(draw: st.DrawFn) -> Claim:
    """Return a claim that could meet most rules, but for a thing or two."""
    made = claims.statement(
        identity=draw(st.sampled_from([CI, CI, PEOPLE, KEY])),
        predicate=draw(st.sampled_from([PROVENANCE, PROVENANCE, SBOM, SCAN, None])),
        predicate_json='{"a": 1}',
        log=draw(st.sampled_from([{"index": "1"}, {}])),
    )
    changes: dict[str, list[Any]] = {
        "predicate_type": ["https://spdx.dev/Document", None],
        "digest": [claims.sha256(b"other")],
        "names": [(), ("other.whl",)],
        "predicate_json": ["{}", None],
        "predicate": [replace(PROVENANCE, source_ref="refs/heads/main")],
        "signed_at": [None],
    }
    for name in draw(st.lists(st.sampled_from(sorted(changes)), max_size=1)):
        made = replace(made, **{name: draw(st.sampled_from(changes[name]))})
    return made


@st.composite
def rule(draw: st.DrawFn) -> dict[str, Any]:
    chosen = draw(st.lists(st.sampled_from(sorted(TIGHTER)), max_size=3, unique=True))
    made = {key: draw(st.sampled_from(TIGHTER[key])) for key in chosen}
    return {"signer": draw(SIGNED), **made}


def policy(*rules: dict[str, Any]) -> ReleaseFile | None:
    """Return a policy of these rules; ``None`` where they make no sense together."""
    text = "\n[[artifact.require]]\n".join(_toml(each) for each in rules)
    try:
        return claims.release(text, signers=SIGNERS, beside={"s.json": b'{"required": ["a"]}'})
    except UsageError:
        return None


def _toml(given_rule: dict[str, Any]) -> str:
    return "\n".join(f"{key} = {_value(value)}" for key, value in given_rule.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    return json.dumps(value)


def passes(wanted: ReleaseFile, *made: Claim) -> bool:
    (verdict,), about = judge(wanted, [claims.file(*made)], claims.UNREADABLE, AT)
    return verdict.passed and not any(finding.level == "error" for finding in about)


MADE = st.lists(claim(), max_size=4)


@many
@given(rule(), st.sampled_from(sorted(TIGHTER)), st.data(), MADE)
def test_one_more_key_never_turns_a_failure_into_a_pass(
    loose: dict[str, Any], key: str, data: st.DataObject, made: list[Claim]
) -> None:
    if key in loose:
        return
    tight = policy(loose | {key: data.draw(st.sampled_from(TIGHTER[key]))})
    wide = policy(loose)
    if tight and wide and passes(tight, *made) and "digest" not in (key, *loose):
        assert passes(wide, *made)


@many
@given(rule(), rule(), MADE)
def test_one_more_requirement_never_turns_a_failure_into_a_pass(
    one: dict[str, Any], other: dict[str, Any], made: list[Claim]
) -> None:
    tight, wide = policy(one, other), policy(one)
    named = any(claims.WHEEL in claim.names for claim in made)
    if tight and wide and passes(tight, *made) and "digest" not in other and named:
        # The other requirement may have proved the name; what is demanded must still be met.
        (verdict,), _ = judge(wide, [claims.file(*made)], claims.UNREADABLE, AT)
        assert "policy.unmet" not in {finding.code for finding in verdict.findings}


@many
@given(rule(), rule(), MADE)
def test_one_of_two_ways_is_looser_than_either_and_both_at_once_are_tighter(
    one: dict[str, Any], other: dict[str, Any], made: list[Claim]
) -> None:
    either = policy({"any-of": [one, other]})
    if either is None:
        return
    for each in (one, other):
        alone = policy(each)
        if alone and passes(alone, *made):
            assert passes(either, *made)


@many
@given(rule(), MADE, st.data())
def test_less_evidence_never_turns_a_failure_into_a_pass(
    wanted: dict[str, Any], made: list[Claim], data: st.DataObject
) -> None:
    if "every" in wanted or "scan" in wanted:
        return
    found = policy(wanted)
    kept = [each for each in made if data.draw(st.booleans())]
    if found and passes(found, *kept):
        assert passes(found, *made)
