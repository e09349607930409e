"""The release file: what to collect, and what must hold (``kit/schemas/release.schema.json``).

Read on two hosts: the collecting one follows its sources, the checking one judges by its
requirements. A pack's own copy is a record, never a policy.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from kit.errors import MalformedError, UsageError
from kit.formats import encodings, kinds, schema
from kit.formats.source_text import Source, parse_source
from kit.model import Digest

MAX_BYTES = 1 << 20

#: Predicate type aliases (cosign's words): exact URIs, and bases whose versions count.
_ALIASES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "slsa-provenance": (
        tuple(f"https://slsa.dev/provenance/{v}" for v in ("v0.1", "v0.2", "v1")),
        None,
    ),
    "spdx": (("https://spdx.dev/Document",), "https://spdx.dev/Document/v"),
    "cyclonedx": (("https://cyclonedx.org/bom",), "https://cyclonedx.org/bom/v"),
    "vuln": (("https://cosign.sigstore.dev/attestation/vuln/v1",), None),
    "openvex": (("https://openvex.dev/ns",), "https://openvex.dev/ns/v"),
}
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who may sign: an issuer and either an exact identity or a regexp for the whole of it.

    ``trusted_root`` names the one Sigstore instance that may vouch for it.
    """

    name: str
    issuer: str
    identity: str | None
    identity_regexp: re.Pattern[str] | None
    trusted_root: str

    def describe(self) -> str:
        """Return the identity as the release file writes it."""
        return self.identity or (self.identity_regexp.pattern if self.identity_regexp else "")


