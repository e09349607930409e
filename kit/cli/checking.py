"""Run the offline check for a command: policy and anchors first, then the seal, then the pack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kit import airgap
from kit.cli import custody_file, environment, remembering, terminal
from kit.errors import AnchorError, PackError
from kit.formats.release_file import ReleaseFile
from kit.trust import anchors, keyrings, known
from kit.trust import npm_keys as npm_keyrings
from kit.trust.anchors import Anchor
from kit.trust.keyrings import Keyring
from kit.trust.keys import KeyAnchor, find_keys
from kit.trust.memory import Memory
from kit.trust.npm_keys import NpmKeyring
from kit.trust.places import Place

if TYPE_CHECKING:
    from kit.formats.memory_file import Known
    from kit.model import Report
    from kit.pack.reader import Pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """What the command line says of where anchors are."""

    trust_roots: Path | None = None
    trusted_root: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """A policy and anchors, ready to judge packs in a sealed process.

    ``anchor_error`` is kept rather than raised: a pack that is damaged is said to be
    damaged, also on a host without anchors.
    """

    release: ReleaseFile
    anchors: dict[str, Anchor]
    anchor_error: AnchorError | None
    at: datetime
    only: tuple[str, ...] = ()
    workers: int | None = None
    openpgp_keys: Mapping[str, Keyring] = field(default_factory=dict)
    npm_keys: tuple[NpmKeyring, ...] = ()
    gpg: Path | None = None
    by_clock: bool = True
    memory: Memory | None = None
    accept_rollback: bool = False
    sealing_keys: tuple[KeyAnchor, ...] = ()
    sealing_openpgp: Mapping[str, Keyring] = field(default_factory=dict)

    def judge(self, path: Path, then: Callable[[Pack, Report], None] | None = None) -> Report:
        """Check the pack at ``path``; call ``then`` with it while it is still open."""
        from kit.check import Options, check  # noqa: PLC0415 - loads what verifies
        from kit.check.custody import Sealed  # noqa: PLC0415
        from kit.pack.reader import Pack  # noqa: PLC0415

        with (
            _swap_suspected(path),
            Pack.open(path) as pack,
            terminal.progress(path.name, pack.size) as progress,
        ):
            if self.anchor_error is not None:
                whole = {m.path: frozenset[str]() for m in pack.manifest.members}
                pack.hash_members(whole, progress=progress)
                raise self.anchor_error
            options = Options(
                at=self.at,
                only=self.only,
                workers=self.workers,
                progress=progress,
                gpg=self.gpg,
                by_clock=self.by_clock,
                known=self._known(),
                accept_rollback=self.accept_rollback,
                sealed=Sealed(
                    raw=custody_file.read(path),
                    keys=self.sealing_keys,
                    openpgp_keys=self.sealing_openpgp,
                    denied=self.release.terms.denied.keys,
                ),
            )
            report = check(
                pack, self.release, self.anchors, options, self.openpgp_keys, self.npm_keys
            )
            # Of a selection nothing is remembered: its files are not those of the release.
            if report.passed and self.memory is not None and not self.only:
                self.memory.learn(report)  # first: a result that is not remembered is none
            if then is not None:
                then(pack, report)
            return report

    def _known(self) -> Known | None:
        """Return what this host remembers now: an earlier pack of this run may have taught it."""
        return None if self.memory is None else self.memory.now()


@contextmanager
def _swap_suspected(path: Path) -> Iterator[None]:
    try:
        yield
    except PackError as error:
        if path.suffix == ".toml":
            error.hint = "did you swap PACK and --policy?"
        raise


def prepare(
    release: ReleaseFile,
    given: Anchors,
    at: datetime,
    only: Sequence[str] = (),
    workers: int | None = None,
    *,
    memory: remembering.Options = remembering.NONE,
) -> Checker:
    """Read memory and anchors, then seal the process for good; return what judges packs."""
    found: dict[str, Anchor] = {}
    pinned: dict[str, Keyring] = {}
    remembered: Memory | None = None
    sealing_keys: tuple[KeyAnchor, ...] = ()
    sealing_openpgp: dict[str, Keyring] = {}
    npm: tuple[NpmKeyring, ...] = ()
    failure: AnchorError | None = None
    try:
        remembered = remembering.recall(memory)
        places = environment.anchor_places(given.trust_roots)
        found = anchors.find(release.instances, places, given.trusted_root, release.keys)
        pinned = keyrings.find(release.openpgp_fingerprints, places)
        sealing_keys = _sealing_keys(release, places)
        sealing_openpgp = keyrings.find((s.openpgp for s in release.sealers if s.openpgp), places)
        npm = npm_keyrings.find(release.npm_keys, places)
    except AnchorError as error:
        failure = error
    gpg = seal(gpg_needed=bool(pinned) or bool(sealing_openpgp))
    return Checker(
        release=release,
        anchors=found,
        anchor_error=failure,
        at=at,
        only=tuple(only),
        workers=workers,
        openpgp_keys=pinned,
        npm_keys=npm,
        gpg=gpg,
        by_clock=memory.at is None,
        memory=remembered,
        accept_rollback=memory.accept_rollback,
        sealing_keys=sealing_keys,
        sealing_openpgp=sealing_openpgp,
    )


def _sealing_keys(release: ReleaseFile, places: Sequence[Place]) -> tuple[KeyAnchor, ...]:
    """Return the keys of the seals that the policy demands, then all others of this host."""
    demanded = find_keys((s.key for s in release.sealers if s.key is not None), places)
    return (*demanded, *(key for key in known.usable_keys(places) if key not in demanded))


def seal(*, gpg_needed: bool) -> Path | None:
    """Seal the process; return the one program it may start then, if it needs one."""
    if not gpg_needed:
        airgap.seal()
        return None
    from kit.verifiers.openpgp import program  # noqa: PLC0415 - loads the library

    gpg = program.find(environment.search_path(), Path.cwd())
    airgap.seal(None if gpg is None else program.child(gpg))
    return gpg
