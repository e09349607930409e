"""Lint a release file for the command line, and show what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from kit.cli import environment
from kit.cli.status import Status
from kit.errors import AnchorError, UsageError
from kit.formats.release_file import ReleaseFile
from kit.model import Finding, Level
from kit.policy.lint import lint as find
from kit.report import json as json_report
from kit.report import text as text_report
from kit.trust import anchors


def lint(
    release: ReleaseFile, at: datetime, trust_roots: Path | None, trusted_root: Sequence[str]
) -> tuple[Finding, ...]:
    """Return what there is to say about a release file.

    Which instances have no log is known only of those whose trusted root this host has.
    """
    return find(release, at, frozenset(_logless(release, trust_roots, trusted_root)))


def _logless(
    release: ReleaseFile, trust_roots: Path | None, trusted_root: Sequence[str]
) -> Iterator[str]:
    _refuse_others(release, trusted_root)
    places = environment.anchor_places(trust_roots)
    for instance in release.instances:
        mine = [each for each in trusted_root if each.startswith(f"{instance}=") or "=" not in each]
        try:
            found = anchors.find([instance], places, mine)
        except AnchorError:
            continue  # a file can be looked at where nothing can be checked
        if not found[instance].root.lists_tlogs:
            yield instance


def _refuse_others(release: ReleaseFile, trusted_root: Sequence[str]) -> None:
    for given in trusted_root:
        name, named, _ = given.partition("=")
        if named and name not in release.instances:
            known = ", ".join(release.instances) or "none"
            raise UsageError(f"--trusted-root {name}=...: the file names {known}, not {name!r}")


def status_of(found: Sequence[Finding]) -> Status:
    """Return the status of a lint: only warnings make it fail."""
    warned = any(finding.level is not Level.NOTE for finding in found)
    return Status.DOES_NOT_HOLD if warned else Status.HOLDS


def text(release: ReleaseFile, found: Sequence[Finding]) -> str:
    """Return what was found for people."""
    notes = sum(finding.level is Level.NOTE for finding in found)
    summary = f"{len(found) - notes} warnings, {notes} notes: {release.name} {release.version}"
    return text_report.render_findings(found) + f"{summary}\n"


def result(release: ReleaseFile, found: Sequence[Finding]) -> dict[str, Any]:
    """Return what was found for machines."""
    return {
        "pack": None,
        "status": int(status_of(found)),
        "error": None,
        "report": None,
        "linted": {
            "release": {"name": release.name, "version": release.version},
            "policy-sha256": release.sha256,
            "findings": [json_report.render_finding(finding) for finding in found],
        },
    }
