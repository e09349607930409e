"""`inspect`: what a pack says it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kit.cli.options import Format, OutputFormat
from kit.cli.showing import show
from kit.cli.status import Status


def inspect(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="The pack.")],
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Show what a pack says it holds. Verifies nothing.

    Next: `airgap-kit check PACK --policy RELEASE.toml`.
    """
    from kit.cli import inspecting  # noqa: PLC0415

    text, result = inspecting.inspect(pack)
    show("inspect", Status.HOLDS, [result], text, output_format)
    return Status.HOLDS
