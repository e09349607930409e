"""SLSA provenance v0.1, v0.2 and v1: how something was built, whoever wrote it.

The three versions have places for a builder's id and for what the caller chose; where the
source, its ref and its commit stand is up to each builder (``buildType``). Read are:

=========================================  ====================================================
builder                                    source, ref, commit, workflow, trigger, runner
=========================================  ====================================================
any, v0.1                                  ``materials[recipe.definedInMaterial]``, ``entryPoint``
any, v0.2 (BuildKit, Tekton …)             ``invocation.configSource``
slsa-github-generator and npm, v0.2        also ``materials[0]`` and ``invocation.environment``
npm on GitLab, v0.2                        also ``materials[0]`` and ``invocation.parameters``
GitHub attestations, npm and PyPI, v1      ``externalParameters.workflow``,
                                           ``resolvedDependencies[0]``, ``internalParameters``
slsa-github-generator container-based, v1  ``externalParameters.source``,
                                           ``resolvedDependencies[0]``, ``internalParameters``
slsa-github-generator delegator, v1        ``resolvedDependencies[0]``, ``internalParameters``
BuildKit, v1                               ``externalParameters.configSource``
=========================================  ====================================================

(slsa.dev/provenance; slsa-verifier, verifiers/internal/gha/slsaprovenance; actions/toolkit,
packages/attest; npm/cli, libnpmpublish; moby/buildkit, slsa-definitions.md.)
A fact that is stated in several places must be the same in all of them; one that is not is
in ``conflicts``. A short ref says neither branch nor tag, so it states no ref. Nothing is
verified here, and letter case is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kit.errors import MalformedError
from kit.formats import strictjson
from kit.formats.fields import Fields
from kit.model.predicates import Provenance

CODE = "provenance.malformed"
V01, V02, V1 = (f"https://slsa.dev/provenance/{version}" for version in ("v0.1", "v0.2", "v1"))
TYPES = (V01, V02, V1)

#: Characters of a fact, as for those of certificates; materials; bytes of what the caller chose,
#: which a report repeats for every file. The inputs of a GitHub workflow are 64 KiB at most.
MAX_TEXT = 2048
MAX_MATERIALS = 1 << 16
MAX_PARAMETERS = 1 << 17

GITHUB_TYPES = (
    "https://actions.github.io/buildtypes/workflow/v1",
    "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
)
BUILDKIT = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
BUILDKIT_V02 = "https://mobyproject.org/buildkit@v1"
DELEGATOR = "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0"
#: Every runner of GitHub Actions; npm and the toolkit append its environment.
RUNNER = "https://github.com/actions/runner"

_CONTAINER_BASED = "https://slsa.dev/container-based-build/"
_GITLAB = "https://github.com/npm/cli/gitlab/"
_SOURCE_IS_FIRST = (
    "https://github.com/slsa-framework/slsa-github-generator",
    "https://github.com/npm/",
)

#: Where GitHub's runner, and slsa-github-generator's own spelling of it, say what.
_RUNNER_NAMES = {
    "repository": "GITHUB_REPOSITORY",
    "ref": "GITHUB_REF",
    "kind": "GITHUB_REF_TYPE",
    "commit": "GITHUB_SHA",
    "workflow": "GITHUB_WORKFLOW_REF",
    "trigger": "GITHUB_EVENT_NAME",
}
_GENERATOR_NAMES = {
    "ref": "github_ref",
    "kind": "github_ref_type",
    "commit": "github_sha1",
    "trigger": "github_event_name",
}

_URL = re.compile(
    r"(?:git\+)?((?:https?|ssh|git)://[^/@#\s]*(?:@[^/@#\s]*)?/[^@#\s]*)(?:[@#](.*))?"
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_WORKFLOW_REF = re.compile(r"([^/@]+/[^/@]+)/(\.github/workflows/[^@]+)@(.+)")


class _Stated:
    """The facts that a predicate states, each as often as it does, in order."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}

    def add(self, fact: str, value: str | None) -> None:
        """Note what one place says of a fact; nothing and the empty string say nothing."""
        if value:
            if len(value) > MAX_TEXT:
                raise MalformedError(f"the {fact} is over {MAX_TEXT} characters")
            self._values.setdefault(fact, []).append(value)

    def first(self, fact: str) -> str | None:
        """Return what the first place says."""
        return next(iter(self._values.get(fact, ())), None)

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The facts that two places state differently."""
        return tuple(sorted(fact for fact, said in self._values.items() if len(set(said)) > 1))

    def add_source(self, uri: str | None) -> None:
        """Note a repository URL, and the ref or commit that may follow it.

        The first ``@`` or ``#`` of the path begins it: a tag may be ``@scope/package@1.0``.
        """
        url = _URL.fullmatch(uri or "")
        if url is None:
            return  # an image, a local folder, an scp-like path: no URL of a repository
        self.add("source-repository", url[1].removesuffix(".git"))
        # BuildKit: `#ref:folder`; no ref has a colon (git-check-ref-format).
        self.add_ref((url[2] or "").partition(":")[0])

    def add_ref(self, ref: str | None) -> None:
        """Note a whole ref, or the commit that stands in its place."""
        if ref is not None and ref.startswith("refs/"):
            self.add("source-ref", ref)
        elif ref is not None and _COMMIT.fullmatch(ref):
            self.add("source-digest", ref)

    def add_digest(self, digest: Fields | None) -> None:
        """Note the commit of a digest set; other algorithms are of other things than commits."""
        if digest is not None:
            for algorithm in ("sha1", "gitCommit"):
                self.add_commit(digest.text(algorithm))

    def add_material(self, material: Fields | None) -> None:
        """Note a source with its digest: a v0.2 material or a v1 resource descriptor."""
        if material is not None:
            self.add_source(material.text("uri"))
            self.add_digest(material.object("digest"))

    def add_workflow(self, written: str | None) -> None:
        """Note a workflow's path, or ``OWNER/REPO/PATH@REF`` as GitHub's runner writes it."""
        whole = _WORKFLOW_REF.fullmatch(written or "")
        if whole is None:
            # Anything else is a job's or a workflow's display name.
            if written is not None and written.startswith(".github/workflows/"):
                self.add("workflow", written)
            return
        self.add_repository_path(whole[1])
        self.add("workflow", whole[2])
        self.add_ref(whole[3])

    def add_repository_path(self, path: str | None) -> None:
        """Note ``OWNER/REPO`` without a host: that of the URL, if one is known."""
        known = self.first("source-repository")
        if known and path:
            host = "/".join(known.split("/", 3)[:3])
            self.add("source-repository", f"{host}/{path}")

    def add_github(self, variables: Fields, names: Mapping[str, str]) -> None:
        """Note variables of GitHub's runner, under the names that a builder gives them."""
        said = {fact: variables.text(name) for fact, name in names.items()}
        self.add_repository_path(said.get("repository"))
        ref = said.get("ref") or ""
        self.add_ref(ref)
        folder = {"branch": "refs/heads/", "tag": "refs/tags/"}.get(said.get("kind") or "")
        if (
            folder
            and ref.startswith(("refs/heads/", "refs/tags/"))
            and ref[: len(folder)] != folder
        ):
            self.add("source-ref", f"{folder}{ref.split('/', 2)[2]}")
        self.add_commit(said.get("commit"))
        self.add_workflow(said.get("workflow"))
        self.add("build-trigger", said.get("trigger"))

    def add_commit(self, commit: str | None) -> None:
        """Note a commit that stands alone."""
        if commit and not _COMMIT.fullmatch(commit):
            raise MalformedError("a commit is not in hex")
        self.add("source-digest", commit)


