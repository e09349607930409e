"""kit.policy.builds: what meets a rule on a build, and what misses it narrowly, by its code."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import EvidenceError
from kit.formats import predicate
from kit.formats.rules import BuildRule
from kit.model import Claim, Identity
from kit.model.predicates import Provenance
from kit.policy import builds as judged
from tests import claims
from tests.corpus import cases
from tests.corpus.places import PRESENT, WHY_ABSENT
from tests.lab import ISSUER, builds
from tests.lab.builds import COMMIT, V02, V1, Build

TOOL = Build()
GENERATOR = (
    "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
    "generator_generic_slsa3.yml"
)
DELEGATOR = GENERATOR.replace("generator_generic", "delegator_generic")
SHARED = Build(shared=f"{GENERATOR}@refs/tags/v2.1.0")
TRW = "https://github.com/acme/trw/.github/workflows/build.yml@refs/tags/v1.0.0"
RUNNER = "https://github.com/actions/runner"
FROM = {"source_repository": TOOL.repository, "source_tag": "v1.0"}


def made(build: Build = TOOL, said: Any = None, kind: str = V1, **identity: Any) -> Claim:
    """Return a claim by a build's certificate; ``said`` is the predicate, if it carries one."""
    facts = {name: value for name, value in build.extensions.items() if isinstance(value, str)}
    who: dict[str, Any] = {
        "subject": build.signer,
        "subject_type": "uri",
        "issuer": ISSUER,
        "facts": facts,
    }
    return replace(
        claims.claim(),
        identity=Identity(**(who | identity)),
        predicate_type=None if said is None else kind,
        predicate=None if said is None else predicate.read(kind, said),
    )


def codes(claim: Claim, **rule: Any) -> list[str]:
    """Return the codes of what a claim misses of a rule."""
    return [miss.code for miss in judged.misses(BuildRule(**rule), claim)]


PROVED = made(said=builds.github(TOOL))
BARE = made()
BY_KEY = made(said=builds.github(TOOL), subject="ab" * 32, subject_type="key", issuer="", facts={})
EVERYTHING = {
    "builder_id": TOOL.signer,
    "source_repository": "https://github.com/acme/tool",
    "source_ref": "refs/tags/v1.0",
    "source_digest": COMMIT,
    "signer_workflow": "acme/tool/.github/workflows/release.yml@refs/tags/v1.0",
    "build_trigger": ("push", "release"),
    "runner_environment": "github-hosted",
}
PARAMETERS = {
    "workflow": {
        "ref": "refs/tags/v1.0",
        "repository": "https://github.com/acme/tool",
        "path": ".github/workflows/release.yml",
    }
}


# ---- each key: met, missed narrowly, not stated ------------------------------------------


@pytest.mark.parametrize("claim", [PROVED, BARE], ids=["with provenance", "by certificate alone"])
@pytest.mark.parametrize("key", EVERYTHING)
def test_each_key_is_met(claim: Claim, key: str) -> None:
    assert codes(claim, **{key: EVERYTHING[key]}) == []
    assert codes(claim, **EVERYTHING) == []


@pytest.mark.parametrize("key", [key for key in EVERYTHING if key != "signer_workflow"])
def test_a_key_signer_has_only_its_provenance(key: str) -> None:
    assert codes(BY_KEY, **{key: EVERYTHING[key]}) == []


def test_external_parameters_are_exactly_those() -> None:
    assert codes(PROVED, external_parameters=PARAMETERS) == []


