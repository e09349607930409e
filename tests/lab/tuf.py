"""TUF repositories: shaped like Sigstore's public one and like GitHub's, and forged if asked.

::

    repository = Repository("acme", {"trusted_root.json": lab.trusted_root()})
    pinned = repository.files["1.root.json"]
    repository.rotate()                       # 2.root.json, signed by the keys of both
    repository.put("trusted_root.json", newer)
    repository.files                          # every file by TUF's names, targets under targets/

Everything follows from the seed, the calls and :data:`FOUNDED`: equal calls, equal bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from securesystemslib.signer import Signature, SSlibKey
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from tests.lab import keys
from tests.lab.keys import PrivateKey, Seed
from tests.lab.order import AT

#: When repositories are founded; everything expires so long after it.
FOUNDED = AT
#: The folder that a role of its own is responsible for, where a registry has one.
REGISTRY = "registry.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a repository is set up: keys, thresholds, lifetimes in days, and habits."""

    signers: int
    root_days: int
    snapshot_days: int
    targets_days: int
    describes: bool  # snapshot and timestamp give lengths and digests
    delegates: bool
    key_type: str = "p256"


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "public-good": Shape(
            signers=5,
            root_days=197,
            snapshot_days=3650,
            targets_days=3650,
            describes=False,
            delegates=True,
        ),
        "github": Shape(
            signers=8,
            root_days=240,
            snapshot_days=21,
            targets_days=240,
            describes=True,
            delegates=False,
            key_type="ed25519",
        ),
    }
)
THRESHOLD = 3
TIMESTAMP_DAYS = 7


