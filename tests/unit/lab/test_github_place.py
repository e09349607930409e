"""The lab's GitHub answers as the real one is documented to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
import urllib3

from kit.formats import snappy
from tests.lab import Lab
from tests.lab.places import GitHub, attested
from tests.lab.places.github import RESET, commit_of

NAME = "tool-1.0.tar.gz"
FILES = {NAME: b"the sdist", "tool-1.0.zip": b"the zip"}
RELEASE = attested(Lab("acme"), "tool", "1.0", FILES)
DIGEST = f"sha256:{hashlib.sha256(FILES[NAME]).hexdigest()}"
TOKEN = "t0ken"  # noqa: S105 - of the lab


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub(RELEASE, token=TOKEN, page=1) as running:
        yield running


def get(url: str, **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", url, headers=headers, redirect=False, retries=False)


def api(github: GitHub, rest: str, **headers: str) -> urllib3.BaseHTTPResponse:
    return get(github.api.url(github.path(rest)), **headers)


def test_a_release_lists_its_assets_and_they_are_stored_elsewhere(github: GitHub) -> None:
    release = api(github, "/releases/tags/v1.0").json()
    assert (release["tag_name"], release["immutable"]) == ("v1.0", False)
    row = release["assets"][0]
    assert (row["name"], row["digest"], row["size"]) == (NAME, DIGEST, len(FILES[NAME]))
    for answered in (
        get(row["browser_download_url"]),
        get(row["url"], Accept="application/octet-stream"),
    ):
        assert answered.status == 302
        there = answered.headers["location"]
        assert str(github.storage.port) in there
        assert get(there).data == FILES[NAME]
        assert get(there.partition("?")[0]).status == 403
        assert get(there, Authorization="Bearer x").status == 403
    assert get(row["url"]).json()["id"] == row["id"]


def test_pages_follow_each_other(github: GitHub) -> None:
    first = api(github, "/releases/1/assets?per_page=100")
    target = first.headers["link"].partition("<")[2].partition(">")[0]
    assert first.headers["link"].startswith(f'<{target}>; rel="next"')
    second = get(target)
    assert [row["name"] for page in (first, second) for row in page.json()] == list(FILES)
    assert "link" not in second.headers


@pytest.mark.parametrize("stored", [False, True])
def test_attestations_are_found_by_digest(github: GitHub, stored: bool) -> None:
    github.stored = stored
    (row,) = api(github, f"/attestations/{DIGEST}").json()["attestations"]
    (bundle,) = RELEASE.bundles[NAME]
    assert (row["bundle"] is None) is stored
    assert snappy.decompress(get(row["bundle_url"]).data, limit=1 << 20) == bundle
    assert stored or row["bundle"] == json.loads(bundle)
    assert api(github, f"/attestations/sha256:{'0' * 64}").status == 404


def test_an_immutable_release_is_attested_under_its_tag_and_its_files() -> None:
    bundle = Lab("acme", shape="github").release("acme/tool", "v1.0", FILES)
    with GitHub(RELEASE, immutable={"v1.0": bundle}, annotated=True) as github:
        assert api(github, "/releases/tags/v1.0").json()["immutable"] is True
        there = api(github, "/git/ref/tags/v1.0").json()["object"]
        assert there["type"] == "tag"
        tag = api(github, f"/git/tags/{there['sha']}").json()
        assert tag["object"] == {"sha": commit_of(RELEASE), "type": "commit"}
        of_tag = api(github, f"/attestations/sha1:{there['sha']}?predicate_type=release").json()
        (row,) = of_tag["attestations"]
        assert (row["bundle"], row["initiator"]) == (json.loads(bundle), "github")
        rows = api(github, f"/attestations/{DIGEST}").json()["attestations"]
        assert [item["initiator"] for item in rows] == ["user", "github"]


def test_what_is_private_is_not_there_without_the_token(github: GitHub) -> None:
    download = api(github, "/releases/tags/v1.0").json()["assets"][0]["browser_download_url"]
    github.private = True
    assert api(github, "/releases/tags/v1.0").status == 404
    assert api(github, "/releases/tags/v1.0", Authorization="Bearer wrong").status == 401
    assert api(github, "/releases/tags/v1.0", Authorization=f"Bearer {TOKEN}").status == 200
    assert get(download).status == 404


def test_who_asks_too_often_is_told_when_to_come_again(github: GitHub) -> None:
    github.allowance = 0
    limited = api(github, "/releases/tags/v1.0")
    assert (limited.status, limited.headers["x-ratelimit-remaining"]) == (403, "0")
    assert limited.headers["x-ratelimit-reset"] == str(RESET)
    assert api(github, "/releases/tags/v1.0", Authorization=f"Bearer {TOKEN}").status == 200


def test_a_renamed_repository_is_redirected(github: GitHub) -> None:
    github.renamed["acme/old"] = "acme/tool"
    moved = get(github.api.url(github.path("/releases/tags/v1.0", "acme/old")))
    assert moved.status == 301
    assert moved.headers["location"] == github.api.url(github.path("/releases/tags/v1.0"))


@pytest.mark.parametrize(
    "rest", ["", "/releases/tags/v2.0", "/releases/9/assets", "/git/ref/tags/x"]
)
def test_what_is_not_there_is_404(github: GitHub, rest: str) -> None:
    assert api(github, rest).status == (404 if rest else 200)
    assert get(github.api.url(github.path(rest, "acme/other"))).status == 404