@dataclass(frozen=True, slots=True)
class PredicateType:
    """A predicate type that a requirement names: a URI exactly, or an alias of several."""

    written: str

    def matches(self, uri: str | None) -> bool:
        """Say whether a statement's predicate type is this one."""
        if uri is None:
            return False
        exact, base = _ALIASES.get(self.written, ((self.written,), None))
        if uri in exact:
            return True
        return (
            base is not None
            and uri.startswith(base)
            and _VERSION.fullmatch(uri.removeprefix(base)) is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What one claim must show, all of it, for every file of its line."""

    signer: Signer | None
    digest: Digest | None
    predicate_types: tuple[PredicateType, ...]
    listed_in: str | None

    def describe(self) -> str:
        """Return the requirement in one line, for people."""
        parts = []
        if self.signer:
            parts.append(f"signed by {self.signer.name!r} ({self.signer.describe()})")
        if self.predicate_types:
            parts.append("of type " + " or ".join(kind.written for kind in self.predicate_types))
        if self.listed_in:
            parts.append(f"listed in {self.listed_in}")
        if self.digest:
            parts.append(f"digest {self.digest}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One ``[[artifact]]``: a source, the files it names, where else to look, what must hold."""

    source: Source
    files: tuple[str, ...]
    evidence: tuple[Source, ...]
    require: tuple[Requirement, ...]

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

    def takes(self, name: str) -> bool:
        """Say whether a file of this name is one of the line's artifacts.

        Decided by the text alone, so that both sides of the gap agree. A wildcard never
        takes a file whose name makes it evidence; a name that is written out does.
        """
        if name in self.names:
            return True
        return kinds.by_name(name) is None and any(
            matches(pattern, name) for pattern in self.patterns
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFile:
    """A validated release file, and the SHA-256 of the bytes it was read from."""

    name: str
    version: str
    strict_names: bool
    signers: Mapping[str, Signer]
    lines: tuple[Line, ...]
    raw: bytes
    sha256: str

    @property
    def instances(self) -> tuple[str, ...]:
        """The Sigstore instances its requirements rest on, sorted."""
        used = {r.signer.trusted_root for line in self.lines for r in line.require if r.signer}
        return tuple(sorted(used))


def matches(pattern: str, name: str) -> bool:
    """Say whether a file name matches a pattern of ``*`` and ``?``; other characters are plain."""
    return _expression(pattern).fullmatch(name) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    # fnmatch's `*` never tries again what failed: `*a*a*a*b` takes no exponential time.
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name


def parse(raw: bytes, where: str) -> ReleaseFile:
    """Read a release file; ``where`` names it in messages.

    Raises :class:`UsageError` whose message begins with the path of the offending key.
    """
    try:
        value = _toml(raw)
        _not_newer(value.get("schema"))
        schema.validate(value, "release")
        return _release(value, raw)
    except MalformedError as error:
        hint = "the release file is described in README.md, section `The release file`"
        raise UsageError(f"{where}: {error}", code="release.malformed", hint=hint) from error


def _not_newer(number: Any) -> None:
    # Before the schema, which would blame the first key it does not know.
    if isinstance(number, int) and not isinstance(number, bool) and number > 1:
        raise MalformedError(f"schema: {number} is newer than this kit reads (1); update the kit")


def _toml(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"the release file has {len(raw)} bytes, over {MAX_BYTES}")
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:  # also integers beyond Python's digit limit
        raise MalformedError(f"not TOML: {error}") from error


def _release(value: dict[str, Any], raw: bytes) -> ReleaseFile:
    signers = {
        name: _signer(name, given, f"signers.{name}")
        for name, given in value.get("signers", {}).items()
    }
    lines = tuple(
        _line(given, signers, f"artifact[{number}]")
        for number, given in enumerate(value["artifact"])
    )
    seen: set[str] = set()
    for number, line in enumerate(lines):
        if line.source.text in seen:
            raise MalformedError(f"artifact[{number}].source: {line.source.text!r} is there twice")
        seen.add(line.source.text)
    return ReleaseFile(
        name=value["name"],
        version=value["version"],
        strict_names=value.get("strict-names", True),
        signers=signers,
        lines=lines,
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
    )


def _signer(name: str, given: dict[str, Any], path: str) -> Signer:
    if ("identity" in given) == ("identity-regexp" in given):
        raise MalformedError(f"{path}: needs exactly one of identity and identity-regexp")
    pattern = given.get("identity-regexp")
    return Signer(
        name=name,
        issuer=given["issuer"],
        identity=given.get("identity"),
        identity_regexp=None if pattern is None else _regexp(pattern, f"{path}.identity-regexp"),
        trusted_root=given.get("trusted-root", "sigstore"),
    )


def _regexp(pattern: str, path: str) -> re.Pattern[str]:
    if not pattern:
        raise MalformedError(f"{path}: is empty, which would match nobody or anybody")
    try:
        with warnings.catch_warnings():
            # What `re` warns of today (`[[a]`, `[a--b]`) it will read otherwise one day.
            warnings.simplefilter("error")
            compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise MalformedError(f"{path}: does not compile: {error}") from error
    if compiled.fullmatch(""):
        raise MalformedError(f"{path}: matches the empty string, so it names nobody")
    return compiled


def _line(given: dict[str, Any], signers: Mapping[str, Signer], path: str) -> Line:
    source = parse_source(given["source"], f"{path}.source")
    files = tuple(given.get("files", ()))
    if files and source.scheme == "file":
        source = replace(source, file_name=None)
    if files and not source.is_folder:
        raise MalformedError(
            f"{path}.files: {source.text!r} is one file; only a folder has several"
        )
    for number, name in enumerate(files):
        if name in files[:number]:
            raise MalformedError(f"{path}.files[{number}]: {name!r} is there twice")
    return Line(
        source=source,
        files=files,
        evidence=tuple(
            parse_source(text, f"{path}.evidence[{number}]")
            for number, text in enumerate(given.get("evidence", ()))
        ),
        require=tuple(
            _requirement(item, signers, f"{path}.require[{number}]")
            for number, item in enumerate(given.get("require", ()))
        ),
    )


def _requirement(given: dict[str, Any], signers: Mapping[str, Signer], path: str) -> Requirement:
    name = given.get("signer")
    if name is not None and name not in signers:
        known = ", ".join(sorted(signers)) or "none is declared"
        raise MalformedError(f"{path}.signer: no signer {name!r} under [signers] ({known})")
    for key in ("predicate-type", "listed-in"):
        if key in given and name is None:
            raise MalformedError(f"{path}.{key}: says nothing without a signer")
    if "listed-in" in given and "predicate-type" in given:
        raise MalformedError(f"{path}: a line of a digest manifest has no predicate-type")
    types = given.get("predicate-type", [])
    types = [types] if isinstance(types, str) else types
    for written in types:
        if ":" not in written and written not in _ALIASES:
            raise MalformedError(
                f"{path}.predicate-type: {written!r} is neither a URI nor one of "
                f"{', '.join(sorted(_ALIASES))}"
            )
    return Requirement(
        signer=None if name is None else signers[name],
        digest=encodings.parse_digest(given["digest"]) if "digest" in given else None,
        predicate_types=tuple(PredicateType(written) for written in types),
        listed_in=given.get("listed-in"),
    )
