"""One build, as a Fulcio certificate has it and as every builder's SLSA provenance does.

::

    build = Build(ref="refs/tags/v2.0")
    bundle = lab.attest({"tool.tgz": b"…"}, predicate=github(build), **build.signed())
    bundle = lab.attest(files, predicate_type=V02, predicate=generator(build), **build.signed())

What certificate and provenance say agrees, unless one is made of ``replace(build, …)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.lab.extensions import said_of
from tests.lab.order import Options, Order

V01, V02, V1 = (f"https://slsa.dev/provenance/{version}" for version in ("v0.1", "v0.2", "v1"))
GENERATOR = "https://github.com/slsa-framework/slsa-github-generator"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A run of a workflow in a repository; ``signer`` is the job's, which may be elsewhere."""

    repository: str = "https://github.com/acme/tool"
    ref: str = "refs/tags/v1.0"
    commit: str = COMMIT
    workflow: str = ".github/workflows/release.yml"
    trigger: str = "push"
    runner: str = "github-hosted"
    shared: str | None = None
    """The URL of a workflow of another repository that does the job, with its ref."""

    @property
    def path(self) -> str:
        """The repository without its host."""
        return self.repository.split("/", 3)[3]

    @property
    def started(self) -> str:
        """The workflow that the trigger started."""
        return f"{self.repository}/{self.workflow}@{self.ref}"

    @property
    def signer(self) -> str:
        """The workflow that has the job, to which the certificate is issued."""
        return self.shared or self.started

    @property
    def extensions(self) -> dict[str, str | bytes | None]:
        """What Fulcio writes of it."""
        return {
            "github-workflow-trigger": self.trigger,
            "github-workflow-sha": self.commit,
            "github-workflow-repository": self.path,
            "github-workflow-ref": self.ref,
            "build-signer-uri": self.signer,
            "runner-environment": self.runner,
            "source-repository-uri": self.repository,
            "source-repository-digest": self.commit,
            "source-repository-ref": self.ref,
            "source-repository-owner-uri": self.repository.rpartition("/")[0],
            "build-config-uri": self.started,
            "build-config-digest": self.commit,
            "build-trigger": self.trigger,
        }

    def signed(self) -> Options:
        """Return the options of `Lab.attest` for its certificate."""
        return Options(identity=self.signer, extensions=self.extensions)


def of_order(order: Order) -> dict[str, Any]:
    """Return GitHub's provenance of whatever the order's certificate says was built."""
    said = said_of(order.identity, order.issuer) | dict(order.extensions)
    facts = {name: value for name, value in said.items() if isinstance(value, str)}
    if "source-repository-uri" not in facts:
        return {"buildDefinition": {}, "runDetails": {"builder": {"id": ""}}}
    repository = facts["source-repository-uri"]
    build = Build(
        repository=repository,
        ref=facts.get("source-repository-ref", ""),
        commit=facts.get("source-repository-digest", COMMIT),
        workflow=facts.get("build-config-uri", "").removeprefix(f"{repository}/").partition("@")[0],
        trigger=facts.get("build-trigger", ""),
        runner=facts.get("runner-environment", ""),
        shared=facts.get("build-signer-uri"),
    )
    return github(build)


def github(build: Build, **internal: str) -> dict[str, Any]:
    """Return what actions/attest-build-provenance writes; PyPI's publisher does as well."""
    github = {"event_name": build.trigger, "runner_environment": build.runner} | internal
    return _workflow(
        build, "https://actions.github.io/buildtypes/workflow/v1", build.signer, github
    )


def npm(build: Build) -> dict[str, Any]:
    """Return what npm writes on GitHub since SLSA v1."""
    return _workflow(
        build,
        "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
        f"https://github.com/actions/runner/{build.runner}",
        {"event_name": build.trigger},
    )


