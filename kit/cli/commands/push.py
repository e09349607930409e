"""`push`: check a pack, then send the images that passed to a registry."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

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
from kit.cli.status import Status, of_report
from kit.report import json as json_report
from kit.report import text as text_report


def push(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="The pack.")],
    policy: Policy,
    to: Annotated[
        str,
        typer.Option(
            metavar="REGISTRY[/PREFIX]", help="Where to; each image keeps the path of its name."
        ),
    ],
    unverified_evidence: Annotated[
        bool,
        typer.Option(
            "--unverified-evidence", help="Also send evidence of which nothing was verified."
        ),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move tags that name something else by now.")
    ] = False,
    plain_http: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="Speak plain HTTP to this host (loopback always may)."),
    ] = None,
    token_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGISTRY=HOST",
            help="HOST gives out the tokens of REGISTRY, and may be sent its login (repeatable). "
            "Logins are Docker's own ($DOCKER_CONFIG/config.json).",
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Verify TLS by these CAs (PEM), not by this host's."),
    ] = None,
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
    """Check a pack, then send the images that passed to a registry, evidence included.

    The check runs in a process of its own, with the network refused; then every byte is
    hashed again on its way, and fetched back from the registry to be compared.
    """
    from kit.cli import (  # noqa: PLC0415 - loads the HTTP client
        apart,
        checking,
        pushing,
        registry_settings,
        remembering,
    )

    release = environment.read_release(policy)
    there = pushing.destination(
        to,
        tuple(plain_http or ()),
        ca_file,
        registry_settings.Options(token_hosts=tuple(token_host or ())),
        os.environ,
    )
    judged = apart.judge(
        apart.Judging(
            pack=pack,
            release=release,
            anchors=checking.Anchors(
                trust_roots=trust_roots, trusted_root=tuple(trusted_root or ())
            ),
            at=environment.as_of(at),
            only=tuple(only or ()),
            workers=jobs,
            memory=remembering.Options(
                folder=memory,
                off=no_memory,
                read_only=read_only_memory,
                accept_rollback=accept_rollback,
                at=at,
            ),
        )
    )
    sent = pushing.send(pack, judged, there, unverified=unverified_evidence, replace=replace)
    for name, why in sent.left_out:
        terminal.say(f"left out: {name}: {why} (--unverified-evidence sends it along)")
    status = of_report(judged)
    result = json_report.succeeded(judged, status, pack.name) | {"written": list(sent.names)}
    show("push", status, [result], text_report.render(judged), output_format)
    terminal.say(
        f"{len(sent.names)} sent to {to}: {', '.join(sent.names[:10]) or 'nothing passed'}"
    )
    return status
