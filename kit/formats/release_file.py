"""The release file: what to collect, and what must hold (``kit/schemas/release.schema.json``).

Read on two hosts: the collecting one follows its sources, the checking one judges by its
requirements. A pack's own copy is a record, never a policy.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any

from kit.errors import MalformedError, UsageError
from kit.formats import line_text, schema, signer_text, strictjson, terms_text
from kit.formats.custody import Role
from kit.formats.release_line import Line, lines_of
from kit.formats.rule_text import Beside
from kit.formats.rules import CustodyRule, PredicateType, Signer, Terms

MAX_BYTES = 1 << 20
MAX_DEPTH = strictjson.MAX_DEPTH

#: A signer of statements, and their predicate types; any where there are none.
Stating = tuple[Signer, tuple[PredicateType, ...]]


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
        name: signer_text.signer(name, given, f"signers.{name}")
        for name, given in value.get("signers", {}).items()
    }
    lines = tuple(
        line_text.line(given, signers, f"artifact[{number}]", beside)
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
        line_text.refuse_copies_of_nothing(line, lines, f"artifact[{number}]")
    return ReleaseFile(
        name=value["name"],
        version=value["version"],
        strict_names=value.get("strict-names", True),
        signers=signers,
        lines=lines,
        terms=terms_text.terms(value),
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        custody=tuple(
            signer_text.custody(given, signers, f"custody[{number}]")
            for number, given in enumerate(value.get("custody", ()))
        ),
    )
