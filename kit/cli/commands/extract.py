"""`extract`: check a pack, then write what passed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from kit.cli.showing import show, tell_left
from kit.cli.status import Status, of_report
from kit.report import json as json_report
from kit.report import text as text_report

if TYPE_CHECKING:
    from kit.model import Report
    from kit.pack.reader import Pack


def extract(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="The pack.")],
    policy: Policy,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where to write what passed.")],
    trust_roots: TrustRoots = None,
    trusted_root: TrustedRoot = None,
    at: At = None,
    only: Only = None,
    memory: MemoryFolder = None,
    no_memory: NoMemory = False,
    read_only_memory: ReadOnlyMemory = False,
    accept_rollback: AcceptRollback = False,
    jobs: Jobs = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Check a pack, then write only the files that passed.

    Images stay in the pack: `export --as oci` and `push` hand them on. What is written is what
    was hashed: every byte is hashed again on its way. Nothing is written over; an artifact that
    failed is not written at all.
    """
    from kit.cli import checking, remembering  # noqa: PLC0415 - loads what reads policies
    from kit.export import files  # noqa: PLC0415

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
    written: list[str] = []

    def then(opened: Pack, report: Report) -> None:
        written.extend(files.extract(opened, report, to))

    judged = checker.judge(pack, then)
    status = of_report(judged)
    result = json_report.succeeded(judged, status, pack.name) | {"written": written}
    show("extract", status, [result], text_report.render(judged), output_format)
    terminal.say(f"{len(written)} artifacts written to {to}")
    tell_left(files.images(judged))
    return status
