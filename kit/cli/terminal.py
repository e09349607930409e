"""What reaches the terminal: results on stdout, everything else on stderr, all of it escaped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kit.cli.status import Status
from kit.errors import KitError, PackError
from kit.report.escape import plain

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


def result(text: str) -> None:
    """Print a result; ``text`` is already safe and ends its own lines."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ClosedPipe from error


def say(text: str) -> None:
    """Tell the operator something on stderr."""
    sys.stderr.write(f"{plain(text)}\n")


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
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - 0.1 s, and only where it is seen
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn  # noqa: PLC0415

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
