"""The tree is that of RFC 6962."""

from __future__ import annotations

import hashlib

import pytest

from tests.lab import merkle

# The test vector that implementations share (transparency-dev/merkle, testonly/constants.go):
# the roots of the trees over the first 1, 3 and 8 of these entries.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def climb(own: bytes, index: int, size: int, path: tuple[bytes, ...]) -> bytes:
    """Return the root by the algorithm of RFC 9162 section 2.1.3.2, which differs from ours."""
    last = size - 1
    for hashed in path:
        left = index & 1 or index == last
        own = hashlib.sha256(b"\x01" + (hashed + own if left else own + hashed)).digest()
        while left and index and not index & 1:
            index, last = index >> 1, last >> 1
        index, last = index >> 1, last >> 1
    assert last == 0
    return own


@pytest.mark.parametrize("size", ROOTS)
def test_known_trees_have_known_roots(size: int) -> None:
    leaves = [merkle.leaf(entry) for entry in ENTRIES[:size]]
    assert merkle.root(leaves).hex() == ROOTS[size]


@pytest.mark.parametrize("size", range(1, 20))
def test_every_path_leads_to_the_root(size: int) -> None:
    leaves = [merkle.leaf(bytes([number])) for number in range(size)]
    for index, own in enumerate(leaves):
        path = merkle.path(index, leaves)
        assert climb(own, index, size, path) == merkle.root(leaves)
