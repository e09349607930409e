"""Add the log's proof to signatures that were published without it.

What was published is carried as it is; beside it goes a bundle made of it and of the log's
answer, of which only this is settled here: that the entry is *this* signature's, by
certificate, signature and what was signed. Whether it holds is for `check`, as with any
other evidence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from kit.errors import EvidenceError, MachineError
from kit.formats import (
    bare_signature,
    completion,
    expected_entry,
    kinds,
    log_entry,
    unbundled,
    unproved,
)
from kit.formats.manifest import can_name
from kit.formats.sigstore_bundle import Bundle, LogEntry
from kit.formats.unproved import Unproved
from kit.model import Answer, Asked, EvidenceKind, Found, Gathered
from kit.sources import rekor
from kit.sources.downloads import Downloads
from kit.sources.rekor import Candidates, Log
from kit.sources.together import each

_PLACE = "the transparency log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Which logs may be asked, and for whose signatures.

    ``by_key`` says whether the release file names a key: only then is a log told of what
    a key signed. ``off`` is the reason why none is asked at all.
    """

    logs: tuple[Log, ...] = ()
    by_key: bool = False
    off: str | None = "the kit was not told which log to ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanting:
    """A file whose signatures lack the log's proof; ``signed`` is the file that its name names."""

    found: Found
    parts: tuple[Unproved, ...]
    signed: Found | None

    @property
    def name(self) -> str:
        """What the completed bundle is called."""
        return completion.name_for(self.found.name)

    def digest_of(self, algorithm: str) -> str:
        """Return the digest of the signed bytes."""
        if self.signed is None:
            return ""
        if algorithm == "sha256":
            return self.signed.sha256
        try:
            with self.signed.path.open("rb") as file:
                return hashlib.file_digest(file, algorithm).hexdigest()
        except OSError as error:
            raise MachineError(f"{self.signed.path}: {error.strerror}") from error

    def questions(self, part: Unproved) -> Iterator[tuple[str, ...]]:
        """Yield by which digests to look for the entry of one of its signatures, in turn."""
        yield from (digests for digests in part.digests() if digests)
        if self.signed is not None and not part.digests():
            yield (self.signed.sha256,)


@dataclass(slots=True)
class Completing:
    """Completes what lines of one release file bring; the same file is looked up once."""

    lookup: Lookup
    downloads: Callable[[], Downloads]
    say: Callable[[str], None] = lambda _: None
    _told: dict[tuple[str, str], tuple[tuple[Asked, ...], Found | None]] = field(
        default_factory=dict
    )

    def completed(self, gathered: Gathered) -> Gathered:
        """Return what a line brought, and the completed bundles of what lacks the log's proof.

        Raises :class:`MachineError` for a log that did not answer.
        """
        wanting = list(_wanting(gathered, by_key=self.lookup.by_key))
        if wanting and self.lookup.off is None:
            self.say(f"{len(wanting)} signatures lack the log's proof: asking the log")
        replies = each(self._once, wanting)
        return replace(
            gathered,
            evidence=(*gathered.evidence, *(made for _, made in replies if made is not None)),
            asked=(*gathered.asked, *(row for rows, _ in replies for row in rows)),
        )

    def _once(self, wanting: _Wanting) -> tuple[tuple[Asked, ...], Found | None]:
        key = wanting.found.name, wanting.found.sha256
        if key not in self._told:
            self._told[key] = self._complete(wanting)
        return self._told[key]

    def _complete(self, wanting: _Wanting) -> tuple[tuple[Asked, ...], Found | None]:
        why = self._why_not(wanting)
        if why is not None:
            row = Asked(place=_PLACE, wanted=wanting.name, answer=Answer.SKIPPED, note=why)
            return (row,), None
        rows: list[Asked] = []
        for log in self.lookup.logs:
            asking = _Asking(log=log, wanting=wanting, downloads=self.downloads())
            made = asking.made()
            if made:
                return self._kept(asking, made, rows)
            rows.append(asking.row())
        return tuple(rows), None

    def _why_not(self, wanting: _Wanting) -> str | None:
        if self.lookup.off is not None:
            return self.lookup.off
        if not self.lookup.logs:
            return "no trusted root of the release's signers lists a log that can be asked"
        return None if can_name(wanting.name) else "its name is too long"

    def _kept(
        self, asking: _Asking, made: Sequence[Bundle], rows: Sequence[Asked]
    ) -> tuple[tuple[Asked, ...], Found]:
        raw = b"".join(unbundled.render(bundle) for bundle in made)
        got = self.downloads().keep(raw)
        name, original = asking.wanting.name, asking.wanting.found.name
        row = Asked(
            place=asking.log.place,
            wanted=name,
            answer=Answer.FOUND,
            sha256=got.sha256,
            note=f"made of {original} and of the log's entry {asking.entries}",
            added=True,
        )
        return (*rows, row), Found(name=name, path=got.path, size=got.size, sha256=got.sha256)


