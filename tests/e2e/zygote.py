"""Runs the kit as a program without starting Python each time: a process that forks.

A process of its own has imported the kit once, does one thing at a time, and forks for every
run: the child gets its own folder, environment and streams, runs ``kit.cli.main`` as
``python -m kit`` does, and ends. Importing is most of what a short run costs; nothing
else of a run is shared. What is about starting up, locales or preloaded modules starts a real
interpreter instead.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Never

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

# All that a run imports.
import jsonschema  # noqa: F401

import kit.check
import kit.cli.checking
import kit.cli.collecting
import kit.cli.commands
import kit.verifiers.sigstore.second_opinion  # noqa: F401
from kit.cli import main

_MAX = 1 << 20
#: Variables that only an interpreter that starts reads.
STARTING = ("PYTHON", "LC_", "LANG", "TZ", "LD_")


class Zygote:
    """A process that is ready to run the kit; one for each process of pytest."""

    def __init__(self) -> None:
        """Start it."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=Path(__file__).parents[2],
            )
        self._line = ours
        atexit.register(self._end)

    def _end(self) -> None:
        """Have it end: it does when nobody can ask any more."""
        self._line.close()
        self._process.wait(10)

    def run(
        self, arguments: Sequence[str], folder: Path, env: Mapping[str, str], timeout: float
    ) -> tuple[int, str, str]:
        """Return the status of a run and what it wrote to stdout and stderr."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            request = {"arguments": list(arguments), "folder": str(folder), "env": dict(env)}
            raw = json.dumps(request).encode()
            socket.send_fds(self._line, [len(raw).to_bytes(4, "big")], [out.fileno(), err.fileno()])
            self._line.sendall(raw)
            pid = int.from_bytes(_exactly(self._line, 4), "big")
            if not select.select([self._line], [], [], timeout)[0]:
                os.kill(pid, signal.SIGKILL)
                _exactly(self._line, 4)
                raise subprocess.TimeoutExpired(list(arguments), timeout)
            status = int.from_bytes(_exactly(self._line, 4), "big", signed=True)
            return status, _text(out), _text(err)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _exactly(line: socket.socket, size: int) -> bytes:
    raw = b""
    while len(raw) < size:
        more = line.recv(size - len(raw))
        if not more:
            raise EOFError
        raw += more
    return raw


# ---- the process itself


def _serve(line: socket.socket) -> None:
    """Fork for every request until nobody asks any more."""
    gc.freeze()  # what is here is shared by all children
    while True:
        head, descriptors, _, _ = socket.recv_fds(line, 4, 2)
        if not head:
            return
        request = json.loads(_exactly(line, int.from_bytes(head, "big")))
        pid = os.fork()
        if pid == 0:
            line.close()
            _become(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        line.sendall(pid.to_bytes(4, "big"))
        _, status = os.waitpid(pid, 0)
        line.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))


def _become(request: Mapping[str, object], descriptors: Sequence[int]) -> Never:
    """Be the program: its folder, environment, arguments, streams and signals."""
    os.chdir(str(request["folder"]))
    env = request["env"]
    assert isinstance(env, dict)
    os.environ.clear()
    os.environ.update(env)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nowhere, *descriptors)):
        os.dup2(descriptor, number)
    for descriptor in (nowhere, *descriptors):
        os.close(descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = request["arguments"]
    assert isinstance(arguments, list)
    sys.argv = ["airgap-kit", *map(str, arguments)]
    code = 70
    try:
        main.main()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 70
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
