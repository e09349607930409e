"""Run a command and end the process: the only module that does.

Every error the kit raises on purpose ends with its status and a message. Anything else is
a defect: one line and status 70, with the traceback only under ``--debug``.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Never

from kit.cli import terminal
from kit.cli.status import Status, of_error
from kit.errors import KitError, UsageError


class _Terminated(BaseException):
    """SIGTERM arrived: unwind, so that nothing half-written is left."""


def main() -> Never:
    """Run the command in ``sys.argv`` and end the process with its status."""
    signal.signal(signal.SIGTERM, _terminate)
    status = run(sys.argv[1:])
    if status == Status.CLOSED_PIPE:
        # Python would complain about the pipe once more while shutting down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(int(status))


def run(arguments: Sequence[str]) -> Status:
    """Run a command and return its status; nothing escapes but what is printed."""
    from typer.exceptions import TyperException  # noqa: PLC0415 - typer takes 0.1 s

    try:
        return _command(arguments)
    except TyperException as error:
        return _failed(arguments, _usage(error))
    except KitError as error:
        return _failed(arguments, error)
    except KeyboardInterrupt:
        terminal.say("interrupted")
        return Status.INTERRUPTED
    except _Terminated:
        terminal.say("terminated")
        return Status.TERMINATED
    except terminal.ClosedPipe:
        return Status.CLOSED_PIPE
    except Exception as error:  # noqa: BLE001 - a defect must not look like a verdict
        if "--debug" in arguments:
            traceback.print_exc()
        described = f"{type(error).__name__}: {error}"
        return _failed(arguments, KitError(described, code="internal.unexpected"))


def _command(arguments: Sequence[str]) -> Status:
    from kit.cli.commands import app  # noqa: PLC0415 - typer takes 0.1 s

    returned = app(args=list(arguments), prog_name="airgap-kit", standalone_mode=False)
    # --help and --version end early, with no status of their own.
    return returned if isinstance(returned, Status) else Status(int(returned or 0))


def _usage(error: Exception) -> UsageError:
    describe = getattr(error, "format_message", None)
    message = describe() if describe is not None else str(error)
    return UsageError(message, hint="airgap-kit --help, or airgap-kit COMMAND --help")


def _failed(arguments: Sequence[str], error: KitError) -> Status:
    status = of_error(error)
    terminal.complain(error, status)
    if _wants_json(arguments):
        from kit.report import json as json_report  # noqa: PLC0415

        command = next((word for word in arguments if not word.startswith("-")), "")
        terminal.result(json_report.document(command, status, [json_report.failed(error, status)]))
    return status


def _wants_json(arguments: Sequence[str]) -> bool:
    """Say whether JSON was asked for, also where the arguments could not be parsed."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return "--format=json" in arguments or ("--format", "json") in pairs


def _terminate(_number: int, _frame: FrameType | None) -> Never:
    raise _Terminated


if __name__ == "__main__":
    main()
