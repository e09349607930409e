"""Whether enough distinct keys of a role signed a piece of TUF metadata.

python-tuf counts key *ids*: one key listed under two of them satisfies a threshold of two.
Here keys are counted, by their SubjectPublicKeyInfo, whatever they are called. An id that is
not the digest of its key is therefore harmless, and only remarked on: the specification
demands the digest, and Sigstore's own root 11 has one that is none.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kit.errors import AnchorError, EvidenceError
from kit.formats import public_key
from kit.formats.tuf_metadata import Signed

if TYPE_CHECKING:
    from securesystemslib.signer import Key
    from tuf.api.metadata import Role, Root, Targets


def demand(delegator: Root | Targets, role_name: str, signed: Signed[Any], *, code: str) -> None:
    """Raise :class:`AnchorError` (``code``) unless the role's threshold of keys signed."""
    role = delegator.get_delegated_role(role_name)
    keys = dict(_known_keys(delegator, role))
    signers = {
        _identity(key)
        for key_id, key in keys.items()
        if _usable(key) and _verifies(key, key_id, signed)
    }
    if len(signers) < role.threshold:
        unread = sum(not _usable(key) for key in keys.values())
        form = f"; {unread} of its keys are in a form that is not read" if unread else ""
        raise AnchorError(
            f"{len(signers)} of the keys of the role {role_name!r} signed version "
            f"{signed.version}; {role.threshold} distinct ones must{form}",
            code=code,
        )


def key_set(root: Root, *role_names: str) -> str:
    """Return a digest of the keys and thresholds of roles: another, and keys were rotated."""
    parts = []
    for name in role_names:
        role = root.roles[name]
        keys = sorted({_identity(key) for _, key in _known_keys(root, role) if _usable(key)})
        parts.append(f"{name} {role.threshold} {' '.join(keys)}\n")
    return hashlib.sha256("".join(parts).encode("ascii")).hexdigest()


def misnamed(root: Root) -> Iterator[str]:
    """Yield the ids that are not the SHA-256 of their key's canonical JSON.

    tuf-on-ci adds ``x-`` fields to a key that has its id already; that is let pass.
    """
    from securesystemslib.formats import encode_canonical  # noqa: PLC0415

    for key_id, key in root.keys.items():
        document = key.to_dict()
        plain = {name: value for name, value in document.items() if not name.startswith("x-")}
        due = {
            hashlib.sha256(str(encode_canonical(form)).encode("utf-8")).hexdigest()
            for form in (document, plain)
        }
        if key_id not in due:
            yield key_id


def _known_keys(delegator: Root | Targets, role: Role) -> Iterator[tuple[str, Key]]:
    for key_id in role.keyids:
        try:
            yield key_id, delegator.get_key(key_id)
        except ValueError:  # the role names a key that the delegator does not list
            continue


def _usable(key: Key) -> bool:
    return bool(_identity(key))


def _identity(key: Key) -> str:
    """Return the SHA-256 of the key itself, in hex; empty for one that cannot be read."""
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
    )

    value = key.keyval.get("public")
    if not isinstance(value, str):
        return ""
    try:
        if key.keytype == "ed25519":
            loaded = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(value))
            der = loaded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            der = public_key.from_pem(value.encode("utf-8"))
    except (EvidenceError, ValueError):
        return ""
    return hashlib.sha256(der).hexdigest()


def _verifies(key: Key, key_id: str, signed: Signed[Any]) -> bool:
    signature = signed.signatures.get(key_id)
    if signature is None:
        return False
    try:
        with warnings.catch_warnings():
            # A type of key that is called by an old name; turned into an error, it would refuse.
            warnings.simplefilter("ignore", DeprecationWarning)
            key.verify_signature(signature, signed.payload)
    except Exception:  # noqa: BLE001 - whatever a library makes of hostile bytes is a no
        return False
    return True
