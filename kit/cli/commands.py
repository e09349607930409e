"""The commands: each reads its arguments, runs a walk, prints, and returns a status."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kit import __version__
from kit.cli import environment, policies, terminal
from kit.cli.options import At, Format, Jobs, OutputFormat, Policy, TrustedRoot, TrustRoots
from kit.cli.showing import show
from kit.cli.status import Status, of_error, of_report, worst
from kit.errors import KitError
from kit.report import json as json_report
from kit.report import text as text_report
from kit.report.escape import plain

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
app.add_typer(policies.app)


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


@app.command()
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
    from kit.cli import collecting, github_settings  # noqa: PLC0415 - loads the HTTP client
    from kit.collect import target  # noqa: PLC0415

    read = environment.read_release(release)
    out = output or release.parent / f"{read.name}-{read.version}.pack.tar"
    request = collecting.request(
        read,
        release.parent,
        out,
        plain_http=plain_http or (),
        index_url=index_url,
        github=github_settings.Options(api=github_api, token_file=github_token_file),
    )
    if plan:
        lines = list(collecting.planned(request))
        planned = {"pack": None, "status": 0, "error": None, "report": None, "plan": lines}
        text = "".join(f"{line}\n" for line in lines)
        show("collect", Status.HOLDS, [planned], text, output_format)
        return Status.HOLDS
    target.refuse(out, release, replace=replace)
    report, final = collecting.run(request, trust_roots, trusted_root or (), replace=replace)
    status = of_report(report)
    result = json_report.succeeded(report, status, final.name) | {"written": [final.name]}
    show("collect", status, [result], text_report.render(report), output_format)
    terminal.say(f"pack written: {final} (manifest sha256:{report.manifest_sha256})")
    return status


@app.command()
def check(
    packs: Annotated[list[Path], typer.Argument(metavar="PACK...", help="The packs to check.")],
    policy: Policy,
    trust_roots: TrustRoots = None,
    trusted_root: TrustedRoot = None,
    at: At = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Judge only the artifact of this name (repeatable)."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write report.txt and report.json here.")
    ] = None,
    jobs: Jobs = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Verify packs offline: every hash, every signature, under this host's policy and anchors.

    Opens no connection and writes nothing (but --report). PASS means: every artifact that
    the policy names is there, is bound to its name and version, and every requirement is
    met by evidence that holds under an anchor this host already had.

    Next: `airgap-kit extract PACK --policy RELEASE.toml --to DIR` writes what passed.
    """
    from kit.cli import checking  # noqa: PLC0415 - loads what reads policies

    checker = checking.prepare(
        environment.read_release(policy),
        trust_roots,
        trusted_root or (),
        environment.as_of(at),
        only or (),
        jobs,
    )
    results: list[dict[str, Any]] = []
    texts: list[str] = []
    statuses: list[Status] = []
    for path in packs:
        try:
            judged = checker.judge(path)
        except KitError as error:
            status = of_error(error)
            terminal.complain(error, status, path.name)
            results.append(json_report.failed(error, status, path.name))
        else:
            status = of_report(judged)
            heading = f"{plain(path.name)}\n" if len(packs) > 1 else ""
            texts.append(heading + text_report.render(judged))
            results.append(json_report.succeeded(judged, status, path.name))
        statuses.append(status)
    overall = worst(statuses)
    if report is not None:  # first: what is printed is then the only document
        _write_report(report, "check", overall, results, "".join(texts))
    show("check", overall, results, "".join(texts), output_format)
    return overall


