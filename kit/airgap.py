"""Refuse the network, and children, for the rest of this process.

The offline half is written so that it needs neither. This makes that a fact rather than
a habit: an audit hook (PEP 578) cannot be removed once it is set, and it sees the calls
of every library in the process. A spawned worker does not inherit it and seals itself.
"""

from __future__ import annotations

import sys
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


def seal() -> None:
    """Make any later attempt to reach the network or start a program raise.

    Lasts as long as the process; calling it again changes nothing.
    """
    global _sealed  # noqa: PLW0603 - the hook is the process's, and so is this
    if _sealed:
        return
    _sealed = True

    def refuse(event: str, _args: tuple[object, ...]) -> None:
        if event in _REFUSED:
            raise AirGapError(f"the air gap is sealed: {event} refused")

    sys.addaudithook(refuse)


def is_sealed() -> bool:
    """Say whether this process has been sealed."""
    return _sealed
