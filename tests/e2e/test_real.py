"""Real input: a wheel from the package index, its publisher's own signature, the public root."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import ISSUER, Site

CORPUS = Path(__file__).resolve().parents[3] / "shared/corpus"
BUNDLE = CORPUS / "pypi/pypi-attestations-history/rfc8785-0.0.2-py3-none-any.whl.sigstore"
WHEEL = "rfc8785-0.0.2-py3-none-any.whl"
SHA256 = "0a186666340b57c1c8f365429a07f55261a1a60b2957f63b294820c4e3c0b5e4"
IDENTITY = (
    "https://github.com/trailofbits/rfc8785.py/.github/workflows/release.yml@refs/tags/v0.0.2"
)

pytestmark = [
    pytest.mark.online,
    pytest.mark.skipif(not BUNDLE.exists(), reason="the corpus of real signed data is not here"),
]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Download the wheel from the package index that pip is set up for.

    Without ``LD_PRELOAD`` pip has the machine's clock also where this test has not, and the
    index's certificate holds.
    """
    folder = tmp_path_factory.mktemp("index")
    done = subprocess.run(
        ["env", "-u", "LD_PRELOAD", sys.executable, "-m", "pip", "download", "--quiet",
         "--no-deps", "--only-binary", ":all:", "--dest", str(folder), "rfc8785==0.0.2"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"no package index can be reached: {done.stderr.strip()[-200:]}")
    raw = (folder / WHEEL).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == SHA256
    return raw


def real_site(folder: Path, name: str, content: bytes) -> Site:
    """Lay out a download under ``name`` beside its real bundle; trust only what is pinned."""
    site = Site(folder)
    shutil.rmtree(folder / "trust-roots")
    site.put(name, content)
    site.put(f"{name}.sigstore", BUNDLE.read_bytes())
    site.policy(
        f'\n[[artifact]]\nsource = "file:downloads/{name}"\n[[artifact.require]]\nsigner = "r"\n',
        'schema = 1\nname = "rfc8785"\nversion = "0.0.2"\n'
        f'[signers.r]\nissuer = "{ISSUER}"\nidentity = "{IDENTITY}"\n',
    )
    return site


#: Neither the environment nor the user's folder: the roots pinned with the kit.
PINNED = {"AIRGAP_KIT_TRUST_ROOTS": ""}


def test_a_real_wheel_passes_under_the_pinned_public_root(tmp_path: Path, wheel: bytes) -> None:
    site = real_site(tmp_path / "site", WHEEL, wheel)
    assert site.collect(env=PINNED).status == 0
    ran = site.check("rfc8785-0.0.2.pack.tar", env=PINNED)
    assert ran.status == 0
    report = ran.document["results"][0]["report"]
    assert report["anchors"][0]["origin"] == "pinned with the kit"
    assert report["artifacts"][0]["claims"][0]["identity"]["subject"] == IDENTITY


def test_the_same_wheel_renamed_fails_by_its_name(tmp_path: Path, wheel: bytes) -> None:
    renamed = "rfc8785-0.0.2-py2-none-any.whl"
    ran = real_site(tmp_path / "site", renamed, wheel).collect(env=PINNED)
    assert ran.status == 1
    assert ran.errors_of(renamed) == {"artifact.name-unproved"}


def test_the_same_wheel_altered_fails_by_its_signature(tmp_path: Path, wheel: bytes) -> None:
    altered = wheel[:-1] + bytes([wheel[-1] ^ 1])
    ran = real_site(tmp_path / "site", WHEEL, altered).collect(env=PINNED)
    assert ran.status == 1
    assert ran.errors_of(WHEEL) == {"policy.unmet"}
    assert "sigstore.digest" in ran.codes


def test_the_same_wheel_under_another_tag_fails_by_its_identity(
    tmp_path: Path, wheel: bytes
) -> None:
    site = real_site(tmp_path / "site", WHEEL, wheel)
    policy = site.folder / "release.toml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("/v0.0.2", "/v0.0.3"))
    ran = site.collect(env=PINNED)
    assert ran.status == 1
    assert {"policy.unmet", "policy.identity"} <= ran.codes
