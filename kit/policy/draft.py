"""What a release file could demand of a pack's files, by the evidence that was accepted.

Only what *every* file of a line shows can be demanded of it; what some of them show is kept
apart. Nothing is concluded: who signed is not who should have signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kit.errors import MalformedError
from kit.formats import npm_registry
from kit.formats.source_text import Source, parse_source
from kit.model import Claim, EvidenceKind, Finding
from kit.policy.facts import FileFacts

#: What a release file holds of each at most; a pack may have more.
MAX_FILES = 1000
MAX_DEMANDS = 32

_REPOSITORY = re.compile(r"https://[^/\s@#?]+/[^\s@#?]+(?<!\.git)(?<!/)")
_REF = re.compile(r"refs/[!-~]+")
_TAG = re.compile(r"refs/tags/(?P<name>(?!refs/)[!-~]+)")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MAX_REF = 500
_MAX_TEXT = 2000
_KEY = re.compile(r"keys/[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}")
_NPM_KEYS = re.compile(r"npm/[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """A signer as a release file names one: the form, its value, and who vouches for it.

    ``issuer`` is that of an identity; of an npm registry's keys, the address it goes by.
    """

    form: str
    value: str
    issuer: str
    trusted_root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a claim shows, as far as a requirement can demand it.

    ``build`` are keys and values that the signer's certificate states; ``logged`` whether a
    key's signature is in a log.
    """

    who: Who
    predicate_type: str | None
    listed_in: str | None
    build: tuple[tuple[str, str], ...]
    logged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What could be demanded, the claims that show it, and of how many of the line's files."""

    shown: Shown
    claims: tuple[Claim, ...]
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is known of the files of one source. ``source`` is ``None`` where its text is none."""

    text: str
    source: Source | None
    files: tuple[FileFacts, ...]
    demands: tuple[Demand, ...]
    left_out: int

    @property
    def is_usable(self) -> bool:
        """Whether a release file can have this source and name files of it."""
        if self.source is None or not any(map(can_be_named, self.files)):
            return False
        return not self.needs_files or self.source.is_folder or self.source.scheme == "file"

    @property
    def needs_files(self) -> bool:
        """Whether the source does not say by itself which files there are."""
        names = [file.artifact.name for file in self.files]
        return self.source is None or names != [self.source.file_name]

    def is_shown(self, demand: Demand) -> bool:
        """Say whether every file of the line shows it."""
        return demand.files == len(self.files)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found about evidence that made no claim, each once."""
        return tuple(dict.fromkeys(found for file in self.files for found in file.findings))


def can_be_named(file: FileFacts) -> bool:
    """Say whether `files` can name it: another name would be a wildcard."""
    return not {"*", "?"} & set(file.artifact.name)


def draft(files: Sequence[FileFacts]) -> tuple[Line, ...]:
    """Return a line for each source, in the order of the pack."""
    by_source: dict[str, list[FileFacts]] = {}
    for file in files:
        by_source.setdefault(file.artifact.source, []).append(file)
    return tuple(_line(text, mine) for text, mine in by_source.items())


def _line(text: str, files: Sequence[FileFacts]) -> Line:
    seen: dict[Shown, dict[str, list[Claim]]] = {}
    for file in files:
        for claim in _once_each_key(file.claims):
            shown = _shown(claim)
            if shown is not None:
                seen.setdefault(shown, {}).setdefault(file.artifact.name, []).append(claim)
    demands = [
        Demand(
            shown=shown,
            claims=tuple(claim for claims in by_name.values() for claim in claims),
            files=len(by_name),
        )
        for shown, by_name in seen.items()
    ]
    demands.sort(key=lambda demand: -demand.files)
    return Line(
        text=text,
        source=_source(text),
        files=tuple(files),
        demands=tuple(demands[:MAX_DEMANDS]),
        left_out=len(demands[MAX_DEMANDS:]),
    )


def _once_each_key(claims: Iterable[Claim]) -> Iterator[Claim]:
    """Yield the claims, but one alone of a key that several instances vouch for, logged first."""
    keyed: set[tuple[str, str]] = set()
    for claim in sorted(claims, key=lambda claim: not claim.log):
        if claim.identity.subject_type == "key":
            if (claim.evidence, claim.identity.subject) in keyed:
                continue
            keyed.add((claim.evidence, claim.identity.subject))
        yield claim


def _source(text: str) -> Source | None:
    try:
        return parse_source(text, "source") if len(text) <= _MAX_TEXT else None
    except MalformedError:
        return None


def _shown(claim: Claim) -> Shown | None:
    """Return what a requirement can demand of a claim; ``None`` where it cannot name the signer."""
    who = _who(claim)
    kind = claim.predicate_type
    if who is None or not _is_line(claim.listed_in):
        return None
    if kind is not None and (":" not in kind or not _is_line(kind)):
        return None  # a word would be read as an alias
    certified = who.form == "identity" and claim.listed_in is None
    return Shown(
        who=who,
        predicate_type=claim.predicate_type,
        listed_in=claim.listed_in,
        build=tuple(_build(claim)) if certified else (),
        logged=bool(claim.log) or who.form not in ("key", "npm-keys"),
    )


def _who(claim: Claim) -> Who | None:
    who = claim.identity
    if who.subject_type == "openpgp":
        if _FINGERPRINT.fullmatch(who.subject) is None:
            return None
        return Who(form="openpgp", value=who.subject, issuer="", trusted_root="")
    if who.subject_type == "key":
        if "key-id" in who.facts:
            return _registry(claim)
        path = who.facts.get("key", "").split(", ")[0]
        found = _KEY.fullmatch(path) is not None
        return (
            Who(form="key", value=path, issuer="", trusted_root=claim.instance) if found else None
        )
    if not who.issuer or not _is_line(who.subject) or not _is_line(who.issuer):
        return None
    return Who(form="identity", value=who.subject, issuer=who.issuer, trusted_root=claim.instance)


def _registry(claim: Claim) -> Who | None:
    """Return an npm registry by its keys; the instance says nothing of its bare signatures."""
    facts = claim.identity.facts
    path = next((path for path in facts["key"].split(", ") if _NPM_KEYS.fullmatch(path)), None)
    if path is None or "key-expired" in facts:
        return None
    trusted_root = claim.instance if claim.kind is not EvidenceKind.NPM_PACKUMENT else ""
    registry = facts.get("registry", "")
    if registry.rstrip("/") == npm_registry.public().rstrip("/"):
        registry = ""
    if not _is_line(registry or None):
        return None
    return Who(form="npm-keys", value=path, issuer=registry, trusted_root=trusted_root)


def _is_line(text: str | None) -> bool:
    return text is None or (len(text) <= _MAX_TEXT and _LINE.fullmatch(text) is not None)


def _build(claim: Claim) -> Iterable[tuple[str, str]]:
    facts = claim.identity.facts
    repository = facts.get("source-repository-uri", "")
    if _REPOSITORY.fullmatch(repository) and _is_line(repository):
        yield "source-repository", repository
    ref = facts.get("source-repository-ref", "")
    if len(ref) <= _MAX_REF and _REF.fullmatch(ref):
        tag = _TAG.fullmatch(ref)
        yield ("source-ref", ref) if tag is None else ("source-tag", tag["name"])
    commit = facts.get("source-repository-digest", "")
    if _COMMIT.fullmatch(commit):
        yield "source-digest", commit
