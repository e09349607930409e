"""Whatever is changed in a good bundle, nothing that was vouched for changes with it.

Every single change of a node of the JSON, and thousands of single bits, in bundles of
every form. A mutant that is still accepted must be one of a short list, each with a reason
why it is the same evidence; and where sigstore-python reads the very bytes of the mutant
and refuses them, the kit must refuse them too.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import UnsafeNoOp
from sigstore_models.common.v1 import HashAlgorithm

from kit.errors import EvidenceError
from kit.formats import public_key, sigstore_bundle, trusted_root
from kit.model import Claim, Digest
from kit.trust.anchors import Anchor
from kit.verifiers.sigstore import SigstoreVerifier, second_opinion
from tests.lab import Lab

ARTIFACT = b"the artifact"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
KNOWN = {
    name: Digest(name, hashlib.new(name, ARTIFACT).hexdigest())
    for name in ("sha256", "sha384", "sha512")
}
LAB = Lab("acme")
SUBJECTS = {"a.txt": ARTIFACT}

BUNDLES = {
    "message 0.3": LAB.sign(ARTIFACT),
    "message 0.2": LAB.sign(ARTIFACT, version="0.2"),
    "message 0.1": LAB.sign(ARTIFACT, version="0.1"),
    "envelope 0.3": LAB.attest(SUBJECTS),
    "envelope 0.1": LAB.attest(SUBJECTS, version="0.1"),
    "promise-only": LAB.sign(ARTIFACT, form="promise-only"),
    "no-checkpoint": LAB.attest(SUBJECTS, form="no-checkpoint"),
    "two entries": LAB.sign(ARTIFACT, form="two-entries"),
    "intoto": LAB.attest(SUBJECTS, form="intoto"),
    "keyed": LAB.sign(ARTIFACT, form="keyed"),
    "keyed envelope": LAB.attest(SUBJECTS, form="keyed"),
}

#: Changes after which a bundle is still the same evidence: the path, and why.
NEUTRAL = {
    r"/messageSignature/messageDigest(/.*)?": "a hint that the format lets be absent",
    r"/verificationMaterial/publicKey(/hint)?": "a hint; the key is this host's",
    r"/dsseEnvelope/signatures/0/keyid": "a hint, and unauthenticated",
    r"/verificationMaterial/tlogEntries/[01]": "of two entries, either is enough",
    r"/verificationMaterial/tlogEntries/[01]/inclusionProof(/checkpoint)?": "v0.1 needs no proof",
    r"/verificationMaterial/tlogEntries/0/inclusionProof/treeSize": "without a checkpoint, "
    "nobody's word; not reported",
    r"/verificationMaterial/tlogEntries/[01]/integratedTime": "a key needs no time",
    r"/verificationMaterial/tlogEntries/[01]/inclusionPromise": "a key needs no time",
    r"/verificationMaterial/tlogEntries/[01]/logIndex": "a global index, unproved, not reported",
    r"/mediaType": "another version of the format that this bundle meets as well",
}


@pytest.fixture(scope="module")
def root() -> bytes:
    """Return the lab's trusted root."""
    return LAB.trusted_root()


@pytest.fixture(scope="module")
def verifier(root: bytes) -> SigstoreVerifier:
    """Return the kit's verifier."""
    anchor = Anchor(instance="acme", raw=root, root=trusted_root.parse(root), origin="test")
    keys = [public_key.from_pem(LAB.public_key())]
    return SigstoreVerifier(anchor, NOW, public_keys=keys)


