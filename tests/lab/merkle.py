"""The Merkle tree of RFC 6962 section 2.1, over leaf hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf(entry: bytes) -> bytes:
    """Return the hash of an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree over at least one leaf hash."""
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return _node(root(leaves[:split]), root(leaves[split:]))


def path(index: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the inclusion path of one leaf, from the bottom up (section 2.1.1)."""
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*path(index, leaves[:split]), root(leaves[split:]))
    return (*path(index - split, leaves[split:]), root(leaves[:split]))


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    # The largest power of two smaller than the size.
    return 1 << (size - 1).bit_length() - 1