class Repository:
    """One repository and its whole past; ``files`` has what a server would."""

    def __init__(
        self, seed: str, targets: Mapping[str, bytes], *, shape: str = "public-good"
    ) -> None:
        """Found it with a root, and publish ``targets`` (by path) at once."""
        self.shape = SHAPES[shape]
        self.files: dict[str, bytes] = {}
        self.now: datetime = FOUNDED
        self._seed = Seed((seed, "tuf"))
        self._targets = dict(targets)
        self._versions = {"root": 0, "timestamp": 0, "snapshot": 0, "targets": 0, REGISTRY: 0}
        self.signers = [f"person-{n}" for n in range(self.shape.signers)]
        self.online = "online-1"
        self.rotate()
        self.publish()

    # ---- keys

    def private(self, name: str) -> PrivateKey:
        """Return a key by our name for it."""
        return self._seed.key(self.shape.key_type, name)

    def public(self, name: str) -> SSlibKey:
        """Return its public half; as tuf-on-ci has it, with its owner's name in it."""
        key = SSlibKey.from_crypto(self.private(name).public_key())
        key.unrecognized_fields["x-tuf-on-ci-keyowner"] = f"@{name}"
        return key

    def sign(
        self, metadata: Metadata[Any], names: Iterable[str], ids: Mapping[str, str] | None = None
    ) -> bytes:
        """Sign with keys by their names, and return the file; ``ids`` are other ids for keys."""
        for name in names:
            key_id = (ids or {}).get(name) or self.public(name).keyid
            raw = keys.sign(self.private(name), metadata.signed_bytes)
            metadata.signatures[key_id] = Signature(key_id, raw.hex())
        return metadata.to_bytes()

    # ---- publishing

    def rotate(
        self,
        *,
        retire: str | None = None,
        online: str | None = None,
        change: Callable[[Root], None] = lambda _: None,
    ) -> bytes:
        """Publish the next root, in which a person or the online key may be another."""
        before = tuple(self.signers)
        if retire is not None:
            self.signers[self.signers.index(retire)] = f"{retire}-next"
        self.online = online or self.online
        root = self.next_root(change)
        signing = dict.fromkeys([*before[:THRESHOLD], *self.signers[:THRESHOLD]])
        raw = self.sign(Metadata(root), signing)
        self.files[f"{root.version}.root.json"] = raw
        return raw

    def next_root(self, change: Callable[[Root], None] = lambda _: None) -> Root:
        """Return the next root before it is signed."""
        people = [self.public(name) for name in self.signers]
        online = self.public(self.online)
        person_role = Role([key.keyid for key in people], THRESHOLD)
        online_role = Role([online.keyid], 1)
        root = Root(
            version=self._next("root"),
            expires=self._in(self.shape.root_days),
            keys={key.keyid: key for key in (*people, online)},
            roles={
                "root": person_role,
                "targets": Role(list(person_role.keyids), THRESHOLD),
                "snapshot": online_role,
                "timestamp": Role(list(online_role.keyids), 1),
            },
            consistent_snapshot=True,
        )
        change(root)
        return root

    def put(self, path: str, content: bytes) -> None:
        """Publish a target, new or another, and all that follows from it."""
        self._targets[path] = content
        self.publish()

    def publish(
        self,
        *,
        change: Callable[[Targets], None] = lambda _: None,
        by: Sequence[str] | None = None,
    ) -> None:
        """Sign targets, then snapshot and timestamp; ``change`` forges the targets first."""
        described = {"targets.json": self._write_targets(change, by)}
        if self.shape.delegates:
            described[f"{REGISTRY}.json"] = self._write_registry()
        self.resign(described)

    def resign(self, described: Mapping[str, MetaFile]) -> None:
        """Sign a snapshot of these, and a timestamp."""
        snapshot = Snapshot(
            version=self._next("snapshot"),
            expires=self._in(self.shape.snapshot_days),
            meta=dict(described),
        )
        raw = self.sign(Metadata(snapshot), [self.online])
        self.files[f"{snapshot.version}.snapshot.json"] = raw
        self._snapshot = self._described(snapshot.version, raw)
        self.refresh()

    def refresh(self, after: timedelta = timedelta(), *, version: int | None = None) -> None:
        """Sign the timestamp anew, some time later."""
        self.now += after
        timestamp = Timestamp(
            version=version or self._next("timestamp"),
            expires=self._in(TIMESTAMP_DAYS),
            snapshot_meta=self._snapshot,
        )
        self.files["timestamp.json"] = self.sign(Metadata(timestamp), [self.online])

    def copy(self) -> dict[str, bytes]:
        """Return the files as they are now."""
        return dict(self.files)

    # ---- parts

    def _write_targets(
        self, change: Callable[[Targets], None], by: Sequence[str] | None
    ) -> MetaFile:
        own = {p: c for p, c in self._targets.items() if not self._is_registrys(p)}
        targets = Targets(
            version=self._next("targets"),
            expires=self._in(self.shape.targets_days),
            targets={path: self._file(path, content) for path, content in own.items()},
        )
        if self.shape.delegates:
            key = self.public(REGISTRY)
            role = DelegatedRole(REGISTRY, [key.keyid], 1, True, paths=[f"{REGISTRY}/*"])
            targets.delegations = Delegations({key.keyid: key}, {REGISTRY: role})
        change(targets)
        raw = self.sign(Metadata(targets), self.signers[:THRESHOLD] if by is None else by)
        self.files[f"{targets.version}.targets.json"] = raw
        return self._described(targets.version, raw)

    def _write_registry(self) -> MetaFile:
        own = {p: c for p, c in self._targets.items() if self._is_registrys(p)}
        targets = Targets(
            version=self._next(REGISTRY),
            expires=self._in(182),
            targets={path: self._file(path, content) for path, content in own.items()},
        )
        raw = self.sign(Metadata(targets), [REGISTRY])
        self.files[f"{targets.version}.{REGISTRY}.json"] = raw
        return self._described(targets.version, raw)

    def _file(self, path: str, content: bytes) -> TargetFile:
        folder, slash, base = path.rpartition("/")
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"targets/{folder}{slash}{digest}.{base}"] = content
        return TargetFile.from_data(path, content, ["sha256"])

    def _described(self, version: int, raw: bytes) -> MetaFile:
        if not self.shape.describes:
            return MetaFile(version)
        return MetaFile(version, len(raw), {"sha256": hashlib.sha256(raw).hexdigest()})

    def _is_registrys(self, path: str) -> bool:
        return self.shape.delegates and path.startswith(f"{REGISTRY}/")

    def _next(self, role: str) -> int:
        self._versions[role] += 1
        return self._versions[role]

    def _in(self, days: int) -> datetime:
        return self.now.replace(microsecond=0) + timedelta(days=days)
