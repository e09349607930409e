"""The lab's npm registry answers as the real one is documented to, and as npm itself expects."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from kit.formats import npm_attestations, npm_keys, npm_package, npm_packument
from tests.lab import Lab, npm
from tests.lab.npm import RegistryKey
from tests.lab.places import Npm, released
from tests.lab.places.npm import ABBREVIATED

KEY = RegistryKey(Lab("acme"))
SCOPED = released(KEY, "@acme/tool", "1.0.0")
PLAIN = released(KEY, "tool", "1.0.0", withdrawn="use another")


@pytest.fixture(scope="module")
def place() -> Iterator[Npm]:
    with Npm(SCOPED, PLAIN, keys=(KEY,)) as running:
        yield running


def get(url: str, **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", url, headers=headers, redirect=False, retries=False)


@pytest.mark.parametrize("path", ["@acme%2ftool", "@acme%2Ftool"])
def test_a_packument_is_whole_or_abbreviated_by_what_is_asked_for(place: Npm, path: str) -> None:
    whole = get(place.url + path).json()
    short = get(place.url + path, Accept=ABBREVIATED).json()
    assert whole["versions"] == short["versions"]
    assert "time" in whole
    assert "time" not in short
    assert set(short) == {"name", "dist-tags", "versions", "modified"}


def test_digests_signature_and_tarball_belong_together(place: Npm) -> None:
    dist = get(f"{place.url}tool").json()["versions"]["1.0.0"]["dist"]
    content = get(dist["tarball"]).data
    assert dist["integrity"] == npm.integrity(content)
    assert dist["shasum"] == hashlib.sha1(content, usedforsecurity=False).hexdigest()
    assert dist["signatures"] == [KEY.signs("tool", "1.0.0", dist["integrity"])]


def test_keys_and_attestations_are_under_their_own_paths(place: Npm) -> None:
    (key,) = npm_keys.parse(get(f"{place.url}-/npm/v1/keys").data)
    assert key.keyid == KEY.keyid
    for name in ("tool", "@acme%2ftool"):
        answer = get(f"{place.url}-/npm/v1/attestations/{name}@1.0.0")
        assert len(npm_attestations.bundles(answer.data)) == 2
    told = get(f"{place.url}@acme%2ftool").json()["versions"]["1.0.0"]["dist"]["attestations"]
    assert told["url"].startswith(f"{npm.REGISTRY}/-/npm/v1/attestations/")


@pytest.mark.parametrize(
    "path", ["other", "@acme%2fother", "-/npm/v1/attestations/tool@2.0.0", "tool/-/x.tgz", "-/x"]
)
def test_what_is_not_there_is_404_in_json(place: Npm, path: str) -> None:
    missing = get(place.url + path)
    assert (missing.status, missing.json()) == (404, {"error": "Not found"})


def test_a_deprecated_version_says_so(place: Npm) -> None:
    found = npm_packument.version(get(f"{place.url}tool").data, npm_package.of("tool", "1.0.0"))
    assert found is not None
    assert found.deprecated == "use another"


def test_a_registry_may_need_a_token_and_its_tarballs_elsewhere_none() -> None:
    with Npm(SCOPED, keys=(KEY,), authorization="Bearer t", cdn=True) as place:
        assert get(f"{place.url}@acme%2ftool").status == 401
        told = get(f"{place.url}@acme%2ftool", Authorization="Bearer t").json()
        assert get(told["versions"]["1.0.0"]["dist"]["tarball"]).status == 200


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_itself_installs_from_it(place: Npm, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "x", "version": "1.0.0"}))
    (tmp_path / ".npmrc").write_text(f"registry={place.url}\ncache={tmp_path / 'cache'}\n")
    done = subprocess.run(
        ["npm", "install", "tool", "@acme/tool", "--no-audit", "--no-fund"],
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lock = json.loads((tmp_path / "package-lock.json").read_text())["packages"]
    (content,) = SCOPED.files.values()
    assert lock["node_modules/@acme/tool"]["integrity"] == npm.integrity(content)
