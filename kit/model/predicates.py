"""What signed predicates and documents say, reduced to what policy asks of them.

Made by ``kit.formats`` from bytes that a verifier accepted, carried by a claim, read by
policy and by reports. All are frozen and bounded; none keeps the document itself.
``None`` and empty mean that the document does not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from kit.model.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How something was built, by SLSA provenance v0.1, v0.2 or v1.

    ``source_repository`` is a URL without ``git+``, ref and ``.git``; ``source_ref`` a whole
    ref (``refs/tags/v1``); ``source_digest`` the commit in hex; ``workflow`` the path of
    the build's definition in its repository; ``external_parameters`` what the caller of
    the builder chose (v0.2: ``invocation.parameters``, and of BuildKit ``configSource``).
    ``conflicts`` names facts that the predicate itself states in two ways.
    """

    builder_id: str
    build_type: str = ""
    source_repository: str | None = None
    source_ref: str | None = None
    source_digest: str | None = None
    workflow: str | None = None
    build_trigger: str | None = None
    runner_environment: str | None = None
    external_parameters: Mapping[str, Any] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sbom:
    """A software bill of materials: its format, how much it lists, and what it is about.

    ``about`` are digests that the document itself gives the thing it describes; ``names``
    what it calls it.
    """

    format: str
    version: str
    components: int
    about: tuple[Digest, ...] = ()
    names: tuple[str, ...] = ()


class Severity(IntEnum):
    """How bad a vulnerability is. ``UNKNOWN`` is not small: a gate takes it for the worst."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4
    UNKNOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """One result of a scan: its ids (CVE, GHSA …), severity, and in which package.

    ``package`` is a purl where the scanner gives one, else a name, else empty.
    """

    ids: tuple[str, ...]
    severity: Severity
    package: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a vulnerability scanner found, when, and by a database of when."""

    format: str
    tool: str
    found: tuple[Vulnerability, ...]
    finished_at: datetime | None = None
    database_at: datetime | None = None
    about: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VexStatement:
    """One OpenVEX statement: this vulnerability, in this product, has this status.

    ``ids`` are its names. ``products`` are all names of one product, digests (``sha256:HEX``)
    and ids (purls) as written; empty means whatever
    the document is attested to. ``components`` are the parts of it that are meant, ids and
    digests alike; empty means all. ``justification`` is that, or the impact statement.
    """

    ids: tuple[str, ...]
    status: str
    justification: str = ""
    products: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vex:
    """An OpenVEX document: its statements, oldest first."""

    author: str
    statements: tuple[VexStatement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A predicate of a type that the kit knows, which cannot be read as that type."""

    code: str
    message: str


Predicate = Provenance | Sbom | Scan | Vex | Unreadable
