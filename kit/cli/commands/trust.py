"""`trust`: the anchors of this host; what they are, what changes, and how to renew them."""

from __future__ import annotations

import typer

from kit.cli import environment
from kit.cli.options import At, Format, OutputFormat, TrustRoots
from kit.cli.showing import show as print_result
from kit.cli.status import Status

app = typer.Typer(
    name="trust",
    rich_markup_mode=None,
    help="What this host trusts: look at it, compare it, renew it by stick or by network.",
)


@app.command()
def show(
    trust_roots: TrustRoots = None,
    at: At = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Show every anchor in every place: where it is from, every key in it, and what ends when.

    Of a file that several places have, the first place wins; a later one that has a newer
    file is named. Fingerprints are SHA-256, in groups to be read aloud.

    Ends with 0 whenever every anchor loads, expired or not; with 4 when one does not: it is
    named, and the rest is shown.

    Next: `airgap-kit trust import PACK` renews them offline, `airgap-kit trust update` online.
    """
    from kit.cli import trusting  # noqa: PLC0415 - loads what reads keys
    from kit.report import anchors as report  # noqa: PLC0415

    moment = environment.as_of(at)
    found = trusting.held(trust_roots)
    status = trusting.status_of(found)
    result = trusting.shown(found, moment)
    print_result("trust show", status, [result], report.text(found, moment), output_format)
    return status
