"""Find a target among the roles that may list it (TUF specification 5.6 and 5.7)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kit.errors import AnchorError
from kit.formats import trusted_root, tuf_metadata
from kit.formats.tuf_metadata import Signed
from kit.trust import threshold
from kit.trust.tuf_files import TARGETS, Reader, Seen, demand_described

if TYPE_CHECKING:
    from tuf.api.metadata import MetaFile, Root, Snapshot, TargetFile, Targets

#: Roles that are asked for one target, as many as python-tuf's client asks.
MAX_DELEGATIONS = 32
#: No target that the kit reads is larger than a trusted root.
MAX_TARGET = trusted_root.MAX_BYTES
#: The target that a role with a folder of its own has there, such as a registry's.
KEYS = "keys.json"

# What every file system and every pack can have as a name; TUF itself allows any text.
_ROLE = re.compile(r"[A-Za-z0-9_+~]([A-Za-z0-9._+~-]{0,78}[A-Za-z0-9_+~-])?")
_DIGESTS = {"sha256": re.compile(r"[0-9a-f]{64}"), "sha512": re.compile(r"[0-9a-f]{128}")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The roles that a root and a snapshot describe. ``delegated`` fills as roles are read."""

    reader: Reader
    root: Root
    snapshot: Snapshot
    delegated: dict[str, Seen] = field(default_factory=dict)

    def top(self) -> Signed[Targets]:
        """Read the top-level ``targets.json``."""
        return self._targets("targets", self.root)

    def target(self, path: str, top: Signed[Targets]) -> bytes:
        """Return a target; raise :class:`AnchorError`, ``trust.no-target`` if nobody lists it."""
        described = self._find(path, top)
        if described is None:
            raise self.reader.error("trust.no-target", f"no role lists {path!r}")
        return self._file(path, described)

    def keys(self, top: Signed[Targets]) -> Iterator[tuple[str, bytes]]:
        """Yield the ``keys.json`` of every folder that is delegated, as far as it is there."""
        for path in _key_targets(top.body):
            try:
                yield path, self.target(path, top)
            except AnchorError as error:
                if error.code not in ("trust.incomplete", "trust.no-target"):
                    raise

    def _targets(self, role: str, delegator: Root | Targets) -> Signed[Targets]:
        described = self.snapshot.meta.get(f"{role}.json")
        if described is None:
            what = f"the snapshot does not list the role {role!r}"
            raise self.reader.error("trust.incomplete", what)
        raw, name = read_described(self.reader, self.root, role, described)
        with self.reader.reading(name):
            signed = tuf_metadata.targets(raw)
            demand_version(signed, described)
            threshold.demand(delegator, role, signed, code="trust.threshold")
        return signed

    def _find(self, path: str, top: Signed[Targets]) -> TargetFile | None:
        """Search depth first, in order; a terminating role that does not list it ends it all."""
        due: list[tuple[str, Targets | None]] = [("targets", None)]
        visited: set[str] = set()
        while due:
            role, delegator = due.pop()
            if role in visited:
                continue
            if len(visited) > MAX_DELEGATIONS:
                raise self.reader.error("trust.limit", f"more than {MAX_DELEGATIONS} delegations")
            visited.add(role)
            # Held against the delegator at hand, never one that led here for another target.
            signed = top if delegator is None else self._delegate(role, delegator)
            if path in signed.body.targets:
                return signed.body.targets[path]
            children, ends = _children(signed.body, path)
            due = [*([] if ends else due), *((name, signed.body) for name in reversed(children))]
        return None

    def _delegate(self, role: str, delegator: Targets) -> Signed[Targets]:
        if not _ROLE.fullmatch(role):
            raise self.reader.error("trust.role-name", f"a role has the name {role!r:.120}")
        signed = self._targets(role, delegator)
        self.delegated[role] = seen(signed)
        return signed

    def _file(self, path: str, described: TargetFile) -> bytes:
        if described.length > MAX_TARGET:
            what = f"{path} is {described.length} bytes, over the limit of {MAX_TARGET}"
            raise self.reader.error("trust.limit", what)
        hashes = described.hashes
        digest = next((hashes[name] for name in _DIGESTS if name in hashes), "")
        if not any(form.fullmatch(digest) for form in _DIGESTS.values()):
            what = f"{path} is listed without a SHA-256 or SHA-512"
            raise self.reader.error("trust.weak-target", what)
        folder, slash, base = path.rpartition("/")
        prefix = f"{digest}." if self.root.consistent_snapshot else ""
        name = f"{TARGETS}{folder}{slash}{prefix}{base}"
        raw = self.reader.needed(name, described.length)
        with self.reader.reading(name):
            demand_described(raw, described)
        return raw


def read_described(reader: Reader, root: Root, role: str, described: MetaFile) -> tuple[bytes, str]:
    """Return the file of a role whose length and digests are as described, and its name."""
    name = f"{described.version}.{role}.json" if root.consistent_snapshot else f"{role}.json"
    kind = "snapshot" if role == "snapshot" else "targets"
    raw = reader.needed(name, tuf_metadata.MAX_BYTES[kind])
    with reader.reading(name):
        demand_described(raw, described)
    return raw, name


def demand_version(signed: Signed[Any], described: MetaFile) -> None:
    """Raise ``trust.mixed`` for another version than is described: files of two times."""
    if signed.version != described.version:
        what = f"says it is version {signed.version}; {described.version} is due"
        raise AnchorError(what, code="trust.mixed")


def seen(signed: Signed[Any]) -> Seen:
    """Return what is kept of an authenticated file."""
    digest = hashlib.sha256(signed.payload).hexdigest()
    return Seen(version=signed.version, expires=signed.expires, sha256=digest)


def _children(targets: Targets, path: str) -> tuple[list[str], bool]:
    """Return the roles that are asked about ``path``, and whether the last of them ends it."""
    names: list[str] = []
    if targets.delegations is not None:
        for name, terminating in targets.delegations.get_roles_for_target(path):
            names.append(name)
            if terminating:
                return names, True
    return names, False


def _key_targets(targets: Targets) -> Iterator[str]:
    """Yield ``FOLDER/keys.json`` for each ``FOLDER/*`` that a role is responsible for."""
    if targets.delegations is None or targets.delegations.roles is None:
        return
    paths = (path for role in targets.delegations.roles.values() for path in role.paths or ())
    for folder in sorted({path.removesuffix("/*") for path in paths if path.endswith("/*")}):
        if _ROLE.fullmatch(folder):
            yield f"{folder}/{KEYS}"
