"""`oci:` and `helm:` from end to end: a registry on loopback, the pack, its layout, its ledger."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.formats import schema
from kit.model import Member
from kit.pack import writer
from kit.pack.reader import Pack
from tests.e2e.conftest import WORKFLOW, Ran, Site
from tests.lab.hostile_http import answer
from tests.lab.places import Registry, secrets_seen
from tests.lab.places.registry import PASSWORD, TOKEN, USER
from tests.lab.shelf import (
    INDEX,
    MANIFEST,
    SPDX_DOCUMENT,
    Blob,
    Document,
    Shelf,
    attestation,
    buildkit,
    bundle,
    chart,
    image,
    index,
    legacy_tag,
    listing,
    manifest,
    referrer,
    signature,
)

PACK = "tool-1.0.pack.tar"
UNMET = "tool-1.0.unmet.pack.tar"
SBOM = b'{"spdxVersion":"SPDX-2.3"}'
SPDX_JSON = "application/spdx+json"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def named(site: Site, source: str, pinned: Document | None = None, more: str = "") -> None:
    """Name one image; what must hold is its digest, or what it will not have."""
    digest = pinned.digest if pinned is not None else "sha256:" + "0" * 64
    site.policy(
        f'\n[[artifact]]\nsource = "{source}"\n{more}\n[[artifact.require]]\ndigest = "{digest}"\n'
    )


def collect(site: Site, *more: str, **environment: str) -> Ran:
    """Collect with no login but those of ``environment``."""
    return site.collect(*more, env={"DOCKER_CONFIG": "nowhere"} | environment)


def opened(site: Site, name: str = PACK) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the pack's manifest and the rows of its ledger's first line."""
    with Pack.open(site.folder / name) as pack:
        ledger = json.loads(pack.read("ledger.json", 1 << 22))
        schema.validate(ledger, "ledger")
        described = json.loads(pack._layout.manifest)
        rows: list[dict[str, Any]] = ledger["lines"][0]["asked"]
        return described, rows


def layout_of(site: Site, name: str = PACK) -> dict[str, Any]:
    """Return the layout's index, with every blob that it and the manifests lead to compared."""
    with Pack.open(site.folder / name) as pack:
        members = {member.path: member for member in pack.manifest.members}
        assert pack.read("oci/oci-layout", 100) == b'{"imageLayoutVersion":"1.0.0"}'
        listed: dict[str, Any] = json.loads(pack.read("oci/index.json", 1 << 20))
        due = list(listed["manifests"])
        reached = set()
        while due:
            part = due.pop()
            path = "oci/blobs/sha256/" + part["digest"].removeprefix("sha256:")
            assert (members[path].sha256, members[path].size) == (path[-64:], part["size"])
            reached.add(path)
            if part["mediaType"].endswith(("manifest.v1+json", "index.v1+json")):
                value = json.loads(pack.read(path, 1 << 20))
                due += [*value.get("manifests", []), *value.get("layers", [])]
                due += [value["config"]] if "config" in value else []
        assert {path for path in members if path.startswith("oci/blobs/")} == reached
        return listed


def kinds(described: dict[str, Any]) -> set[tuple[str, str]]:
    """Return kind and name of every piece of evidence."""
    return {(item["kind"], item["name"]) for item in described["evidence"]}


def row(rows: list[dict[str, Any]], place: str) -> dict[str, Any]:
    """Return the one row about a place, by the end of its URL."""
    (found,) = [row for row in rows if row["place"].endswith(place)]
    return found