NARROW: list[tuple[str, Any]] = [
    ("builder_id", "https://github.com/acme/tool/.github/workflows/release"),  # prefix
    ("builder_id", "ool/.github/workflows/release.yml@refs/tags/v1.0"),  # suffix
    ("builder_id", "https://github.com/acme/tool/.github/workflows/release.yml@"),
    ("builder_id", "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1"),
    ("builder_id", "https://github.com/acme/tool/.github/workflows/other.yml"),
    ("builder_id", "https://github.com/Acme/tool/.github/workflows/release.yml"),  # case
    ("builder_id", f"{RUNNER}/github-hosted"),
    ("source_repository", "https://github.com/acme/too"),
    ("source_repository", "https://github.com/acme/tool-evil"),
    ("source_repository", "https://github.com/acme/tool/"),
    ("source_repository", "https://github.com/Acme/Tool"),
    ("source_repository", "https://github.com/fork/tool"),
    ("source_repository", "acme/tool"),
    ("source_ref", "refs/tags/v1"),
    ("source_ref", "refs/tags/v1.0.1"),
    ("source_ref", "refs/tags/V1.0"),
    ("source_ref", "refs/heads/v1.0"),
    ("source_ref", "v1.0"),
    ("source_tag", "v1.1"),
    ("source_tag", "1.0"),
    ("source_branch", "v1.0"),
    ("source_digest", COMMIT[:39]),
    ("source_digest", COMMIT.upper()),
    ("source_digest", "f" * 40),
    ("signer_workflow", "acme/tool/.github/workflows/release"),
    ("signer_workflow", "acme/tool/.github/workflows/release.yml@refs/tags/v1"),
    ("signer_workflow", "acme/tool/.github/workflows/release.yml@v1.0"),
    ("signer_workflow", "acme/tool/.github/workflows/other.yml"),
    ("signer_workflow", "tool/.github/workflows/release.yml"),
    ("signer_workflow", "acme/TOOL/.github/workflows/release.yml"),
    ("signer_workflow", "example.org/acme/tool/.github/workflows/release.yml"),
    ("build_trigger", ("release",)),
    ("build_trigger", ("Push",)),
    ("build_trigger", ("pus", "pushed")),
    ("runner_environment", "self-hosted"),
    ("runner_environment", "github"),
    ("external_parameters", {}),
    ("external_parameters", PARAMETERS | {"more": 1}),
    ("external_parameters", {"workflow": PARAMETERS["workflow"] | {"ref": "refs/tags/v1"}}),
]


@pytest.mark.parametrize(("key", "value"), NARROW)
def test_what_misses_narrowly_misses_by_its_own_code(key: str, value: Any) -> None:
    code = {"source_tag": "source_ref", "source_branch": "source_ref"}.get(key, key)
    assert codes(PROVED, **{key: value}) == [f"policy.{code.replace('_', '-')}"]


@pytest.mark.parametrize("ref", ["", "@"])
def test_a_workflow_that_names_no_ref_is_no_workflow_of_any(ref: str) -> None:
    """A rule without a ref leaves open which ref it ran at, not whether it did."""
    workflow = "acme/tool/.github/workflows/release.yml"
    odd = replace(
        BARE, identity=replace(BARE.identity, subject=f"https://github.com/{workflow}{ref}")
    )
    assert codes(BARE, signer_workflow=workflow) == []
    assert codes(odd, signer_workflow=workflow) == ["policy.signer-workflow"]


@pytest.mark.parametrize("key", [*EVERYTHING, "external_parameters"])
def test_what_nobody_states_is_missed(key: str) -> None:
    person = made(subject="jo@acme.test", subject_type="email", facts={})
    rule = EVERYTHING | {"external_parameters": PARAMETERS}
    assert codes(person, **{key: rule[key]}) == [f"policy.{key.replace('_', '-')}"]


def test_a_miss_by_case_alone_says_so() -> None:
    (miss,) = judged.misses(BuildRule(source_repository="https://github.com/Acme/Tool"), PROVED)
    assert miss.message.endswith("(only upper and lower case differ)")


def test_json_numbers_and_booleans_are_not_equal() -> None:
    said = builds.delegator(TOOL, TOOL.signer)
    said["buildDefinition"]["externalParameters"] = {"level": 1}
    claim = made(said=said)
    assert codes(claim, external_parameters={"level": 1}) == []
    assert codes(claim, external_parameters={"level": True}) == ["policy.external-parameters"]


def test_a_builder_without_a_ref_is_met_by_any_of_its_refs() -> None:
    rule = {"builder_id": TOOL.signer.partition("@")[0]}
    assert codes(PROVED, **rule) == []
    other = Build(ref="refs/heads/main")
    assert codes(made(other, builds.github(other)), **rule) == []


