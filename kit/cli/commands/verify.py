"""`verify`: one artifact, flags instead of a policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kit.cli import environment
from kit.cli.options import At, Format, OutputFormat
from kit.cli.showing import show
from kit.cli.status import Status
from kit.report import json as json_report


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