def everything(site: Site, repository: str) -> tuple[Shelf, Document, list[Document]]:
    """Return an image of three platforms with evidence of every form, some on each child."""
    lab, shelf = site.lab, Shelf()
    images = [image(name) for name in ("amd64", "arm64", "s390x")]
    whole = shelf.add(index([*images, buildkit(images[0])]), tag="1.0")
    shelf.add(signature(lab, whole, repository, identity=WORKFLOW), tag=legacy_tag(whole, "sig"))
    attested = attestation(lab, whole, name=repository, identity=WORKFLOW)
    shelf.add(attested, tag=legacy_tag(whole, "att"))
    for one in images:
        attested = attestation(lab, one, SPDX_DOCUMENT, name=repository, identity=WORKFLOW)
        shelf.add(attested, tag=legacy_tag(one, "att"))
        shelf.add(bundle(lab, one, identity=WORKFLOW))
    shelf.add(bundle(lab, whole, identity=WORKFLOW))
    sbom = shelf.add(manifest(Blob("x/config", b"{}"), [Blob(SPDX_JSON, SBOM)]))
    shelf.tags[legacy_tag(images[1], "sbom")] = sbom.digest
    shelf.add(referrer(images[2], SPDX_JSON, Blob(SPDX_JSON, SBOM + b" ")))
    return shelf, whole, images


# ---- nothing lost


@pytest.mark.parametrize("referrers", [True, False])
def test_all_that_speaks_of_an_image_is_in_the_pack(site: Site, referrers: bool) -> None:
    with Registry(Shelf(), referrers=referrers) as registry:
        shelf, whole, images = everything(site, registry.repository)
        if not referrers:
            shelf.list_by_tag()
        registry.shelf = shelf
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    described, rows = opened(site)
    assert [a["name"] for a in described["artifacts"]] == ["tool:1.0"]
    by_kind: dict[str, int] = {}
    for kind, _ in kinds(described):
        by_kind[kind] = by_kind.get(kind, 0) + 1
    assert by_kind == {
        "cosign-signature": 1,
        "cosign-attestation": 4,
        "sigstore-bundle": 4,
        "sbom": 2,
        "buildkit-attestation": 1,
    }
    spoken_of = {path[-64:] for item in described["evidence"] for path in item["about"]}
    assert spoken_of == {document.hex for document in (whole, *images)}
    listed = layout_of(site)
    tags = [entry.get("annotations", {}).get(REF) for entry in listed["manifests"]]
    assert {tag for tag in tags if tag} == {
        "1.0",
        *(legacy_tag(document, "att") for document in (whole, *images)),
        legacy_tag(whole, "sig"),
        legacy_tag(images[1], "sbom"),
    }
    assert row(rows, "manifests/1.0")["sha256"] == whole.hex
    assert all(row.get("carried", True) for row in rows)
    api = row(rows, f"referrers/{whole.digest}")
    assert (api["answer"], api.get("note")) == (
        ("found", None)
        if referrers
        else ("absent", "the registry does not offer the referrers API")
    )
    assert row(rows, legacy_tag(images[0], "sig"))["answer"] == "absent"


REF = "org.opencontainers.image.ref.name"


def test_referrers_of_the_api_and_of_the_fallback_tag_are_both_taken(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image(), tag="1.0")
    shelf.add(bundle(site.lab, whole, identity=WORKFLOW))
    before = bundle(site.lab, whole, SPDX_DOCUMENT, identity=WORKFLOW)
    for part in before.parts:
        shelf.blobs[part.digest] = part
    only_by_tag = listing([before])
    shelf.documents |= {before.digest: before, only_by_tag.digest: only_by_tag}
    shelf.tags[whole.digest.replace(":", "-")] = only_by_tag.digest
    with Registry(shelf) as registry:
        registry.unlisted = {before.digest}
        named(site, f"oci:{registry.repository}@{whole.digest}", whole)
        assert collect(site).status == 0
    described, _ = opened(site)
    assert sum(kind == "sigstore-bundle" for kind, _ in kinds(described)) == 2


@pytest.mark.parametrize("piece", range(8))
def test_any_piece_that_is_gone_is_told_as_absent_upstream(site: Site, piece: int) -> None:
    with Registry(Shelf(), referrers=False) as registry:
        shelf, whole, _ = everything(site, registry.repository)
        shelf.list_by_tag()
        registry.shelf = shelf
        gone = sorted(tag for tag in shelf.tags if tag != "1.0")[piece]
        del shelf.tags[gone]
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    _, rows = opened(site)
    assert row(rows, f"manifests/{gone}")["answer"] == "absent"
    layout_of(site)


