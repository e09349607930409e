"""A Rekor v1 log: the entries that may be a signature's, with promise and proof.

Asked by an entry's number, by the leaf that it should be, or by what was signed (its index,
which is kept as well as may be). Anybody may log anything about a file, so many entries can
be about one; how many are looked at is bounded, and whether that was all is said. Which of
them is the signature's, if any, is not for here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from kit.errors import MalformedError
from kit.formats import rekor_answers
from kit.formats.rekor_answers import Answered
from kit.sources import urls
from kit.sources.downloads import Downloads
from kit.sources.failures import failure
from kit.sources.http import Want

#: Entries that are looked at for one signature.
MAX_CANDIDATES = 100
_SECONDS = 120.0
_INDEX = "/api/v1/index/retrieve"
_ENTRIES = "/api/v1/log/entries/retrieve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A log that may be asked: where it is, and its id."""

    base_url: str
    log_id: bytes

    @property
    def place(self) -> str:
        """What the ledger calls it."""
        return urls.public(self.base_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Entries about the same bytes; ``more`` says that the log has others, not looked at."""

    entries: tuple[Answered, ...]
    more: bool = False


def at_index(log: Log, index: int, downloads: Downloads) -> Candidates:
    """Return the entry of a number, if the log has it."""
    return Candidates(entries=_retrieved(log, {"logIndexes": [index]}, downloads))


def at_leaves(log: Log, leaves: Sequence[str], downloads: Downloads) -> Candidates:
    """Return the entries of these leaves (hashes, in hex) that the log has."""
    found = [
        answered
        for some in _in_parts(leaves)
        for answered in _retrieved(log, {"entryUUIDs": some}, downloads)
    ]
    return Candidates(entries=tuple(found))


def about(log: Log, digests: Sequence[str], downloads: Downloads) -> Candidates:
    """Return the entries that the log's index has of these SHA-256 digests (hex), each once.

    Raises :class:`MachineError` for a log that did not answer, or not as Rekor does.
    """
    listed: dict[str, str] = {}
    for digest in digests:
        asked = {"hash": f"sha256:{digest}"}
        raw = _asked(log, _INDEX, asked, rekor_answers.MAX_LIST, downloads)
        try:
            listed |= {rekor_answers.leaf_of(uuid): uuid for uuid in rekor_answers.uuids(raw)}
        except MalformedError as error:
            raise _unexpected(log, _INDEX, error) from error
    wanted = list(listed.values())
    found = at_leaves(log, wanted[:MAX_CANDIDATES], downloads)
    return replace(found, more=len(wanted) > MAX_CANDIDATES)


def _in_parts(wanted: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(wanted), rekor_answers.AT_ONCE):
        yield list(wanted[start : start + rekor_answers.AT_ONCE])


def _retrieved(
    log: Log, asked: dict[str, list[str] | list[int]], downloads: Downloads
) -> tuple[Answered, ...]:
    raw = _asked(log, _ENTRIES, asked, rekor_answers.MAX_ENTRIES, downloads)
    try:
        return rekor_answers.entries(raw)
    except MalformedError as error:
        raise _unexpected(log, _ENTRIES, error) from error


def _asked(log: Log, path: str, asked: object, limit: int, downloads: Downloads) -> bytes:
    url = f"{log.base_url.rstrip('/')}{path}"
    want = Want(accept=rekor_answers.MEDIA_TYPE, body=json.dumps(asked).encode())
    answer = downloads.read(url, limit=limit, within=_SECONDS, want=want)
    if answer is None:
        # Rekor answers what it has nothing of with an empty list.
        raise failure("unexpected", urls.parse(url), "no Rekor v1 answers there")
    return answer[1]


def _unexpected(log: Log, path: str, error: MalformedError) -> Exception:
    url = urls.parse(f"{log.base_url.rstrip('/')}{path}")
    return failure("unexpected", url, f"no answer of a Rekor v1: {error}")