def _workflow(
    build: Build, build_type: str, builder: str, github: dict[str, str]
) -> dict[str, Any]:
    return {
        "buildDefinition": {
            "buildType": build_type,
            "externalParameters": {
                "workflow": {
                    "ref": build.ref,
                    "repository": build.repository,
                    "path": build.workflow,
                }
            },
            "internalParameters": {"github": github},
            "resolvedDependencies": [
                {
                    "uri": f"git+{build.repository}@{build.ref}",
                    "digest": {"gitCommit": build.commit},
                }
            ],
        },
        "runDetails": {"builder": {"id": builder}},
    }


def npm_v02(build: Build, version: str = "/v2") -> dict[str, Any]:
    """Return what npm wrote on GitHub before: ``/v2``, ``@v1`` and ``@v0``."""
    early = version != "/v2"
    path = f"{build.path}/{build.workflow}@{build.ref}" if early else build.workflow
    uri = f"git+{build.repository}"
    return {
        "buildType": f"https://github.com/npm/cli/gha{version}",
        "builder": {"id": "https://github.com/actions/runner"},
        "invocation": {
            "configSource": {
                "uri": f"{uri}@{build.ref}",
                "digest": {"sha1": build.commit},
                "entryPoint": path,
            },
            "parameters": {},
            "environment": _runner(build),
        },
        "materials": [
            {"uri": uri if early else f"{uri}@{build.ref}", "digest": {"sha1": build.commit}}
        ],
    }


def _runner(build: Build) -> dict[str, Any]:
    kinds = {"refs/tags/": "tag", "refs/heads/": "branch"}
    kind = [kind for folder, kind in kinds.items() if build.ref.startswith(folder)]
    return {
        "GITHUB_EVENT_NAME": build.trigger,
        "GITHUB_REF": build.ref,
        "GITHUB_REF_TYPE": kind[0] if kind else "",
        "GITHUB_REPOSITORY": build.path,
        "GITHUB_RUN_ID": 1,
        "GITHUB_SHA": build.commit,
        "GITHUB_WORKFLOW_REF": f"{build.path}/{build.workflow}@{build.ref}",
    }


def npm_gitlab(build: Build) -> dict[str, Any]:
    """Return what npm writes on GitLab: the commit where others have the ref."""
    source = {"uri": f"git+{build.repository}@{build.commit}", "digest": {"sha1": build.commit}}
    return {
        "buildType": "https://github.com/npm/cli/gitlab/v0alpha1",
        "builder": {"id": f"{build.repository}/-/runners/12270807"},
        "invocation": {
            "configSource": {**source, "entryPoint": "publish"},
            "parameters": {
                "CI_COMMIT_BRANCH": build.ref.removeprefix("refs/heads/"),
                "CI_COMMIT_SHA": build.commit,
                "CI_PIPELINE_SOURCE": build.trigger,
                "CI_PROJECT_URL": build.repository,
            },
            "environment": {"name": "runner", "job": {"id": "1"}},
        },
        "materials": [source],
    }


def generator(build: Build, kind: str = "generic") -> dict[str, Any]:
    """Return what slsa-github-generator writes: ``generic``, ``go`` or ``container``."""
    uri = f"git+{build.repository}@{build.ref}"
    return {
        "buildType": f"{GENERATOR}/{kind}@v1",
        "builder": {"id": build.signer},
        "invocation": {
            "configSource": {
                "uri": uri,
                "digest": {"sha1": build.commit},
                "entryPoint": build.workflow,
            },
            "environment": {
                "github_event_name": build.trigger,
                "github_ref": build.ref,
                "github_ref_type": _runner(build)["GITHUB_REF_TYPE"],
                "github_sha1": build.commit,
            },
        },
        "metadata": {"buildInvocationID": "1-1"},
        "materials": [
            {"uri": uri, "digest": {"sha1": build.commit}},
            {"uri": "https://github.com/actions/virtual-environments/releases/tag/u/1"},
        ],
    }


