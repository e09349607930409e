"""The commands, a module each: it reads its arguments, runs a walk, prints, returns a status."""

from __future__ import annotations

from typing import Annotated

import typer

from kit import __version__
from kit.cli import terminal
from kit.cli.commands import (
    check,
    collect,
    custody,
    export,
    extract,
    inspect,
    policy,
    push,
    trust,
    verify,
)

_HELP = """Carry a release across an air gap, and prove there, offline, that it is the right one.

Online: `airgap-kit collect RELEASE.toml` writes NAME-VERSION.pack.tar.

Offline: `airgap-kit check PACK --policy RELEASE.toml` prints PASS, or why not.

The policy is this host's own copy of the release file, come by another way than the pack.
Start with `airgap-kit collect --help`, or with the example in the README.

Exit status: 0 everything holds; 1 something does not; 2 wrong usage; 3 the pack is damaged;
4 no usable trust anchor; 5 the machine failed; 6 nothing was verified.
"""

app = typer.Typer(
    name="airgap-kit",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=_HELP,
)
for command in (
    collect.collect,
    check.check,
    extract.extract,
    export.export,
    push.push,
    verify.verify,
    inspect.inspect,
):
    app.command()(command)
app.add_typer(policy.app)
app.add_typer(trust.app)
app.add_typer(custody.app)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer's signature
    if wanted:
        terminal.result(f"airgap-kit {__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
    _debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    """Take the options that stand before a command; --debug is read by main."""
