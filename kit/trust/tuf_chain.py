"""Walk a TUF repository from a root that this host holds (TUF specification 5.3 to 5.7).

The same walk serves a pack, a folder and a repository that is being asked. Signatures,
thresholds, versions, digests and lengths need no clock and are demanded here; expiry is only
told, because a host without a network cannot renew anything (design section 9). What a walk
returns is authenticated by the pinned root and nothing else; it replaces no anchor by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from kit.errors import AnchorError
from kit.formats import tuf_metadata, tuf_record
from kit.formats.trusted_root import Remark
from kit.formats.tuf_metadata import Signed
from kit.model.chain import Chain
from kit.trust import threshold
from kit.trust.tuf_files import TIMESTAMP, Files, Reader, Seen, roots_among
from kit.trust.tuf_targets import Roles, demand_version, read_described, seen

if TYPE_CHECKING:
    from tuf.api.metadata import Root, Snapshot, Timestamp

#: The target that every Sigstore instance has.
TRUSTED_ROOT = tuf_record.TARGET
#: Roots after the pinned one, as many as python-tuf's client follows.
MAX_ROTATIONS = 256

_SIGNATURES = "trust.root-signatures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What a pinned root authenticates.

    ``roots`` go from the pinned one to the newest, without a gap. ``delegated`` are the roles
    on the way to a target, by name; ``targets`` the files, by target path. ``online_keys`` is
    a digest of who may sign timestamp and snapshot under the newest root.
    """

    instance: str
    roots: tuple[Seen, ...]
    timestamp: Seen
    snapshot: Seen
    top_targets: Seen
    delegated: Mapping[str, Seen]
    targets: Mapping[str, bytes]
    online_keys: str
    remarks: tuple[Remark, ...] = ()

    @property
    def root(self) -> Seen:
        """The newest root."""
        return self.roots[-1]

    @property
    def valid_until(self) -> datetime:
        """When the first of them expires: then nobody vouches any more (TUF 5.3 to 5.6).

        A timestamp that says 2099 therefore vouches for no longer than the root's signers did.
        """
        vouching = (self.root, self.timestamp, self.snapshot, self.top_targets)
        return min(file.expires for file in vouching)

    def chain(self, target: str = TRUSTED_ROOT) -> Chain:
        """Return the numbers of it that reports and the host's memory keep."""
        return Chain(
            root=self.root.version,
            root_sha256=self.root.sha256,
            root_expires=self.root.expires,
            timestamp=self.timestamp.version,
            valid_until=self.valid_until,
            snapshot=self.snapshot.version,
            targets=self.top_targets.version,
            online_keys=self.online_keys,
            trusted_root_sha256=hashlib.sha256(self.targets[target]).hexdigest(),
        )


def walk(instance: str, pinned: bytes, files: Files, target: str = TRUSTED_ROOT) -> Walked:
    """Walk from the pinned ``root.json`` to ``target``, and to the keys of delegated folders.

    Raises :class:`AnchorError` for whatever does not verify, with a code for each reason;
    ``trust.older-chain`` where all the roots that are there end before the pinned one.
    """
    reader = Reader(instance, files)
    roots = list(_roots(pinned, reader))
    root = roots[-1]
    timestamp = _timestamp(root.body, reader)
    snapshot = _snapshot(root.body, timestamp.body, reader)
    roles = Roles(reader=reader, root=root.body, snapshot=snapshot.body)
    top = roles.top()
    found = {target: roles.target(target, top)} | dict(roles.keys(top))
    return Walked(
        instance=instance,
        roots=tuple(map(seen, roots)),
        timestamp=seen(timestamp),
        snapshot=seen(snapshot),
        top_targets=seen(top),
        delegated=roles.delegated,
        targets=found,
        online_keys=threshold.key_set(root.body, "timestamp", "snapshot"),
        remarks=tuple(_remarks(root)),
    )


def _roots(pinned: bytes, reader: Reader) -> Iterator[Signed[Root]]:
    """Yield the pinned root and each that follows it, every one signed by the one before."""
    with reader.reading("the pinned root.json"):
        root = tuf_metadata.root(pinned)
        threshold.demand(root.body, "root", root, code=_SIGNATURES)
    _demand_connected(root, reader)
    yield root
    for _ in range(MAX_ROTATIONS + 1):
        following = _next(root, reader)
        if following is None:
            _demand_no_gap(root.version, reader)
            return
        yield following
        root = following
    raise reader.error("trust.limit", f"more than {MAX_ROTATIONS} roots after the pinned one")


def _next(root: Signed[Root], reader: Reader) -> Signed[Root] | None:
    name = f"{root.version + 1}.root.json"
    raw = reader.read(name, tuf_metadata.MAX_BYTES["root"])
    if raw is None:
        return None
    with reader.reading(name):
        following = tuf_metadata.root(raw)
        if following.version != root.version + 1:
            what = f"says it is version {following.version}"
            raise AnchorError(what, code="trust.root-version")
        threshold.demand(root.body, "root", following, code=_SIGNATURES)
        threshold.demand(following.body, "root", following, code=_SIGNATURES)
    return following


def _demand_connected(pinned: Signed[Root], reader: Reader) -> None:
    """Refuse roots that all end before the pinned one, or another one under its version."""
    carried = roots_among(reader.files.names())
    if carried and carried[-1] < pinned.version:
        raise reader.error(
            "trust.older-chain",
            f"its roots end at version {carried[-1]}, and this host pins {pinned.version}",
        )
    name = f"{pinned.version}.root.json"
    raw = reader.read(name, tuf_metadata.MAX_BYTES["root"])
    if raw is None:
        return
    with reader.reading(name):
        if tuf_metadata.root(raw).payload != pinned.payload:
            what = "it is not the root that this host pins under that version"
            raise AnchorError(what, code="trust.root-fork")


def _demand_no_gap(newest: int, reader: Reader) -> None:
    later = [n for n in roots_among(reader.files.names()) if n > newest]
    if later:
        what = f"root {newest + 1} is missing, and root {later[0]} is there"
        raise reader.error("trust.root-gap", what)


def _timestamp(root: Root, reader: Reader) -> Signed[Timestamp]:
    raw = reader.needed(TIMESTAMP, tuf_metadata.MAX_BYTES["timestamp"])
    with reader.reading(TIMESTAMP):
        timestamp = tuf_metadata.timestamp(raw)
        threshold.demand(root, "timestamp", timestamp, code="trust.threshold")
    return timestamp


def _snapshot(root: Root, timestamp: Timestamp, reader: Reader) -> Signed[Snapshot]:
    described = timestamp.snapshot_meta
    raw, name = read_described(reader, root, "snapshot", described)
    with reader.reading(name):
        snapshot = tuf_metadata.snapshot(raw)
        demand_version(snapshot, described)
        threshold.demand(root, "snapshot", snapshot, code="trust.threshold")
    return snapshot


def _remarks(root: Signed[Root]) -> Iterator[Remark]:
    for key_id in threshold.misnamed(root.body):
        yield Remark(
            code="trust.key-id",
            message=f"TUF root {root.version}: {key_id[:80]} is not the digest of its key; "
            "keys are counted, not their names",
        )