def parse(predicate_type: str, predicate: Any) -> Provenance:
    """Read a predicate of one of `TYPES`; raise `MalformedError` (`provenance.malformed`)."""
    try:
        return _VERSIONS[predicate_type](Fields(predicate, "predicate"))
    except MalformedError as error:
        raise MalformedError(error.message, code=CODE) from error


def _v01(fields: Fields) -> Provenance:
    stated = _Stated()
    recipe = fields.object("recipe") or Fields({}, "predicate.recipe")
    number = recipe.integer("definedInMaterial")
    materials = fields.objects("materials", MAX_MATERIALS)
    if number is not None:
        if number >= len(materials):
            raise MalformedError("recipe.definedInMaterial is beyond the materials")
        stated.add_material(materials[number])
    stated.add_workflow(recipe.text("entryPoint"))
    parameters = _parameters(recipe, "arguments")
    return _provenance(fields, recipe.text("type"), stated, parameters)


def _v02(fields: Fields) -> Provenance:
    stated = _Stated()
    kind = fields.text("buildType") or ""
    invocation = fields.object("invocation") or Fields({}, "predicate.invocation")
    source = invocation.object("configSource")
    stated.add_material(source)
    materials = fields.objects("materials", MAX_MATERIALS)
    parameters = _parameters(invocation, "parameters")
    if kind == BUILDKIT_V02 and source is not None:
        # Which Dockerfile of which source: in v1 it is one of the parameters.
        parameters = {**parameters, **_parameters(invocation, "configSource", named=True)}
    if kind.startswith(_SOURCE_IS_FIRST):
        stated.add_material(next(iter(materials), None))
        if kind.startswith(_GITLAB):
            _add_gitlab(stated, Fields(parameters, "predicate.invocation.parameters"))
        elif (environment := invocation.object("environment")) is not None:
            stated.add_github(environment, _RUNNER_NAMES)
            stated.add_github(environment, _GENERATOR_NAMES)
    if source is not None:
        stated.add_workflow(source.text("entryPoint"))
    return _provenance(fields, kind, stated, parameters)


