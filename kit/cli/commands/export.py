"""`export`: check a pack, then lay out what passed for the tools that will use it."""

from __future__ import annotations

from enum import StrEnum
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
from kit.errors import UsageError
from kit.report import json as json_report
from kit.report import text as text_report

if TYPE_CHECKING:
    from kit.model import Report
    from kit.pack.reader import Pack


class As(StrEnum):
    """The forms in which what passed can be laid out."""

    OCI = "oci"
    FILES = "files"
    PINS = "pins"
    PYPI = "pypi"
    NPM = "npm"


def export(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="The pack.")],
    policy: Policy,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where to write what passed.")],
    form: Annotated[
        As,
        typer.Option(
            "--as",
            metavar="FORM",
            help="oci: an image layout with all verified evidence, for skopeo, oras, crane and "
            "`docker load`. files: as extract does. pins: digests for pip, images and npm.",
        ),
    ],
    unverified_evidence: Annotated[
        bool,
        typer.Option(
            "--unverified-evidence",
            help="Of images, also hand on evidence of which nothing was verified.",
        ),
    ] = False,
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
    """Check a pack, then lay out what passed, and nothing else.

    What is written is what was hashed: every byte is hashed again on its way. Nothing is
    written over; an artifact that failed is not written at all.
    """
    from kit.cli import checking, remembering  # noqa: PLC0415 - loads what reads policies

    if form in (As.PYPI, As.NPM):
        raise UsageError(
            f"--as {form.value} is not offered by this version yet",
            hint="--as files writes the files, --as pins what pins them",
        )
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
        written.extend(_write(form, opened, report, to, unverified=unverified_evidence))

    judged = checker.judge(pack, then)
    status = of_report(judged)
    result = json_report.succeeded(judged, status, pack.name) | {"written": written}
    show("export", status, [result], text_report.render(judged), output_format)
    terminal.say(f"{len(written)} written to {to}: {', '.join(written[:10]) or 'nothing passed'}")
    if form is As.FILES:
        from kit.export import files  # noqa: PLC0415

        tell_left(files.images(judged))
    return status


def _write(form: As, pack: Pack, report: Report, to: Path, *, unverified: bool) -> tuple[str, ...]:
    from kit.export import files, oci, pins  # noqa: PLC0415 - loads what reads packs

    if form is As.FILES:
        return files.extract(pack, report, to)
    if form is As.PINS:
        return pins.write(pack, report, to)
    made = oci.write(pack, report, to, unverified=unverified)
    for name, why in made.left_out:
        terminal.say(f"left out: {name}: {why} (--unverified-evidence takes it along)")
    return made.names
