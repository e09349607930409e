"""Run a collect for the command line: gather and write online, seal, rehearse, name the pack."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from pathlib import Path

from kit import collect
from kit.cli import (
    checking,
    custody_file,
    environment,
    github_settings,
    npm_settings,
    pip_settings,
    registry_settings,
    route_settings,
    sealing,
    terminal,
    transfers,
    tuf_settings,
)
from kit.cli.sealing import Sealer
from kit.cli.status import of_report
from kit.collect import Request, Settings, Written, staging
from kit.errors import MachineError, PackError, UsageError
from kit.formats.custody import Role
from kit.formats.release_file import ReleaseFile
from kit.model import Report
from kit.pack.reader import Pack
from kit.report.escape import plain
from kit.sources import index as package_index
from kit.sources.index import Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says of how places are asked."""

    plain_http: tuple[str, ...] = ()
    index_url: str | None = None
    npm_registry: str | None = None
    github: github_settings.Options = github_settings.NONE
    route: route_settings.Options = route_settings.NONE
    trust: tuf_settings.Options = tuf_settings.NONE
    images: registry_settings.Options = registry_settings.NONE


def request(release: ReleaseFile, base: Path, out: Path, options: Options) -> Request:
    """Return what to collect, with the clock and the environment read."""
    sources = [source for line in release.lines for source in (line.source, *line.evidence)]
    asks_index = any(source.scheme == "pypi" for source in sources)
    return Request(
        release=release,
        base=base,
        out=out,
        now=environment.now(),
        epoch=environment.source_date_epoch(),
        settings=Settings(
            plain_http=frozenset(options.plain_http),
            route=route_settings.route(options.route, os.environ),
            index=_index(options.index_url) if asks_index or options.index_url else None,
            npm=npm_settings.registries(sources, options.npm_registry, base, os.environ),
            github=github_settings.access(sources, options.github, options.plain_http, os.environ),
            images=registry_settings.access(options.images, options.plain_http, os.environ),
        ),
        trust=tuf_settings.wanted(release, options.trust),
        say=terminal.say,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Who seals the pack that is collected, and with what note."""

    who: Sealer
    note: str


def _add_seal(path: Path, seal: Seal) -> None:
    """Seal a pack as of the time that it says it was collected: equal packs, equal seals."""
    with Pack.open(path) as pack:
        sha256, at = pack.manifest_sha256, pack.manifest.collected_at
    sealing.add(path, sha256, seal.who, role=Role.COLLECTED, at=at, text=seal.note)


def _index(option: str | None) -> Index | None:
    """Return the package index of the option, or of pip's settings; ``None`` is the public one."""
    if option is None:
        found = pip_settings.index_url(os.environ)
        return None if found is None else package_index.read(found)
    index = package_index.read(option)
    if index.authorization is not None:
        raise UsageError(
            "--index-url: everybody on this host can see a command line",
            code="usage.credentials",
            hint="put the URL with its credentials into PIP_INDEX_URL or pip's settings",
        )
    return index


def planned(wanted: Request) -> Iterator[str]:
    """Yield what would be collected, a line each."""
    return (plain(line) for line in collect.plan(wanted))


def run(
    wanted: Request,
    trust_roots: Path | None,
    trusted_root: Sequence[str],
    *,
    replace: bool,
    seal: Seal | None = None,
) -> tuple[Report, Path]:
    """Collect, then rehearse the check on what is on the disk, sealed off from the network.

    Returns the report and the pack's final path. The rehearsal comes last because the
    network stays refused from then on. Seals that only others can add later are not rehearsed.
    """
    with staging.working_folder(wanted.out) as folder:
        with transfers.shown() as watch:
            written = collect.collect(changed(wanted, watch=watch), folder)
        terminal.say(_summary(written))
        for name in written.unpaired:
            terminal.say(f"left out: {name} is about none of the files")
        if written.size > collect.FAT32_LIMIT:
            terminal.say("note: over 4 GiB: FAT32 cannot hold it; use exFAT, or `split -b 4000M`")
        custody_file.of(written.path).unlink(missing_ok=True)  # of an interrupted collect
        if seal is not None:
            _add_seal(written.path, seal)
        terminal.say("rehearsing the check, with the network refused")
        anchors = checking.Anchors(trust_roots=trust_roots, trusted_root=trusted_root)
        checker = checking.prepare(wanted.release.as_collected(), anchors, wanted.now)
        try:
            report = checker.judge(written.path)
        except PackError as error:
            raise MachineError(
                f"what is on the disk is not what was collected: {error.message}",
                code="machine.changed",
                subject=error.subject,
                hint="a source was written to meanwhile, or the disk is failing; collect again",
            ) from error
        final = collect.keep(written.path, wanted.out, met=of_report(report) == 0, replace=replace)
    return report, final


def _summary(written: Written) -> str:
    return (
        f"gathered {written.artifacts} artifacts and {written.evidence} pieces of evidence: "
        f"{written.size} bytes; {written.absent} of {written.asked} places had nothing, as the "
        "ledger in the pack lists"
    )


def spoken(sha256: str) -> str:
    """Return a digest in groups, as two people read it to each other."""
    return " ".join(sha256[at : at + 4] for at in range(0, len(sha256), 4))
