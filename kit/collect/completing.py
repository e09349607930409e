"""Add the log's proof to signatures that were published without it.

What was published is carried as it is; beside it goes a bundle made of it and of the log's
answer, of which only this is settled here: that the entry is *this* signature's, by
certificate, signature and what was signed. Whether it holds is for `check`, as with any
other evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from kit.collect import wanting as wants
from kit.collect.wanting import Wanting
from kit.errors import MachineError
from kit.formats import expected_entry, log_entry, unbundled, unproved
from kit.formats.manifest import can_name
from kit.formats.sigstore_bundle import Bundle, LogEntry
from kit.formats.unproved import Unproved
from kit.model import Answer, Asked, Found, Gathered
from kit.sources import rekor
from kit.sources.downloads import Downloads
from kit.sources.rekor import Candidates, Log
from kit.sources.together import each

_NOWHERE = "a transparency log"
_WITHOUT = (
    "no pack was written, and nothing is known to be wrong with the release: try again when the "
    "log answers; collect --no-log-lookup does without what the log has, and what needs it fails"
)

#: The rows of the ledger about one file, and what was made of it, if anything.
Told = tuple[tuple[Asked, ...], Found | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Which logs may be asked, and for whose signatures.

    ``by_key`` says whether the release file names a key: only then is a log told of what
    a key signed. ``off`` is the reason why none is asked at all.
    """

    logs: tuple[Log, ...] = ()
    by_key: bool = False
    off: str | None = "the kit was not told which log to ask"


@dataclass(slots=True)
class Completing:
    """Completes what lines of one release file bring; the same signature is looked up once."""

    lookup: Lookup
    downloads: Callable[[], Downloads]
    say: Callable[[str], None] = lambda _: None
    _told: dict[tuple[str, str, str], Told] = field(default_factory=dict)

    def completed(self, gathered: Gathered) -> Gathered:
        """Return what a line brought, and the completed bundles of what lacks the log's proof.

        Raises :class:`MachineError` for a log that did not answer.
        """
        wanted = wants.find(gathered, by_key=self.lookup.by_key)
        found = list({wanting.key: wanting for wanting in wanted}.values())
        if found and self.lookup.off is None:
            self.say(f"asking the log for the proofs of {len(found)} files of signatures")
        replies = each(self._once, found)
        return replace(
            gathered,
            evidence=(*gathered.evidence, *(made for _, made in replies if made is not None)),
            asked=(*gathered.asked, *(row for rows, _ in replies for row in rows)),
        )

    def _once(self, wanting: Wanting) -> Told:
        if wanting.key not in self._told:
            try:
                self._told[wanting.key] = self._complete(wanting)
            except MachineError as error:
                error.hint = f"{error.hint}; {_WITHOUT}" if error.hint else _WITHOUT
                raise
        return self._told[wanting.key]

    def _complete(self, wanting: Wanting) -> Told:
        why = self._why_not(wanting)
        if why is not None:
            row = Asked(place=_NOWHERE, wanted=wanting.name, answer=Answer.SKIPPED, note=why)
            return (row,), None
        rows: list[Asked] = []
        for log in self.lookup.logs:
            if wanting.concerns(log.log_id):
                asking = _Asking(log=log, wanting=wanting, downloads=self.downloads())
                made = asking.made()
                if made:
                    return self._kept(asking, made, rows)
                rows.append(asking.row())
        return tuple(rows), None

    def _why_not(self, wanting: Wanting) -> str | None:
        if self.lookup.off is not None:
            return self.lookup.off
        if not any(wanting.concerns(log.log_id) for log in self.lookup.logs):
            return "no trusted root of the release's signers lists a log to ask for it"
        return None if can_name(wanting.name) else "its name is too long"

    def _kept(self, asking: _Asking, made: Sequence[Bundle], rows: Sequence[Asked]) -> Told:
        got = self.downloads().keep(b"".join(unbundled.render(bundle) for bundle in made))
        name, original = asking.wanting.name, asking.wanting.found.name
        row = Asked(
            place=asking.log.place,
            wanted=name,
            answer=Answer.FOUND,
            sha256=got.sha256,
            note=f"made of {original} and of the log's entry {', '.join(asking.found)}",
            added=True,
        )
        return (*rows, row), Found(name=name, path=got.path, size=got.size, sha256=got.sha256)


@dataclass(slots=True)
class _Asking:
    """One log, asked for the entries of one file's signatures.

    ``seen`` are the leaves of entries about the same, ``more`` says that there are others, and
    ``found`` are the numbers of those that were taken.
    """

    log: Log
    wanting: Wanting
    downloads: Downloads
    seen: set[str] = field(default_factory=set)
    more: bool = False
    found: list[str] = field(default_factory=list)

    def made(self) -> list[Bundle]:
        """Return the signatures whose entries the log has, as whole bundles."""
        made = [self._whole(part) for part in self.wanting.parts]
        return [bundle for bundle in made if bundle is not None]

    def row(self) -> Asked:
        """Return what the log had to say where it has no entry of these signatures."""
        answer, note = Answer.ABSENT, None
        if self.seen:
            note = f"entries about the same: {len(self.seen)}; none is of this signature"
        if self.more:
            # Not absent: it may be among those that were not looked at.
            answer, note = Answer.SKIPPED, f"{note or 'entries about the same'}; there are more"
        place, wanted = self.log.place, self.wanting.name
        return Asked(place=place, wanted=wanted, answer=answer, note=note)

    def _whole(self, part: Unproved) -> Bundle | None:
        if not part.missing:
            entry = self._searched(part)
            return None if entry is None else unbundled.with_entries(part.bundle, (entry,))
        entries = []
        for entry in part.bundle.entries:
            proved = entry if unproved.is_proved(entry) else self._numbered(part, entry)
            if proved is None:
                return None
            entries.append(proved)
        return unbundled.with_entries(part.bundle, tuple(entries))

    def _numbered(self, part: Unproved, entry: LogEntry) -> LogEntry | None:
        if entry.log_id != self.log.log_id:
            return None
        there = rekor.at_index(self.log, entry.index, self.downloads)
        same = [answered for answered in there.entries if answered.entry.body == entry.body]
        return self._chosen(part, replace(there, entries=tuple(same)))

    def _searched(self, part: Unproved) -> LogEntry | None:
        """Look where the entry should be, which no crowd of others can hide; then in the index."""
        signed = self.wanting.signed
        leaves = expected_entry.leaves(part.bundle, None if signed is None else signed.sha256)
        chosen = self._chosen(part, rekor.at_leaves(self.log, leaves, self.downloads))
        for digests in self.wanting.questions(part):
            if chosen is None:
                chosen = self._chosen(part, rekor.about(self.log, digests, self.downloads))
        return chosen

    def _chosen(self, part: Unproved, candidates: Candidates) -> LogEntry | None:
        """Return the entry that is this signature's; the oldest where it was logged again."""
        self.seen |= {answered.leaf for answered in candidates.entries}
        self.more = self.more or candidates.more
        digest_of = partial(self.wanting.digest_of, part)
        fitting = [
            answered.entry
            for answered in candidates.entries
            if answered.entry.log_id == self.log.log_id
            and answered.entry.promise is not None
            and unproved.is_proved(answered.entry)
            and log_entry.stranger(answered.entry, part.bundle, digest_of) is None
        ]
        if not fitting:
            return None
        chosen = min(fitting, key=lambda entry: entry.index)
        self.found.append(str(chosen.index))
        return chosen
