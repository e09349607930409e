"""Whether a build was what a rule demands: by the certificate and by SLSA provenance alike.

The certificate authority vouches for what the certificate says; the signer alone for what
the predicate says. A rule's value must be what *each* of them says, wherever it says
anything, and one of them must say it: a rule on a fact that nobody states is missed.
All comparisons are exact; letter case counts, and a miss by case alone says so.

====================  ========================================  =============================
rule                  Fulcio certificate                        provenance
====================  ========================================  =============================
source-repository     Source Repository URI, or (GitHub's       source repository
                      issuer) GitHub Workflow Repository
source-ref            Source Repository Ref, GitHub Workflow    source ref
                      Ref
source-digest         Source Repository Digest, GitHub          commit
                      Workflow SHA
build-trigger         Build Trigger, GitHub Workflow Trigger    trigger
runner-environment    Runner Environment                        runner environment
signer-workflow       SAN                                       (nothing)
builder-id            Build Signer URI, or a workflow's SAN     builder id
external-parameters   (nothing)                                 external parameters
====================  ========================================  =============================

*Builder ids.* ``builder-id`` is the whole id, or, where the rule's has no ``@``, the part
before it (as slsa-verifier has it). What a predicate calls its builder is of four kinds:

* a workflow (``…/.github/workflows/f.yml@ref``): the job's, which is the Build Signer URI.
  Both must be the rule's, and each other's.
* a workflow for which slsa-github-generator's *delegator* vouches: the certificate is the
  delegator's, the id that of whoever called it (BYOB). Only the provenance is compared, and
  only under a certificate of a delegator at a tag; ``signer`` pins that.
* GitHub's runner (npm): ``https://github.com/actions/runner/ENVIRONMENT``, which the
  certificate states as Runner Environment. Older npm left the environment out: such an id
  meets a rule as it is, and with the certificate's environment appended.
* anything else (a GitLab runner, a run of BuildKit): the certificate says nothing about it.

An empty id, which BuildKit may write, says nothing: then the certificate alone is asked.

*Agreement.* A provenance that contradicts its own certificate, or itself, misses every rule
(``provenance.disagrees``). Compared are repository, ref, commit, trigger and runner with
the extensions of the table, the builder as above, and the workflow that was started with
Build Config URI. With a reusable workflow the Build Signer URI and the SAN are of its
repository, everything else of the repository that was built.

*Shared builders.* A certificate whose workflow lies outside the source repository says that
somebody used a public workflow. Anyone can. Without source-repository and a ref in the
rule such a claim is ``policy.shared-builder``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kit.formats import provenance as slsa
from kit.formats import strictjson
from kit.formats.rules import BuildRule
from kit.model import Claim
from kit.model.predicates import Provenance, Unreadable
from kit.policy.miss import Miss

GITHUB = "https://github.com"
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"

_WORKFLOWS = "/.github/workflows/"
_GENERATOR = f"{GITHUB}/slsa-framework/slsa-github-generator/"
_DELEGATORS = tuple(
    f"{_GENERATOR.removesuffix('/')}{_WORKFLOWS}{name}.yml@refs/tags/v"
    for name in ("delegator_generic_slsa3", "delegator_lowperms-generic_slsa3")
)

#: The facts that certificate and provenance both state, and the extensions that do.
_EXTENSIONS = {
    "source-repository": ("source-repository-uri",),
    "source-ref": ("source-repository-ref", "github-workflow-ref"),
    "source-digest": ("source-repository-digest", "github-workflow-sha"),
    "build-trigger": ("build-trigger", "github-workflow-trigger"),
    "runner-environment": ("runner-environment",),
}


@dataclass(frozen=True, slots=True)
class _Said:
    """What one side, named for messages, says of one fact."""

    by: str
    value: str


def misses(rule: BuildRule, claim: Claim) -> tuple[Miss, ...]:
    """Return why a claim does not meet a rule on its build; empty means that it does.

    An empty rule still asks that provenance can be read and agrees with the certificate.
    """
    return (*_misses(rule, claim), *shared(rule, claim))


def shared(rule: BuildRule, claim: Claim) -> tuple[Miss, ...]:
    """Return the miss of a claim by a shared builder where the rule does not say for whom.

    To be asked of every claim by a certificate, whether or not its build matters.
    """
    missing = [
        key
        for key, value in (("source-repository", rule.source_repository), ("source-ref", rule.ref))
        if value is None
    ]
    if not missing or not is_shared(claim):
        return ()
    return (
        Miss(
            "policy.shared-builder",
            f"{signer(claim)} builds for everybody: that it signed says nothing of who asked it to",
            hint=f"add {' and '.join(missing)} to the rule",
        ),
    )


def demands(rule: BuildRule) -> bool:
    """Say whether a rule asks for anything."""
    return rule != BuildRule()


def is_workflow(wanted: str, subject: str) -> bool:
    """Compare ``[HOST/]OWNER/REPO/PATH[@REF]`` with a workflow's URL, up to its whole ref."""
    workflow, at, ref = wanted.removeprefix("https://").partition("@")
    if "." not in workflow.split("/")[0]:
        workflow = f"github.com/{workflow}"
    actual, _, actual_ref = subject.removeprefix("https://").partition("@")
    return (
        subject.startswith("https://")
        and actual == workflow
        and bool(actual_ref)
        and (not at or actual_ref == ref)
    )