def delegator(build: Build, builder: str) -> dict[str, Any]:
    """Return what slsa-github-generator's delegator writes for the builder that called it."""
    return {
        "buildDefinition": {
            "buildType": f"{GENERATOR}/delegator-generic@v0",
            "externalParameters": {"inputs": {"content": "hello"}, "vars": {}},
            "internalParameters": _runner(build),
            "resolvedDependencies": [
                {
                    "uri": f"git+{build.repository}@{build.ref}",
                    "digest": {"gitCommit": build.commit},
                }
            ],
        },
        "runDetails": {"builder": {"id": builder}},
    }


def container_based(build: Build) -> dict[str, Any]:
    """Return what slsa-github-generator writes of a build in a container."""
    source = {"uri": f"git+{build.repository}@{build.ref}", "digest": {"sha1": build.commit}}
    image = {"uri": "bash@sha256:9e2b", "digest": {"sha256": "9e" * 32}}
    return {
        "buildDefinition": {
            "buildType": "https://slsa.dev/container-based-build/v0.1?draft",
            "externalParameters": {"source": source, "builderImage": image},
            "internalParameters": _runner(build),
            "resolvedDependencies": [source, image],
        },
        "runDetails": {"builder": {"id": build.signer}},
    }


def buildkit(build: Build, builder: str = "") -> dict[str, Any]:
    """Return what BuildKit writes by default now; its images come before its sources."""
    source = {"uri": f"{build.repository}.git#{build.ref}", "digest": {"sha1": build.commit}}
    return {
        "buildDefinition": {
            "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/"
            "slsa-definitions.md",
            "externalParameters": {
                "configSource": {**source, "path": "Dockerfile"},
                "request": {"frontend": "gateway.v0", "locals": None},
            },
            "internalParameters": {"builderPlatform": "linux/amd64"},
            "resolvedDependencies": [
                {"uri": "pkg:docker/alpine@3.17", "digest": {"sha256": "89" * 32}},
                source,
            ],
        },
        "runDetails": {"builder": {"id": builder}, "metadata": {"invocationID": "rpv7"}},
    }


def buildkit_v02(build: Build, builder: str = "") -> dict[str, Any]:
    """Return what BuildKit wrote before, and still does where it is asked to."""
    source = {"uri": f"{build.repository}.git#{build.ref}:sub", "digest": {"sha1": build.commit}}
    return {
        "buildType": "https://mobyproject.org/buildkit@v1",
        "builder": {"id": builder},
        "invocation": {
            "configSource": {**source, "entryPoint": "Dockerfile"},
            "parameters": {"frontend": "dockerfile.v0", "args": {"target": "release"}},
            "environment": {"platform": "linux/amd64"},
        },
        "materials": [{"uri": "pkg:docker/alpine@3.17", "digest": {"sha256": "89" * 32}}, source],
    }


def workflow_v02(build: Build) -> dict[str, Any]:
    """Return provenance v0.2 as a workflow writes it of itself, for `cosign attest`."""
    source = {"uri": f"git+{build.repository}@{build.ref}", "digest": {"sha1": build.commit}}
    return {
        "buildType": "https://github.com/Attestations/GitHubActionsWorkflow@v1",
        "builder": {"id": build.signer},
        "invocation": {"configSource": {**source, "entryPoint": build.workflow}},
        "materials": [source],
    }


def oldest(build: Build) -> dict[str, Any]:
    """Return provenance v0.1, whose recipe says which of its materials it comes from."""
    return {
        "builder": {"id": build.signer},
        "recipe": {
            "type": "https://github.com/Attestations/GitHubActionsWorkflow@v1",
            "definedInMaterial": 1,
            "entryPoint": build.workflow,
            "arguments": {"target": "release"},
        },
        "materials": [
            {"uri": "pkg:docker/alpine@3.17", "digest": {"sha256": "89" * 32}},
            {"uri": f"git+{build.repository}@{build.ref}", "digest": {"sha1": build.commit}},
        ],
    }