def test_evidence_that_lacks_a_blob_is_named_and_left_out(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image(), tag="1.0")
    signed = shelf.add(signature(site.lab, whole, "x/y"), tag=legacy_tag(whole, "sig"))
    gone = signed.parts[1]
    del shelf.blobs[gone.digest]
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    described, rows = opened(site)
    assert described["evidence"] == []
    assert row(rows, f"blobs/{gone.digest}")["answer"] == "absent"
    assert row(rows, legacy_tag(whole, "sig"))["carried"] is False
    layout_of(site)


def test_evidence_that_describes_the_images_layer_wrongly_costs_only_itself(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image(), tag="1.0")
    layer = whole.parts[1]
    longer = Blob(layer.media_type, layer.raw)
    lying = referrer(whole, "x/y", longer)
    value = json.loads(lying.raw)
    value["layers"][0]["size"] += 1
    made = Document(lying.media_type, json.dumps(value).encode(), subject=whole)
    shelf.documents[made.digest] = made
    shelf.blobs[lying.parts[0].digest] = lying.parts[0]
    empty = shelf.add(manifest(Blob("x/config", b"{}"), []))
    shelf.tags[legacy_tag(whole, "sbom")] = empty.digest
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    described, rows = opened(site)
    assert described["evidence"] == []
    told = {row["answer"] for row in rows if row["place"].endswith(layer.digest)}
    assert told == {"skipped"}
    assert row(rows, legacy_tag(whole, "sbom"))["answer"] == "skipped"
    layout_of(site)


def test_evidence_in_another_repository_is_found_for_every_platform(site: Site) -> None:
    shelf, apart = Shelf(), Shelf()
    children = [image("amd64"), image("arm64")]
    whole = shelf.add(index(children), tag="1.0")
    apart.add(signature(site.lab, whole, "x/y"), tag=legacy_tag(whole, "sig"))
    apart.add(bundle(site.lab, children[1], identity=WORKFLOW))
    with Registry(shelf) as registry, Registry(apart) as other:
        evidence = f'evidence = ["oci:{other.repository}"]'
        named(site, f"oci:{registry.repository}:1.0", whole, evidence)
        assert collect(site).status == 0
    described, _ = opened(site)
    assert {kind for kind, _ in kinds(described)} == {"cosign-signature", "sigstore-bundle"}
    layout_of(site)


def test_what_signs_an_attached_sbom_comes_along(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image(), tag="1.0")
    sbom = shelf.add(referrer(whole, SPDX_JSON, Blob(SPDX_JSON, SBOM)))
    shelf.add(bundle(site.lab, sbom, identity=WORKFLOW))
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    described, _ = opened(site)
    about = {item["kind"]: item["about"] for item in described["evidence"]}
    assert about["sigstore-bundle"] == [f"oci/blobs/sha256/{sbom.hex}"]


def test_two_lines_share_blobs_and_evidence(site: Site) -> None:
    with Registry(Shelf()) as registry:
        shelf, whole, images = everything(site, registry.repository)
        registry.shelf = shelf
        shelf.tags["amd64"] = images[0].digest
        rule = '\n[[artifact.require]]\ndigest = "{}"\n'
        site.policy(
            f'\n[[artifact]]\nsource = "oci:{registry.repository}:1.0"{rule.format(whole.digest)}'
            f'\n[[artifact]]\nsource = "oci:{registry.repository}:amd64"'
            f"{rule.format(images[0].digest)}"
        )
        collect(site)
        fetched = [r.path for r in registry.requests if "/blobs/" in r.path]
    assert len(fetched) == len(set(fetched))
    described, _ = opened(site)
    assert [a["name"] for a in described["artifacts"]] == ["tool:1.0", "tool:amd64"]
    layout_of(site)


