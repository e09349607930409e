"""Hash what arrives while more of it does: the next piece need not wait for the last one.

hashlib lets go of the interpreter, so that a thread of its own takes another core.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

#: Pieces that may wait to be hashed.
_WAITING = 8
_CHUNK = 1 << 20


class Hashing:
    """SHA-256 of pieces in their order, ``size`` bytes of which are hashed so far.

    ``others`` are the algorithms of further digests that something will compare.
    """

    def __init__(self, others: Iterable[str] = ()) -> None:
        """Begin."""
        names = dict.fromkeys(("sha256", *others))
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in names}
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Hash a piece."""
        for digest in self._hashes.values():
            digest.update(piece)
        self.size += len(piece)

    @property
    def sha256(self) -> str:
        """The SHA-256 of what is hashed so far, in hex."""
        return self._hashes["sha256"].hexdigest()

    @property
    def digests(self) -> Mapping[str, str]:
        """All digests of what is hashed so far, in hex, by algorithm."""
        return {name: digest.hexdigest() for name, digest in self._hashes.items()}


def of_file(path: Path, others: Iterable[str] = ()) -> Hashing:
    """Hash a file; raise :class:`OSError` where it cannot be read."""
    hashing = Hashing(others)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hashing.add(chunk)
    return hashing


class Aside:
    """Hands pieces to a :class:`Hashing` in a thread of its own, while it is entered.

    ``after`` is called there after every piece. Leaving it waits until all is hashed, and
    raises what hashing raised.
    """

    def __init__(self, hashing: Hashing, after: Callable[[], None]) -> None:
        """Start nothing yet."""
        self._hashing = hashing
        self._after = after
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End, with everything hashed."""
        self._pieces.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def add(self, piece: bytes) -> None:
        """Hand a piece over, as soon as not too many wait."""
        self._pieces.put(piece)

    def _work(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self._error is None:
                try:
                    self._hashing.add(piece)
                    self._after()
                except BaseException as error:  # noqa: BLE001 - raised by who waits
                    self._error = error
