"""Everything that this host trusts, place by place: for people who must know what they rest on.

Each file is read as a check would read it. One that does not load is in the list with its
error, and keeps nothing else out of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from kit.errors import AnchorError, EvidenceError, KitError
from kit.formats import key_facts, npm_keys, openpgp, public_key, trusted_root, tuf_metadata
from kit.formats.anchor_origin import FileOrigin
from kit.formats.key_facts import KeyFact
from kit.trust import known, origins, tuf_anchor
from kit.trust.places import Place, read, stands


class AnchorKind(StrEnum):
    """What a file of anchors is."""

    TRUSTED_ROOT = "trusted-root"
    TUF_ROOT = "tuf-root"
    NPM_KEYS = "npm-keys"
    PUBLIC_KEY = "public-key"
    OPENPGP = "openpgp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the bytes of an anchor say: its keys, and whatever dates it."""

    keys: tuple[KeyFact, ...] = ()
    version: int | None = None
    expires: datetime | None = None

    @property
    def newest(self) -> datetime | None:
        """The latest start of any key's window: it is at least this new."""
        return max((key.start for key in self.keys if key.start is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One file of anchors in one place.

    ``wins`` says that this place is the first that has it, which a check therefore uses;
    ``newer_in`` names a later place where it is newer. ``origin`` is what is recorded of these
    very bytes.
    """

    name: str
    kind: AnchorKind
    place: str
    wins: bool
    sha256: str = ""
    told: Told = Told()
    origin: FileOrigin | None = None
    repository: str | None = None
    vouched_until: datetime | None = None
    newer_in: str | None = None
    error: AnchorError | None = None

    @property
    def age_from(self) -> datetime | None:
        """The latest moment at which it is known to have been current, as far as anything says."""
        as_of = None if self.origin is None else self.origin.as_of
        known = (as_of, self.vouched_until, self.told.newest)
        moments = [each for each in known if each is not None]
        return max(moments) if moments else None


Read = Callable[[str, bytes], Told]


def held(places: Sequence[Place]) -> tuple[Held, ...]:
    """Return every anchor in ``places``, by name and then by place, the one that wins first."""
    found: dict[str, list[Held]] = {}
    for place in places:
        try:
            names = list(_names(place))
        except AnchorError as error:  # a folder that cannot be listed
            found[f"{place.label}/"] = [_unlisted(place, error)]
            continue
        for name, kind in names:
            alike = found.setdefault(name, [])
            one = _held(place, name, kind, wins=not alike)
            if one is not None:
                alike.append(one)
    listed = [each for name in sorted(found) for each in _compared(found[name])]
    return tuple(_beside(each, listed) for each in listed)


def _beside(one: Held, listed: Sequence[Held]) -> Held:
    """Return a TUF root as used only where the trusted root beside it is."""
    if one.kind is not AnchorKind.TUF_ROOT:
        return one
    root = f"{one.name.rpartition('/')[0]}/trusted_root.json"
    return replace(one, wins=any(o.wins and (o.name, o.place) == (root, one.place) for o in listed))


def _unlisted(place: Place, error: AnchorError) -> Held:
    return Held(
        name=error.subject or "",
        kind=AnchorKind.TRUSTED_ROOT,
        place=place.label,
        wins=False,
        error=error,
    )


def _names(place: Place) -> Iterator[tuple[str, AnchorKind]]:
    """Yield the names of all anchors of a place, below its folder."""
    for folder in known.folders([place]):
        for file, kind in _FILES.items():
            if stands(place.folder / folder / file):
                yield f"{folder}/{file}", kind
    for path in known.npm_keys([place]):
        yield path, AnchorKind.NPM_KEYS
    for path in known.keys([place]):
        yield path, AnchorKind.PUBLIC_KEY
    for path in known.openpgp_files([place]):
        yield path, AnchorKind.OPENPGP


_FILES: Mapping[str, AnchorKind] = MappingProxyType(
    {
        "trusted_root.json": AnchorKind.TRUSTED_ROOT,
        "root.json": AnchorKind.TUF_ROOT,
    }
)


def _held(place: Place, name: str, kind: AnchorKind, *, wins: bool) -> Held | None:
    folder, _, file = name.rpartition("/")
    one = Held(name=name, kind=kind, place=place.label, wins=wins)
    limit, tell = _READERS[kind]
    try:
        raw = read(place.folder / Path(name), limit, name)
        if raw is None:  # gone since it was listed
            return None
        one = replace(one, sha256=hashlib.sha256(raw).hexdigest())
        one = replace(one, told=_told(tell, name, raw))
        origin = origins.at(place, folder) if kind in _WITH_ORIGIN else None
        record = tuf_anchor.record(place.folder / folder, folder)
    except AnchorError as error:
        return replace(one, error=error)
    said = None if origin is None else origin.files.get(file)
    return replace(
        one,
        repository=record.repository if kind is AnchorKind.TUF_ROOT else None,
        origin=said if said is not None and said.sha256 == one.sha256 else None,
        vouched_until=record.vouches(one.sha256),
    )


_WITH_ORIGIN = frozenset({AnchorKind.TRUSTED_ROOT, AnchorKind.TUF_ROOT, AnchorKind.NPM_KEYS})


def _told(tell: Read, name: str, raw: bytes) -> Told:
    try:
        return tell(name, raw)
    except EvidenceError as error:
        raise AnchorError(f"{name}: {error.message}", code=_code(error), subject=name) from error


def _code(error: KitError) -> str:
    return error.code if error.code.startswith("trust.") else "trust.malformed"


def _trusted_root(_: str, raw: bytes) -> Told:
    return Told(keys=key_facts.of_trusted_root(trusted_root.parse(raw)))


def _tuf_root(_: str, raw: bytes) -> Told:
    signed = tuf_metadata.root(raw)
    return Told(version=signed.version, expires=signed.expires)


def _npm_keys(_: str, raw: bytes) -> Told:
    return Told(keys=key_facts.of_npm_keys(raw))


def _public_key(name: str, raw: bytes) -> Told:
    return Told(keys=(key_facts.of_public_key(name, raw),))


def _openpgp(name: str, raw: bytes) -> Told:
    fact = key_facts.of_openpgp(raw)
    if fact.fingerprint != Path(name).stem:
        raise AnchorError(
            f"{name}: the file holds {fact.fingerprint}", code="trust.openpgp-key", subject=name
        )
    return Told(keys=(fact,))


_READERS: Mapping[AnchorKind, tuple[int, Read]] = MappingProxyType(
    {
        AnchorKind.TRUSTED_ROOT: (trusted_root.MAX_BYTES, _trusted_root),
        AnchorKind.TUF_ROOT: (tuf_metadata.MAX_BYTES["root"], _tuf_root),
        AnchorKind.NPM_KEYS: (npm_keys.MAX_BYTES, _npm_keys),
        AnchorKind.PUBLIC_KEY: (public_key.MAX_BYTES, _public_key),
        AnchorKind.OPENPGP: (openpgp.MAX_KEY_BYTES, _openpgp),
    }
)


def _compared(alike: Sequence[Held]) -> Iterator[Held]:
    """Yield one anchor's holdings, the first with the place of a newer one."""
    if not alike:
        return
    first, *others = alike
    newer = [each for each in others if each.error is None and _age(each) > _age(first)]
    newest = max(newer, key=_age, default=None)
    yield replace(first, newer_in=None if newest is None else newest.place)
    yield from others


def _age(one: Held) -> tuple[int, float, float]:
    return one.told.version or 0, _seconds(one.told.newest), _seconds(one.age_from)


def _seconds(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()