@app.command()
def extract(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="The pack.")],
    policy: Policy,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where to write what passed.")],
    trust_roots: TrustRoots = None,
    trusted_root: TrustedRoot = None,
    at: At = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only the artifact of this name (repeatable)."),
    ] = None,
    jobs: Jobs = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Check a pack, then write only the artifacts that passed.

    What is written is what was hashed: every byte is hashed again on its way. Nothing is
    written over; an artifact that failed is not written at all.
    """
    from kit.cli import checking  # noqa: PLC0415 - loads what reads policies
    from kit.extract import extract as write  # noqa: PLC0415

    checker = checking.prepare(
        environment.read_release(policy),
        trust_roots,
        trusted_root or (),
        environment.as_of(at),
        only or (),
        jobs,
    )
    written: list[str] = []
    judged = checker.judge(pack, lambda opened, report: written.extend(write(opened, report, to)))
    status = of_report(judged)
    result = json_report.succeeded(judged, status, pack.name) | {"written": written}
    show("extract", status, [result], text_report.render(judged), output_format)
    terminal.say(f"{len(written)} artifacts written to {to}")
    return status


@app.command()
def verify(
    subject: Annotated[
        str, typer.Argument(metavar="FILE_OR_DIGEST", help="A path, or sha256:HEX (384, 512).")
    ],
    bundle: Annotated[
        list[Path],
        typer.Option(metavar="FILE", help="A Sigstore bundle, or JSON Lines (repeatable)."),
    ],
    trusted_root: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A trusted root, or JSON Lines of several; each is an instance of its own. "
            "Default: the public good one pinned with the kit.",
        ),
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The signer's PEM key.")] = None,
    no_log: Annotated[
        bool, typer.Option("--no-log", help="With --key: a log entry is not demanded.")
    ] = False,
    certificate_identity: Annotated[str | None, typer.Option(help="The whole identity.")] = None,
    certificate_identity_regexp: Annotated[
        str | None, typer.Option(help="Must match the whole identity.")
    ] = None,
    certificate_oidc_issuer: Annotated[
        str | None, typer.Option(help="Who vouched for the identity.")
    ] = None,
    predicate_type: Annotated[str | None, typer.Option(help="The statement's type.")] = None,
    source_repository: Annotated[
        str | None, typer.Option(help="Repository it was built from: a URL, or OWNER/REPO.")
    ] = None,
    source_ref: Annotated[str | None, typer.Option(help="Such as refs/tags/v1.2.3.")] = None,
    source_digest: Annotated[str | None, typer.Option(help="The commit.")] = None,
    signer_workflow: Annotated[
        str | None, typer.Option(help="[HOST/]OWNER/REPO/PATH[@REF] of the signing workflow.")
    ] = None,
    builder_id: Annotated[str | None, typer.Option(help="The builder, as SLSA names it.")] = None,
    deny_self_hosted_runners: Annotated[
        bool, typer.Option("--deny-self-hosted-runners", help="Only runners of GitHub's own.")
    ] = False,
    at: At = None,
    output_format: OutputFormat = Format.TEXT,
) -> Status:
    """Verify one artifact offline, with flags instead of a policy. One good bundle is enough."""
    from kit.cli import verified, verifying  # noqa: PLC0415 - loads what verifies
    from kit.policy.expectations import Expectations  # noqa: PLC0415

    wanted = verifying.expecting(
        Expectations(
            by_key=key is not None,
            identity=certificate_identity,
            identity_regexp=verifying.pattern(certificate_identity_regexp),
            issuer=certificate_oidc_issuer,
            signer_workflow=signer_workflow,
            source_repository=source_repository,
            source_ref=source_ref,
            source_digest=source_digest,
            predicate_type=predicate_type,
            builder_id=builder_id,
            deny_self_hosted=deny_self_hosted_runners,
        ),
        require_log=not no_log,
    )
    outcome = verifying.verify(
        verifying.Request(
            subject=subject,
            bundles=bundle,
            trusted_roots=trusted_root or (),
            key=key,
            require_log=not no_log,
            wanted=wanted,
            at=environment.as_of(at),
        )
    )
    claims = [json_report.render_claim(claim) for claim in outcome.claims]
    show(
        "verify",
        outcome.status,
        [verified.result(outcome, claims)],
        verified.text(outcome, require_log=not no_log),
        output_format,
    )
    return outcome.status


@app.command()
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


def _write_report(
    folder: Path, command: str, status: Status, results: list[dict[str, Any]], text: str
) -> None:
    document = json_report.document(command, status, results)
    environment.write_new(folder, {"report.json": document, "report.txt": text})