# ---- who else could have made it ------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "code"),
    [
        (Build(repository="https://github.com/mallory/tool"), "policy.source-repository"),
        (Build(ref="refs/tags/v1.1"), "policy.source-ref"),
        (Build(ref="refs/heads/v1.0"), "policy.source-ref"),
        (Build(ref="refs/pull/7/merge", trigger="pull_request"), "policy.source-ref"),
        (Build(commit="f" * 40), "policy.source-digest"),
        (Build(workflow=".github/workflows/test.yml"), "policy.builder-id"),
        (Build(workflow=".github/workflows/test.yml"), "policy.signer-workflow"),
        (Build(trigger="pull_request_target"), "policy.build-trigger"),
        (Build(runner="self-hosted"), "policy.runner-environment"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("carries", [True, False], ids=["provenance", "certificate"])
def test_another_build_is_refused_whichever_side_says_it(
    build: Build, code: str, *, carries: bool
) -> None:
    assert code in codes(made(build, builds.github(build) if carries else None), **EVERYTHING)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"repository": "https://github.com/mallory/tool"}, "policy.source-repository"),
        ({"ref": "refs/tags/v1.1"}, "policy.source-ref"),
        ({"commit": "f" * 40}, "policy.source-digest"),
        ({"trigger": "pull_request"}, "policy.build-trigger"),
        ({"runner": "self-hosted"}, "policy.runner-environment"),
        ({"shared": TRW}, "policy.builder-id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_both_sides_must_meet_the_rule(changed: dict[str, Any], code: str) -> None:
    other = replace(TOOL, **changed)
    lying_predicate = made(TOOL, builds.github(other))
    lying_certificate = made(other, builds.github(TOOL))
    for claim in (lying_predicate, lying_certificate):
        found = codes(claim, **EVERYTHING)
        assert code in found
        assert "provenance.disagrees" in found


@pytest.mark.parametrize(
    "changed",
    [
        {"repository": "https://github.com/mallory/tool"},
        {"ref": "refs/tags/v1.1"},
        {"commit": "f" * 40},
        {"trigger": "pull_request"},
        {"runner": "self-hosted"},
        {"workflow": ".github/workflows/other.yml"},
        {"shared": TRW},
    ],
    ids=lambda changed: str(*changed),
)
def test_a_provenance_that_contradicts_its_certificate_meets_nothing(
    changed: dict[str, Any],
) -> None:
    claim = made(TOOL, builds.github(replace(TOOL, **changed)))
    assert set(codes(claim)) == {"provenance.disagrees"}


def test_disagreement_by_case_alone_is_one_and_says_so() -> None:
    claim = made(TOOL, builds.github(replace(TOOL, repository="https://github.com/Acme/tool")))
    said = [miss.message for miss in judged.misses(BuildRule(), claim)]
    assert said
    assert all("only upper and lower case differ" in message for message in said)


def test_a_provenance_that_contradicts_itself_meets_nothing() -> None:
    said = builds.github(TOOL)
    said["buildDefinition"]["resolvedDependencies"][0]["digest"]["sha1"] = "f" * 40
    assert set(codes(made(said=said))) == {"provenance.disagrees"}


def test_a_provenance_that_cannot_be_read_meets_nothing() -> None:
    assert codes(made(said={}), source_tag="v1.0") == ["provenance.malformed"]


def test_two_extensions_that_differ_are_both_asked() -> None:
    facts = dict(PROVED.identity.facts) | {"github-workflow-ref": "refs/heads/main"}
    claim = replace(PROVED, identity=replace(PROVED.identity, facts=facts))
    assert codes(claim, source_tag="v1.0") == ["policy.source-ref", "provenance.disagrees"]


def test_old_certificates_have_only_the_old_extensions() -> None:
    facts = {k: v for k, v in PROVED.identity.facts.items() if k.startswith("github-workflow-")}
    claim = made(said=builds.npm_v02(TOOL, "@v0"), kind=V02, facts=facts)
    rule = {key: value for key, value in EVERYTHING.items() if key != "runner_environment"}
    assert codes(claim, **rule | {"builder_id": RUNNER}) == []
    assert codes(claim, runner_environment="github-hosted") == ["policy.runner-environment"]
    elsewhere = made(said=builds.npm_v02(TOOL), kind=V02, facts=facts, issuer="https://ghe.example")
    assert codes(elsewhere, source_repository=TOOL.repository) == []  # the predicate's word


# ---- builders ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["generic", "go", "container"])
def test_slsa_github_generator(kind: str) -> None:
    claim = made(SHARED, builds.generator(SHARED, kind), V02)
    assert codes(claim, builder_id=GENERATOR, **FROM) == []
    assert codes(claim, builder_id=f"{GENERATOR}@refs/tags/v2.1.0", **FROM) == []
    assert codes(claim, builder_id=f"{GENERATOR}@refs/tags/v2.1.1", **FROM) == ["policy.builder-id"]


def test_another_projects_genuine_generator_provenance_is_refused() -> None:
    other = replace(SHARED, repository="https://github.com/mallory/tool")
    claim = made(other, builds.generator(other), V02)
    assert codes(claim, builder_id=GENERATOR, **FROM) == ["policy.source-repository"]
    assert codes(claim, builder_id=GENERATOR) == ["policy.shared-builder"]


def test_a_delegators_word_for_the_builder_that_called_it_counts() -> None:
    build = Build(shared=f"{DELEGATOR}@refs/tags/v2.1.0")
    claim = made(build, builds.delegator(build, TRW))
    assert codes(claim, builder_id=TRW, **FROM) == []
    assert codes(claim, builder_id=DELEGATOR, **FROM) == ["policy.builder-id"]


@pytest.mark.parametrize(
    "signer",
    [
        f"{DELEGATOR}@refs/heads/main",
        f"{DELEGATOR}-evil@refs/tags/v2.1.0",
        DELEGATOR.replace("slsa-framework", "mallory") + "@refs/tags/v2.1.0",
        f"{GENERATOR}@refs/tags/v2.1.0",
    ],
)
def test_nobody_elses_does(signer: str) -> None:
    build = Build(shared=signer)
    found = codes(made(build, builds.delegator(build, TRW)), builder_id=TRW, **FROM)
    assert found == ["policy.builder-id", "provenance.disagrees"]


def test_npm_names_the_runner() -> None:
    claim = made(said=builds.npm(TOOL))
    assert codes(claim, builder_id=f"{RUNNER}/github-hosted") == []
    assert codes(claim, builder_id=RUNNER) == ["policy.builder-id"]
    assert codes(claim, builder_id=TOOL.signer) == ["policy.builder-id"]
    elsewhere = replace(TOOL, runner="self-hosted")
    lying = made(elsewhere, builds.npm(TOOL))
    assert codes(lying) == ["provenance.disagrees"]


def test_older_npm_left_to_the_certificate_which_runner_it_was() -> None:
    claim = made(said=builds.npm_v02(TOOL), kind=V02)
    assert codes(claim, builder_id=f"{RUNNER}/github-hosted") == []
    assert codes(claim, builder_id=f"{RUNNER}/self-hosted") == ["policy.builder-id"]
    assert codes(claim, builder_id=RUNNER) == []  # what it says, and no more
    own = replace(TOOL, runner="self-hosted")
    assert codes(made(own, builds.npm_v02(own), V02), builder_id=f"{RUNNER}/github-hosted") == [
        "policy.builder-id"
    ]


def test_npm_on_gitlab() -> None:
    build = Build(
        repository="https://gitlab.com/acme/tool",
        ref="refs/heads/main",
        workflow="/.gitlab-ci.yml",
        runner="gitlab-hosted",
    )
    claim = made(build, builds.npm_gitlab(build), V02, issuer="https://gitlab.com")
    assert (
        codes(
            claim,
            builder_id="https://gitlab.com/acme/tool/-/runners/12270807",
            source_repository="https://gitlab.com/acme/tool",
            source_branch="main",
            source_digest=COMMIT,
            build_trigger=("push",),
            runner_environment="gitlab-hosted",
        )
        == []
    )


@pytest.mark.parametrize("builder", ["", "https://github.com/docker/buildx/actions/runs/1"])
def test_buildkit_may_name_nobody(builder: str) -> None:
    claim = made(said=builds.buildkit(TOOL, builder))
    assert codes(claim, **FROM) == []
    assert codes(claim, builder_id="https://ci.example") == ["policy.builder-id"]
    assert codes(claim, builder_id=builder or "x") == ([] if builder else ["policy.builder-id"])


def test_of_a_builder_that_names_nobody_the_certificate_speaks() -> None:
    claim = made(said=builds.buildkit(TOOL))
    assert codes(claim, builder_id=TOOL.signer) == []
    assert codes(claim, builder_id=TRW) == ["policy.builder-id"]


# ---- shared builders ------------------------------------------------------------------------


@pytest.mark.parametrize("carries", [True, False], ids=["provenance", "certificate"])
@pytest.mark.parametrize(
    ("rule", "shared"),
    [
        ({}, True),
        ({"source_repository": TOOL.repository}, True),
        ({"source_tag": "v1.0"}, True),
        ({"source_digest": COMMIT}, True),
        ({"signer_workflow": GENERATOR.removeprefix("https://")}, True),
        (FROM, False),
        ({"source_repository": TOOL.repository, "source_ref": "refs/tags/v1.0"}, False),
    ],
)
def test_a_shared_builder_proves_nothing_without_repository_and_ref(
    rule: dict[str, Any], *, shared: bool, carries: bool
) -> None:
    claim = made(SHARED, builds.generator(SHARED) if carries else None, V02)
    assert codes(claim, **rule) == (["policy.shared-builder"] if shared else [])


@pytest.mark.parametrize("builder", [GENERATOR, GENERATOR.upper()])
def test_the_generator_is_shared_also_where_nothing_says_for_whom_it_built(builder: str) -> None:
    silent = made(SHARED)
    who = replace(silent.identity, facts={"build-signer-uri": f"{builder}@refs/tags/v2.1.0"})
    assert codes(replace(silent, identity=who)) == ["policy.shared-builder"]


def test_the_hint_says_what_is_missing() -> None:
    (miss,) = judged.misses(BuildRule(source_tag="v1.0"), made(SHARED))
    assert miss.hint == "add source-repository to the rule"


def test_a_repository_whose_name_only_begins_alike_is_another() -> None:
    beside = Build(shared="https://github.com/acme/tool-evil/.github/workflows/a.yml@refs/tags/v1")
    assert codes(made(beside)) == ["policy.shared-builder"]


def test_case_alone_makes_no_other_repository() -> None:
    used = Build(shared=TOOL.signer.replace("acme/tool", "Acme/Tool"))
    assert codes(made(used)) == []


@pytest.mark.parametrize(
    "who", [{"subject_type": "email", "subject": "jo@acme.test", "facts": {}}, {"facts": {}}]
)
def test_a_signer_that_is_no_workflow_of_elsewhere_is_not_shared(who: dict[str, Any]) -> None:
    assert codes(made(said=None, **who)) == []


# ---- properties --------------------------------------------------------------------------


@settings(deadline=None)
@given(st.sets(st.sampled_from(sorted({*EVERYTHING, "external_parameters"}))), st.data())
def test_a_longer_rule_is_never_met_by_more(keys: set[str], data: st.DataObject) -> None:
    values = EVERYTHING | {"external_parameters": PARAMETERS}
    rule = {key: values[key] for key in keys}
    more = {key: value for key, value in NARROW if not key.startswith("source_t")}
    key = data.draw(st.sampled_from(sorted(more)))
    claim = data.draw(st.sampled_from([PROVED, BARE, BY_KEY, made(SHARED)]))
    tighter = rule | {key: more[key]}
    assert (
        codes(claim, **rule) == []
        or "policy.shared-builder" in codes(claim, **rule)
        or codes(claim, **tighter)
    )


@pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)
def test_real_provenance_agrees_with_its_real_certificate() -> None:
    agreeing = 0
    for case in cases.load():
        found: list[Claim] = []
        if case.expected == "pass":
            with contextlib.suppress(EvidenceError):  # what this verifier cannot judge
                found = case.claims()
        for claim in found:
            if isinstance(claim.predicate, Provenance):
                agreeing += 1
                assert set(codes(claim)) <= {"policy.shared-builder"}, case.id
    assert agreeing >= 15


def test_a_generator_whose_source_nobody_states_is_shared_all_the_same() -> None:
    identity = Identity(
        subject=f"{GENERATOR}@refs/tags/v2.1.0", subject_type="uri", issuer=ISSUER, facts={}
    )
    claim = replace(claims.statement(), identity=identity, predicate=None)
    assert [miss.code for miss in judged.misses(BuildRule(), claim)] == ["policy.shared-builder"]
