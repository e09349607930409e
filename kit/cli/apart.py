"""Check a pack in a process of its own, sealed, whose report comes back here.

What is checked is sealed off for good, and who pushes needs the network. So the check runs
in a child that is spawned, seals itself as `check` does, and ends; this process has opened
nothing of the pack by then. The report names the digest of the pack's manifest, which
fixes every byte of it: whoever goes on here holds what is read against that.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from kit.cli import checking, remembering, terminal
from kit.errors import KitError, MachineError

if TYPE_CHECKING:
    from kit.formats.release_file import ReleaseFile
    from kit.model import Report

_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What is to be judged, as :func:`kit.cli.checking.prepare` takes it."""

    pack: Path
    release: ReleaseFile
    anchors: checking.Anchors
    at: datetime
    only: Sequence[str]
    workers: int | None
    memory: remembering.Options


def judge(judging: Judging) -> Report:
    """Return the report of a check in a child; raise what the check raised."""
    spawn = multiprocessing.get_context("spawn")  # a fork would share what this process has open
    ours, theirs = spawn.Pipe(duplex=False)
    child = spawn.Process(target=_judge, args=(judging, theirs))
    child.start()
    theirs.close()
    try:
        report, error = ours.recv()
        child.join(_SECONDS)  # it has said all, and ends by itself
    except EOFError as gone:
        raise MachineError(
            "the process that checked the pack was ended before it was done",
            hint="this says nothing about the pack; see whether this host has memory enough",
        ) from gone
    finally:
        child.kill()
        child.join()
    if error is not None:
        raise error
    found: Report = report
    return found


def _judge(judging: Judging, answer: Connection) -> None:
    terminal.prepare()
    try:
        checker = checking.prepare(
            judging.release,
            judging.anchors,
            judging.at,
            judging.only,
            judging.workers,
            memory=judging.memory,
        )
        answer.send((checker.judge(judging.pack), None))
    except KitError as error:
        answer.send((None, error))
    except Exception as error:  # noqa: BLE001 - a defect is told by the process that has the terminal
        described = f"{type(error).__name__}: {error}"
        answer.send((None, KitError(described, code="internal.unexpected")))
