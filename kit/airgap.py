"""Refuse the network, and children, for the rest of this process.

The offline half is written so that it needs neither. This makes that a fact rather than
a habit: an audit hook (PEP 578) cannot be removed once it is set, and it sees the calls
of every library in the process. A spawned worker does not inherit it and seals itself.

One program can be let through, gpg, where a policy pins an OpenPGP key: as one absolute
path, with the arguments and the environment that its verifier gives it and no others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kit.errors import KitError

#: `socket.bind` is left alone: urllib3 binds once at import to learn whether IPv6 exists.
_REFUSED: Final = frozenset(
    {
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "socket.getnameinfo",
        "socket.sendto",
        "socket.sendmsg",
        "subprocess.Popen",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "pty.spawn",
    }
)

_sealed = False


class AirGapError(KitError):
    """Something tried to reach out of a sealed process: a defect of the kit, never a verdict."""

    default_code = "airgap.breached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """The one program that a sealed process may start, and what ``permits`` of its runs."""

    program: Path
    permits: Callable[[Sequence[str], Mapping[str, str]], bool]


def seal(child: Child | None = None) -> None:
    """Make any later attempt to reach the network or start a program raise.

    Only ``child`` may be started. Lasts as long as the process; calling it again changes
    nothing, and lets no other program through.
    """
    global _sealed  # noqa: PLW0603 - the hook is the process's, and so is this
    if _sealed:
        return
    _sealed = True

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event in _REFUSED and not (
            event == "subprocess.Popen" and child is not None and _permitted(child, arguments)
        ):
            raise AirGapError(f"the air gap is sealed: {event} refused")

    sys.addaudithook(refuse)


def _permitted(child: Child, arguments: tuple[object, ...]) -> bool:
    """Say whether a ``subprocess.Popen`` (executable, args, cwd, env) is one of the child's."""
    executable, command, _, environment = arguments
    return (
        executable == str(child.program)
        and isinstance(command, list)
        and command[:1] == [executable]
        and isinstance(environment, dict)
        and child.permits(command[1:], environment)
    )


def is_sealed() -> bool:
    """Say whether this process has been sealed."""
    return _sealed