def test_docker_manifests_are_taken_as_they_are(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(index([image("amd64", docker=True)], docker=True), tag="1.0")
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    assert site.check().status == 0


def test_a_collect_that_broke_off_fetches_only_what_it_lacks(site: Site) -> None:
    shelf = Shelf()
    children = [image("amd64"), image("arm64")]
    whole = shelf.add(index(children), tag="1.0")
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        broken = registry.path("blobs", children[0].parts[1].digest)
        registry.on(broken, [1.0, *answer(403, b"")])  # late, so that the others are there
        first = collect(site)
        assert (first.status, first.codes) == (5, {"machine.unauthorized"})
        assert not list(site.folder.glob("*.pack.tar"))
        fetched = {path.name for path in site.folder.glob("*.collecting/downloads/oci/*")}
        registry.requests.clear()
        registry.on(broken, answer(200, children[0].parts[1].raw))
        assert collect(site).status == 0
        again = {request.path[-64:] for request in registry.requests if "/blobs/" in request.path}
    assert fetched
    assert not fetched & again


def test_equal_registries_give_equal_packs(site: Site) -> None:
    with Registry(Shelf()) as registry:
        shelf, whole, _ = everything(site, registry.repository)
        registry.shelf = shelf
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site, SOURCE_DATE_EPOCH="1700000000").status == 0
        first = (site.folder / PACK).read_bytes()
        shelf.documents = dict(reversed(shelf.documents.items()))
        assert collect(site, "--replace", SOURCE_DATE_EPOCH="1700000000").status == 0
    assert (site.folder / PACK).read_bytes() == first


def test_chosen_platforms_are_all_that_is_fetched(site: Site) -> None:
    with Registry(Shelf()) as registry:
        shelf, whole, images = everything(site, registry.repository)
        registry.shelf = shelf
        named(site, f"oci:{registry.repository}:1.0", whole, 'platforms = ["linux/amd64"]')
        assert collect(site).status == 0
        paths = {request.path for request in registry.requests}
        assert registry.path("manifests", images[1].digest) not in paths
    _, rows = opened(site)
    skipped = [row["wanted"] for row in rows if row["answer"] == "skipped"]
    assert skipped == ["tool:1.0 linux/arm64", "tool:1.0 linux/s390x"]


def test_a_platform_that_the_index_lacks_is_no_pack(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(index([image("amd64")]), tag="1.0")
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole, 'platforms = ["linux/riscv64"]')
        ran = collect(site)
    assert (ran.status, ran.codes) == (5, {"machine.absent"})


def test_charts_are_collected_and_images_are_no_charts(site: Site) -> None:
    shelf = Shelf()
    helm = shelf.add(chart("tool", "1.0", b"-----BEGIN PGP SIGNED MESSAGE-----"), tag="1.0")
    shelf.add(image(), tag="image")
    with Registry(shelf) as registry:
        named(site, f"helm:{registry.repository}:1.0", helm)
        collect(site)
        _, rows = opened(site)
        (provenance,) = [row for row in rows if row["wanted"].startswith("Helm provenance")]
        assert provenance["answer"] == "found"
        named(site, f"helm:{registry.repository}:image")
        assert collect(site, "--replace").codes == {"machine.unexpected"}


# ---- what is refused, by name


def test_a_tag_that_moves_meanwhile_is_refused(site: Site) -> None:
    shelf = Shelf()
    first, second = shelf.add(image("amd64"), tag="1.0"), shelf.add(image("arm64"))
    with Registry(shelf) as registry:
        path = registry.path("manifests", "1.0")
        registry.on(path, answer(200, second.raw, f"Content-Type: {second.media_type}"))
        registry.fault(path, answer(200, first.raw, f"Content-Type: {first.media_type}"))
        named(site, f"oci:{registry.repository}:1.0", first)
        ran = collect(site)
    assert (ran.status, ran.codes) == (5, {"machine.tag-moved"})
    assert not list(site.folder.glob("*.pack.tar"))


def test_a_child_that_is_not_there_is_no_pack(site: Site) -> None:
    shelf = Shelf()
    child = image("amd64")
    whole = shelf.add(index([child, image("arm64")]), tag="1.0")
    del shelf.documents[child.digest]
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        ran = collect(site)
    assert (ran.status, ran.codes) == (5, {"machine.absent"})


