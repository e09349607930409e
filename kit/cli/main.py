"""Run a command and end the process: the only module that does.

Every error the kit raises on purpose ends with its status and a message. Anything else is
a defect: one line and status 70, with the traceback only under ``--debug``.
"""

from __future__ import annotations

import errno
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from types import FrameType
from typing import TYPE_CHECKING, Never

from kit.cli import terminal
from kit.cli.status import Status, of_error
from kit.errors import KitError, MachineError, UsageError

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

#: Commands that have commands of their own.
_GROUPS = frozenset({"custody", "policy", "trust"})
#: What the machine refuses whatever it is asked: full, forbidden, broken, or out of handles.
_REFUSED = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EBADF}
    | {errno.EMFILE, errno.ENFILE}
)
#: Seconds until a signal whose exception was swallowed is raised again.
_AGAIN = 0.01


class _Terminated(BaseException):
    """SIGTERM arrived: unwind, so that nothing half-written is left."""


@dataclass(slots=True)
class _Ending:
    """How far the process is on its way out.

    ``terminated`` is remembered beside the exception, because native code may turn that
    into one of its own.
    """

    terminated: bool = False
    decided: bool = False


_ending = _Ending()


def main() -> Never:
    """Run the command in ``sys.argv`` and end the process with its status."""
    try:
        sys.unraisablehook = _swallowed
        signal.signal(signal.SIGTERM, _terminate)
        terminal.prepare()
        status = run(sys.argv[1:])
        _decide()
    except BaseException as error:  # noqa: BLE001 - a status of Python's own would be a verdict
        _decide()
        status = _status_of(error)
    sys.exit(int(status))


def run(arguments: Sequence[str]) -> Status:
    """Run a command and return its status; nothing escapes but what is printed."""
    try:
        return _command(arguments)
    except BaseException as error:  # noqa: BLE001 - also what native code makes of a signal
        return _ended(arguments, error)


def _ended(arguments: Sequence[str], error: BaseException) -> Status:
    """Tell of what ended the command, and return the status for it."""
    if isinstance(error, terminal.ClosedPipe | SystemExit):
        terminal.silence(sys.stdout)
        return Status.CLOSED_PIPE  # typer leaves so when the reader of --help is gone
    stopped = {Status.TERMINATED: "terminated", Status.INTERRUPTED: "interrupted"}
    status = _status_of(error)
    if status in stopped:
        terminal.say(stopped[status])
        _print_failure(arguments, status, KitError(stopped[status], code=stopped[status]))
        return status
    if isinstance(error, KitError):
        return _failed(arguments, error)
    if isinstance(error, _typer_exception()):
        return _failed(arguments, _usage(error))
    if isinstance(error, OSError) and error.errno in _REFUSED:
        what = "this machine refuses" if error.filename is None else f"{error.filename}"
        hint = "look at the space and the permissions there, and run it again"
        return _failed(arguments, MachineError(f"{what}: {error.strerror}", hint=hint))
    if "--debug" in arguments:
        with suppress(OSError, ValueError):
            traceback.print_exception(error)
    described = f"{type(error).__name__}: {error}"
    return _failed(arguments, KitError(described, code="internal.unexpected"))


def _status_of(error: BaseException) -> Status:
    if _ending.terminated:
        return Status.TERMINATED
    return Status.INTERRUPTED if isinstance(error, KeyboardInterrupt) else Status.UNEXPECTED


def _typer_exception() -> type[BaseException] | tuple[()]:
    """Return the class of typer's complaints; nothing where typer was never loaded."""
    return getattr(sys.modules.get("typer.exceptions"), "TyperException", ())


def _command(arguments: Sequence[str]) -> Status:
    from kit.cli.commands import app  # noqa: PLC0415 - typer takes 0.1 s

    # Nothing at all is wrong usage, answered with the help.
    returned = app(
        args=list(arguments or ["--help"]), prog_name="airgap-kit", standalone_mode=False
    )
    if returned == Status.INTERRUPTED:  # typer's word for a KeyboardInterrupt
        raise KeyboardInterrupt
    if isinstance(returned, Status):
        return returned
    # --help and --version end early, with no status of their own.
    return Status(int(returned or 0)) if arguments else Status.USAGE


def _usage(error: BaseException) -> UsageError:
    describe = getattr(error, "format_message", None)
    message = describe() if describe is not None else str(error)
    return UsageError(message, hint="airgap-kit --help, or airgap-kit COMMAND --help")


def _failed(arguments: Sequence[str], error: KitError) -> Status:
    status = of_error(error)
    terminal.complain(error, status)
    _print_failure(arguments, status, error)
    return status


def _print_failure(arguments: Sequence[str], status: Status, error: KitError) -> None:
    """Print the document of a failure where JSON was asked for; never a failure of its own."""
    if not _wants_json(arguments):
        return
    from kit.report import json as json_report  # noqa: PLC0415

    words = [word for word in arguments if not word.startswith("-")]
    command = " ".join(words[: 2 if words[:1] and words[0] in _GROUPS else 1])
    document = json_report.document(command, status, [json_report.failed(error, status)])
    # Where stdout takes nothing, what failed was said on stderr already.
    with suppress(terminal.ClosedPipe, MachineError):
        terminal.result(document)


def _wants_json(arguments: Sequence[str]) -> bool:
    """Say whether JSON was asked for, also where the arguments could not be parsed."""
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    if _ending.terminated or _ending.decided:
        return
    _ending.terminated = True
    raise _Terminated


def _swallowed(unraisable: UnraisableHookArgs) -> None:
    """Raise a signal again whose exception came up where Python drops them.

    That is within finalizers and the callbacks of weak references, which any import runs:
    the process would go on as though nobody had asked it to stop.
    """
    if isinstance(unraisable.exc_value, _Terminated):
        _ending.terminated = False
        again = signal.SIGTERM
    elif isinstance(unraisable.exc_value, KeyboardInterrupt):
        again = signal.SIGINT
    else:
        sys.__unraisablehook__(unraisable)
        return
    # From a thread, as what is raised within this hook is dropped too; and sent to the main
    # one, so that it ends what that waits for.
    main_thread = threading.main_thread().ident
    threading.Timer(_AGAIN, signal.pthread_kill, (main_thread, again)).start()


def _decide() -> None:
    """Let no signal change the status from here on."""
    _ending.decided = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
