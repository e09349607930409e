"""Proofs by every index of trees of many sizes, and what sigstore-python lets through of them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from kit.errors import RejectedError
from kit.formats import trusted_root
from kit.formats.sigstore_bundle import InclusionProof
from kit.model import Digest
from kit.trust.anchors import Anchor
from kit.verifiers.sigstore import SigstoreVerifier
from kit.verifiers.sigstore.inclusion import root_of
from tests.lab import Lab, merkle

ARTIFACT = b"x"
LAB = Lab("acme")


def proof(index: int, size: int, hashes: tuple[bytes, ...]) -> InclusionProof:
    """Return a proof without a checkpoint."""
    return InclusionProof(
        index=index, root_hash=b"", tree_size=size, hashes=hashes, checkpoint=None
    )


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33])
def test_every_leaf_of_a_tree_leads_to_its_root(size: int) -> None:
    leaves = [merkle.leaf(bytes([number])) for number in range(size)]
    for index in range(size):
        path = merkle.path(index, leaves)
        assert root_of(leaves[index], proof(index, size, path)) == merkle.root(leaves)
        for wrong in (path[:-1], (*path, bytes(32)), (b"short", *path[1:])):
            if wrong != path:
                with pytest.raises(RejectedError) as refused:
                    root_of(leaves[index], proof(index, size, wrong))
                assert refused.value.code == "sigstore.inclusion"


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (9, 9)])
def test_an_index_outside_its_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(RejectedError):
        root_of(bytes(32), proof(index, size, ()))


def _entry(value: Any) -> Any:
    return value["verificationMaterial"]["tlogEntries"][0]


def _other_size(value: Any) -> None:
    found = _entry(value)["inclusionProof"]
    size, index = int(found["treeSize"]), int(found["logIndex"])
    # Index 3 in a tree of 9 has the path of index 3 in trees of 10 to 16.
    assert (index ^ size).bit_length() == (index ^ (size - 1)).bit_length()
    found["treeSize"] = str(size + 1)


def _unknown_log(value: Any) -> None:
    raw = hashlib.sha256(b"another log").digest()
    _entry(value)["logId"]["keyId"] = base64.b64encode(raw).decode()


def _no_promise(value: Any) -> None:
    del _entry(value)["inclusionPromise"]


FAULTS: list[tuple[Callable[[Any], None], str]] = [
    (_other_size, "sigstore.checkpoint"),  # W12
    (_unknown_log, "sigstore.log-key"),  # W9
    (_no_promise, "sigstore.time"),  # W15, CVE-2024-55655
]


@pytest.mark.parametrize(("change", "code"), FAULTS)
def test_a_fault_of_the_log_evidence_has_its_own_code(
    change: Callable[[Any], None], code: str
) -> None:
    value = json.loads(LAB.sign(ARTIFACT))
    change(value)
    raw = LAB.trusted_root()
    anchor = Anchor(instance="acme", raw=raw, root=trusted_root.parse(raw), origin="test")
    verifier = SigstoreVerifier(anchor, datetime(2026, 1, 1, tzinfo=UTC))
    known = {"sha256": Digest("sha256", hashlib.sha256(ARTIFACT).hexdigest())}
    with pytest.raises(RejectedError) as refused:
        verifier.verify(json.dumps(value).encode()).claim_for("x", known)
    assert refused.value.code == code