def _add_gitlab(stated: _Stated, variables: Fields) -> None:
    stated.add_source(variables.text("CI_PROJECT_URL"))
    stated.add_commit(variables.text("CI_COMMIT_SHA"))
    branch, tag = variables.text("CI_COMMIT_BRANCH"), variables.text("CI_COMMIT_TAG")
    stated.add("source-ref", f"refs/heads/{branch}" if branch else None)
    stated.add("source-ref", f"refs/tags/{tag}" if tag else None)
    stated.add("build-trigger", variables.text("CI_PIPELINE_SOURCE"))


@dataclass(frozen=True, slots=True)
class _Definition:
    """A v1 build definition: what the caller chose, what the builder did, what came first."""

    external: Fields
    internal: Fields
    first: Fields | None


def _v1(fields: Fields) -> Provenance:
    stated = _Stated()
    definition = fields.needed_object("buildDefinition")
    kind = definition.text("buildType") or ""
    parameters = _parameters(definition, "externalParameters")
    dependencies = definition.objects("resolvedDependencies", MAX_MATERIALS)
    internal = definition.object("internalParameters")
    reader = _CONTAINER_BASED if kind.startswith(_CONTAINER_BASED) else kind
    if reader in _READERS:
        parts = _Definition(
            external=Fields(parameters, definition.where("externalParameters")),
            internal=internal or Fields({}, definition.where("internalParameters")),
            first=next(iter(dependencies), None),
        )
        _READERS[reader](stated, parts)
    return _provenance(fields.needed_object("runDetails"), kind, stated, parameters)


def _github(stated: _Stated, parts: _Definition) -> None:
    workflow = parts.external.object("workflow")
    if workflow is not None:
        stated.add_source(workflow.text("repository"))
        stated.add_ref(workflow.text("ref"))
        stated.add_workflow(workflow.text("path"))
    stated.add_material(parts.first)
    github = parts.internal.object("github")
    if github is not None:
        stated.add("build-trigger", github.text("event_name"))
        stated.add("runner-environment", github.text("runner_environment"))


def _delegator(stated: _Stated, parts: _Definition) -> None:
    stated.add_material(parts.first)
    stated.add_github(parts.internal, _RUNNER_NAMES)


def _container_based(stated: _Stated, parts: _Definition) -> None:
    stated.add_material(parts.external.object("source"))
    _delegator(stated, parts)


def _buildkit(stated: _Stated, parts: _Definition) -> None:
    stated.add_material(parts.external.object("configSource"))


_READERS: dict[str, Callable[[_Stated, _Definition], None]] = {
    **dict.fromkeys(GITHUB_TYPES, _github),
    DELEGATOR: _delegator,
    _CONTAINER_BASED: _container_based,
    BUILDKIT: _buildkit,
}

_VERSIONS: dict[str, Callable[[Fields], Provenance]] = {V01: _v01, V02: _v02, V1: _v1}


def _parameters(fields: Fields, key: str, *, named: bool = False) -> dict[str, Any]:
    given = fields.get(key)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise MalformedError(f"{fields.where(key)} is not an object")
    if len(strictjson.canonical(given)) > MAX_PARAMETERS:
        raise MalformedError(f"{fields.where(key)} is over {MAX_PARAMETERS} bytes")
    return {key: given} if named else given


def _provenance(
    fields: Fields, build_type: str | None, stated: _Stated, parameters: dict[str, Any]
) -> Provenance:
    builder = fields.needed_object("builder").text("id") or ""  # BuildKit may have none
    base, _, environment = builder.rpartition("/")
    if base == RUNNER:
        stated.add("runner-environment", environment)
    if len(builder) > MAX_TEXT or len(build_type or "") > MAX_TEXT:
        raise MalformedError(f"the builder's id or the build type is over {MAX_TEXT} characters")
    return Provenance(
        builder_id=builder,
        build_type=build_type or "",
        source_repository=stated.first("source-repository"),
        source_ref=stated.first("source-ref"),
        source_digest=stated.first("source-digest"),
        workflow=stated.first("workflow"),
        build_trigger=stated.first("build-trigger"),
        runner_environment=stated.first("runner-environment"),
        external_parameters=parameters,
        conflicts=stated.conflicts,
    )
