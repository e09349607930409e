"""Single requirements: builds, documents, logs, and what can never be met."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from kit.formats.release_file import ReleaseFile
from kit.formats.rules import Requirement, ScanRule
from kit.model import Finding
from kit.policy.builds import GITHUB_ISSUER
from kit.policy.lint import identities, regexps
from kit.policy.lint.identities import Workflow
from kit.policy.lint.remark import Use, note, uses, warning
from kit.policy.lint.signers import is_shared

_PROVENANCE = "https://slsa.dev/provenance/"
_PULL = ("pull_request", "pull_request_target", "issue_comment", "merge_request_event")
_LONG = timedelta(days=366)
_CLOSE = 0.8
_GENERATOR = r"https://github\.com/slsa-framework/slsa-github-generator/\.github/workflows/[^/@]+@refs/(tags|heads)/[^/@]+"


def findings(release: ReleaseFile, at: datetime, logless: Collection[str]) -> Iterator[Finding]:
    """Yield what there is to say about each requirement.

    ``logless`` are instances whose trusted root, on this host, lists no log.
    """
    for use in uses(release):
        yield from _build(use, release.version)
        yield from _log(use, logless)
        yield from _pinned(use, release)
        yield from _documents(use, at)


# ---- builds -------------------------------------------------------------------------


def _build(use: Use, version: str) -> Iterator[Finding]:
    who = use.requirement.signer
    parts = identities.workflow(who.identity) if who is not None and who.identity else None
    yield from _triggers(use)
    if parts is not None:
        yield from _source(use, parts)
    elif who is not None and who.issuer == GITHUB_ISSUER and regexps.holds(who, _GENERATOR):
        yield from _shared(use, "slsa-github-generator")
    yield from _commit(use, version)


def _triggers(use: Use) -> Iterator[Finding]:
    build = use.requirement.build
    bad = [trigger for trigger in build.build_trigger if trigger in _PULL]
    if bad:
        yield warning(
            "lint.pull-request",
            f"{use.path}.build-trigger",
            f"{bad[0]} lets through what somebody without any right in the repository started",
            'build-trigger = ["push", "release"]',
        )
    if build.ref is not None and build.ref.startswith(("refs/pull/", "refs/merge-requests/")):
        yield warning(
            "lint.pull-request",
            f"{use.path}.source-ref",
            "anybody may open a pull request",
            'source-tag = "TAG"',
        )
    if build.source_branch is not None or (build.ref or "").startswith("refs/heads/"):
        key = "source-ref" if build.source_branch is None else "source-branch"
        if build.source_digest is None:
            yield warning(
                "lint.branch-ref",
                f"{use.path}.{key}",
                "a branch goes on: it is where every later version is built, too",
                'source-tag = "TAG", or add source-digest = "COMMIT"',
            )


def _source(use: Use, parts: Workflow) -> Iterator[Finding]:
    """Compare where the signer's workflow is with where the source must be."""
    build = use.requirement.build
    repository = build.source_repository
    if is_shared(parts):
        yield from _shared(use, parts.name)
        return
    if repository is not None and repository != parts.repository:
        if _alike(repository, parts.repository):
            yield warning(
                "lint.source-mismatch",
                f"{use.path}.source-repository",
                f"the signer's workflow is of {parts.repository}: this looks like a misspelling, "
                "and is compared exactly",
                f'source-repository = "{parts.repository}"',
            )
        else:
            yield from _shared(use, parts.name)
    elif build.ref is not None and build.ref != parts.ref:
        key = "source-tag" if build.source_tag is not None else "source-ref"
        key = key if build.source_branch is None else "source-branch"
        yield warning(
            "lint.source-mismatch",
            f"{use.path}.{key}",
            f"the signer's identity is at {parts.ref}, this is {build.ref}: no build is at both",
            f"write the same ref here and in signers.{_signer_name(use.requirement)}.identity",
        )


def _signer_name(requirement: Requirement) -> str:
    return requirement.signer.name if requirement.signer is not None else ""


def _alike(one: str, other: str) -> bool:
    """Say whether two repositories differ like a misspelling, or by the owner's fork."""
    if one.lower() == other.lower():
        return True
    if one.rpartition("/")[2] == other.rpartition("/")[2]:
        return True
    return difflib.SequenceMatcher(None, one[-200:], other[-200:]).ratio() > 1 - (1 - _CLOSE) / 2


def _shared(use: Use, builder: str) -> Iterator[Finding]:
    build = use.requirement.build
    missing = [
        key
        for key, given in (
            ("source-repository", build.source_repository),
            ("source-tag", build.ref),
        )
        if given is None
    ]
    if missing:
        yield warning(
            "lint.shared-builder",
            use.path,
            f"{builder} signs for whoever calls it: without {' and '.join(missing)} evidence of "
            "any project would do, and the check refuses it",
            " and ".join(_EXAMPLES[key] for key in missing),
        )