def test_a_layer_that_may_not_be_handed_on_is_named(site: Site) -> None:
    shelf = Shelf()
    foreign = Blob("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"windows")
    config = Blob("application/vnd.oci.image.config.v1+json", b'{"architecture":"amd64","os":"x"}')
    whole = shelf.add(manifest(config, [foreign]), tag="1.0")
    del shelf.blobs[foreign.digest]
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        collect(site)
    _, rows = opened(site, PACK if (site.folder / PACK).exists() else UNMET)
    assert row(rows, f"blobs/{foreign.digest}")["answer"] == "absent"


def test_referrers_that_lie_about_their_subject_are_left_out(site: Site) -> None:
    shelf = Shelf()
    whole, other = shelf.add(image("amd64"), tag="1.0"), image("arm64")
    lying = bundle(site.lab, other, identity=WORKFLOW)
    made = listing([lying, whole])
    shelf.documents |= {lying.digest: lying, made.digest: made}
    shelf.tags[whole.digest.replace(":", "-")] = made.digest
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    described, rows = opened(site)
    assert described["evidence"] == []
    assert row(rows, f"manifests/{lying.digest}")["answer"] == "skipped"


def test_a_fallback_tag_that_lies_about_sizes_costs_only_what_it_lists(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image("amd64"), tag="1.0")
    made = bundle(site.lab, whole, identity=WORKFLOW)
    shelf.add(made)
    lies = json.loads(listing([made]).raw)
    lies["manifests"][0]["size"] += 1
    lying = Document(INDEX, json.dumps(lies).encode())
    shelf.documents[lying.digest] = lying
    shelf.tags[whole.digest.replace(":", "-")] = lying.digest
    vast = Document(MANIFEST, b"{" + b" " * (5 << 20))
    shelf.documents[vast.digest] = vast
    shelf.tags[legacy_tag(whole, "sig")] = vast.digest
    with Registry(shelf, referrers=False) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    described, rows = opened(site)
    assert described["evidence"] == []
    assert "machine.digest" in row(rows, f"manifests/{made.digest}")["note"]
    assert "machine.too-large" in row(rows, legacy_tag(whole, "sig"))["note"]


def test_tags_that_hold_something_else_are_named(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image("amd64"), tag="1.0")
    shelf.tags[legacy_tag(whole, "sig")] = shelf.add(index([image("arm64")])).digest
    shelf.tags[whole.digest.replace(":", "-")] = whole.digest
    both = Document(INDEX, json.dumps({"schemaVersion": 2, "manifests": [], "layers": []}).encode())
    shelf.documents[both.digest] = both
    shelf.tags[legacy_tag(whole, "att")] = both.digest
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    _, rows = opened(site)
    for tag in (legacy_tag(whole, "sig"), whole.digest.replace(":", "-"), legacy_tag(whole, "att")):
        assert row(rows, f"manifests/{tag}")["answer"] == "skipped"


def test_referrers_that_go_round_in_a_circle_end(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image("amd64"), tag="1.0")
    one = shelf.add(referrer(whole, SPDX_JSON, Blob(SPDX_JSON, b"1")))
    two = shelf.add(referrer(one, SPDX_JSON, Blob(SPDX_JSON, b"2")))
    shelf.add(referrer(two, SPDX_JSON, Blob(SPDX_JSON, b"3")))
    made = listing([one, two, whole])  # the image is listed as about its own evidence
    shelf.documents[made.digest] = made
    for document in (one, two, whole):
        shelf.tags[document.digest.replace(":", "-")] = made.digest
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
        asked = [request.path for request in registry.requests]
    assert len(asked) < 60
    described, _ = opened(site)
    assert len(described["evidence"]) == 2


# ---- logins


def test_dockers_login_lets_in_and_stays_out_of_the_pack(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image(), tag="1.0")
    docker = site.folder / "docker"
    docker.mkdir()
    with Registry(shelf, auth="token-login") as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).codes == {"machine.unauthorized"}
        auths = {registry.host: {"auth": registry_login()}}
        (docker / "config.json").write_text(json.dumps({"auths": auths}))
        ran = collect(site, DOCKER_CONFIG="docker")
    assert ran.status == 0
    assert not any(secret in ran.err + ran.out for secret in (PASSWORD, TOKEN))
    raw = (site.folder / PACK).read_bytes()
    assert not any(secret.encode() in raw for secret in (PASSWORD, TOKEN, registry_login()))


