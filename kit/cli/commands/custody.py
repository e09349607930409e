"""`custody`: who sealed a pack, and each hand-over after that, in a file beside it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kit.cli import environment, terminal
from kit.cli.options import At, Format, OutputFormat, PassphraseFile, TrustRoots
from kit.cli.showing import show as print_result
from kit.cli.status import Status

app = typer.Typer(
    name="custody",
    rich_markup_mode=None,
    help="Who sealed a pack, and who handed it to whom: PACK.custody.jsonl, beside the pack.",
)


class HandOver(StrEnum):
    """What a line that is added says."""

    HANDED_OVER = "handed-over"
    RECEIVED = "received"


@app.command()
def add(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="The pack.")],
    key: Annotated[
        str,
        typer.Option(
            metavar="KEY",
            help="Your private key: a PEM file (Ed25519 or ECDSA), or openpgp:FINGERPRINT for a "
            "key of your gpg.",
        ),
    ],
    role: Annotated[HandOver, typer.Option(help="What you do with the pack.")],
    note: Annotated[str, typer.Option(metavar="TEXT", help="A note, one line.")] = "",
    passphrase_file: PassphraseFile = None,
    at: At = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Add a signed line to the custody file beside a pack.

    The line names this pack by its manifest, and the line before it, so that none can be
    changed, moved or taken out of the middle unseen. Lines that do not hold together are
    not added to (status 1). The members of the pack are not hashed: `check` does that.

    Next: carry PACK and PACK.custody.jsonl; a release file can demand seals with [[custody]].
    """
    from kit.cli import custodian, sealing  # noqa: PLC0415 - loads what verifies
    from kit.formats.custody import Role  # noqa: PLC0415

    text, moment = sealing.note(note), environment.as_of(at)
    manifest_sha256 = custodian.manifest_of(pack)
    who = sealing.sealer(key, passphrase_file)
    sealing.add(pack, manifest_sha256, who, role=Role(role.value), at=moment, text=text)
    result = custodian.added(pack, manifest_sha256)
    print_result("custody add", Status.HOLDS, [result], "", output_format)
    terminal.say(f"line added beside {pack.name}, by {who.key}")
    return Status.HOLDS


@app.command()
def show(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="The pack.")],
    trust_roots: TrustRoots = None,
    at: At = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Show who sealed a pack and handed it over, verified under this host's own keys.

    Keys are `keys/NAME` and `openpgp/FINGERPRINT.asc` among this host's trust anchors. Lines
    cut off the end cannot be missed here: a release file says which seals must be there.

    Ends with 0 when the lines hold together and some are by keys of this host; with 1 when
    anything does not hold; with 6 when there is nothing to verify.
    """
    from kit.cli import custodian  # noqa: PLC0415 - loads what verifies

    shown = custodian.look(pack, trust_roots, environment.as_of(at))
    print_result("custody show", shown.status, [shown.result], shown.text, output_format)
    return shown.status
