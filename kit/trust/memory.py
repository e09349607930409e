"""What a checking host remembers between runs, so that it cannot be led back in time.

``memory.json`` in a folder of its own; written only after a pass, with numbers that signatures
vouch for, and replaced whole. A memory that is damaged is an error and never a first use.
What is remembered only ever rises: accepting an older pack once does not lower it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kit.errors import AnchorError, MachineError, MalformedError
from kit.formats import memory_file
from kit.formats.memory_file import Known, KnownChain, KnownRelease
from kit.model import Report, Verdict
from kit.model.chain import Chain
from kit.trust import atomic
from kit.trust.tuf_chain import Walked

FILE = "memory.json"
_LOCK = "memory.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A host's memory: where it is, and whether this run teaches it anything.

    Reading it anew for each pack of a run costs little, and sees what another run has learned.
    """

    folder: Path
    learns: bool

    def now(self) -> Known:
        """Return what is remembered; raise :class:`AnchorError` where that is damaged."""
        return _read(self.folder) or Known()

    def learn(self, report: Report) -> None:
        """Remember a report that passed; raise :class:`MachineError` where it cannot be written.

        Read again under a lock: another run may have learned meanwhile.
        """
        if not self.learns:
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic.alone(self.folder / _LOCK):
                known = _read(self.folder) or Known()
                atomic.replace(self.folder / FILE, memory_file.render(_merged(known, report)))
        except OSError as error:
            raise MachineError(
                f"the pack passes, but this host cannot remember it: {error.strerror}",
                code="memory.unwritable",
                subject=str(self.folder / FILE),
                hint="give another folder with --memory or AIRGAP_KIT_MEMORY; or go without what "
                "would notice an older pack later: --read-only-memory, --no-memory",
            ) from error


def recall(folder: Path, *, learns: bool) -> Memory:
    """Return the memory in ``folder``; raise :class:`AnchorError` for one that is damaged."""
    memory = Memory(folder=folder, learns=learns)
    memory.now()
    return memory


def numbers(walked: Walked) -> KnownChain:
    """Return what is kept of a chain that was walked."""
    return KnownChain(
        root=walked.root.version,
        root_sha256=walked.root.sha256,
        timestamp=walked.timestamp.version,
        snapshot=walked.snapshot.version,
        targets=walked.top_targets.version,
        online_keys=walked.online_keys,
    )


def rolled_back(known: KnownChain, chain: KnownChain) -> Iterator[str]:
    """Yield what a chain has older than this host has seen.

    Where other keys sign timestamp and snapshot than then, their versions may begin anew: so
    does a repository recover from one whose numbers were driven up (TUF 5.3.11). A timestamp
    that is older is none where what it describes is not: it is signed again every day.
    """
    if chain.root < known.root:
        yield f"TUF root {chain.root}, where {known.root} was seen"
    if chain.online_keys == known.online_keys:
        for role, version, seen in (
            ("snapshot", chain.snapshot, known.snapshot),
            ("targets", chain.targets, known.targets),
        ):
            if version < seen:
                yield f"{role} {version}, where {seen} was seen"


def forked(known: KnownChain, walked: Walked) -> bool:
    """Say whether the root that this host has seen is another under the same version."""
    return any(
        root.version == known.root and root.sha256 != known.root_sha256 for root in walked.roots
    )


def newest_signature(verdicts: Iterable[Verdict]) -> datetime | None:
    """Return the newest time of signing that somebody else than the signer vouches for."""
    times = [
        claim.signed_at
        for verdict in verdicts
        for claim in verdict.claims
        if claim.signed_at is not None and claim.identity.subject_type != "openpgp"
    ]
    return max(times, default=None)


def files_digest(verdicts: Iterable[Verdict]) -> str:
    """Return one digest of the names and digests of all artifacts."""
    lines = sorted(f"{verdict.digest} {verdict.name}\n" for verdict in verdicts)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _read(folder: Path) -> Known | None:
    path = folder / FILE
    try:
        with path.open("rb") as file:
            raw = file.read(memory_file.MAX_BYTES + 1)
        return memory_file.parse(raw)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnchorError(
            f"the memory of this host cannot be read: {error.strerror}",
            code="memory.unreadable",
            subject=str(path),
            hint="give another folder with --memory or AIRGAP_KIT_MEMORY, or let this user read it",
        ) from error
    except MalformedError as error:
        raise AnchorError(
            f"the memory of this host is damaged: {error.message}",
            code="memory.damaged",
            subject=str(path),
            hint="put it back from a backup; or remove it, knowing that an older pack cannot be "
            "told from a newer one until the next pass",
        ) from error


def _merged(known: Known, report: Report) -> Known:
    chains = dict(known.chains)
    for anchor in report.anchors:
        if anchor.chain is not None:
            chains[anchor.instance] = _newer(chains.get(anchor.instance), anchor.chain)
    releases = dict(known.releases)
    before = releases.get(report.release_name)
    signed_at = newest_signature(report.verdicts)
    seen = None if before is None else before.signed_at
    if not is_older(signed_at, seen):
        releases[report.release_name] = KnownRelease(
            version=report.release_version,
            files_sha256=files_digest(report.verdicts),
            signed_at=signed_at or seen,
        )
    return Known(chains, releases)


def is_older(signed_at: datetime | None, before: datetime | None) -> bool:
    """Say whether a signing time is before one that was seen; without both, nothing is said."""
    return signed_at is not None and before is not None and signed_at < before


def _newer(known: KnownChain | None, chain: Chain) -> KnownChain:
    now = KnownChain(
        root=chain.root,
        root_sha256=chain.root_sha256,
        timestamp=chain.timestamp,
        snapshot=chain.snapshot,
        targets=chain.targets,
        online_keys=chain.online_keys,
    )
    if known is None or (chain.root > known.root and chain.online_keys != known.online_keys):
        return now
    if chain.root < known.root:
        return known
    return KnownChain(
        root=now.root,
        root_sha256=now.root_sha256,
        timestamp=max(now.timestamp, known.timestamp),
        snapshot=max(now.snapshot, known.snapshot),
        targets=max(now.targets, known.targets),
        online_keys=now.online_keys,
    )
