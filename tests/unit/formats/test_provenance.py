"""kit.formats.provenance: what every producer writes, and what is refused."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import EvidenceError, MalformedError
from kit.formats import predicate, provenance
from kit.model import Claim
from kit.model.predicates import Provenance, Unreadable
from tests.corpus import cases
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT
from tests.lab import builds
from tests.lab.builds import V01, V02, V1, Build

TAG = Build()
BRANCH = Build(
    repository="https://gitlab.com/acme/tool",
    ref="refs/heads/main",
    workflow=".gitlab-ci.yml",
    runner="gitlab-hosted",
)
GENERATOR = Build(
    shared="https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
    "generator_generic_slsa3.yml@refs/tags/v2.1.0"
)
TRW = "https://github.com/acme/trw/.github/workflows/build.yml@refs/tags/v1.0.0"
RUNNER = "https://github.com/actions/runner"

#: Producer: type, predicate, the build it is of, its builder's id, facts that it leaves out.
PRODUCERS: dict[str, tuple[str, dict[str, Any], Build, str, frozenset[str]]] = {
    "github": (V1, builds.github(TAG), TAG, TAG.signer, frozenset()),
    "github-reusable": (V1, builds.github(GENERATOR), GENERATOR, GENERATOR.signer, frozenset()),
    "npm": (V1, builds.npm(TAG), TAG, f"{RUNNER}/github-hosted", frozenset()),
    "npm-v2": (V02, builds.npm_v02(TAG), TAG, RUNNER, frozenset({"runner"})),
    "npm-v1": (V02, builds.npm_v02(TAG, "@v1"), TAG, RUNNER, frozenset({"runner"})),
    "npm-v0": (V02, builds.npm_v02(TAG, "@v0"), TAG, RUNNER, frozenset({"runner"})),
    "npm-gitlab": (
        V02,
        builds.npm_gitlab(BRANCH),
        BRANCH,
        "https://gitlab.com/acme/tool/-/runners/12270807",
        frozenset({"runner", "workflow"}),
    ),
    "generator": (
        V02,
        builds.generator(GENERATOR),
        GENERATOR,
        GENERATOR.signer,
        frozenset({"runner"}),
    ),
    "generator-go": (
        V02,
        builds.generator(GENERATOR, "go"),
        GENERATOR,
        GENERATOR.signer,
        frozenset({"runner"}),
    ),
    "delegator": (V1, builds.delegator(GENERATOR, TRW), GENERATOR, TRW, frozenset({"runner"})),
    "container-based": (
        V1,
        builds.container_based(GENERATOR),
        GENERATOR,
        GENERATOR.signer,
        frozenset({"runner"}),
    ),
    "buildkit": (V1, builds.buildkit(TAG), TAG, "", frozenset({"runner", "workflow", "trigger"})),
    "buildkit-v0.2": (
        V02,
        builds.buildkit_v02(TAG, "https://ci.example/run/1"),
        TAG,
        "https://ci.example/run/1",
        frozenset({"runner", "workflow", "trigger"}),
    ),
    "v0.1": (V01, builds.oldest(TAG), TAG, TAG.signer, frozenset({"runner", "trigger"})),
}


@pytest.mark.parametrize("producer", PRODUCERS)
def test_each_producer_says_what_was_built(producer: str) -> None:
    kind, value, build, builder, silent = PRODUCERS[producer]
    assert provenance.parse(kind, value) == Provenance(
        builder_id=builder,
        build_type=provenance.parse(kind, value).build_type,
        source_repository=build.repository,
        source_ref=build.ref,
        source_digest=build.commit,
        workflow=None if "workflow" in silent else build.workflow,
        build_trigger=None if "trigger" in silent else build.trigger,
        runner_environment=None if "runner" in silent else build.runner,
        external_parameters=provenance.parse(kind, value).external_parameters,
    )


def test_the_dockerfile_is_a_parameter_of_buildkit_in_both_versions() -> None:
    now = provenance.parse(V1, builds.buildkit(TAG)).external_parameters
    before = provenance.parse(V02, builds.buildkit_v02(TAG)).external_parameters
    assert now["configSource"]["path"] == before["configSource"]["entryPoint"] == "Dockerfile"
    assert before["frontend"] == "dockerfile.v0"


@pytest.mark.parametrize("producer", PRODUCERS)
def test_unknown_fields_and_null_lists_change_nothing(producer: str) -> None:
    kind, value, *_ = PRODUCERS[producer]
    more = copy.deepcopy(value) | {"somethingNew": {"a": [1]}, "metadata": None}
    if kind == V1:
        more["runDetails"]["byproducts"] = None
        more["buildDefinition"]["unknown"] = None
    assert provenance.parse(kind, more) == provenance.parse(kind, value)


def test_lists_may_be_null() -> None:
    value = builds.npm(TAG)
    value["buildDefinition"]["resolvedDependencies"] = None
    assert provenance.parse(V1, value).source_digest is None
    assert provenance.parse(V02, {"builder": {"id": "x"}, "materials": None}).builder_id == "x"


# ---- sources ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "repository", "ref"),
    [
        ("git+https://github.com/O/R@refs/tags/v1", "https://github.com/O/R", "refs/tags/v1"),
        ("https://github.com/O/R.git#refs/tags/v1", "https://github.com/O/R", "refs/tags/v1"),
        ("https://github.com/O/R.git#refs/heads/a:dir", "https://github.com/O/R", "refs/heads/a"),
        ("git+https://github.com/O/R", "https://github.com/O/R", None),
        # The packages of a monorepo have tags such as this one.
        (
            "git+https://github.com/O/R@refs/tags/@scope/p@1.0",
            "https://github.com/O/R",
            "refs/tags/@scope/p@1.0",
        ),
        ("ssh://git@github.com/O/R.git", "ssh://git@github.com/O/R", None),
        ("git+ssh://git@h/O/R@refs/tags/v1", "ssh://git@h/O/R", "refs/tags/v1"),
        ("https://github.com/O/R.git#v1", "https://github.com/O/R", None),
        ("https://github.com/O/R.git.git", "https://github.com/O/R.git", None),
        ("https://GitHub.com/O/r", "https://GitHub.com/O/r", None),
        ("pkg:docker/alpine@3.17", None, None),
        ("git@github.com:O/R.git", None, None),
        ("/home/me/src", None, None),
        ("", None, None),
    ],
)
def test_a_source_is_a_url_and_perhaps_a_whole_ref(
    uri: str, repository: str | None, ref: str | None
) -> None:
    value = {"builder": {"id": "x"}, "invocation": {"configSource": {"uri": uri}}}
    read = provenance.parse(V02, value)
    assert (read.source_repository, read.source_ref) == (repository, ref)


def test_a_commit_in_the_place_of_a_ref_is_one() -> None:
    uri = f"git+https://gitlab.com/a/b@{TAG.commit}"
    value = {"builder": {"id": "x"}, "invocation": {"configSource": {"uri": uri}}}
    assert provenance.parse(V02, value).source_digest == TAG.commit


# ---- what is stated twice -----------------------------------------------------------------


def disagreeing(producer: str, *path: str | int, value: Any) -> tuple[str, ...]:
    """Return the conflicts of a producer's predicate with one of its places changed."""
    kind, written, *_ = PRODUCERS[producer]
    changed = copy.deepcopy(written)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return provenance.parse(kind, changed).conflicts


