"""The release file: what to collect, and what must hold (``kit/schemas/release.schema.json``).

Read on two hosts: the collecting one follows its sources, the checking one judges by its
requirements. A pack's own copy is a record, never a policy.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from functools import cache
from typing import Any

from kit.errors import MalformedError, UsageError
from kit.formats import kinds, oci_platform, oci_reference, rule_text, schema, strictjson
from kit.formats.custody import Role
from kit.formats.oci_platform import Platform
from kit.formats.oci_reference import Repository
from kit.formats.rule_text import Beside
from kit.formats.rules import (
    CustodyRule,
    Demand,
    PredicateType,
    Requirement,
    Signer,
    Terms,
    parts_of,
)
from kit.formats.source_text import Source, parse_source

MAX_BYTES = 1 << 20
MAX_DEPTH = strictjson.MAX_DEPTH

#: A signer of statements, and their predicate types; any where there are none.
Stating = tuple[Signer, tuple[PredicateType, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One ``[[artifact]]``: a source, the files it names, where else to look, what must hold.

    Of an image from a mirror, ``published_as`` is the repository that its signatures name;
    ``platforms`` are those to collect, all where it is empty.
    """

    source: Source
    files: tuple[str, ...]
    evidence: tuple[Source, ...]
    require: tuple[Demand, ...]
    published_as: Repository | None = None
    platforms: tuple[Platform, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The file names the line writes out, without wildcards: each must be there."""
        if self.source.file_name is not None:
            return (self.source.file_name,)
        return tuple(name for name in self.files if not _is_pattern(name))

    @property
    def patterns(self) -> tuple[str, ...]:
        """The line's wildcards: each must match something, and none can show what was withheld."""
        if self.source.file_name is not None or not self.files:
            return () if self.source.file_name is not None else ("*",)
        return tuple(name for name in self.files if _is_pattern(name))

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """Every requirement that the line names, also those of which one is enough."""
        return tuple(part for demand in self.require for part in parts_of(demand))

    def demands_of(self, name: str) -> tuple[Demand, ...]:
        """Return what the line demands of a file of this name."""
        return tuple(demand for demand in self.require if is_about(demand, name))

    def is_named(self, text: str) -> bool:
        """Say whether a text is the line's source, which is that of one artifact."""
        return self.source.text == text and self.source.file_name is not None

    def takes(self, name: str) -> bool:
        """Say whether a file of this name is one of the line's artifacts.

        Decided by the text alone, so that both sides of the gap agree. A wildcard never
        takes a file whose name makes it evidence or a trusted root; a name that is written
        out does.
        """
        if name in self.names:
            return True
        if kinds.by_name(name) is not None or kinds.is_anchor(name):
            return False
        return any(matches(pattern, name) for pattern in self.patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFile:
    """A validated release file, and the SHA-256 of the bytes it was read from."""

    name: str
    version: str
    strict_names: bool
    signers: Mapping[str, Signer]
    lines: tuple[Line, ...]
    terms: Terms
    raw: bytes
    sha256: str
    custody: tuple[CustodyRule, ...] = ()

    def lines_of(self, name: str) -> tuple[Line, ...]:
        """Return the lines that mean an artifact by a name of which something is a copy."""
        return lines_of(name, self.lines)

    @property
    def sealers(self) -> tuple[Signer, ...]:
        """The signers whose seals it demands, each once."""
        return tuple(dict.fromkeys(s for rule in self.custody for s in rule.signers))

    def as_collected(self) -> ReleaseFile:
        """Return it without the seals that nobody can have made when a pack is collected."""
        then = tuple(rule for rule in self.custody if rule.role is Role.COLLECTED)
        return replace(self, custody=then)

    @property
    def used_signers(self) -> tuple[Signer, ...]:
        """The signers its requirements rest on, each once."""
        found: dict[Signer, None] = {}
        for part in (part for line in self.lines for part in line.requirements):
            if part.signer is not None:
                found[part.signer] = None
            found |= dict.fromkeys(part.scan.vex if part.scan else ())
        return tuple(found)

    @property
    def instances(self) -> tuple[str, ...]:
        """The Sigstore instances its requirements rest on, sorted."""
        used = {s.trusted_root for s in self.used_signers if s.openpgp is None}
        return tuple(sorted(used))

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """The public keys it rests on: the path under the host's anchors, and the instance."""
        used = {(s.key, s.trusted_root) for s in self.used_signers if s.key is not None}
        return tuple(sorted(used))

    @property
    def npm_keys(self) -> tuple[str, ...]:
        """The files of npm registries' keys it rests on, by path under the host's anchors."""
        return tuple(sorted({s.npm_keys for s in self.used_signers if s.npm_keys is not None}))

    @property
    def npm_accepted_expired(self) -> frozenset[str]:
        """Of those, the files whose ended keys count by the registry's word for some signer."""
        used = self.used_signers
        return frozenset(s.npm_keys for s in used if s.npm_keys is not None and s.accept_expired)

    @property
    def openpgp_fingerprints(self) -> tuple[str, ...]:
        """The OpenPGP keys it rests on, by full fingerprint, sorted."""
        return tuple(sorted({s.openpgp for s in self.used_signers if s.openpgp is not None}))

    @property
    def openpgp_accepted_expired(self) -> frozenset[str]:
        """Of its OpenPGP keys, those of which signatures from before their expiry count."""
        used = self.used_signers
        return frozenset(s.openpgp for s in used if s.openpgp is not None and s.accept_expired)

    @property
    def predicate_schemas(self) -> dict[str, str]:
        """The SHA-256 in hex of each schema beside it that its requirements rest on, by name."""
        parts = (part for line in self.lines for part in line.requirements)
        used = (part.predicate_schema for part in parts if part.predicate_schema is not None)
        return dict(sorted({schema.name: schema.sha256 for schema in used}.items()))

    @property
    def of_whole_predicates(self) -> tuple[Stating, ...]:
        """By whom, and of which types, it looks at more of predicates than claims carry."""
        parts = (part for line in self.lines for part in line.requirements)
        asking = (part for part in parts if part.predicate_schema or part.predicate_of)
        found = ((part.signer, part.predicate_types) for part in asking)
        return tuple(dict.fromkeys((who, types) for who, types in found if who is not None))


def matches(pattern: str, name: str) -> bool:
    """Say whether a file name matches a pattern of ``*`` and ``?``; other characters are plain."""
    return _expression(pattern).fullmatch(name) is not None


def lines_of(name: str, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines that write a name out; where none does, those whose wildcards take it.

    A line of one artifact may be named by its source instead: an image and its chart are
    often called alike.
    """
    by_source = tuple(line for line in lines if line.is_named(name))
    written = by_source or tuple(line for line in lines if name in line.names)
    return written or tuple(line for line in lines if line.takes(name))


def is_about(demand: Demand, name: str) -> bool:
    """Say whether a demand of a line is about its file of this name."""
    written, patterns = _sorted(demand.files)
    return not demand.files or name in written or any(matches(entry, name) for entry in patterns)


@cache
def _sorted(files: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the entries that are names, and those that are patterns.

    A requirement may write a thousand names out, and is asked about every file of a pack.
    """
    patterns = tuple(filter(_is_pattern, files))
    return frozenset(files) - frozenset(patterns), patterns


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    # fnmatch's `*` never tries again what failed: `*a*a*a*b` takes no exponential time.
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name


def _nothing_beside(name: str) -> bytes:
    raise MalformedError(f"{name} is not there: nothing is read beside this release file")


def parse(raw: bytes, where: str, beside: Beside = _nothing_beside) -> ReleaseFile:
    """Read a release file; ``where`` names it in messages.

    ``beside`` returns the bytes of a file that it names by a relative path. Raises
    :class:`UsageError` whose message begins with the path of the offending key.
    """
    try:
        value = _toml(raw)
        _not_newer(value.get("schema"))
        schema.validate(value, "release")
        return _release(value, raw, beside)
    except MalformedError as error:
        hint = "every key is described in bundles/RELEASE.md"
        raise UsageError(f"{where}: {error}", code="release.malformed", hint=hint) from error


def _not_newer(number: Any) -> None:
    # Before the schema, which would blame the first key it does not know.
    if isinstance(number, int) and not isinstance(number, bool) and number > 1:
        raise MalformedError(f"schema: {number} is newer than this kit reads (1); update the kit")


def _toml(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"the release file has {len(raw)} bytes, over {MAX_BYTES}")
    try:
        # Dotted keys nest without limit in TOML, and what walks them must not.
        return dict(_plain(tomllib.loads(raw.decode("utf-8"))))
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:  # also integers beyond Python's digit limit
        raise MalformedError(f"not TOML: {error}") from error


def _plain(value: Any, depth: int = 0) -> Any:
    """Write TOML's dates and times as text, as JSON Schema knows them.

    Raises ``ValueError`` where they nest deeper than the kit's JSON.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        return {key: _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, depth + 1) for inner in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _release(value: dict[str, Any], raw: bytes, beside: Beside) -> ReleaseFile:
    signers = {
        name: rule_text.signer(name, given, f"signers.{name}")
        for name, given in value.get("signers", {}).items()
    }
    lines = tuple(
        _line(given, signers, f"artifact[{number}]", beside)
        for number, given in enumerate(value["artifact"])
    )
    seen: set[str] = set()
    for number, line in enumerate(lines):
        if line.source.text in seen:
            raise MalformedError(
                f"artifact[{number}].source: {line.source.text!r} is there twice; what "
                "is demanded of some of its files alone is a requirement with `files`"
            )
        seen.add(line.source.text)
    for number, line in enumerate(lines):
        _refuse_copies_of_nothing(line, lines, f"artifact[{number}]")
    return ReleaseFile(
        name=value["name"],
        version=value["version"],
        strict_names=value.get("strict-names", True),
        signers=signers,
        lines=lines,
        terms=rule_text.terms(value),
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        custody=tuple(
            rule_text.custody(given, signers, f"custody[{number}]")
            for number, given in enumerate(value.get("custody", ()))
        ),
    )


def _line(given: dict[str, Any], signers: Mapping[str, Signer], path: str, beside: Beside) -> Line:
    source = parse_source(given["source"], f"{path}.source")
    if source.repository is not None and source.repository.tag is None:
        raise MalformedError(
            f"{path}.source: {source.text!r} names no release; write {source.text}@TAG"
        )
    if source.image is not None and source.image.name is None:
        raise MalformedError(
            f"{path}.source: {source.text!r} names no image; write {source.text}@sha256:HEX or "
            f"{source.text}:TAG"
        )
    files = tuple(given.get("files", ()))
    if files and source.scheme == "file":
        source = replace(source, file_name=None)
    if files and not source.is_folder:
        raise MalformedError(
            f"{path}.files: {source.text!r} is one file; only a folder has several"
        )
    for number, name in enumerate(files):
        if source.package is not None and not _is_pattern(name) and not source.package.holds(name):
            raise MalformedError(
                f"{path}.files[{number}]: {name!r} is no wheel or sdist of {source.location}"
            )
        if name in files[:number]:
            raise MalformedError(f"{path}.files[{number}]: {name!r} is there twice")
    require = tuple(
        _demand(item, signers, (f"{path}.require[{number}]", beside), files)
        for number, item in enumerate(given.get("require", ()))
    )
    if source.image is None:
        _refuse_of_images(given, require, path)
    return Line(
        source=source,
        files=files,
        evidence=tuple(
            parse_source(text, f"{path}.evidence[{number}]")
            for number, text in enumerate(given.get("evidence", ()))
        ),
        require=require,
        published_as=_published_as(given.get("published-as"), f"{path}.published-as"),
        platforms=tuple(map(oci_platform.parse, given.get("platforms", ()))),
    )


def _demand(
    given: dict[str, Any],
    signers: Mapping[str, Signer],
    where: tuple[str, Beside],
    files: Sequence[str],
) -> Demand:
    path, beside = where
    demand = rule_text.demand(given, signers, path, beside)
    for name in demand.files:
        if name not in files:
            raise MalformedError(
                f"{path}.files: {name!r} is not among the line's files; write it as it stands there"
            )
    return demand


def _refuse_of_images(given: dict[str, Any], require: tuple[Demand, ...], path: str) -> None:
    for key in ("published-as", "platforms"):
        if key in given:
            raise MalformedError(f"{path}.{key}: only images of oci: and helm: have it")
    for number, demand in enumerate(require):
        if any(part.each_platform for part in parts_of(demand)):
            raise MalformedError(f"{path}.require[{number}].on: only images have platforms")


def _refuse_copies_of_nothing(line: Line, lines: Sequence[Line], path: str) -> None:
    """Refuse a ``predicate-of`` that could never hold, or could hold of a file nobody chose."""
    for number, demand in enumerate(line.require):
        where = f"{path}.require[{number}].predicate-of"
        for original in {part.predicate_of for part in parts_of(demand)} - {None}:
            about = demand.files or (*line.names, *line.patterns)
            one = about[0] if len(about) == 1 and not _is_pattern(about[0]) else None
            if one is None or line.source.image is not None or line.source.package is not None:
                raise MalformedError(
                    f"{where}: one file is the copy, which no package and no image is: name it "
                    'with files = ["NAME"]'
                )
            _demand_one_original(str(original), one, lines, where)


def _demand_one_original(name: str, copy: str, lines: Sequence[Line], where: str) -> None:
    found = lines_of(name, lines)
    if name == copy or not found:
        raise MalformedError(f"{where}: {name!r} is no other artifact of this release file")
    if len(found) > 1:
        sources = " and ".join(repr(line.source.text) for line in found[:2])
        raise MalformedError(
            f"{where}: {name!r} may be of {sources}; write it out in one of them alone, or in its "
            "place the source of an image or of a single file"
        )
    own = found[0].names[0] if found[0].is_named(name) else name
    parts = (part for demand in found[0].demands_of(own) for part in parts_of(demand))
    if any(part.predicate_of is not None for part in parts):
        raise MalformedError(f"{where}: {name!r} is itself a copy; name what that is a copy of")


def _published_as(text: str | None, path: str) -> Repository | None:
    if text is None:
        return None
    try:
        return oci_reference.parse_repository(text)
    except MalformedError as error:
        raise MalformedError(f"{path}: {error}") from error
