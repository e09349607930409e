"""Signers: who they are, whether they can exist, and whether anything rests on them."""

from __future__ import annotations

from collections.abc import Iterator

from kit.formats.release_file import ReleaseFile
from kit.formats.rules import Denied, Signer
from kit.model import Finding
from kit.policy.lint import identities, regexps
from kit.policy.lint.identities import Workflow
from kit.policy.lint.remark import Use, by, warning
from kit.policy.lint.wider import Narrowed


def findings(release: ReleaseFile) -> Iterator[Finding]:
    """Yield what there is to say about each ``[signers.NAME]``."""
    for signer in release.signers.values():
        path = f"signers.{signer.name}"
        uses = by(signer, release)
        if signer not in (*release.used_signers, *release.sealers):
            yield warning(
                "lint.unused-signer",
                path,
                "no requirement names this signer: what it signs proves nothing here",
                f'name it: signer = "{signer.name}", or take it out',
            )
        yield from _denied(path, signer, release.terms.denied)
        if signer.identity is None and signer.identity_regexp is None:
            continue
        yield from _issuer(path, signer)
        if signer.identity is not None:
            yield from _identity(path, signer, signer.identity, uses)
        yield from regexps.findings(path, signer, release.version, _narrowed(uses))


def _narrowed(uses: tuple[Use, ...]) -> Narrowed:
    builds = [use.requirement.build for use in uses]
    return Narrowed(
        repository=bool(builds) and all(build.source_repository for build in builds),
        workflow=bool(builds) and all(build.signer_workflow for build in builds),
        ref=bool(builds) and all(build.ref for build in builds),
    )


def _denied(path: str, signer: Signer, denied: Denied) -> Iterator[Finding]:
    given = signer.identity if signer.identity is not None else signer.openpgp
    among = denied.keys if signer.openpgp is not None else denied.identities
    pattern = signer.identity_regexp
    by_pattern = pattern is not None and len(denied.identities) > 0 and _all_denied(signer, denied)
    if given in among or by_pattern:
        yield warning(
            "lint.denied-signer",
            path,
            "the deny-list names this signer: whatever it signs fails",
            "take it out of `deny`, or take the signer out",
        )


def _all_denied(signer: Signer, denied: Denied) -> bool:
    """Say whether a plain text written as a regular expression is denied."""
    pattern = signer.identity_regexp.pattern if signer.identity_regexp is not None else ""
    return pattern.replace("\\", "") in denied.identities


def _issuer(path: str, signer: Signer) -> Iterator[Finding]:
    meant = identities.meant(signer.issuer)
    if meant is not None:
        yield warning(
            "lint.issuer",
            f"{path}.issuer",
            f"issuers are compared exactly, and {signer.issuer} is none: nobody meets it",
            f'issuer = "{meant}"',
        )


def _identity(path: str, signer: Signer, identity: str, uses: tuple[Use, ...]) -> Iterator[Finding]:
    path = f"{path}.identity"
    issuer = identities.meant(signer.issuer) or signer.issuer
    parts = identities.workflow(identity)
    if any(character.isspace() for character in identity):
        yield _shape(path, "it has a space, and no identity has", issuer)
    elif "*" in identity:
        yield _shape(path, "`*` is no wildcard here: the identity is compared exactly", issuer)
    elif identities.is_known(issuer) and not identities.fits(issuer, identity):
        yield _shape(path, f"{issuer} vouches for no identity of this form", issuer)
    elif parts is None and identity.startswith(("https://github.com/", "https://gitlab.com/")):
        yield _shape(path, "a workflow's identity has its file and its ref", issuer)
    if parts is not None:
        yield from _ref(path, parts, uses)


def _shape(path: str, why: str, issuer: str) -> Finding:
    return warning(
        "lint.identity-shape",
        path,
        f"{why}: nobody meets it",
        f"identities of this issuer look like {identities.described(issuer)}",
    )


def _ref(path: str, parts: Workflow, uses: tuple[Use, ...]) -> Iterator[Finding]:
    if parts.ref.startswith(("refs/pull/", "refs/merge-requests/")):
        yield warning(
            "lint.pull-request",
            path,
            "anybody may open a pull request, and its workflow then signs as this",
            "name the identity at a tag: …@refs/tags/TAG",
        )
    elif parts.ref.startswith("refs/heads/"):
        narrowed = bool(uses) and all(use.requirement.build.ref for use in uses)
        if not narrowed or is_shared(parts):
            yield warning(
                "lint.branch-ref",
                path,
                "a branch goes on: it signs every later version, and what is merged by mistake",
                "name the identity at a tag (…@refs/tags/TAG), or demand `source-tag`",
            )


def is_shared(parts: Workflow) -> bool:
    """Say whether a workflow is a builder that is known to build for everybody."""
    return parts.repository.lower() in SHARED_BUILDERS


#: Repositories of workflows that any project may call, and many do.
SHARED_BUILDERS = frozenset(
    {
        "https://github.com/slsa-framework/slsa-github-generator",
        "https://github.com/slsa-framework/source-actions",
        "https://github.com/github/artifact-attestations-workflows",
    }
)