OTHER = "f" * 40
SOURCE = ("invocation", "configSource")
ENVIRONMENT = ("invocation", "environment")
WORKFLOW = ("buildDefinition", "externalParameters", "workflow")
INTERNAL = ("buildDefinition", "internalParameters")
FIRST = ("buildDefinition", "resolvedDependencies", 0)


@pytest.mark.parametrize(
    ("producer", "path", "value", "conflict"),
    [
        ("generator", (*SOURCE, "uri"), "git+https://github.com/o/r@refs/tags/v1.0", "repository"),
        ("generator", (*SOURCE, "uri"), "git+https://github.com/acme/tool@refs/tags/x", "ref"),
        ("generator", (*SOURCE, "digest"), {"sha1": OTHER}, "digest"),
        ("generator", (*ENVIRONMENT, "github_ref"), "refs/heads/v1.0", "ref"),
        ("generator", (*ENVIRONMENT, "github_ref_type"), "branch", "ref"),
        ("generator", (*ENVIRONMENT, "github_sha1"), OTHER, "digest"),
        ("npm-v2", (*ENVIRONMENT, "GITHUB_REPOSITORY"), "acme/evil", "repository"),
        ("npm-v2", (*ENVIRONMENT, "GITHUB_SHA"), OTHER, "digest"),
        ("npm-v1", (*SOURCE, "entryPoint"), "o/r/.github/workflows/release.yml@x", "repository"),
        ("npm-gitlab", ("invocation", "parameters", "CI_COMMIT_SHA"), OTHER, "digest"),
        ("npm-gitlab", ("invocation", "parameters", "CI_COMMIT_TAG"), "main", "ref"),
        ("github", (*WORKFLOW, "repository"), "https://github.com/o/r", "repository"),
        ("github", (*WORKFLOW, "ref"), "refs/heads/main", "ref"),
        ("github", (*FIRST, "digest"), {"sha1": OTHER, "gitCommit": TAG.commit}, "digest"),
        ("npm", (*INTERNAL, "github", "runner_environment"), "self-hosted", "runner"),
        (
            "delegator",
            (*INTERNAL, "GITHUB_WORKFLOW_REF"),
            "o/r/.github/workflows/a@r",
            "repository",
        ),
        ("container-based", (*FIRST, "digest"), {"sha1": OTHER}, "digest"),
    ],
)
def test_what_is_stated_in_two_ways_is_a_conflict(
    producer: str, path: tuple[str | int, ...], value: Any, conflict: str
) -> None:
    names = {
        "repository": "source-repository",
        "ref": "source-ref",
        "digest": "source-digest",
        "runner": "runner-environment",
    }
    assert names.get(conflict, conflict) in disagreeing(producer, *path, value=value)


