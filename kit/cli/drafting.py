"""Draft a release file for the command line: anchors first, then the seal, then the pack."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kit.check import Options
from kit.check.survey import survey
from kit.cli import checking, environment, terminal
from kit.cli.status import Status
from kit.errors import AnchorError, MachineError, UsageError
from kit.pack.publish import name_anew
from kit.pack.reader import Pack
from kit.policy.draft import draft as draft_lines
from kit.report import draft as draft_report
from kit.trust import anchors, keyrings, known
from kit.trust import npm_keys as npm_keyrings
from kit.trust.anchors import Anchor
from kit.trust.keyrings import Keyring
from kit.trust.npm_keys import NpmKeyring
from kit.trust.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft, and how many claims it rests on."""

    text: str
    claims: int

    @property
    def status(self) -> Status:
        """A draft that rests on nothing is still one, and says so by its status."""
        return Status.HOLDS if self.claims else Status.NOTHING


def draft(
    path: Path,
    trust_roots: Path | None,
    trusted_root: Sequence[str],
    at: datetime,
    workers: int | None,
) -> Drafted:
    """Return a draft from the pack at ``path``, under every anchor that this host has."""
    found: dict[str, Anchor] = {}
    pinned: dict[str, Keyring] = {}
    npm: tuple[NpmKeyring, ...] = ()
    failure: AnchorError | None = None
    try:
        places = environment.anchor_places(trust_roots)
        found = _anchors(places, trusted_root)
        pinned = keyrings.find(known.openpgp_fingerprints(places), places)
        npm = npm_keyrings.find(known.npm_keys(places), places)
    except AnchorError as error:
        failure = error
    gpg = checking.seal(gpg_needed=bool(pinned))
    with Pack.open(path) as pack, terminal.progress(path.name, pack.size) as progress:
        if failure is not None:  # a pack that is damaged is said to be damaged first
            whole = {member.path: frozenset[str]() for member in pack.manifest.members}
            pack.hash_members(whole, progress=progress)
            raise failure
        options = Options(at=at, workers=workers, progress=progress, gpg=gpg)
        files = survey(pack, found, options, pinned, npm)
        records = [anchor.record() for anchor in found.values()]
        records += [keyring.record() for keyring in pinned.values()]
        records += [keyring.record() for keyring in npm]
        text = draft_report.render(pack.manifest, pack.manifest_sha256, records, draft_lines(files))
    return Drafted(text=text, claims=sum(len(file.claims) for file in files))


def _anchors(places: Sequence[Place], trusted_root: Sequence[str]) -> dict[str, Anchor]:
    """Return every anchor of this host: no policy says yet which of them count."""
    named = {given.partition("=")[0] for given in trusted_root if "=" in given}
    instances = sorted({*known.instances(places), *named})
    keys = [(key, instance) for key in known.keys(places) for instance in instances]
    return anchors.find(instances, places, trusted_root, keys)


def refuse_taken(out: Path) -> None:
    """Raise :class:`UsageError` where there is a file of that name: a draft replaces nothing."""
    try:
        taken = os.path.lexists(out)
    except OSError:
        taken = False  # writing says why
    if taken:
        raise _taken(out)


def _taken(out: Path) -> UsageError:
    return UsageError(
        f"{out}: is there already, and a draft is never written over anything",
        code="policy.exists",
        subject=str(out),
        hint="write it to another name, and compare the two",
    )


def write(out: Path, text: str) -> None:
    """Write the draft under its name, whole or not at all."""
    try:
        handle, name = tempfile.mkstemp(prefix=".airgap-kit-", dir=out.parent)
        part = Path(name)
        try:
            with open(handle, "w", encoding="ascii", newline="\n") as file:  # noqa: PTH123 - a descriptor
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.chmod(0o644)
            name_anew(part, out)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
    except FileExistsError as error:
        raise _taken(out) from error
    except OSError as error:
        raise MachineError(
            f"{out}: {error.strerror}", code="machine.unwritable", subject=str(out)
        ) from error


def result(pack: str, drafted: Drafted, out: Path | None) -> dict[str, Any]:
    """Return the draft for machines."""
    return {
        "pack": pack,
        "status": int(drafted.status),
        "error": None,
        "report": None,
        "draft": drafted.text,
        "written": [] if out is None else [out.name],
    }
