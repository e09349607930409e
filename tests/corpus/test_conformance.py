"""sigstore-conformance's bundle-verify suite, in one process, by the digest of the artifact.

A case's name says its verdict. ``scripts/conformance`` runs the same suite through the
command line.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kit.errors import KitError, UnsupportedError
from kit.formats import public_key, trusted_root
from kit.model import Claim, Digest
from kit.trust.anchors import Anchor
from kit.verifiers.sigstore import SigstoreVerifier
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT

pytestmark = pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)

SUITE = CORPUS / "conformance"
PUBLIC_GOOD = CORPUS / "trusted-roots/public-good/trusted_root.json"
IDENTITY = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ISSUER = "https://token.actions.githubusercontent.com"
AT = datetime(2026, 11, 20, tzinfo=UTC)
CASES = sorted(path.name for path in SUITE.iterdir() if path.is_dir()) if PRESENT else []


def verify(case: Path) -> Claim:
    """Verify a case as its files say; raise a :class:`KitError` where it does not hold."""
    root = case / "trusted_root.json"
    raw = (root if root.exists() else PUBLIC_GOOD).read_bytes()
    anchor = Anchor(instance="case", raw=raw, root=trusted_root.parse(raw), origin="test")
    key = case / "key.pub"
    keys = [public_key.from_pem(key.read_bytes())] if key.exists() else []
    verifier = SigstoreVerifier(anchor, AT, public_keys=keys)
    artifact = case / "artifact"
    content = (artifact if artifact.exists() else SUITE / "a.txt").read_bytes()
    known = {"sha256": Digest("sha256", hashlib.sha256(content).hexdigest())}
    verified = verifier.verify((case / "bundle.sigstore.json").read_bytes())
    claim = verified.claim_for(case.name, known)
    if keys and claim.identity.subject_type != "key":
        raise UnsupportedError("a key was asked for")
    if not keys and (claim.identity.subject, claim.identity.issuer) != (
        _said(case, "identity", IDENTITY),
        _said(case, "issuer", ISSUER),
    ):
        raise UnsupportedError("another identity")
    return claim


def _said(case: Path, name: str, default: str) -> str:
    file = case / name
    return file.read_text().strip() if file.exists() else default


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 70


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_the_verdict_that_its_name_says(case: str) -> None:
    if case.endswith("_fail"):
        with pytest.raises(KitError):
            verify(SUITE / case)
    else:
        assert "airgap-kit" in verify(SUITE / case).accepted_by