# ---- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (V1, None),
        (V1, []),
        (V1, {}),
        (V1, {"buildDefinition": {}}),
        (V1, {"buildDefinition": {}, "runDetails": {}}),
        (V1, {"buildDefinition": {}, "runDetails": {"builder": {"id": 1}}}),
        (V1, {"buildDefinition": {"externalParameters": []}, "runDetails": {"builder": {}}}),
        (V02, {}),
        (V02, {"builder": "x"}),
        (V02, {"builder": {"id": "x"}, "materials": {}}),
        (V02, {"builder": {"id": "x"}, "materials": [1]}),
        (V02, {"builder": {"id": "x" * 2049}}),
        (V02, {"builder": {}, "invocation": {"configSource": {"uri": ["x"]}}}),
        (V02, {"builder": {}, "invocation": {"configSource": {"digest": {"sha1": "abc"}}}}),
        (V02, {"builder": {}, "invocation": {"configSource": {"digest": {"sha1": "A" * 40}}}}),
        (V02, {"builder": {}, "invocation": {"configSource": {"uri": f"http://h/{'a' * 2049}"}}}),
        (V02, {"builder": {}, "invocation": {"parameters": {"a": "x" * (1 << 17)}}}),
        (V01, {"builder": {}, "recipe": {"definedInMaterial": 0}}),
        (V01, {"builder": {}, "recipe": {"definedInMaterial": -1}}),
        (V01, {"builder": {}, "recipe": {"arguments": ["a"]}}),
    ],
)
def test_what_is_no_provenance_is_malformed(kind: str, value: Any) -> None:
    with pytest.raises(MalformedError) as refused:
        provenance.parse(kind, value)
    assert refused.value.code == "provenance.malformed"
    read = predicate.read(kind, value)
    assert isinstance(read, Unreadable)
    assert read.code == "provenance.malformed"


def test_other_types_say_nothing() -> None:
    assert predicate.read("https://slsa.dev/provenance/v1.1", builds.npm(TAG)) is None
    assert predicate.read(None, None) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside a JSON value."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(deep for key, each in items for deep in places(each, (*path, key)))]


@settings(max_examples=400, deadline=None)
@given(producer=st.sampled_from(sorted(PRODUCERS)), at=st.integers(0, 60), value=JSON)
def test_nothing_but_malformed_error_comes_out(producer: str, at: int, value: Any) -> None:
    kind, written, *_ = PRODUCERS[producer]
    changed = copy.deepcopy(written)
    inside = places(changed)[1:]
    *path, last = inside[at % len(inside)]
    place: Any = changed
    for key in path:
        place = place[key]
    place[last] = value
    read = predicate.read(kind, changed)
    assert isinstance(read, Provenance | Unreadable)


@settings(deadline=None)
@given(kind=st.sampled_from(provenance.TYPES), value=JSON)
def test_nor_from_anything_else(kind: str, value: Any) -> None:
    assert isinstance(predicate.read(kind, value), Provenance | Unreadable)


# ---- real ones ----------------------------------------------------------------------------


@pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)
def test_real_provenance_agrees_with_itself() -> None:
    found = 0
    for case in cases.load():
        made: list[Claim] = []
        if case.expected != "pass":
            continue
        with contextlib.suppress(EvidenceError):  # of a key that is not in the corpus
            made = case.claims()
        for claim in made:
            if isinstance(claim.predicate, Provenance):
                found += 1
                assert claim.predicate.conflicts == ()
                assert claim.predicate.builder_id.startswith("https://")
    assert found >= 15


@pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)
def test_every_provenance_of_the_corpus_can_be_read() -> None:
    read = 0
    for path in sorted((CORPUS / "slsa-verifier" / "testdata").rglob("*")):
        if not path.is_file() or path.suffix not in (".jsonl", ".slsa", ".json"):
            continue
        for statement in statements(path.read_bytes()):
            kind = statement["predicateType"]
            if kind in provenance.TYPES:
                read += 1
                said = provenance.parse(kind, statement["predicate"])
                assert said.source_repository
                assert said.source_digest
                assert ("-invalidsig" in path.name and "prov" in path.name) or not said.conflicts
    assert read >= 30


def statements(raw: bytes) -> list[dict[str, Any]]:
    """Return the statements in a file of envelopes, bundles or npm's attestations."""
    found = []
    for line in raw.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        bundles = [each["bundle"] for each in value.get("attestations", ())] or [value]
        for bundle in bundles:
            envelope = bundle.get("dsseEnvelope", bundle)
            if "payload" in envelope:
                found.append(json.loads(base64.b64decode(envelope["payload"])))
    return found
