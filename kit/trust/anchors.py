"""Find the trusted root of each Sigstore instance a policy rests on.

Looked up in order: ``--trusted-root``, ``--trust-roots``, ``AIRGAP_KIT_TRUST_ROOTS``, the
user's data folder, the copy that travels with the kit. The first place that has the
instance wins. Never the current folder, never another tool's cache, never the pack.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kit.errors import AnchorError, MalformedError, UsageError
from kit.formats import trusted_root
from kit.formats.tuf_record import Record
from kit.model import AnchorRecord
from kit.trust import tuf_anchor
from kit.trust.keys import KeyAnchor, find_keys
from kit.trust.places import Place, read
from kit.trust.tuf_anchor import TufAnchor

FILE = "trusted_root.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One instance's trusted root, read once: the parsed root and the bytes it came from.

    ``keys`` are the public keys of signers that belong to this instance. ``tuf`` is the TUF
    root that is pinned with it, and ``tuf_record`` what this host has written down of it.
    """

    instance: str
    raw: bytes
    root: trusted_root.TrustedRoot
    origin: str
    keys: tuple[KeyAnchor, ...] = ()
    tuf: TufAnchor | None = None
    tuf_record: Record = field(default_factory=Record)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes, in hex."""
        return hashlib.sha256(self.raw).hexdigest()

    def record(self) -> AnchorRecord:
        """Return what a report says of it."""
        return AnchorRecord(
            instance=self.instance,
            sha256=self.sha256,
            origin=self.origin,
            newest=self.root.newest,
            root_version=None if self.tuf is None else self.tuf.version,
            root_expires=None if self.tuf is None else self.tuf.expires,
            vouched_until=self.tuf_record.vouches(self.sha256),
        )


def find(
    instances: Iterable[str],
    places: Sequence[Place],
    given: Sequence[str] = (),
    keys: Iterable[tuple[str, str]] = (),
) -> dict[str, Anchor]:
    """Return the anchor of every instance in ``instances``.

    ``keys`` are pairs of a public key's path and the instance it belongs to.

    ``given`` are the values of ``--trusted-root``: ``NAME=FILE``, or ``FILE`` where only
    one instance is named. Raises :class:`AnchorError` (missing, unreadable, malformed,
    ambiguous) and :class:`UsageError` (a value that names no instance of this policy).
    """
    wanted = sorted(set(instances))
    files = _overrides(wanted, given)
    for place in places:
        if place.required and not place.folder.is_dir():
            raise UsageError(
                f"{place.label}: no such folder", subject=str(place.folder), code="trust.no-folder"
            )
    found = {
        instance: _from_file(instance, files[instance], places)
        if instance in files
        else _look_up(instance, places)
        for instance in wanted
    }
    paths = [(path, instance) for path, instance in keys if instance in found]
    return {
        instance: replace(
            anchor, keys=find_keys((path for path, owner in paths if owner == instance), places)
        )
        for instance, anchor in found.items()
    }


def _overrides(wanted: Sequence[str], given: Sequence[str]) -> Mapping[str, Path]:
    files: dict[str, Path] = {}
    for value in given:
        name, equals, file = value.partition("=")
        if not equals:
            if len(wanted) != 1:
                raise UsageError(
                    f"--trusted-root {value}: the policy names {len(wanted)} instances "
                    f"({', '.join(wanted) or 'none'}); write NAME=FILE"
                )
            name, file = wanted[0], value
        if name in files:
            raise UsageError(f"--trusted-root names {name!r} twice")
        if name not in wanted:
            raise UsageError(
                f"--trusted-root {name}=…: no signer of the policy has trusted-root {name!r} "
                f"(it names {', '.join(wanted) or 'none'})"
            )
        files[name] = Path(file)
    return files


def _look_up(instance: str, places: Sequence[Place]) -> Anchor:
    for place in places:
        path = place.folder / instance / FILE
        raw = read(path, trusted_root.MAX_BYTES, instance)
        if raw is not None:
            return replace(
                _anchor(instance, raw, place.label),
                tuf=tuf_anchor.pinned_root(place.folder / instance, instance),
                tuf_record=tuf_anchor.record(place.folder / instance, instance),
            )
    looked = ", ".join(place.label for place in places)
    raise AnchorError(
        f"no trusted root for the instance {instance!r}; looked in: {looked}",
        code="trust.missing",
        subject=instance,
        hint=f"put it at DIR/{instance}/{FILE} and give --trust-roots DIR, or give "
        f"--trusted-root {instance}=FILE",
    )


def _from_file(instance: str, path: Path, places: Sequence[Place]) -> Anchor:
    raw = read(path, trusted_root.MAX_BYTES, instance)
    if raw is None:
        raise AnchorError(
            f"no such file: {path}", code="trust.missing", subject=instance, hint=None
        )
    lines = trusted_root.split(raw)
    if len(lines) > 1:
        raw = _line_of(instance, lines, places)
    return _anchor(instance, raw, f"--trusted-root {path.name}")


def _line_of(instance: str, lines: Sequence[bytes], places: Sequence[Place]) -> bytes:
    """Return the line that shares a CA certificate with the instance's pinned root."""
    pinned = _look_up(instance, places).root.ca_certificates
    roots = [_parse(instance, line, f"line {n}") for n, line in enumerate(lines, start=1)]
    matching = [n for n, root in enumerate(roots) if root.ca_certificates & pinned]
    if len(matching) != 1:
        which = ", ".join(f"line {n + 1}" for n in matching) or "no line"
        raise AnchorError(
            f"of {len(lines)} trusted roots, {which} shares a CA certificate with the pinned "
            f"instance {instance!r}; exactly one must",
            code="trust.ambiguous",
            subject=instance,
        )
    return lines[matching[0]]


def _anchor(instance: str, raw: bytes, origin: str) -> Anchor:
    return Anchor(instance=instance, raw=raw, root=_parse(instance, raw, origin), origin=origin)


def _parse(instance: str, raw: bytes, origin: str) -> trusted_root.TrustedRoot:
    try:
        return trusted_root.parse(raw)
    except MalformedError as error:
        raise AnchorError(
            f"the trusted root of {instance!r} ({origin}): {error}",
            code="trust.malformed",
            subject=instance,
        ) from error
