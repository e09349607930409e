"""in-toto statements v0.1 and v1 (in-toto/attestation, spec/v0 and spec/v1).

A statement is the payload of a DSSE envelope whose signature already holds. Unknown
fields are ignored, as the specification demands; ``_type`` is required; subjects are
matched by digest, and their names are for policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.errors import MalformedError
from kit.formats import enclosed, encodings, strictjson
from kit.formats.fields import Fields
from kit.model import Digest

PAYLOAD_TYPE = "application/vnd.in-toto+json"
TYPES = ("https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1")

#: Room for the largest predicate that is read, and for the subjects before it.
MAX_BYTES = enclosed.MAX_BYTES + (1 << 20)
MAX_SUBJECTS = 1024
MAX_DIGESTS = 32
#: Characters of a name or type: findings repeat them for every file that a pack names.
MAX_TEXT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a statement speaks of: digests of accepted algorithms, and perhaps a name."""

    name: str | None
    digests: tuple[Digest, ...]

    def matches(self, known: Mapping[str, Digest]) -> bool:
        """Say whether this is the file whose digests, by algorithm, are ``known``.

        At least one shared algorithm must agree and none may disagree: a right SHA-256
        beside a wrong SHA-512 is another file.
        """
        shared = [digest for digest in self.digests if digest.algorithm in known]
        return bool(shared) and all(known[digest.algorithm] == digest for digest in shared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A parsed statement. ``predicate`` is any JSON value, or ``None`` where v1 leaves it out."""

    type: str
    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Any
    _by_digest: Mapping[Digest, list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the subjects: a hostile pack may ask 1024 of them about 100 000 files."""
        by_digest: dict[Digest, list[int]] = {}
        for number, subject in enumerate(self.subjects):
            for digest in subject.digests:
                by_digest.setdefault(digest, []).append(number)
        object.__setattr__(self, "_by_digest", by_digest)

    @property
    def algorithms(self) -> frozenset[str]:
        """The digest algorithms needed to match the subjects."""
        return frozenset(d.algorithm for subject in self.subjects for d in subject.digests)

    def names_of(self, known: Mapping[str, Digest]) -> tuple[str, ...] | None:
        """Return the names of the subjects that match ``known``; ``None`` if none matches."""
        numbers = {n for digest in known.values() for n in self._by_digest.get(digest, ())}
        candidates = (self.subjects[number] for number in sorted(numbers))
        matching = [subject for subject in candidates if subject.matches(known)]
        if not matching:
            return None
        return tuple(subject.name for subject in matching if subject.name is not None)


def parse(payload: bytes) -> Statement:
    """Read a statement; raise :class:`MalformedError` for anything that is not one."""
    if len(payload) > MAX_BYTES:
        raise MalformedError(
            f"the signed statement has {len(payload)} bytes, over the limit of {MAX_BYTES}",
            code="evidence.oversized",
        )
    value = strictjson.parse(payload, max_bytes=MAX_BYTES)
    fields = Fields(value)
    kind = fields.needed_text("_type")
    if kind not in TYPES:
        raise MalformedError(f"_type is {kind[:80]!r}, not an in-toto statement's")
    subjects = tuple(_subject(item) for item in fields.objects("subject", MAX_SUBJECTS))
    if not subjects:
        raise MalformedError("the statement has no subject")
    return Statement(
        type=kind,
        subjects=subjects,
        predicate_type=_bounded(fields, "predicateType", fields.needed_text("predicateType")),
        # Not through Fields: tools do write null where a predicate has nothing to say.
        predicate=value.get("predicate"),
    )


def _bounded(fields: Fields, key: str, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise MalformedError(f"{fields.where(key)} is over {MAX_TEXT} characters")
    return text


def _subject(fields: Fields) -> Subject:
    name = _bounded(fields, "name", fields.text("name") or "")
    given = fields.need("digest")
    if not isinstance(given, dict) or not given or len(given) > MAX_DIGESTS:
        raise MalformedError(f"{fields.where('digest')} is not an object of 1 to {MAX_DIGESTS}")
    digests = []
    for algorithm, value in given.items():
        if not isinstance(value, str):
            raise MalformedError(f"{fields.where('digest')}.{algorithm[:40]} is not a string")
        if algorithm in encodings.DIGEST_BYTES:  # others (sha1, gitCommit) prove nothing here
            digests.append(encodings.digest(algorithm, value))
    # in-toto v0.1: the name "_" means that there is none.
    return Subject(name=None if name in ("", "_") else name, digests=tuple(digests))
