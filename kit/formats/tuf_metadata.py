"""TUF metadata (TUF specification 1.0), read strictly in front of python-tuf.

python-tuf takes ``true`` and ``1.0`` for a version, the last of two equal keys, and a day
written ``2026-1-1``; it bounds nothing. All that is refused here first, and what is then left
is put to its classes. Signatures are over the canonical JSON of what *this* reader parsed.
Nothing here verifies one: that is ``kit.trust``'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kit.errors import MalformedError
from kit.formats import encodings, strictjson

if TYPE_CHECKING:
    from securesystemslib.signer import Signature
    from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

#: Bytes of each kind of file at most, as python-tuf's client has them.
MAX_BYTES: Mapping[str, int] = {
    "root": 512_000,
    "timestamp": 16_384,
    "snapshot": 2_000_000,
    "targets": 5_000_000,
}
#: A version that no repository reaches: one a second would take 68 years. A role that is
#: brought to the largest number there is can never be renewed ("fast-forward").
MAX_VERSION = 2**31 - 1
MAX_DEPTH = 32
MAX_KEYS = 256
MAX_SIGNATURES = 256

_EXPIRES = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_ROLES = frozenset({"root", "timestamp", "snapshot", "targets"})

_Body_co = TypeVar("_Body_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed(Generic[_Body_co]):
    """One metadata file: what it says, and the canonical bytes that signatures are over.

    ``expires`` is only a number here: whether it is over is asked where a clock is.
    """

    body: _Body_co
    version: int
    expires: datetime
    signatures: Mapping[str, Signature]
    payload: bytes


def root(raw: bytes) -> Signed[Root]:
    """Read a ``root.json``; raise :class:`MalformedError` for anything but one.

    The oldest roots (Sigstore's 1 to 3) write fractions of a second, which the specification
    does not have, and are refused for it.
    """
    return _read(raw, "root", _root)


def timestamp(raw: bytes) -> Signed[Timestamp]:
    """Read a ``timestamp.json``."""
    return _read(raw, "timestamp", _meta)


def snapshot(raw: bytes) -> Signed[Snapshot]:
    """Read a ``snapshot.json``."""
    return _read(raw, "snapshot", _meta)


def targets(raw: bytes) -> Signed[Targets]:
    """Read the metadata of targets, the top-level role's or a delegated one's."""
    return _read(raw, "targets", _targets)


def glance(raw: bytes) -> tuple[int, datetime]:
    """Return version and expiry of a ``root.json`` that is the host's own; verifies nothing."""
    signed = _object(_document(raw, "root"), "signed")
    return _common(signed, "root")


def _read(raw: bytes, kind: str, shape: Callable[[dict[str, Any]], None]) -> Signed[Any]:
    from securesystemslib.formats import encode_canonical  # noqa: PLC0415 - loads cryptography
    from tuf.api.metadata import Metadata  # noqa: PLC0415

    document = _document(raw, kind)
    signed = _object(document, "signed")
    version, expires = _common(signed, kind)
    shape(signed)
    if len(_list(document, "signatures")) > MAX_SIGNATURES:
        raise MalformedError(f"over {MAX_SIGNATURES} signatures")
    try:
        payload = str(encode_canonical(signed)).encode("utf-8")
        metadata: Metadata[Any] = Metadata.from_dict(document)
    except Exception as error:  # python-tuf raises many things on values of other types
        raise MalformedError(f"not TUF metadata: {error!r:.300}") from error
    return Signed(
        body=metadata.signed,
        version=version,
        expires=expires,
        signatures=metadata.signatures,
        payload=payload,
    )


def _document(raw: bytes, kind: str) -> dict[str, Any]:
    document = strictjson.parse(raw, max_bytes=MAX_BYTES[kind], max_depth=MAX_DEPTH)
    if not isinstance(document, dict):
        raise MalformedError("the document is not an object")
    return document


# ---- shape: what python-tuf would take in another type ---------------------


def _common(signed: dict[str, Any], kind: str) -> tuple[int, datetime]:
    if signed.get("_type") != kind:
        raise MalformedError(f"signed._type is {signed.get('_type')!r:.40}, not {kind!r}")
    expires = signed.get("expires")
    if not isinstance(expires, str) or not _EXPIRES.fullmatch(expires):
        raise MalformedError(
            f"signed.expires is {expires!r:.60}, not as TUF writes it: 2030-01-31T00:00:00Z"
        )
    return _number(signed, "version"), encodings.parse_time(expires)


def _root(signed: dict[str, Any]) -> None:
    if type(signed.get("consistent_snapshot", False)) is not bool:
        raise MalformedError("consistent_snapshot is not true or false")
    _keys(signed)
    roles = _object(signed, "roles")
    if roles.keys() != _ROLES:
        raise MalformedError(f"roles are not those of TUF: {', '.join(sorted(roles)):.120}")
    for name in roles:
        _role(_object(roles, name))


def _meta(signed: dict[str, Any]) -> None:
    meta = _object(signed, "meta")
    for name in meta:
        _described(_object(meta, name), needs_length=False)
        _number(meta[name], "version")


def _targets(signed: dict[str, Any]) -> None:
    files = _object(signed, "targets")
    for name in files:
        _described(_object(files, name), needs_length=True)
    if "delegations" in signed:
        _delegations(_object(signed, "delegations"))


def _delegations(delegations: dict[str, Any]) -> None:
    _keys(delegations)
    if ("roles" in delegations) == ("succinct_roles" in delegations):
        raise MalformedError("delegations have not exactly one of roles and succinct_roles")
    if "succinct_roles" in delegations:
        succinct = _object(delegations, "succinct_roles")
        _role(succinct)
        _number(succinct, "bit_length")
        return
    for role in _list(delegations, "roles"):
        if not isinstance(role, dict) or not isinstance(role.get("name"), str):
            raise MalformedError("a delegated role is not an object with a name")
        if type(role.get("terminating")) is not bool:
            raise MalformedError(f"the role {role['name']!r:.80}: terminating is not true or false")
        _role(role)


def _keys(holder: dict[str, Any]) -> None:
    keys = _object(holder, "keys")
    if len(keys) > MAX_KEYS:
        raise MalformedError(f"over {MAX_KEYS} keys")
    for key_id in keys:
        _object(_object(keys, key_id), "keyval")


def _role(role: dict[str, Any]) -> None:
    key_ids = _list(role, "keyids")
    if len(key_ids) > MAX_KEYS or not all(isinstance(key_id, str) for key_id in key_ids):
        raise MalformedError(f"keyids are no strings, or over {MAX_KEYS}")
    _number(role, "threshold")


def _described(item: dict[str, Any], *, needs_length: bool) -> None:
    """Demand a length, and digests, of the right types; a target must have both."""
    if needs_length or "length" in item:
        length = item.get("length")
        if type(length) is not int or length < 0:
            raise MalformedError(f"length is {length!r:.40}, not a number of bytes")
    if needs_length or "hashes" in item:
        hashes = _object(item, "hashes")
        if not hashes or not all(isinstance(value, str) for value in hashes.values()):
            raise MalformedError("hashes are empty, or no strings")


def _number(holder: dict[str, Any], key: str) -> int:
    value = holder.get(key)
    if type(value) is not int or value < 1:  # bool is an int too
        raise MalformedError(f"{key} is {value!r:.40}, not a positive whole number")
    if value > MAX_VERSION:
        raise MalformedError(
            f"{key} is {value!r:.40}, which nobody has counted to", code="trust.fast-forward"
        )
    return value


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    if not isinstance(value, dict):
        raise MalformedError(f"{key:.80} is not an object")
    return value


def _list(holder: dict[str, Any], key: str) -> list[Any]:
    value = holder.get(key)
    if not isinstance(value, list):
        raise MalformedError(f"{key:.80} is not an array")
    return value
