"""`push`: only what passed, all of it, to registries that keep it and registries that do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Ran, Site
from tests.e2e.test_oci import PACK, collect, everything, named
from tests.lab.places import Registry
from tests.lab.places.registry import PASSWORD, TOKEN, USER, basic
from tests.lab.shelf import Document, Shelf, image, index, legacy_tag


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


@pytest.fixture
def whole(site: Site) -> Document:
    """Collect an image of three platforms with all its evidence."""
    with Registry(Shelf()) as registry:
        shelf, made, _ = everything(site, registry.repository)
        registry.shelf = shelf
        named(site, f"oci:{registry.repository}:1.0", made)
        assert collect(site).status == 0
    return made


def push(site: Site, registry: Registry, *more: str, **environment: str) -> Ran:
    """Push to a registry of the lab."""
    return site.run(
        "push", PACK, "--policy", "release.toml", "--to", registry.host, "--format", "json", *more,
        env={"DOCKER_CONFIG": "nowhere"} | environment,
    )  # fmt: skip


@pytest.mark.parametrize("referrers", [True, False])
def test_an_image_and_its_evidence_arrive(site: Site, whole: Document, referrers: bool) -> None:
    with Registry(Shelf(), referrers=referrers) as registry:
        ran = push(site, registry, "--unverified-evidence")
        assert ran.status == 0, ran.err
        shelf = registry.shelf
        assert ran.document["results"][0]["written"] == [f"{registry.repository}:1.0"]
        assert shelf.tags["1.0"] == whole.digest
        assert {legacy_tag(whole, "sig"), legacy_tag(whole, "att")} <= shelf.tags.keys()
        children = [part["digest"] for part in json.loads(whole.raw)["manifests"]]
        assert set(children) <= shelf.documents.keys()
        assert len(shelf.referrers(whole.digest)) == 1
        fallback = whole.digest.replace(":", "-")
        assert (fallback in shelf.tags) is not referrers
        # Again: everything is there, nothing is sent twice.
        before = len([r for r in registry.requests if r.method == "POST"])
        assert push(site, registry, "--unverified-evidence").status == 0
        assert len([r for r in registry.requests if r.method == "POST"]) == before


def test_what_was_pushed_is_collected_again_alike(site: Site, whole: Document) -> None:
    with Registry(Shelf(), referrers=False) as registry:
        assert push(site, registry, "--unverified-evidence").status == 0
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site, "--replace").status == 0


def test_evidence_that_nothing_verified_stays_unless_it_is_asked_for(
    site: Site, whole: Document
) -> None:
    with Registry(Shelf()) as registry:
        ran = push(site, registry)
        assert ran.status == 0
        assert "--unverified-evidence sends it along" in ran.err
        assert set(registry.shelf.tags) == {"1.0"}  # the policy names no signer


def test_an_image_that_fails_is_not_sent(site: Site, whole: Document) -> None:
    named(site, "oci:registry.test/acme/tool:1.0")
    with Registry(Shelf()) as registry:
        ran = push(site, registry)
        assert ran.status == 1
        assert registry.requests == []
    assert ran.document["results"][0]["written"] == []


def test_a_damaged_pack_is_not_sent(site: Site, whole: Document) -> None:
    path = site.folder / PACK
    raw = bytearray(path.read_bytes())
    raw[raw.rindex(b'"architecture"') + 1] ^= 1
    path.write_bytes(raw)
    with Registry(Shelf()) as registry:
        ran = push(site, registry)
        assert (ran.status, ran.codes) == (3, {"pack.digest"})
        assert registry.requests == []


def test_a_pack_without_images_is_wrong_usage(site: Site) -> None:
    site.publish("tool-1.0.tar.gz", b"the release\n")
    assert site.collect().status == 0
    with Registry(Shelf()) as registry:
        ran = push(site, registry)
    assert (ran.status, ran.codes) == (2, {"push.nothing"})


@pytest.mark.parametrize("place", ["registry", "Registry.test", "a b", "127.0.0.1:5000/UPPER"])
def test_a_place_that_is_none_is_told_before_the_check(site: Site, place: str) -> None:
    ran = site.run("push", "nothing.tar", "--policy", "release.toml", "--to", place)
    assert ran.status == 2
    assert "--to" in ran.err


def test_a_tag_that_names_something_else_is_not_moved(site: Site, whole: Document) -> None:
    shelf = Shelf()
    other = shelf.add(image("other"), tag="1.0")
    with Registry(shelf) as registry:
        ran = push(site, registry)
        assert (ran.status, ran.codes) == (2, {"push.exists"})
        assert not [r for r in registry.requests if r.method != "GET"]
        assert shelf.tags["1.0"] == other.digest
        assert push(site, registry, "--replace").status == 0
        assert shelf.tags["1.0"] == whole.digest


def test_two_images_that_would_have_one_tag_are_not_sent(site: Site) -> None:
    """Their registries told them apart; the second would take the tag of the first, unseen."""
    one, two = Shelf(), Shelf()
    images = one.add(image("one"), tag="1.0"), two.add(image("two"), tag="1.0")
    with Registry(one) as first, Registry(two) as second:
        lines = (
            f'[[artifact]]\nsource = "oci:{registry.repository}:1.0"\n'
            f'[[artifact.require]]\ndigest = "{made.digest}"\n'
            for registry, made in zip((first, second), images, strict=True)
        )
        site.policy("\n" + "".join(lines))
        assert collect(site).status == 0
    with Registry(Shelf()) as registry:
        for more in ((), ("--replace",)):
            ran = push(site, registry, *more)
            assert (ran.status, ran.codes) == (2, {"push.same-name"})
        assert not [r for r in registry.requests if r.method != "GET"]


def test_referrers_that_the_fallback_tag_lists_already_stay(site: Site, whole: Document) -> None:
    shelf = Shelf()
    shelf.add(whole)
    theirs = shelf.add(index([image("other")]), tag=whole.digest.replace(":", "-"))
    with Registry(shelf, referrers=False) as registry:
        assert push(site, registry, "--unverified-evidence", "--replace").status == 0
        now = shelf.documents[shelf.tags[whole.digest.replace(":", "-")]]
    listed = [entry["digest"] for entry in json.loads(now.raw)["manifests"]]
    assert json.loads(theirs.raw)["manifests"][0]["digest"] in listed
    assert len(listed) == 2


@pytest.mark.parametrize("what", ["blob", "child", "tag"])
def test_a_registry_that_forgets_what_it_took_is_found_out(
    site: Site, whole: Document, what: str
) -> None:
    child = whole.parts[0]
    assert isinstance(child, Document)
    gone = {"blob": child.parts[1].digest, "child": child.digest, "tag": "1.0"}[what]
    with Registry(Shelf()) as registry:
        registry.forgets = {gone}
        ran = push(site, registry)
    assert (ran.status, ran.codes) == (5, {"machine.not-kept"})


def test_an_upload_that_would_go_elsewhere_is_refused(site: Site, whole: Document) -> None:
    with Registry(Shelf()) as spy, Registry(Shelf(), auth="basic") as registry:
        registry.uploads_at = spy.url("")
        docker = site.folder / "docker"
        docker.mkdir()
        auths = {registry.host: {"username": USER, "password": PASSWORD}}
        (docker / "config.json").write_text(json.dumps({"auths": auths}))
        ran = push(site, registry, DOCKER_CONFIG="docker")
        assert (ran.status, ran.codes) == (5, {"machine.redirect"})
        assert spy.requests == []


@pytest.mark.parametrize("auth", ["basic", "token-login"])
def test_a_login_that_may_push_is_used_and_told_to_nobody(
    site: Site, whole: Document, auth: str
) -> None:
    docker = site.folder / "docker"
    docker.mkdir()
    with Registry(Shelf(), auth=auth) as registry:
        assert push(site, registry).codes == {"machine.unauthorized"}
        auths = {registry.host: {"username": USER, "password": PASSWORD}}
        (docker / "config.json").write_text(json.dumps({"auths": auths}))
        ran = push(site, registry, DOCKER_CONFIG="docker")
        asked = [r.target for r in registry.requests if r.path == "/token"]
    assert ran.status == 0, ran.err
    assert not any(secret in ran.out + ran.err for secret in (PASSWORD, TOKEN, basic()))
    assert all("pull,push" in target for target in asked)
    assert bool(asked) is (auth != "basic")
