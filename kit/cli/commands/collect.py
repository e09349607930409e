"""`collect`: from a release file to a pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kit.cli import environment, terminal
from kit.cli.options import Format, OutputFormat, PassphraseFile, TrustedRoot, TrustRoots
from kit.cli.showing import show
from kit.cli.status import Status, of_report
from kit.errors import UsageError
from kit.report import json as json_report
from kit.report import text as text_report


def collect(
    release: Annotated[Path, typer.Argument(metavar="RELEASE.toml", help="What to collect.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PACK",
            help="Where to write it. Default: NAME-VERSION.pack.tar beside the release file.",
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be fetched; write nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over a pack of that name.")
    ] = False,
    plain_http: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="Speak plain HTTP to this host (loopback always may)."),
    ] = None,
    index_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The package index for pypi: sources. Default: pip's own settings "
            "(PIP_INDEX_URL, pip.conf), then the public one.",
        ),
    ] = None,
    npm_registry: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The registry for npm: sources. Default: npm's own settings "
            "(npm_config_registry, .npmrc), then the public one.",
        ),
    ] = None,
    github_api: Annotated[
        str | None,
        typer.Option(metavar="URL", help="GitHub's API for github:OWNER/REPO sources."),
    ] = None,
    github_token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A token for that API. Default: $GH_TOKEN or $GITHUB_TOKEN; none is needed "
            "for what is public.",
        ),
    ] = None,
    tuf_repository: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=URL",
            help="The TUF repository of the instance NAME, instead of the one that this host's "
            "anchors name (repeatable).",
        ),
    ] = None,
    trust_update: Annotated[
        bool | None,
        typer.Option(
            "--trust-update/--no-trust-update",
            help="Carry the TUF chain of each instance. Default: where the release file has other "
            "sources than file:, and the repository answers.",
            show_default=False,
        ),
    ] = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGISTRY=HOST[/PREFIX]",
            help="Ask HOST for the images and charts of REGISTRY (repeatable).",
        ),
    ] = None,
    token_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGISTRY=HOST",
            help="HOST gives out the tokens of REGISTRY, and may be sent its login (repeatable). "
            "Logins are Docker's own ($DOCKER_CONFIG/config.json).",
        ),
    ] = None,
    proxy: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Go through this proxy. Default: $AIRGAP_KIT_PROXY, which may hold its "
            "credentials; other proxy variables are not read.",
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Verify TLS by these CAs (PEM), not by this host's."),
    ] = None,
    allow_redirect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST", help="A server outside may redirect to this host, though it is inside."
        ),
    ] = None,
    log_lookup: Annotated[
        bool | None,
        typer.Option(
            "--log-lookup/--no-log-lookup",
            help="Ask the signers' transparency log for the proofs that old signatures lack. "
            "Default: where the release file has other sources than file:.",
            show_default=False,
        ),
    ] = None,
    seal: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Seal the pack: a PEM private key (Ed25519 or ECDSA), or openpgp:FINGERPRINT "
            "for a key of your gpg.",
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="A note in the seal.")] = "",
    trust_roots: TrustRoots = None,
    trusted_root: TrustedRoot = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Fetch a release and all evidence about it into one pack, then rehearse the check.

    Ends with 0 when the pack is written and passes; with 1 when it is whole but does not
    meet the policy (it is kept as *.unmet.pack.tar); with 5, and no pack, when a place
    could not be asked.

    Next: carry the pack to the isolated host, and your own copy of RELEASE.toml by another
    way; there, run `airgap-kit check PACK --policy RELEASE.toml`.
    """
    from kit.cli import (  # noqa: PLC0415 - the HTTP client
        collecting,
        custody_file,
        github_settings,
        registry_settings,
        route_settings,
        sealing,
        tuf_settings,
    )
    from kit.cli import log_lookup as logs  # noqa: PLC0415
    from kit.collect import target  # noqa: PLC0415

    read = environment.read_release(release)
    out = output or release.parent / f"{read.name}-{read.version}.pack.tar"
    request = collecting.request(
        read,
        release.parent,
        out,
        collecting.Options(
            plain_http=tuple(plain_http or ()),
            index_url=index_url,
            github=github_settings.Options(api=github_api, token_file=github_token_file),
            images=registry_settings.Options(
                mirrors=tuple(mirror or ()), token_hosts=tuple(token_host or ())
            ),
            route=route_settings.Options(
                proxy=proxy, ca_file=ca_file, inward=tuple(allow_redirect or ())
            ),
            npm_registry=npm_registry,
            trust=tuf_settings.Options(
                trust_roots=trust_roots,
                repositories=tuple(tuf_repository or ()),
                update=trust_update,
            ),
        ),
    )
    request = logs.asking(request, trust_roots, trusted_root or (), wanted=log_lookup)
    if plan:
        lines = list(collecting.planned(request))
        planned = {"pack": None, "status": 0, "error": None, "report": None, "plan": lines}
        text = "".join(f"{line}\n" for line in lines)
        show("collect", Status.HOLDS, [planned], text, output_format)
        return Status.HOLDS
    if seal is None and (note or passphrase_file is not None):
        raise UsageError("--note and --passphrase-file say nothing without --seal")
    who = None
    if seal is not None:
        sealer = sealing.sealer(seal, passphrase_file)
        who = collecting.Seal(who=sealer, note=sealing.note(note))
    target.refuse(out, release, replace=replace)
    report, final = collecting.run(
        request, trust_roots, trusted_root or (), replace=replace, seal=who
    )
    status = of_report(report)
    written = [final.name] if who is None else [final.name, custody_file.of(final).name]
    result = json_report.succeeded(report, status, final.name) | {"written": written}
    show("collect", status, [result], text_report.render(report), output_format)
    terminal.say(f"pack written: {final}")
    spoken = collecting.spoken(report.manifest_sha256)
    terminal.say(f"the SHA-256 of its manifest.json, to read aloud on both sides: {spoken}")
    return status
