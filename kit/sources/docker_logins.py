"""Who this operator is to a registry, as ``docker login`` left it.

Docker's ``config.json`` has it, or names a helper that does. A helper is another program,
``docker-credential-NAME``, found on ``PATH`` and asked only about a registry that lets
nobody in without it. What it prints on its error output is not shown: it may be a secret.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from kit.errors import MachineError, MalformedError
from kit.formats import docker_config
from kit.formats.docker_config import DockerConfig, Login

_SECONDS = 120.0  # a helper may ask the operator something
# What helpers print where they have nothing, with a status other than 0.
_NONE = b"credentials not found"


class DockerLogins:
    """Finds the login for a registry; threads may share it."""

    def __init__(self, config: DockerConfig, folders: Sequence[Path]) -> None:
        """Look for helpers in ``folders``, in this order."""
        self._config = config
        self._folders = folders
        self._lock = threading.Lock()
        self._known: dict[str, Login | None] = {}

    def __call__(self, registry: str) -> Login | None:
        """Return the login for a registry, as references write it; ``None`` without one.

        Raises :class:`MachineError` for a helper that is not there, or fails.
        """
        with self._lock:
            if registry not in self._known:
                self._known[registry] = self._found(registry)
            return self._known[registry]

    def _found(self, registry: str) -> Login | None:
        helper = self._config.helper(registry)
        kept = None if helper is None else self._asked(helper, docker_config.server(registry))
        return kept or self._config.logins.get(registry)

    def _asked(self, helper: str, server: str) -> Login | None:
        name = f"docker-credential-{helper}"
        try:
            done = subprocess.run(  # noqa: S603 - an absolute path that was looked up
                [str(self._program(name)), "get"],
                input=server.encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed(name, "it cannot be run, or does not end") from error
        if done.returncode != 0:
            if _NONE in done.stdout[:1000]:
                return None
            raise _failed(name, f"it ended with {done.returncode}")
        try:
            return docker_config.answer(done.stdout)
        except MalformedError as error:
            raise _failed(name, f"it answered with no login: {error}") from error

    def _program(self, name: str) -> Path:
        for folder in self._folders:
            program = folder / name
            if program.is_file() and os.access(program, os.X_OK):
                return program
        raise _failed(name, "there is no such program on PATH")


def _failed(name: str, why: str) -> MachineError:
    return MachineError(
        f"{name}, which Docker's settings name: {why}",
        code="machine.credential-helper",
        subject=name,
        hint="install or mend it, or name another DOCKER_CONFIG",
    )


def folders(search: str, working: Path) -> tuple[Path, ...]:
    """Return the folders of ``search``, the text of ``PATH``, in which programs are looked for.

    A relative entry, or the ``working`` folder, may hold whatever came with a download.
    """
    entries = [Path(entry) for entry in search.split(os.pathsep) if entry]
    here = working.resolve()
    return tuple(path for path in entries if path.is_absolute() and path.resolve() != here)
