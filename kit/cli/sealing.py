"""Seal packs for the command line: private keys and passphrases, and the custody file's lines.

A passphrase comes from a file or from the terminal, never from the command line or the
environment, which others can see. A line is added by writing the file anew beside itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from getpass import getpass
from pathlib import Path

from kit.cli import custody_file, environment, gpg_signing
from kit.errors import MachineError, MalformedError, UsageError
from kit.formats import custody, signing_key
from kit.formats.custody import Record, Role
from kit.pack.writer import sync_folder
from kit.verifiers.custody import demand_chain

if sys.platform != "win32":
    import fcntl

_OPENPGP = "openpgp:"
_MAX_PASSPHRASE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """Who seals: how a seal names the key, and what signs."""

    key: str
    sign: Callable[[bytes], bytes]


def sealer(key: str, passphrase_file: Path | None) -> Sealer:
    """Return what seals with ``key``: a PEM file, or ``openpgp:`` and a fingerprint for gpg.

    Raises :class:`UsageError` for anything but a key that can seal, before anything is done.
    """
    if key.startswith(_OPENPGP):
        if passphrase_file is not None:
            raise UsageError("--passphrase-file: gpg asks for the passphrase of its keys itself")
        named = gpg_signing.fingerprint(key.removeprefix(_OPENPGP))
        return Sealer(key=f"{_OPENPGP}{named}", sign=partial(gpg_signing.sign, named))
    path = Path(key)
    raw = environment.read_named(path, signing_key.MAX_BYTES, "usage.key")
    passphrase = _passphrase(path, passphrase_file) if signing_key.is_encrypted(raw) else None
    loaded = signing_key.parse(raw, path.name, passphrase)
    return Sealer(key=loaded.key, sign=loaded.sign)


def note(text: str) -> str:
    """Return a note that can stand in a seal; raise :class:`UsageError` for another."""
    try:
        return custody.note(text)
    except MalformedError as error:
        raise UsageError(f"--note: {error.message}") from error


def add(
    pack: Path, manifest_sha256: str, who: Sealer, *, role: Role, at: datetime, text: str
) -> None:
    """Add a line to the custody file beside ``pack``; two at once follow each other.

    Raises :class:`RejectedError` or :class:`MalformedError` where the lines that are there
    do not hold together: nothing is added to those.
    """
    with _held(pack):
        before = custody_file.read(pack) or b""
        seals = custody.parse(before) if before else ()
        demand_chain(seals, manifest_sha256)
        record = Record(
            pack=manifest_sha256,
            previous=seals[-1].sha256 if seals else None,
            role=role,
            at=at.replace(microsecond=0),
            note=text,
        )
        line = custody.render(record, who.key, who.sign(custody.to_sign(record)))
        whole = before + line
        custody.parse(whole)  # also that it is not over a limit
        _write(custody_file.of(pack), whole)


@contextmanager
def _held(pack: Path) -> Iterator[None]:
    """Hold a lock on the pack, which is there and which nobody changes."""
    try:
        with pack.open("rb") as file:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise MachineError(f"{pack}: {error.strerror}", subject=pack.name) from error


def _write(path: Path, raw: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MachineError(f"{path}: {error.strerror}", subject=path.name) from error


def _passphrase(key: Path, given: Path | None) -> bytes:
    if given is not None:
        raw = environment.read_named(given, _MAX_PASSPHRASE, "usage.key")
        return raw.removesuffix(b"\n").removesuffix(b"\r")
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            f"the key {key.name} is encrypted, and there is no terminal to ask on",
            code="usage.key",
            subject=key.name,
            hint="give its passphrase with --passphrase-file FILE",
        )
    return getpass(f"passphrase of {key.name}: ").encode()