@pytest.fixture(scope="module")
def library(root: bytes, tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    """Return sigstore-python's."""
    path: Path = tmp_path_factory.mktemp("root") / "trusted_root.json"
    path.write_bytes(root)
    return Verifier(trusted_root=TrustedRoot.from_file(str(path)))


def accepted(verifier: SigstoreVerifier, bundle: bytes) -> Claim | None:
    """Return the kit's claim; any error but our own escapes and fails the test."""
    try:
        return verifier.verify(bundle).claim_for("x", KNOWN)
    except EvidenceError:
        return None


def library_accepts(library: Verifier, bundle: bytes) -> bool:
    """Say whether sigstore-python accepts the same bytes."""
    hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=hashlib.sha256(ARTIFACT).digest())
    try:
        theirs = Bundle.from_json(bundle)
        if "dsseEnvelope" in json.loads(bundle):
            library.verify_dsse(theirs, UnsafeNoOp())
        else:
            library.verify_artifact(hashed, theirs, UnsafeNoOp())
    except Exception:  # noqa: BLE001 - it raises raw errors too
        return False
    return True


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Yield the path of every node."""
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in children:
        yield f"{at}/{key}"
        if isinstance(child, (dict, list)):
            yield from paths(child, f"{at}/{key}")


def changes(bundle: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Yield every change of one node: dropped, null, emptied, doubled, of another type."""
    original = json.loads(bundle)
    for path in paths(original):
        *parents, last = path.strip("/").split("/")
        for name in ("drop", "null", "empty", "double", "number"):
            value = copy.deepcopy(original)
            holder = value
            for part in parents:
                holder = holder[int(part)] if isinstance(holder, list) else holder[part]
            key: Any = int(last) if isinstance(holder, list) else last
            node = holder[key]
            if name == "drop":
                del holder[key]
            elif name == "double":
                holder[key] = node * 2 if isinstance(node, (str, list)) else [node, node]
            else:
                holder[key] = {"null": None, "empty": type(node)(), "number": 7}[name]
            yield path, name, json.dumps(value).encode()


def neutral(path: str) -> bool:
    """Say whether a change there is on the list."""
    return any(re.fullmatch(pattern, path) for pattern in NEUTRAL)


@pytest.mark.parametrize("form", BUNDLES)
def test_no_change_of_a_node_survives(
    verifier: SigstoreVerifier, library: Verifier, form: str
) -> None:
    good = accepted(verifier, BUNDLES[form])
    assert good is not None
    for path, name, mutant in changes(BUNDLES[form]):
        claim = accepted(verifier, mutant)
        if claim is None:
            continue
        assert neutral(path), (form, path, name)
        assert (claim.digest, claim.identity) == (good.digest, good.identity)
        if second_opinion.NAME in claim.accepted_by:
            null = name in ("null", "empty")  # of proto3, the same as absent; the library differs
            assert null or library_accepts(library, mutant), (form, path, name)


@pytest.mark.parametrize("form", BUNDLES)
def test_no_bit_survives(verifier: SigstoreVerifier, library: Verifier, form: str) -> None:
    raw = bytearray(BUNDLES[form])
    draw = random.Random(form)
    survivors = set()
    for _ in range(600):
        at, bit = draw.randrange(len(raw)), 1 << draw.randrange(8)
        raw[at] ^= bit
        mutant = bytes(raw)
        raw[at] ^= bit
        claim = accepted(verifier, mutant)
        if claim is not None:
            survivors.add(where(mutant, BUNDLES[form]))
            if not sigstore_bundle.parse(mutant).unknown:
                readable = second_opinion.NAME in claim.accepted_by
                assert not readable or library_accepts(library, mutant)
    unlisted = {path for path in survivors if path is not None and not neutral(path)}
    assert not unlisted


def where(mutant: bytes, good: bytes) -> str | None:
    """Return the path of the first difference of two JSON texts; ``None`` if they are equal."""
    ours, theirs = json.loads(mutant), json.loads(good)
    for path in paths(theirs):
        changed, original = _at(ours, path), _at(theirs, path)
        if changed is None or (changed != original and not isinstance(original, (dict, list))):
            return path
    return None


def _at(value: Any, path: str) -> Any:
    for part in path.strip("/").split("/"):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value