def registry_login() -> str:
    return base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@pytest.mark.parametrize("key", ["credHelpers", "credsStore"])
def test_a_credential_helper_is_asked_about_its_registry(site: Site, key: str) -> None:
    shelf = Shelf()
    whole = shelf.add(image(), tag="1.0")
    docker, tools = site.folder / "docker", site.folder / "tools"
    docker.mkdir()
    tools.mkdir()
    with Registry(shelf, auth="basic") as registry:
        said = json.dumps({"Username": USER, "Secret": PASSWORD})
        helper = tools / "docker-credential-lab"
        helper.write_text(
            f'#!/bin/sh\nread -r server\n[ "$1 $server" = "get {registry.host}" ] || exit 1\n'
            f"printf '%s' '{said}'\n"
        )
        helper.chmod(0o755)
        value = {registry.host: "lab"} if key == "credHelpers" else "lab"
        (docker / "config.json").write_text(json.dumps({key: value}))
        named(site, f"oci:{registry.repository}:1.0", whole)
        search = f"{tools}{os.pathsep}{os.environ['PATH']}"
        assert collect(site, DOCKER_CONFIG="docker", PATH=search).status == 0
        # Not from the working folder, and not by a path.
        (site.folder / "docker-credential-lab").write_bytes(helper.read_bytes())
        (site.folder / "docker-credential-lab").chmod(0o755)
        search = f".{os.pathsep}{site.folder}{os.pathsep}{os.environ['PATH']}"
        ran = collect(site, "--replace", DOCKER_CONFIG="docker", PATH=search)
        assert (ran.status, ran.codes) == (5, {"machine.credential-helper"})


def test_a_realm_elsewhere_ends_the_collect_and_gets_nothing(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image(), tag="1.0")
    with Registry(Shelf()) as spy, Registry(shelf, auth="token") as registry:
        registry.realm = f"http://{spy.host}/token"
        named(site, f"oci:{registry.repository}:1.0", whole)
        ran = collect(site)
        assert (ran.status, ran.codes) == (5, {"machine.realm"})
        assert spy.requests == []
        option = f"{registry.host}={spy.host}"
        assert collect(site, "--token-host", option).status == 0
    assert secrets_seen(spy.requests, [PASSWORD]) == []


def test_a_mirror_stands_for_the_registry_of_the_line(site: Site) -> None:
    shelf = Shelf()
    whole = shelf.add(image(), tag="1.0")
    with Registry(shelf) as registry:
        named(site, "oci:registry.test/tool:1.0", whole)
        ran = collect(site, "--mirror", f"registry.test={registry.host}/acme")
    assert ran.status == 0
    described, _ = opened(site)
    assert described["artifacts"][0]["source"] == "oci:registry.test/tool:1.0"


def test_a_plan_asks_nothing(site: Site) -> None:
    with Registry(Shelf()) as registry:
        named(site, f"oci:{registry.repository}:1.0")
        ran = collect(site, "--plan")
    assert ran.status == 0
    assert registry.requests == []
    assert any("manifests/1.0" in line for line in ran.document["results"][0]["plan"])


# ---- folders that are layouts


def test_a_folder_that_is_a_layout_is_taken_like_a_registry(site: Site) -> None:
    shelf, whole, _ = everything(site, "registry.test/acme/tool")
    shelf.write_layout(site.folder / "image")
    named(site, "file:image/", whole)
    assert collect(site).status == 0
    described, _ = opened(site)
    assert [a["name"] for a in described["artifacts"]] == ["image:1.0"]
    found = [kind for kind, _ in kinds(described)]
    assert found.count("cosign-attestation") == 4
    assert found.count("sigstore-bundle") == 4
    assert found.count("sbom") == 2
    layout_of(site)
    assert site.check().status == 0


