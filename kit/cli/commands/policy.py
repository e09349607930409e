"""`policy lint` and `policy init`: help with writing a release file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kit.cli import environment, terminal
from kit.cli.options import At, Format, Jobs, OutputFormat, TrustedRoot, TrustRoots
from kit.cli.showing import show
from kit.cli.status import Status

app = typer.Typer(
    name="policy",
    rich_markup_mode=None,
    help="Help with writing a release file: draft one, or find what is weak in one.",
)


@app.command()
def lint(
    release: Annotated[
        Path, typer.Argument(metavar="RELEASE.toml", help="The release file to look at.")
    ],
    trust_roots: TrustRoots = None,
    trusted_root: TrustedRoot = None,
    at: At = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Warn of what is weak, void or impossible in a release file that is otherwise right.

    Each warning names the key, says what could happen, and what to write instead:

        warning: lint.regexp-open: signers.release.identity-regexp: it also matches
        workflows of other owners: https://github.com/acme-evil/tool/...

    Ends with 1 when it warns, with 0 when it does not (notes are advice), with 2 when the
    file is wrong. It looks at the file alone: a file without warnings can still be too
    weak for you, and what a regexp matches besides is found by trying.

    Next: `airgap-kit collect RELEASE.toml`.
    """
    from kit.cli import linting  # noqa: PLC0415

    read = environment.read_release(release)
    found = linting.lint(read, environment.as_of(at), trust_roots, trusted_root or ())
    status = linting.status_of(found)
    show(
        "policy lint",
        status,
        [linting.result(read, found)],
        linting.text(read, found),
        output_format,
    )
    return status


@app.command()
def init(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="The pack to draft from.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where to write it; never over another file."
        ),
    ] = None,
    trust_roots: TrustRoots = None,
    trusted_root: TrustedRoot = None,
    at: At = None,
    jobs: Jobs = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Draft a release file from what a pack's evidence shows, under this host's anchors.

        airgap-kit policy init tool-1.0.pack.tar -o tool.toml

    It is a draft and approves nothing: whoever made the pack chose what is in it. Each line says
    where it was seen and how strong it is; what nothing verified shows is commented out. The
    line `expires = 1970-01-01` makes `check` refuse it until somebody has read it all and
    taken that line out.

    Ends with 0 when some evidence was verified, with 6 when none was: the draft then only has
    the names of the files, and digests to compare with what their publisher says.

    Next: read it, edit it, and run `airgap-kit policy lint RELEASE.toml`.
    """
    from kit.cli import drafting  # noqa: PLC0415 - loads what verifies

    if output is not None:
        drafting.refuse_taken(output)
    drafted = drafting.draft(pack, trust_roots, trusted_root or (), environment.as_of(at), jobs)
    if output is not None:
        drafting.write(output, drafted.text)
    show(
        "policy init",
        drafted.status,
        [drafting.result(pack.name, drafted, output)],
        drafted.text if output is None else "",
        output_format,
    )
    if output is not None:
        terminal.say(f"draft written: {output}; nobody has approved it")
    return drafted.status
