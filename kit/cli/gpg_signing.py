"""Sign with a key of the operator's own gpg, agent and all: only when a pack is sealed.

Verification never comes here: it runs gpg in a home of its own, with nothing of the operator's.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from kit.cli import environment
from kit.errors import EvidenceError, MachineError, UsageError
from kit.formats import openpgp

_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")


def fingerprint(text: str) -> str:
    """Return a primary key's whole fingerprint, in upper case without spaces."""
    found = text.replace(" ", "").upper()
    if not _FINGERPRINT.fullmatch(found):
        raise UsageError(
            f"openpgp:{text}: a key is named by its whole fingerprint",
            code="usage.key",
            hint="gpg --list-secret-keys --with-colons shows it",
        )
    return found


def sign(key: str, message: bytes) -> bytes:
    """Return gpg's detached signature over ``message`` by the key with that fingerprint.

    gpg may ask for a passphrase on the terminal. Raises :class:`MachineError` where gpg is
    not there or does not sign, with what it says left on stderr.
    """
    from kit.verifiers.openpgp import program  # noqa: PLC0415 - loads the library

    gpg = program.find(environment.search_path(), Path.cwd())
    if gpg is None:
        raise MachineError("there is no gpg on this host", code="machine.no-gpg")
    command = [
        str(gpg), "--no-armor", "--digest-algo", "SHA512", "--local-user", key,
        "--output", "-", "--detach-sign",
    ]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and nothing but our own words
            command, input=message, stdout=subprocess.PIPE, check=False
        )
        if done.returncode != 0:
            raise MachineError("gpg did not sign", code="machine.failed", subject=key)
        return openpgp.detached(done.stdout).raw
    except (OSError, EvidenceError) as error:
        raise MachineError(f"gpg did not sign: {error}", code="machine.failed") from error
