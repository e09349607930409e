"""gpg in a home of its own that is thrown away: the one door to python-gnupg.

python-gnupg starts gpg, feeds it and reads it. What gpg says is taken from here as raw
bytes, from a pipe on which gpg writes nothing but status lines: the library's own reading
ends lines where gpg does not, knows one verdict of a file of several signatures, and
leaves the hash algorithm out.

gpg sees files of this home alone, by names that this module chose, and the data on its
standard input. No name from a pack comes near its command line.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from subprocess import Popen
from threading import Event, Thread
from typing import Any, Protocol, Self

import gnupg

from kit import airgap
from kit.errors import MachineError, MalformedError
from kit.formats import gpg_status

# It would tell of every pipe that gpg closed, with a traceback.
logging.getLogger(gnupg.__name__).disabled = True

#: No configuration, no agent, no network, no trust but in the keys that are there.
_OPTIONS = (
    "--batch",
    "--no-tty",
    "--no-options",
    "--no-autostart",
    "--disable-dirmngr",
    "--no-auto-key-retrieve",
    "--no-auto-key-locate",
    "--no-auto-check-trustdb",
    "--trust-model",
    "always",
    "--quiet",
    "--status-fd",
    "1",
)
_SIGNATURE = "signature"
_VERSION = ("--list-config", "--with-colons")
_IMPORT = ("--import",)
_VERIFY = "--verify"
_OLDEST = (2, 2)  # has NEWSIG, and --faked-system-time that stands still
_CHUNK = 1 << 20

#: Seconds in which gpg must read on, or end.
PATIENCE = 120.0

#: OpenPGP counts seconds in four bytes, and so does gpg's clock.
_LATEST = 0xFFFFFFFE


class Data(Protocol):
    """What is signed, read once from its start to its end."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, none at the end."""


def find(search: str, working: Path) -> Path | None:
    """Return gpg's absolute path by ``search``, the text of ``PATH``; ``None`` without one.

    A relative entry, or one that is the ``working`` folder, may hold whatever came along
    with a download.
    """
    for entry in search.split(os.pathsep):
        folder = Path(entry)
        program = folder / "gpg"
        if (
            folder.is_absolute()
            and folder.resolve() != working.resolve()
            and program.is_file()
            and os.access(program, os.X_OK)
        ):
            return program
    return None


def child(program: Path) -> airgap.Child:
    """Return what a sealed process may start: this gpg, as this module starts it."""
    return airgap.Child(program=program, permits=_is_ours)


