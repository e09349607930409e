"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How to print results."""

    TEXT = "text"
    JSON = "json"


Policy = Annotated[
    Path,
    typer.Option(
        help="This host's own copy of the release file. The pack's copy is never used.",
        metavar="RELEASE.toml",
    ),
]
TrustRoots = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder of trust anchors: DIR/INSTANCE/trusted_root.json. Default: "
        "$AIRGAP_KIT_TRUST_ROOTS, your data folder, then the roots pinned with the kit.",
    ),
]
TrustedRoot = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=FILE",
        help="Use this trusted root for the instance NAME (bare FILE where only one is named).",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Judge only the artifact of this name (repeatable)."),
]
At = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Judge as of this time (RFC 3339), not the clock's; without this host's memory.",
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The passphrase of the key, alone in a file. Default: you are asked for it.",
    ),
]
MemoryFolder = Annotated[
    Path | None,
    typer.Option(
        "--memory",
        metavar="DIR",
        help="Where this host remembers what passed, so that nothing older passes later. "
        "Default: $AIRGAP_KIT_MEMORY, then your state folder.",
    ),
]
NoMemory = Annotated[
    bool, typer.Option("--no-memory", help="Remember nothing, and compare with nothing.")
]
ReadOnlyMemory = Annotated[
    bool, typer.Option("--read-only-memory", help="Compare with the memory, and write none.")
]
AcceptRollback = Annotated[
    bool,
    typer.Option(
        "--accept-rollback",
        help="Let a pack pass that is older than what this host has seen; the report says so.",
    ),
]
OutputFormat = Annotated[Format, typer.Option("--format", help="Print for people or machines.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="Processes that verify evidence. Default: by how much there is."),
]
