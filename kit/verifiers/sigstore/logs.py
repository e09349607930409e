"""The logs of one instance, with their keys loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kit.formats import log_key
from kit.formats.trusted_root import Log, Window
from kit.verifiers.sigstore import keys
from kit.verifiers.sigstore.keys import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedLog:
    """A log of the trusted root. ``algorithm`` is the hash its signatures are over.

    ``generations`` are those of Rekor that it can be by its id. That of an ECDSA key is the
    same in both (C2SP signed-note.md); of any other, a v2 log's is of its name as well.
    """

    host: str
    log_id: bytes
    key: Key
    algorithm: str
    window: Window
    generations: frozenset[int]

    @classmethod
    def of(cls, log: Log) -> ListedLog:
        """Load a log's key; raise :class:`UnsupportedError` for a size that is not verified."""
        return cls(
            host=log.host,
            log_id=log.log_id,
            key=keys.load(log.key),
            algorithm=log_key.HASHES[log.key_details],
            window=log.window,
            generations=frozenset(_generations(log)),
        )

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Say whether the log signed a message."""
        return keys.holds(self.key, signature, message, self.algorithm)


def _generations(log: Log) -> set[int]:
    if log.by_name:
        return {2}
    return {1, 2} if "ECDSA" in log.key_details else {1}


def load(logs: Iterable[Log]) -> tuple[ListedLog, ...]:
    """Load the logs of a root; several may share an id, with windows of their own."""
    return tuple(ListedLog.of(log) for log in logs)
