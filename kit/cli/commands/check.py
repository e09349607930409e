"""`check`: the offline verdict on packs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kit.cli import environment, terminal
from kit.cli.options import (
    AcceptRollback,
    At,
    Format,
    Jobs,
    MemoryFolder,
    NoMemory,
    Only,
    OutputFormat,
    Policy,
    ReadOnlyMemory,
    TrustedRoot,
    TrustRoots,
)
from kit.cli.showing import show
from kit.cli.status import Status, of_error, of_report, worst
from kit.errors import KitError
from kit.report import json as json_report
from kit.report import text as text_report
from kit.report.escape import plain


def check(
    packs: Annotated[list[Path], typer.Argument(metavar="PACK...", help="The packs to check.")],
    policy: Policy,
    trust_roots: TrustRoots = None,
    trusted_root: TrustedRoot = None,
    at: At = None,
    only: Only = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write report.txt and report.json here.")
    ] = None,
    memory: MemoryFolder = None,
    no_memory: NoMemory = False,
    read_only_memory: ReadOnlyMemory = False,
    accept_rollback: AcceptRollback = False,
    jobs: Jobs = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Verify packs offline: every hash, every signature, under this host's policy and anchors.

    Opens no connection, and writes nothing but --report and, after a PASS, its memory. PASS
    means: every artifact that the policy names is there, is bound to its name and version, and
    every requirement is met by evidence that holds under an anchor this host already had.

    Next: `airgap-kit extract PACK --policy RELEASE.toml --to DIR` writes what passed.
    """
    from kit.cli import checking, remembering  # noqa: PLC0415 - loads what reads policies

    checker = checking.prepare(
        environment.read_release(policy),
        checking.Anchors(trust_roots=trust_roots, trusted_root=trusted_root or ()),
        environment.as_of(at),
        only or (),
        jobs,
        memory=remembering.Options(
            folder=memory,
            off=no_memory,
            read_only=read_only_memory,
            accept_rollback=accept_rollback,
            at=at,
        ),
    )
    results: list[dict[str, Any]] = []
    texts: list[str] = []
    statuses: list[Status] = []
    for path in packs:
        try:
            judged = checker.judge(path)
        except KitError as error:
            status = of_error(error)
            terminal.complain(error, status, path.name)
            results.append(json_report.failed(error, status, path.name))
        else:
            status = of_report(judged)
            heading = f"{plain(path.name)}\n" if len(packs) > 1 else ""
            texts.append(heading + text_report.render(judged))
            results.append(json_report.succeeded(judged, status, path.name))
        statuses.append(status)
    overall = worst(statuses)
    if report is not None:  # first: what is printed is then the only document
        _write_report(report, "check", overall, results, "".join(texts))
    show("check", overall, results, "".join(texts), output_format)
    return overall


def _write_report(
    folder: Path, command: str, status: Status, results: list[dict[str, Any]], text: str
) -> None:
    document = json_report.document(command, status, results)
    environment.write_new(folder, {"report.json": document, "report.txt": text})
