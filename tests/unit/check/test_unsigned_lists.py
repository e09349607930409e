"""Digest manifests that nothing vouches for: compared, told, and decisive of nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.model import Level
from tests.unit.check.test_documents import LAB, SHA256, codes, weigh

OTHER = "a" * 64


@pytest.mark.parametrize("name", ["SHA256SUMS", "artifact.sha256"])
def test_another_digest_is_told_as_a_warning(tmp_path: Path, name: str) -> None:
    weighed = weigh(tmp_path, {name: f"{OTHER}  app-1.0.tgz\n".encode()})
    found = weighed.findings["artifacts/app-1.0.tgz"]
    (differs,) = [finding for finding in found if finding.code == "digest.differs"]
    assert differs.level is Level.WARNING
    assert f"lists app-1.0.tgz as sha256:{OTHER}, this file is sha256:{SHA256}" in differs.message
    assert "evidence.unsigned" in codes(weighed)


def test_the_right_digest_is_no_finding(tmp_path: Path) -> None:
    weighed = weigh(tmp_path, {"SHA256SUMS": f"{SHA256}  app-1.0.tgz\n".encode()})
    assert codes(weighed) == {"evidence.unsigned"}


def test_a_signed_list_contradicts_and_is_not_told_so(tmp_path: Path) -> None:
    sums = f"{OTHER}  app-1.0.tgz\n".encode()
    weighed = weigh(tmp_path, {"SHA256SUMS": sums, "SHA256SUMS.sigstore.json": LAB.sign(sums)})
    assert "digest.differs" not in codes(weighed)
    assert "digest.mismatch" in codes(weighed)