def _is_ours(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    fixed = len(_OPTIONS)
    if tuple(arguments[:fixed]) != _OPTIONS:
        return False
    match arguments[fixed:]:
        case ["--homedir", home, "--faked-system-time", _, *command]:
            ours = (_VERSION, _IMPORT, (_VERIFY, _signature_in(home), "-"))
            return environment == _environment(home) and tuple(command) in ours
        case _:
            return False


def _environment(home: str) -> dict[str, str]:
    return {"HOME": home, "LC_ALL": "C"}


def _signature_in(home: str) -> str:
    return str(Path(home) / _SIGNATURE)


class Gpg:
    """gpg with an empty keyring, in a folder that is gone when this is closed."""

    def __init__(self, program: Path | None, patience: float = PATIENCE) -> None:
        """Make the home; raise :class:`MachineError` where gpg is not there, or does not run."""
        if program is None:
            raise _no_gpg("it is signed with OpenPGP, and there is no gpg on this host")
        try:
            # Short: in a long one gpg's sockets, were there any, would have no room.
            self._folder = tempfile.TemporaryDirectory(prefix="gpg-")
        except OSError as error:
            raise MachineError(
                f"no temporary folder for gpg: {error.strerror}", code="machine.unwritable"
            ) from error
        try:
            self._library = _Library(program, self._folder.name, patience)
            self.version = self._demand_version()
        except BaseException:
            self.close()
            raise

    def import_key(self, key: bytes) -> gpg_status.Imported:
        """Import a key; return what gpg took it for."""
        # Later than any key and any self-signature: whether a key holds is judged at the
        # time of the check, not by when it was imported.
        run = self._library.run(_LATEST, lambda library: library.import_keys(key))
        return gpg_status.imported(run)

    def verify(
        self, signatures: bytes, data: Data, at: datetime
    ) -> tuple[gpg_status.SignatureStatus, ...]:
        """Return gpg's verdict on each signature over ``data``, as of ``at``.

        ``signatures`` are bare packets. Where one of them holds, ``data`` was read to its
        end; what reading it raised is raised here. Raises :class:`MalformedError` for
        what gpg cannot read, or crashes on, and :class:`MachineError` if it does not come
        to an end.
        """
        path = _signature_in(self._folder.name)
        Path(path).write_bytes(signatures)
        feed = _Feed(data)
        run = self._library.run(
            min(max(int(at.timestamp()), 1), _LATEST),
            # The one way of the library that streams: the file to `--verify` goes to
            # standard input, after arguments that name the signature and `-`.
            lambda library: library.verify_file(feed, close_file=False, extra_args=[path, "-"]),
            feed,
        )
        found = gpg_status.signatures(run)
        if not feed.ended and any(status.valid for status in found):
            raise MalformedError("gpg judged the file before its end", code="openpgp.malformed")
        return found

    def close(self) -> None:
        """Remove the home and all that is in it."""
        self._folder.cleanup()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the home."""
        self.close()

    def _demand_version(self) -> str:
        version = self._library.version
        if version is None or version < _OLDEST:
            raise _no_gpg("gpg is older than 2.2")
        return ".".join(str(part) for part in version)


def _no_gpg(message: str) -> MachineError:
    return MachineError(
        message,
        code="machine.no-gpg",
        hint="install GnuPG 2.2 or newer (the package is called gnupg, or gpg)",
    )


class _Feed:
    """The data on its way to gpg: what went wrong in reading it, and whether all was read.

    It is read in a thread of the library, to which an error would be an end of the data.
    """

    def __init__(self, data: Data) -> None:
        self._data = data
        self.error: BaseException | None = None
        self.ended = False
        self.taken = 0

    def read(self, size: int) -> bytes:
        if self.error is not None or self.ended:
            return b""
        try:
            raw = self._data.read(size)
        except BaseException as error:  # noqa: BLE001 - raised again where it can be seen
            self.error = error
            return b""
        self.ended = not raw
        self.taken += 1
        return raw


class _Silent(gnupg.StatusHandler):  # type: ignore[misc]
    """Stands for the library's results; it looks at no line, and so trips over none."""

    def handle_status(self, key: str, value: str) -> None:
        """Ignore a line: they are read elsewhere, from another pipe."""


class _Library(gnupg.GPG):  # type: ignore[misc]
    """python-gnupg with this module's arguments, a time limit, and its result as raw bytes."""

    buffer_size = _CHUNK
    result_map = dict.fromkeys(gnupg.GPG.result_map, _Silent)

    def __init__(self, program: Path, home: str, patience: float) -> None:
        self._home = home
        self._patience = patience
        self._time = 1
        self._process: Popen[bytes] | None = None
        self._said: list[bytes] = []
        try:
            with _Watch(self, None, patience):
                super().__init__(gpgbinary=str(program), gnupghome=home, env=_environment(home))
        except (OSError, ValueError) as error:
            raise _no_gpg(f"gpg does not run: {program}") from error
        self.on_data = self._hear

    def make_args(self, args: list[str], _passphrase: object) -> list[str]:
        """Return the whole command line; the library's own says more than it should."""
        when = ("--faked-system-time", f"{self._time}!")
        return [str(self.gpgbinary), *_OPTIONS, "--homedir", self._home, *when, *args]

    def run(
        self, time: int, command: Callable[[_Library], object], feed: _Feed | None = None
    ) -> bytes:
        """Run gpg as of ``time`` (in seconds since 1970); return its status lines."""
        self._time, self._process, self._said = time, None, []
        with _Watch(self, feed, self._patience) as watch:
            try:
                command(self)
            except BrokenPipeError:
                pass  # it wanted no more data; what it says tells why
            except OSError as error:
                raise MachineError(f"gpg cannot be run: {error.strerror}") from error
        if watch.gave_up:
            raise MachineError(
                f"gpg did nothing for {self._patience:.0f} seconds", code="machine.timeout"
            )
        if feed is not None and feed.error is not None:
            raise feed.error
        # The override below is the library's inside: were it not asked, nothing is believed.
        status = self._ended()
        if status is None:
            raise MachineError("gpg was not run to its end")
        if status < 0:
            raise MalformedError("gpg crashed on it", code="openpgp.malformed")
        return b"".join(self._said)

    def kill(self) -> None:
        """End gpg, if it runs."""
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def let_go(self) -> None:
        """End gpg, if it runs, and close what the library left open of it."""
        self.kill()
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()

    def _ended(self) -> int | None:
        return None if self._process is None else self._process.returncode

    def _hear(self, raw: bytes) -> bool:
        if sum(map(len, self._said)) <= gpg_status.MAX_BYTES:
            self._said.append(raw)
        return False  # the library keeps none of it

    def _open_subprocess(self, args: list[str], passphrase: Any = None) -> Popen[bytes]:
        process: Popen[bytes] = super()._open_subprocess(args, passphrase)
        self._process = process
        return process


class _Watch:
    """Ends gpg when it neither reads on nor ends for as long as one has patience."""

    def __init__(self, library: _Library, feed: _Feed | None, patience: float) -> None:
        self.gave_up = False
        self._library = library
        self._feed = feed
        self._patience = patience
        self._done = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._library.let_go()

    def _look(self) -> None:
        before = -1
        while not self._done.wait(self._patience):
            taken = 0 if self._feed is None else self._feed.taken
            if taken == before:
                self.gave_up = True
                self._library.kill()
                return
            before = taken
