"""Which memory a check is held against, as options and the environment have it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from kit.errors import UsageError
from kit.trust import memory
from kit.trust.memory import Memory

MEMORY = "AIRGAP_KIT_MEMORY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says about memory; ``at`` is ``--at``, under which there is none."""

    folder: Path | None = None
    off: bool = False
    read_only: bool = False
    accept_rollback: bool = False
    at: str | None = None


#: A run that is held against nothing and learns nothing, such as the rehearsal.
NONE = Options(off=True)


def recall(options: Options) -> Memory | None:
    """Return this host's memory, ``None`` where the run has none.

    Raises :class:`UsageError` for options that contradict each other, and
    :class:`AnchorError` for a memory that is damaged.
    """
    if options.off and (options.folder is not None or options.read_only):
        raise UsageError("--no-memory, and an option for the memory: say one of them")
    told = options.folder is not None or options.read_only or options.accept_rollback
    if options.at is not None and told:
        raise UsageError(
            "--at, and an option for the memory: as of another time, nothing is compared with it",
            hint="leave one of them out",
        )
    if options.off or options.at is not None:
        return None
    return memory.recall(_folder(options.folder), learns=not options.read_only)


def _folder(option: Path | None) -> Path:
    if option is not None:
        return option
    from_environment = os.environ.get(MEMORY)
    if from_environment:
        return Path(from_environment)
    from platformdirs import user_state_path  # noqa: PLC0415

    return user_state_path("airgap-kit", appauthor=False)
