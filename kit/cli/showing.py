"""Print what a command came to, for people or for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.cli import terminal
from kit.cli.options import Format
from kit.cli.status import Status
from kit.report import json as json_report


def show(
    command: str,
    status: Status,
    results: Sequence[dict[str, Any]],
    text: str,
    output_format: Format,
) -> None:
    """Print ``text``, or the document of ``results`` where JSON is asked for."""
    if output_format is Format.JSON:
        terminal.result(json_report.document(command, status, results))
    else:
        terminal.result(text)


def tell_left(images: Sequence[str]) -> None:
    """Say which artifacts passed and were not written, as they are no files."""
    if images:
        names = ", ".join(images[:10]) + (f" and {len(images) - 10} more" if images[10:] else "")
        terminal.say(f"left in the pack: {names}: images, which `export --as oci` writes")