_EXAMPLES = {
    "source-repository": 'source-repository = "https://github.com/OWNER/REPOSITORY"',
    "source-tag": 'source-tag = "TAG"',
}


def _commit(use: Use, version: str) -> Iterator[Finding]:
    wanted = use.requirement
    build = wanted.build
    if build.source_digest is not None or wanted.digest is not None:
        return
    hint = 'source-digest = "COMMIT", 40 hex digits, from the repository itself'
    if demands_provenance(wanted):
        yield warning(
            "lint.no-source-digest",
            use.path,
            "no commit is named, and a tag can be moved to another: the same file name and version "
            "may then be of other sources",
            hint,
        )
    elif build.source_tag is not None or (build.ref or "").startswith("refs/tags/"):
        yield note(
            "lint.tag-only",
            use.path,
            f"a tag can be moved: what is signed as {version} may be of another commit one day",
            hint,
        )


def demands_provenance(wanted: Requirement) -> bool:
    """Say whether a requirement is about how something was built."""
    by_type = any(
        kind.written == "slsa-provenance" or kind.written.startswith(_PROVENANCE)
        for kind in wanted.predicate_types
    )
    return (
        by_type
        or wanted.build.builder_id is not None
        or (wanted.build.external_parameters is not None)
    )


# ---- logs, digests, at least ----------------------------------------------------------


def _log(use: Use, logless: Collection[str]) -> Iterator[Finding]:
    wanted, who = use.requirement, use.requirement.signer
    if who is None or who.openpgp is not None:
        return
    by_key = who.key is not None or who.npm_keys is not None
    demanded = wanted.log or (wanted.log is None and by_key)
    if by_key and wanted.log is False:
        yield warning(
            "lint.key-unlogged",
            f"{use.path}.log",
            "nothing shows when a key signed that is in no log: whoever steals it signs unseen, "
            "and with any date",
            "leave `log` out, or give a signer by identity",
        )
    elif demanded and who.trusted_root in logless:
        yield warning(
            "lint.no-log",
            f"{use.path}.log",
            f"the trusted root of {who.trusted_root!r} lists no log, so that nothing can be in "
            "one: nobody meets it",
            "log = false" if by_key else "leave `log` out",
        )


def _pinned(use: Use, release: ReleaseFile) -> Iterator[Finding]:
    digest = use.requirement.digest
    if digest is None:
        return
    if digest in release.terms.denied.digests:
        yield warning(
            "lint.denied-digest",
            f"{use.path}.digest",
            "the deny-list has these bytes: what meets it fails",
            "take it out of deny.digests, or pin another",
        )
    if len(use.files) > 1:
        yield warning(
            "lint.one-digest",
            f"{use.path}.digest",
            f"it is about {len(use.files)} files, and each of them must have this digest",
            'say with files = ["NAME"] which one it is',
        )


# ---- SBOMs and scans ------------------------------------------------------------------


def _documents(use: Use, at: datetime) -> Iterator[Finding]:
    sbom, scan = use.requirement.sbom, use.requirement.scan
    if sbom is not None and sbom.minimum_components == 0:
        yield warning(
            "lint.no-components",
            f"{use.path}.sbom.minimum-components",
            "an SBOM that lists nothing would do",
            "leave it out (1), or write about how many there are",
        )
    if scan is not None:
        yield from _scan(use, scan, at)


def _scan(use: Use, scan: ScanRule, at: datetime) -> Iterator[Finding]:
    path = f"{use.path}.scan"
    if scan.allow_unknown:
        yield warning(
            "lint.allow-unknown",
            f"{path}.allow-unknown",
            "a result whose severity the scanner does not know passes, however bad it is",
            "leave it out, and list the results you looked at under `exceptions`",
        )
    if not use.requirement.every:
        yield warning(
            "lint.not-every-scan",
            f"{use.path}.every",
            "one old scan without results outweighs every newer one that has some",
            "leave `every` out",
        )
    if scan.max_age is None:
        yield note(
            "lint.scan-age",
            path,
            "a scan of any age will do, also one from before anything was known",
            'max-age = "30d", and max-database-age',
        )
    for number, exception in enumerate(scan.exceptions):
        where = f"{path}.exceptions[{number}].expires"
        if exception.expires <= at:
            yield warning(
                "lint.exception-expired",
                where,
                f"{exception.id} is accepted no longer: the exception does nothing",
                "look at it again, then set a new date or take it out",
            )
        elif exception.expires - at > _LONG:
            yield warning(
                "lint.exception-long",
                where,
                f"{exception.id} stays accepted for over a year, when nobody knows why any more",
                "set a date within a year",
            )