def test_a_folder_of_two_images_is_taken_as_its_line_says(site: Site) -> None:
    shelf = Shelf()
    first, second = shelf.add(image("amd64"), tag="1.0"), shelf.add(image("arm64"), tag="2.0")
    shelf.write_layout(site.folder / "image")
    named(site, "file:image/", first, 'files = ["image:1.0"]')
    assert collect(site).status == 0
    described, rows = opened(site)
    assert [a["member"][-64:] for a in described["artifacts"]] == [first.hex]
    assert second.hex not in json.dumps(described["members"])
    assert [row["wanted"] for row in rows if row["answer"] == "skipped"] == ["image:2.0"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("changed", "file.layout-digest"),
        ("missing", "file.layout-missing"),
        ("no-manifest", "file.layout-missing"),
        ("no-index", "oci.malformed"),
    ],
)
def test_a_layout_that_is_not_whole_is_told_so(site: Site, fault: str, code: str) -> None:
    shelf = Shelf()
    made = shelf.add(image("amd64"), tag="1.0")
    folder = shelf.write_layout(site.folder / "image")
    layer = folder / "blobs/sha256" / made.parts[1].hex
    if fault == "changed":
        layer.write_bytes(b"other bytes")
    elif fault == "missing":
        layer.unlink()
    elif fault == "no-manifest":
        (folder / "blobs/sha256" / made.hex).unlink()
    else:
        (folder / "index.json").write_text("{}")
    named(site, "file:image/", made)
    ran = collect(site)
    assert ran.status == 2
    assert ran.codes == {code}


def test_a_signer_alone_does_not_bind_an_image_from_a_folder(site: Site) -> None:
    shelf, _, _ = everything(site, "registry.test/acme/tool")
    shelf.write_layout(site.folder / "image")
    site.policy(
        '\n[[artifact]]\nsource = "file:image/"\n[[artifact.require]]\nsigner = "release"\n'
    )
    ran = collect(site)
    assert ran.status == 1
    assert "artifact.name-unproved" in ran.errors_of("image:1.0")


# ---- what is taken out of a pack


def rebuilt(site: Site, drop: set[str], *, quietly: bool) -> None:
    """Write the pack anew without some blobs; ``quietly``: and with nothing that names them."""
    path = site.folder / PACK
    with Pack.open(path) as pack:
        contents = {m.path: pack.read(m.path, 1 << 22) for m in pack.manifest.members}
        described = pack.manifest
    gone = {f"oci/blobs/sha256/{sha256}" for sha256 in drop}
    evidence = described.evidence
    if quietly:
        evidence = tuple(item for item in evidence if item.member not in gone)
        listed = json.loads(contents["oci/index.json"])
        kept = [entry for entry in listed["manifests"] if entry["digest"][7:] not in drop]
        contents["oci/index.json"] = json.dumps(listed | {"manifests": kept}).encode()
    contents = {name: raw for name, raw in contents.items() if name not in gone}
    members = tuple(
        Member(path=m.path, size=len(raw), sha256=hashlib.sha256(raw).hexdigest())
        for m in described.members
        if (raw := contents.get(m.path)) is not None
    )
    path.unlink()
    writer.write(path, replace(described, members=members, evidence=evidence), contents)


def test_a_piece_that_was_taken_out_of_the_pack_is_told_as_lost(site: Site) -> None:
    with Registry(Shelf()) as registry:
        shelf, whole, images = everything(site, registry.repository)
        registry.shelf = shelf
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    attested = shelf.documents[shelf.tags[legacy_tag(images[0], "att")]]
    rebuilt(site, {attested.hex, *(part.hex for part in attested.parts)}, quietly=True)
    ran = site.check()
    assert ran.status == 0  # no rule needs it, and it is told all the same
    assert "ledger.lost" in ran.codes


@pytest.mark.parametrize("what", ["layer", "child"])
def test_a_blob_that_was_taken_out_of_the_pack_fails_the_image(site: Site, what: str) -> None:
    shelf = Shelf()
    child = image("amd64")
    whole = shelf.add(index([child, image("arm64")]), tag="1.0")
    with Registry(shelf) as registry:
        named(site, f"oci:{registry.repository}:1.0", whole)
        assert collect(site).status == 0
    gone = child.hex if what == "child" else child.parts[1].hex
    rebuilt(site, {gone}, quietly=False)
    ran = site.check()
    assert ran.status == 1
    assert ran.codes & {"oci.blob-missing", "oci.platform-missing"}