@dataclass(slots=True)
class _Asking:
    """One log, asked for the entries of one file's signatures."""

    log: Log
    wanting: _Wanting
    downloads: Downloads
    seen: set[str] = field(default_factory=set)
    more: bool = False
    found: list[str] = field(default_factory=list)

    def made(self) -> list[Bundle]:
        """Return the signatures whose entries the log has, as whole bundles."""
        made = [self._whole(part) for part in self.wanting.parts]
        return [bundle for bundle in made if bundle is not None]

    @property
    def entries(self) -> str:
        """The numbers of the entries that were found."""
        return ", ".join(self.found)

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
        same = [each for each in there.entries if each.entry.body == entry.body]
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
        fitting = [
            answered.entry
            for answered in candidates.entries
            if answered.entry.log_id == self.log.log_id
            and answered.entry.promise is not None
            and unproved.is_proved(answered.entry)
            and log_entry.stranger(answered.entry, part.bundle, self.wanting.digest_of) is None
        ]
        if not fitting:
            return None
        chosen = min(fitting, key=lambda entry: entry.index)
        self.found.append(str(chosen.index))
        return chosen


def _wanting(gathered: Gathered, *, by_key: bool) -> Iterator[_Wanting]:
    files = {found.name: found for found in (*gathered.evidence, *gathered.artifacts)}
    for found in gathered.evidence:
        kind, raw = _read(found)
        parts = () if kind is None else _parts(kind, raw, found, files)
        wanted = tuple(part for part in parts if by_key or part.missing or not part.by_key)
        signed = files.get(kinds.named_after(found.name) or "")
        if wanted:
            yield _Wanting(found=found, parts=wanted, signed=signed)


def _read(found: Found) -> tuple[EvidenceKind | None, bytes]:
    if found.size > kinds.MAX_BYTES:
        return None, b""  # told when the pack is put together
    try:
        raw = found.path.read_bytes()
    except OSError as error:
        raise MachineError(f"{found.path}: {error.strerror}", subject=found.name) from error
    return kinds.by_content(found.name, raw), raw


def _parts(
    kind: EvidenceKind, raw: bytes, found: Found, files: dict[str, Found]
) -> tuple[Unproved, ...]:
    parts = unproved.find(kind, raw) or ()
    if kind is not EvidenceKind.SIGNATURE:
        return parts
    stem = kinds.named_after(found.name)
    beside = [
        files[f"{stem}{suffix}"] for suffix in kinds.CERTIFICATES if f"{stem}{suffix}" in files
    ]
    certified = [made for each in beside for made in _certified(parts, each)]
    return tuple(certified) or parts


def _certified(parts: Sequence[Unproved], beside: Found) -> Iterator[Unproved]:
    """Yield bare signatures as bundles by the certificate beside them, if it is one."""
    try:
        certificate = bare_signature.certificate(_read(beside)[1])
    except EvidenceError:
        return
    for part in parts:
        yield Unproved(bundle=unbundled.bundle(part.bundle.content, certificate))
