"""`trust`: the anchors of this host; what they are, what changes, and how to renew them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kit.cli import environment
from kit.cli.options import At, Format, MemoryFolder, NoMemory, OutputFormat, TrustRoots
from kit.cli.showing import show as print_result
from kit.cli.status import Status

if TYPE_CHECKING:
    from kit.cli import renewing
    from kit.formats.anchor_origin import Source
    from kit.trust.places import Place
    from kit.trust.renewal import Offered

Instance = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Only this instance (repeatable)."),
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Take over what verifies, unasked; nothing that may be older.")
]
Expect = Annotated[
    list[str] | None,
    typer.Option(
        metavar="sha256:HEX",
        help="Take over only a trusted root with this digest, which came by another way "
        "(repeatable: one for each instance, or from each of two operators).",
    ),
]
To = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder of anchors to write to. Default: your own."),
]

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


@app.command()
def diff(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A trusted root, a folder of anchors, a pack, a TUF repository's folder, or an "
            "instance of this host (a path that is called the same: ./NAME).",
        ),
    ],
    b: Annotated[
        str | None,
        typer.Argument(metavar="[B]", help="The same. Without it: this host's anchors against A."),
    ] = None,
    instance: Instance = None,
    trust_roots: TrustRoots = None,
    at: At = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Say what changes from A to B: which keys come, go, or get another window.

    Fingerprints are in groups to be read aloud. What a pack or a TUF repository has is
    verified from this host's own roots first; files and folders are only read.

    Ends with 0 whatever differs; with 4 for a side that does not load or verify; with 6 where
    a pack carries no TUF chain.
    """
    from kit import airgap  # noqa: PLC0415
    from kit.cli import comparing, offering  # noqa: PLC0415 - loads what reads keys

    named = offering.named(instance)
    moment, places = environment.as_of(at), environment.anchor_places(trust_roots)
    airgap.seal()
    old, new = (None, a) if b is None else (a, b)
    found = comparing.compare(old, new, places, named)
    status = Status.HOLDS if found else Status.NOTHING
    result = _result(None, status, comparing.value(found, moment))
    text = comparing.text(found) or "there is nothing to compare: no TUF chain\n"
    print_result("trust diff", status, [result], text, output_format)
    return status


@app.command(name="import")
def take_over(
    pack: Annotated[
        Path,
        typer.Argument(metavar="PACK", help="A pack, or a folder that is a TUF repository."),
    ],
    instance: Instance = None,
    expect: Expect = None,
    yes: Yes = False,
    to: To = None,
    memory: MemoryFolder = None,
    no_memory: NoMemory = False,
    trust_roots: TrustRoots = None,
    at: At = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Renew anchors from the TUF chain that a pack carries; nothing else in it is looked at.

    The chain is walked from the TUF root that this host has, so that whoever carries the pack
    cannot choose another. What changes is shown with its fingerprints; then you are asked, or
    a digest that came by another way is compared (--expect). The old anchors are kept, under
    their date, in DIR/.replaced. Anchors never go back (trust.rollback).

    Ends with 0 when what is offered is in place, or nothing is newer; with 4 when a chain
    does not verify or the digest is another; with 6 when the pack carries no chain.
    """
    from kit import airgap  # noqa: PLC0415
    from kit.cli import offering, renewing  # noqa: PLC0415 - loads what verifies

    named = offering.named(instance)
    how = renewing.confirmation(yes, expect or ())
    renewing.demand_confirmable(how)
    moment, places = environment.as_of(at), environment.anchor_places(trust_roots)
    folder = to or environment.own_anchors()
    seen = renewing.seen(memory, off=no_memory)
    airgap.seal()
    offers = offering.offers(pack, places, named, seen)
    renewed = _confirmed(offers, how, folder, places, moment)
    status = Status.HOLDS if offers else Status.NOTHING
    result = _result(pack.name, status, renewed.value())
    text = renewed.text() or f"{pack.name} carries no TUF chain\n"
    print_result("trust import", status, [result], text, output_format)
    return status


@app.command()
def update(
    instance: Instance = None,
    expect: Expect = None,
    yes: Yes = False,
    to: To = None,
    plain_http: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="Speak plain HTTP to this host (loopback always may)."),
    ] = None,
    proxy: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Go through this proxy. Default: $AIRGAP_KIT_PROXY."),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Verify TLS by these CAs (PEM), not by this host's."),
    ] = None,
    memory: MemoryFolder = None,
    no_memory: NoMemory = False,
    trust_roots: TrustRoots = None,
    at: At = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Renew anchors online, from each instance's own TUF repository.

    As `trust import`, with what the repository answers in place of what a pack carries. An
    instance's repository is in INSTANCE/tuf.json beside its trusted root.
    """
    from kit.cli import offering, renewing, route_settings  # noqa: PLC0415 - loads HTTP
    from kit.sources.http import Client  # noqa: PLC0415

    named = offering.named(instance)
    how = renewing.confirmation(yes, expect or ())
    renewing.demand_confirmable(how)
    moment, places = environment.as_of(at), environment.anchor_places(trust_roots)
    seen = renewing.seen(memory, off=no_memory)
    way = route_settings.Options(proxy=proxy, ca_file=ca_file)
    client = Client(
        plain_http=frozenset(plain_http or ()), route=route_settings.route(way, os.environ)
    )
    offers = [
        offering.asked(name, places, client, moment, seen)
        for name in offering.updatable(places, named)
    ]
    renewed = _confirmed(offers, how, to or environment.own_anchors(), places, moment)
    status = Status.HOLDS if offers else Status.NOTHING
    result = _result(None, status, renewed.value())
    text = renewed.text() or "no instance has a TUF root and a repository\n"
    print_result("trust update", status, [result], text, output_format)
    return status


def _result(pack: str | None, status: Status, changes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "pack": pack,
        "status": int(status),
        "error": None,
        "report": None,
        "differences": changes,
    }


def _confirmed(
    offers: Sequence[tuple[Offered, Source]],
    how: renewing.Confirmation,
    folder: Path,
    places: Sequence[Place],
    at: datetime,
) -> renewing.Renewed:
    """Show what is offered, have it confirmed, and put it in place."""
    from kit.cli import renewing  # noqa: PLC0415

    renewing.show([offer for offer, _ in offers])
    renewing.confirm([offer for offer, _ in offers], how)
    return renewing.write(offers, folder, places, at)
