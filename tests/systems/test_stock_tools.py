"""The pages' own commands on what a pack carries, where they need no network of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.e2e.conftest import ISSUER
from tests.lab.world.systems import openmed, securescan, stigmem
from tests.openpgp import GPG, Key, armored
from tests.systems.suite import LAB, collected
from tests.systems.test_openmed import WHEEL, by_commands
from tests.systems.test_securescan import IDENTITY
from tests.systems.test_securescan import SDIST as PY_SDIST
from tests.systems.test_securescan import WHEEL as PY_WHEEL
from tests.systems.test_stigmem import DIGESTS, SBOM


def opened(folder: Path) -> Path:
    """Unpack the one pack below a folder, as anybody would."""
    (pack,) = folder.glob("online/*.pack.tar")
    with tarfile.open(pack) as tar:
        tar.extractall(folder / "open", filter="data")
    return folder / "open"


def run(*arguments: object, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(argument) for argument in arguments],
        cwd=at,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.requirement("ST11")
@pytest.mark.skipif(not GPG.exists(), reason="gpg is not installed")
def test_gpg_verifies_what_the_maintainer_signed(tmp_path: Path) -> None:
    assert collected(stigmem(LAB), tmp_path).ran.status == 0
    there = opened(tmp_path)
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    key = home / "key.asc"
    key.write_bytes(armored(Key("maintainer").public, "PUBLIC KEY BLOCK"))
    gpg = (GPG, "--homedir", home, "--batch")
    assert run(*gpg, "--import", key, at=there).returncode == 0
    for name in (SBOM, DIGESTS):
        (signature,) = there.glob(f"**/{name}.asc")
        (signed,) = (p for p in there.glob(f"**/{name}") if p.name == name)
        assert run(*gpg, "--verify", signature, signed, at=there).returncode == 0, name
        other = there / "other"
        other.write_bytes(signed.read_bytes() + b"\n")
        assert run(*gpg, "--verify", signature, other, at=there).returncode == 1, name
    assert run("sha256sum", "--check", "--quiet", "SHA256SUMS", at=there).returncode == 0


@pytest.mark.requirement("SC1")
def test_sigstore_verifies_what_the_pack_carries(tmp_path: Path) -> None:
    made = collected(securescan(LAB), tmp_path)
    assert made.ran.status == 0
    there = opened(tmp_path)
    config = tmp_path / "trust.json"
    config.write_text(
        json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
                "trustedRoot": json.loads(LAB.trusted_root()),
                "signingConfig": {
                    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"
                },
            }
        )
    )
    for name in (PY_WHEEL, PY_SDIST):
        (bundle,) = there.glob(f"**/{name}.sigstore.json")
        (signed,) = (p for p in there.glob(f"**/{name}") if p.name == name)
        command = (sys.executable, "-m", "sigstore", "--trust-config", config, "verify", "identity")
        pinned = ("--cert-oidc-issuer", ISSUER, "--offline", "--bundle", bundle, signed)
        done = run(*command, "--cert-identity", IDENTITY, *pinned, at=there)
        assert done.returncode == 0, done.stderr
        assert "OK: " in done.stdout + done.stderr
        done = run(*command, "--cert-identity", f"{IDENTITY}.1", *pinned, at=there)
        assert done.returncode != 0
        assert "SANs do not match" in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.mark.requirement("OM7")
def test_sha256sum_checks_the_digest_file_that_came_along(tmp_path: Path) -> None:
    made = collected(by_commands(openmed(LAB)), tmp_path)
    assert made.ran.status == 0
    there = opened(tmp_path)
    (sums,) = there.glob("**/artifact.sha256")
    (wheel,) = there.glob(f"**/{WHEEL}")
    assert run("sha256sum", "--check", sums, at=wheel.parent).returncode == 0
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    assert run("sha256sum", "--check", sums, at=wheel.parent).returncode == 1