def certified(claim: Claim, fact: str) -> tuple[str, ...]:
    """Return every value that the certificate has for a fact of a rule, without repeats."""
    facts = claim.identity.facts
    found = [facts[name] for name in _EXTENSIONS[fact] if name in facts]
    path = facts.get("github-workflow-repository")
    if fact == "source-repository" and path and claim.identity.issuer == GITHUB_ISSUER:
        found.append(f"{GITHUB}/{path}")
    return tuple(dict.fromkeys(found))


def signer(claim: Claim) -> str | None:
    """Return the URL of what the certificate was issued to: a workflow, or another builder."""
    uri = claim.identity.facts.get("build-signer-uri")
    if (
        uri is None
        and claim.identity.subject_type == "uri"
        and _WORKFLOWS in claim.identity.subject
    ):
        return claim.identity.subject
    return uri


def provenance(claim: Claim) -> Provenance | None:
    """Return the provenance that a claim carries."""
    return claim.predicate if isinstance(claim.predicate, Provenance) else None


def _misses(rule: BuildRule, claim: Claim) -> Iterator[Miss]:
    if isinstance(claim.predicate, Unreadable) and claim.predicate_type in slsa.TYPES:
        yield Miss(claim.predicate.code, f"its provenance is malformed: {claim.predicate.message}")
    for fact, wanted in (
        ("source-repository", rule.source_repository),
        ("source-ref", rule.ref),
        ("source-digest", rule.source_digest),
        ("runner-environment", rule.runner_environment),
    ):
        if wanted is not None:
            yield from _one(fact, (wanted,), _said(claim, fact))
    if rule.build_trigger:
        yield from _one("build-trigger", rule.build_trigger, _said(claim, "build-trigger"))
    if rule.builder_id is not None:
        yield from _builder(rule.builder_id, claim)
    if rule.signer_workflow is not None and not is_workflow(
        rule.signer_workflow, claim.identity.subject
    ):
        yield Miss(
            "policy.signer-workflow",
            f"it was signed by {claim.identity.subject}, not by {rule.signer_workflow}",
        )
    if rule.external_parameters is not None:
        yield from _external_parameters(rule, claim)
    yield from _disagreements(claim)


def _said(claim: Claim, fact: str) -> list[_Said]:
    found = [_Said("certificate", value) for value in certified(claim, fact)]
    built = provenance(claim)
    stated = None if built is None else getattr(built, fact.replace("-", "_"))
    return found if stated is None else [*found, _Said("provenance", stated)]


def _one(key: str, wanted: tuple[str, ...], said: list[_Said]) -> Iterator[Miss]:
    """Yield a miss unless somebody says something, and everybody one of what is wanted."""
    expected = " or ".join(wanted)
    if not said:
        yield Miss(f"policy.{key}", f"nothing says its {key}, which must be {expected}")
    for each in said:
        if each.value not in wanted:
            yield Miss(
                f"policy.{key}",
                f"its {key} is {each.value} by its {each.by}, not {expected}"
                + _by_case(each.value, wanted),
            )
            return


