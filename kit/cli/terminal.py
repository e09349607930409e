"""What reaches the terminal: results on stdout, everything else on stderr, all of it escaped."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from kit.cli.status import Status
from kit.errors import KitError, MachineError, PackError
from kit.report.escape import plain

if TYPE_CHECKING:
    from rich.progress import Progress

_STDERR = 2

_SAID = {
    Status.USAGE: "wrong usage; nothing was checked",
    Status.PACK: "the pack is damaged or malformed; nothing in it was believed",
    Status.ANCHOR: "no usable trust anchor; nothing was verified",
    Status.MACHINE: "the machine failed; this says nothing about the files",
    Status.DOES_NOT_HOLD: "it does not hold",
    Status.UNEXPECTED: "a defect of airgap-kit; nothing was concluded",
}


class ClosedPipe(BaseException):
    """Nobody reads stdout any more. No ``OSError``: typer would end the process for one."""


def prepare() -> None:
    """Make the standard streams fit to be printed on, whatever the process was started with."""
    if os.name == "posix":
        # A file that we open must never get the number that others write messages to.
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
            pass
        os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def result(text: str) -> None:
    """Print a result; ``text`` is already safe and ends its own lines.

    Raises :class:`ClosedPipe` where nobody reads it any more, and :class:`MachineError`
    where it cannot be written.
    """
    if sys.stdout is None:
        raise MachineError("stdout is closed: the result cannot be written")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        silence(sys.stdout)
        raise ClosedPipe from error
    except (OSError, ValueError) as error:
        silence(sys.stdout)
        reason = error.strerror if isinstance(error, OSError) else error
        raise MachineError(f"stdout: the result cannot be written: {reason}") from error


def say(text: str) -> None:
    """Tell the operator something on stderr; that nobody listens is no failure."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{plain(text)}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        silence(sys.stderr)


def silence(stream: TextIO | None) -> None:
    """Send what a stream still holds nowhere: Python would fail over it while shutting down."""
    if stream is None:
        return
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def complain(error: KitError, status: Status, about: str | None = None) -> None:
    """Tell the operator of an error: what happened, what it means, what to do next."""
    about = f"{about}: " if about else ""
    if isinstance(error, PackError):
        for fault in error.faults:
            say(f"error: {about}{fault.code}: {fault.message}")
    else:
        say(f"error: {about}{error.code}: {error.message}")
    if error.hint:
        say(f"hint: {error.hint}")
    say(f"({_SAID.get(status, 'ended')}; status {int(status)})")


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """Show how many of ``total`` bytes are done, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    with drawn() as bar:
        task = bar.add_task(plain(what), total=total)
        yield lambda done: bar.advance(task, done)


@contextmanager
def drawn() -> Iterator[Progress]:
    """Draw bars on stderr, which is a terminal, below what is said meanwhile."""
    from rich.console import Console  # noqa: PLC0415 - 0.1 s, and only where it is seen
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    # rich takes stderr over while it draws, and writes what is said above the bars.
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield bars
