"""A log entry of a bundle beside what it says and the log it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kit.errors import RejectedError
from kit.formats import log_entry
from kit.formats.log_entry_body import Logged
from kit.formats.sigstore_bundle import LogEntry
from kit.verifiers.sigstore import inclusion
from kit.verifiers.sigstore.claims import Note
from kit.verifiers.sigstore.logs import ListedLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry whose body is read, whose log is listed, and whose promise, if any, holds.

    ``promised`` is the time that the promise binds.
    """

    entry: LogEntry
    logged: Logged
    logs: tuple[ListedLog, ...]
    promised: datetime | None

    @classmethod
    def of(cls, entry: LogEntry, listed: Sequence[ListedLog]) -> Entry:
        """Read an entry and verify its promise."""
        logged = log_entry.parse(entry)
        named = inclusion.find_log(entry, logged, listed)
        return cls(
            entry=entry,
            logged=logged,
            logs=tuple(named),
            promised=inclusion.promised_time(entry, logged, named),
        )

    def check_inclusion(self, version: str, moments: Sequence[datetime]) -> tuple[Note, ...]:
        """Verify that the log has it, at a time when the log's key may vouch.

        ``moments`` are all times of signing; they speak for an entry that has none itself.
        """
        inclusion.check_presence(self.entry, version)
        inclusion.check_window(self.logs, moments if self.promised is None else [self.promised])
        notes = []
        remark = inclusion.check_proof(self.entry, self.logged, self.logs)
        if remark is not None:
            notes.append(Note(code="sigstore.origin", message=remark))
        if self.promised is None and self.entry.integrated_time is not None:
            message = "the log entry's time is not used: no promise of the log binds it"
            notes.append(Note(code="sigstore.time", message=message))
        return tuple(notes)

    def facts(self) -> Mapping[str, str]:
        """Return what a claim says of it. An index that nothing proves is not said."""
        index: dict[str, str] = {}
        if self.promised is not None:
            index = {"log-index": str(self.entry.index)}
        elif self.entry.proof is not None:
            index = {"tree-index": str(self.entry.proof.index)}
        return {
            "log-id": self.entry.log_id.hex(),
            "entry": f"{self.logged.kind} {self.logged.version}",
            **index,
        }


def check_distinct(entries: Sequence[Entry]) -> None:
    """Raise ``sigstore.entry`` for one entry under two numbers.

    Repeating an entry would only keep away a reader that demands exactly one.
    """
    seen: set[tuple[bytes, bytes, str, int]] = set()
    for entry in entries:
        raw = entry.entry
        places = {("", raw.index)}
        if raw.proof is not None:
            # A log of several trees numbers each from zero; a checkpoint's origin names its tree.
            origin = (raw.proof.checkpoint or "").partition("\n")[0]
            places.add((f"tree {origin}", raw.proof.index))
        keys = {(raw.log_id, raw.body, *place) for place in places}
        if keys & seen:
            raise RejectedError("it has the same log entry twice", code="sigstore.entry")
        seen |= keys


def check_generations(entries: Sequence[Entry]) -> None:
    """Raise ``sigstore.log-key`` for entries of Rekor v1 and of v2 in one log.

    By its id a log with an ECDSA key could be either; it cannot be both.
    """
    told: dict[bytes, int] = {}
    for entry in entries:
        generation = entry.logged.generation
        if told.setdefault(entry.entry.log_id, generation) != generation:
            raise RejectedError(
                f"the log {entry.entry.log_id.hex()[:16]}… would be both a Rekor v1 and a v2",
                code="sigstore.log-key",
            )