def _by_case(found: str, wanted: tuple[str, ...]) -> str:
    alike = found.lower() in [value.lower() for value in wanted]
    return " (only upper and lower case differ)" if alike else ""


def _builder(wanted: str, claim: Claim) -> Iterator[Miss]:
    said = []
    built, by_certificate = provenance(claim), signer(claim)
    if built is not None and not built.builder_id:
        built = None
    if by_certificate is not None and (built is None or _comparable(built, by_certificate)):
        said.append(_Said("certificate", by_certificate))
    if built is not None:
        exact = built.builder_id == wanted
        said.append(_Said("provenance", wanted if exact else _whole_id(built.builder_id, claim)))
    if "@" not in wanted:
        said = [_Said(each.by, each.value.partition("@")[0]) for each in said]
    yield from _one("builder-id", (wanted,), said)


def _comparable(built: Provenance, by_certificate: str) -> bool:
    """Say whether a predicate's builder is what the certificate was issued to, or must be."""
    return _WORKFLOWS in built.builder_id and not (
        built.build_type == slsa.DELEGATOR and by_certificate.startswith(_DELEGATORS)
    )


def _whole_id(builder: str, claim: Claim) -> str:
    environments = certified(claim, "runner-environment")
    if builder == slsa.RUNNER and environments:
        return f"{builder}/{environments[0]}"
    return builder


def _external_parameters(rule: BuildRule, claim: Claim) -> Iterator[Miss]:
    code = "policy.external-parameters"
    built = provenance(claim)
    if built is None:
        yield Miss(code, "nothing says its external parameters: it carries no provenance")
        return
    wanted, found = dict(rule.external_parameters or {}), built.external_parameters
    differing = sorted(
        key
        for key in wanted.keys() | found.keys()
        # As JSON: Python's 1, 1.0 and True are equal, and those of a build are not.
        if (key in wanted) != (key in found)
        or strictjson.canonical(wanted[key]) != strictjson.canonical(found[key])
    )
    if differing:
        named = ", ".join(key[:80] for key in differing[:5])
        yield Miss(code, f"its external parameters are others than demanded, in: {named}")


def _disagreements(claim: Claim) -> Iterator[Miss]:
    built = provenance(claim)
    if built is None:
        return
    code = "provenance.disagrees"
    for fact in built.conflicts:
        yield Miss(code, f"its provenance states its {fact} in two ways")
    for fact in _EXTENSIONS:
        stated = getattr(built, fact.replace("-", "_"))
        for value in certified(claim, fact):
            if stated is not None and stated != value:
                yield Miss(
                    code,
                    f"its {fact} is {stated} by its provenance and {value} by its certificate"
                    + _by_case(stated, (value,)),
                )
                break
    by_certificate = signer(claim)
    if (
        by_certificate is not None
        and _comparable(built, by_certificate)
        and built.builder_id != by_certificate
    ):
        yield Miss(
            code,
            f"its builder is {built.builder_id} by its provenance and {by_certificate} by its "
            "certificate" + _by_case(built.builder_id, (by_certificate,)),
        )
    started = claim.identity.facts.get("build-config-uri", "").partition("@")[0]
    if started and built.workflow and built.source_repository:
        stated = f"{built.source_repository}/{built.workflow}"
        if stated != started:
            yield Miss(
                code,
                f"its workflow is {stated} by its provenance and {started} by its certificate"
                + _by_case(stated, (started,)),
            )


def is_shared(claim: Claim) -> bool:
    """Say whether the certificate's workflow lies outside the repository that was built."""
    uri = signer(claim)
    if uri is None:
        return False
    built = provenance(claim)
    sources = certified(claim, "source-repository")
    if not sources and built is not None and built.source_repository:
        sources = (built.source_repository,)
    if not sources:  # nothing says for whom; of one it is known that it is for everybody
        return uri.lower().startswith(_GENERATOR)
    # Hosts of workflows take names in any case, so case alone makes no other repository.
    return any(not uri.lower().startswith(f"{source.lower()}/") for source in sources)
