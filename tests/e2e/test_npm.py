"""npm sources from end to end: a registry on loopback, collected, checked under its keys.

The registry serves what the lab's key and workflow signed, by npm's own protocols; the kit
runs as a program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.formats import schema
from kit.pack import writer
from kit.pack.reader import Pack
from tests.e2e.conftest import STRANGER, Ran, Site
from tests.lab import AT, Build, Lab, npm
from tests.lab.hostile_http import answer
from tests.lab.npm import PUBLISH, RegistryKey, Window
from tests.lab.places import Npm, Publication, released, secrets_seen

LAB = Lab("acme")
KEY, OTHER_KEY = RegistryKey(LAB), RegistryKey(LAB, "another")
NAME, TARBALL = "@acme/tool", "acme-tool-1.0.0.tgz"
CONTENT = npm.packed(NAME, "1.0.0", main="tool.js")
RELEASE = released(KEY, NAME, "1.0.0", CONTENT)
BARE = released(KEY, NAME, "1.0.0", CONTENT, bundles=())
NEXT = released(KEY, NAME, "1.0.1")
PLAIN = released(KEY, "tool", "2.0.0-rc.1")
PACKUMENT, ATTESTATIONS = f"{TARBALL}.npm-packument.json", f"{TARBALL}.npm-attestations.json"
TOKEN = "npm_s3cr3t"  # noqa: S105 - a marker to look for, not a secret

SIGNERS = f"""\
schema = 1
name = "tool"
version = "1.0"

[signers.npm]
npm-keys = "npm/keys.json"
registry = "{npm.REGISTRY}"
trusted-root = "acme"

[signers.release]
issuer = "https://token.actions.githubusercontent.com"
identity = "{Build().signer}"
trusted-root = "acme"
"""
LINE = f'\n[[artifact]]\nsource = "npm:{NAME}@1.0.0"\n'
BY_PUBLISH = f'\n[[artifact.require]]\nsigner = "npm"\npredicate-type = "{PUBLISH}"\n'
BY_SIGNATURE = '\n[[artifact.require]]\nsigner = "npm"\nlog = false\n'
BY_PROVENANCE = """
[[artifact.require]]
signer = "release"
predicate-type = "slsa-provenance"
source-repository = "https://github.com/acme/tool"
source-tag = "v1.0"
"""
ALL = BY_PUBLISH + BY_SIGNATURE + BY_PROVENANCE


@pytest.fixture
def place() -> Iterator[Npm]:
    """Publish a version, the next one, and another package."""
    with Npm(RELEASE, NEXT, PLAIN, keys=(KEY,)) as running:
        yield running


@pytest.fixture
def bare() -> Iterator[Npm]:
    """Publish the version with nothing but its registry signature."""
    with Npm(BARE, keys=(KEY,)) as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Ask for one version by all that the registry and its publisher sign."""
    made = Site(tmp_path / "site", LAB)
    trust(made, npm.targets(KEY))
    made.policy(LINE + ALL, SIGNERS)
    return made


def trust(site: Site, keys: bytes) -> None:
    folder = site.folder / "trust-roots/npm"
    folder.mkdir(exist_ok=True)
    (folder / "keys.json").write_bytes(keys)


def collect(site: Site, place: Npm, *more: str) -> Ran:
    return site.collect("--npm-registry", place.url, *more)


def ledger(site: Site, pack: str = "tool-1.0.pack.tar") -> dict[str, dict[str, str]]:
    with Pack.open(site.folder / pack) as opened:
        value = json.loads(opened.read("ledger.json", 1 << 20))
    schema.validate(value, "ledger")
    return {row["wanted"]: row for line in value["lines"] for row in line["asked"]}


def serve(site: Site, release: Publication, keys: tuple[RegistryKey, ...] = (KEY,)) -> Ran:
    with Npm(release, keys=keys) as place:
        return collect(site, place)


# ---- what passes


def test_a_scoped_package_passes_by_signature_publish_and_provenance(
    site: Site, place: Npm
) -> None:
    ran = collect(site, place)
    assert (ran.status, ran.errors_of(TARBALL)) == (0, set())
    place.registry.requests.clear()
    ran = site.check()
    assert ran.status == 0
    assert place.registry.requests == []
    (artifact,) = ran.document["results"][0]["report"]["artifacts"]
    assert artifact["name"] == TARBALL
    kinds = {claim["kind"] for claim in artifact["claims"]}
    assert kinds == {"npm-packument", "npm-attestations"}
    assert "npm.claimed-time" in ran.codes


def test_another_package_and_a_prerelease_pass_too(site: Site, place: Npm) -> None:
    site.policy('\n[[artifact]]\nsource = "npm:tool@2.0.0-rc.1"\n' + ALL, SIGNERS)
    assert collect(site, place).status == 0
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        assert [a.name for a in pack.manifest.artifacts] == ["tool-2.0.0-rc.1.tgz"]


@pytest.mark.parametrize("keys", [npm.targets(KEY, OTHER_KEY), npm.endpoint(OTHER_KEY, KEY)])
def test_keys_are_read_in_both_forms(site: Site, place: Npm, keys: bytes) -> None:
    trust(site, keys)
    assert collect(site, place).status == 0


def test_the_pack_carries_what_is_signed_as_it_stands_and_no_other_version(
    site: Site, place: Npm
) -> None:
    collect(site, place)
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        assert pack.read(f"evidence/{ATTESTATIONS}", 1 << 20) == place.document(RELEASE)
        kept = json.loads(pack.read(f"evidence/{PACKUMENT}", 1 << 20))
    told = place.packument(NAME)
    assert told is not None
    dist = told["versions"]["1.0.0"]["dist"]
    assert kept["versions"].keys() == {"1.0.0"}
    assert kept["versions"]["1.0.0"]["dist"] == {
        key: dist[key] for key in ("integrity", "shasum", "signatures")
    }
    assert place.url not in json.dumps(kept)
    rows = ledger(site)
    assert rows[TARBALL]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert KEY.keyid in rows["public keys of the registry"]["note"]


def test_collecting_twice_gives_the_same_bytes(site: Site, place: Npm) -> None:
    epoch = {"SOURCE_DATE_EPOCH": "1700000000"}
    packs = []
    for _ in range(2):
        ran = site.collect("--npm-registry", place.url, "--replace", env=epoch)
        assert ran.status == 0
        packs.append((site.folder / "tool-1.0.pack.tar").read_bytes())
    assert packs[0] == packs[1]


# ---- what does not, and by which code


def test_provenance_of_a_stranger_is_not_the_publishers(site: Site) -> None:
    theirs = npm.provenance(
        LAB, NAME, "1.0.0", CONTENT, Build(repository="https://github.com/mallory/tool")
    )
    made = npm.publish(KEY, NAME, "1.0.0", CONTENT)
    ran = serve(site, released(KEY, NAME, "1.0.0", CONTENT, bundles=(made, theirs)))
    assert (ran.status, ran.errors_of(TARBALL)) == (1, {"policy.unmet"})
    assert "policy.identity" in ran.codes


def test_a_swapped_tarball_contradicts_what_the_registry_signed(site: Site, place: Npm) -> None:
    site.put(TARBALL, npm.packed(NAME, "1.0.0", main="evil.js"))
    site.policy(
        f'\n[[artifact]]\nsource = "file:downloads"\nfiles = ["{TARBALL}"]\n'
        f'evidence = ["npm:{NAME}@1.0.0"]\n' + BY_PUBLISH,
        SIGNERS,
    )
    ran = collect(site, place)
    assert ran.status == 1
    assert ran.errors_of(TARBALL) == {"policy.unmet", "digest.mismatch"}


def test_another_key_than_this_hosts_signs_nothing(site: Site) -> None:
    site.policy(LINE + BY_SIGNATURE, SIGNERS)
    ran = serve(site, BARE, keys=(OTHER_KEY,))
    assert (ran.status, ran.errors_of(TARBALL)) == (1, {"policy.unmet"})
    assert "npm.unknown-key" in ran.codes


def test_another_keys_signature_under_the_right_id_does_not_hold(site: Site, bare: Npm) -> None:
    def edit(packument: dict[str, Any]) -> dict[str, Any]:
        for version in packument["versions"].values():
            (signature,) = version["dist"]["signatures"]
            signed = OTHER_KEY.signs(NAME, version["version"], version["dist"]["integrity"])
            signature["sig"] = signed["sig"]
        return packument

    bare.edit = edit
    site.policy(LINE + BY_SIGNATURE, SIGNERS)
    ran = collect(site, bare)
    assert (ran.status, ran.errors_of(TARBALL)) == (1, {"policy.unmet"})
    assert "npm.signature" in ran.codes


@pytest.mark.parametrize("signed_as", [("@acme/other", "1.0.0"), (NAME, "1.0.2")])
def test_a_signature_over_another_name_or_version_does_not_hold(
    site: Site, bare: Npm, signed_as: tuple[str, str]
) -> None:
    def edit(packument: dict[str, Any]) -> dict[str, Any]:
        for version in packument["versions"].values():
            dist = version["dist"]
            dist["signatures"] = [KEY.signs(*signed_as, dist["integrity"])]
        return packument

    bare.edit = edit
    site.policy(LINE + BY_SIGNATURE, SIGNERS)
    ran = collect(site, bare)
    assert ran.status == 1
    assert "npm.signature" in ran.codes


def test_an_expired_keys_signature_counts_only_where_the_policy_takes_the_registrys_word(
    site: Site, bare: Npm
) -> None:
    trust(site, npm.targets(KEY, window=Window(end="2025-12-01T00:00:00.000Z")))
    site.policy(LINE + BY_SIGNATURE, SIGNERS)
    ran = collect(site, bare)
    assert (ran.status, ran.errors_of(TARBALL)) == (1, {"policy.unmet"})
    assert "npm.key-expired" in ran.codes
    accepting = SIGNERS.replace("trusted-root", "accept-expired = true\ntrusted-root", 1)
    site.policy(LINE + BY_SIGNATURE, accepting)
    ran = collect(site, bare, "--replace")
    assert ran.status == 0
    assert "npm.claimed-time" in ran.codes


def test_what_the_registry_says_it_published_after_its_key_ended_never_counts(
    site: Site, bare: Npm
) -> None:
    trust(site, npm.targets(KEY, window=Window(end="2025-05-01T00:00:00.000Z")))
    accepting = SIGNERS.replace("trusted-root", "accept-expired = true\ntrusted-root", 1)
    site.policy(LINE + BY_SIGNATURE, accepting)
    ran = collect(site, bare)
    assert ran.status == 1
    assert "npm.key-expired" in ran.codes


@pytest.mark.parametrize(
    ("window", "passes"),
    [
        (Window(end="2025-06-02T00:00:00.000Z"), True),  # over now, and not when it was logged
        (Window(end="2025-06-01T00:00:00.000Z"), False),
        (Window(start="2025-06-02T00:00:00.000Z"), False),
    ],
)
def test_of_a_publish_attestation_the_logs_time_decides(
    site: Site, place: Npm, window: Window, passes: bool
) -> None:
    trust(site, npm.targets(KEY, window=window))
    site.policy(LINE + BY_PUBLISH, SIGNERS)
    ran = collect(site, place)
    assert ran.status == (0 if passes else 1)
    assert ("npm.key-time" in ran.codes) != passes


def test_a_key_for_one_use_does_not_serve_the_other(site: Site, place: Npm) -> None:
    trust(site, npm.targets(KEY, uses=npm.SIGNATURES))
    site.policy(LINE + BY_PUBLISH, SIGNERS)
    assert collect(site, place).errors_of(TARBALL) == {"policy.unmet"}
    site.policy(LINE + BY_SIGNATURE, SIGNERS)
    assert site.collect("--npm-registry", place.url, "--replace").status == 0


def test_an_attestation_of_another_registry_is_not_this_ones(site: Site, place: Npm) -> None:
    site.policy(LINE + BY_PUBLISH, SIGNERS.replace(f'registry = "{npm.REGISTRY}"\n', ""))
    ran = collect(site, place)
    assert ran.status == 1
    assert "policy.registry" in ran.codes


@pytest.mark.parametrize(
    "predicate", [{"name": "@acme/other"}, {"version": "1.0.1"}, {"registry": ""}]
)
def test_a_publish_attestation_must_say_what_its_subject_says(
    site: Site, predicate: dict[str, str]
) -> None:
    made = npm.publish(KEY, NAME, "1.0.0", CONTENT, predicate)
    site.policy(LINE + BY_PUBLISH, SIGNERS)
    ran = serve(site, released(KEY, NAME, "1.0.0", CONTENT, bundles=(made,)))
    assert (ran.status, ran.errors_of(TARBALL)) == (1, {"policy.unmet"})
    assert "npm.publish" in ran.codes


@pytest.mark.parametrize("other", [("@acme/other", "1.0.0"), (NAME, "1.0.1")])
def test_attestations_about_another_package_fail_it_by_name(
    site: Site, other: tuple[str, str]
) -> None:
    bundles = (npm.publish(KEY, *other, CONTENT), npm.provenance(LAB, *other, CONTENT))
    ran = serve(site, released(KEY, NAME, "1.0.0", CONTENT, bundles=bundles))
    assert ran.status == 1
    assert "npm.other-package" in ran.errors_of(TARBALL)


def test_provenance_and_publish_attestation_that_name_two_packages_disagree(site: Site) -> None:
    bundles = (
        npm.publish(KEY, NAME, "1.0.0", CONTENT),
        npm.provenance(LAB, "@acme/other", "1.0.0", CONTENT),
    )
    ran = serve(site, released(KEY, NAME, "1.0.0", CONTENT, bundles=bundles))
    assert (ran.status, ran.errors_of(TARBALL)) == (1, {"npm.other-package"})


def test_provenance_and_publish_attestation_of_two_tarballs_disagree(site: Site) -> None:
    bundles = (
        npm.publish(KEY, NAME, "1.0.0", CONTENT),
        npm.provenance(LAB, NAME, "1.0.0", CONTENT + b"\0"),
    )
    site.policy(LINE + BY_PUBLISH, SIGNERS)
    ran = serve(site, released(KEY, NAME, "1.0.0", CONTENT, bundles=bundles))
    assert (ran.status, ran.errors_of(TARBALL)) == (1, {"digest.mismatch"})


def test_a_strangers_contradiction_is_told_and_fails_nothing(site: Site) -> None:
    bundles = (
        npm.publish(KEY, NAME, "1.0.0", CONTENT),
        npm.provenance(LAB, NAME, "1.0.0", CONTENT + b"\0", identity=STRANGER),
    )
    site.policy(LINE + BY_PUBLISH, SIGNERS)
    ran = serve(site, released(KEY, NAME, "1.0.0", CONTENT, bundles=bundles))
    assert (ran.status, ran.errors_of(TARBALL)) == (0, set())
    assert "digest.mismatch" in ran.codes


def test_a_tarball_that_says_it_is_another_package_is_not_bound_by_a_bare_signature(
    site: Site,
) -> None:
    for inside, passes in [(NAME, True), ("@acme-tool/other", False)]:
        content = npm.packed(inside, "1.0.0")
        release = replace(RELEASE, files={TARBALL: content}, bundles={})
        site.policy(LINE + '\n[[artifact.require]]\nsigner = "release"\n', SIGNERS)
        site.put(f"{TARBALL}.sigstore.json", LAB.sign(content, **Build().signed()))
        text = (site.folder / "release.toml").read_text()
        where = f'source = "npm:{NAME}@1.0.0"\n'
        text = text.replace(where, where + 'evidence = ["file:downloads"]\n')
        (site.folder / "release.toml").write_text(text)
        with Npm(release) as place:
            ran = collect(site, place, "--replace")
        assert ran.errors_of(TARBALL) == (set() if passes else {"artifact.name-unproved"})


def test_another_version_under_the_line_is_refused_as_that(site: Site, place: Npm) -> None:
    site.policy(LINE.replace("1.0.0", "1.0.1") + BY_PUBLISH, SIGNERS)
    assert collect(site, place).status == 0
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        made = pack.manifest
        contents = {m.path: pack.read(m.path, 1 << 20) for m in made.members}
    # What a collector that lies would write: under its own name, and under the line's.
    for name, code in [
        ("acme-tool-1.0.1.tgz", "artifact.other-package"),
        (TARBALL, "npm.other-package"),
    ]:
        lied = replace(
            made,
            artifacts=tuple(
                replace(a, source=f"npm:{NAME}@1.0.0", name=name) for a in made.artifacts
            ),
        )
        (site.folder / "lied.pack.tar").unlink(missing_ok=True)
        writer.write(site.folder / "lied.pack.tar", lied, contents)
        site.policy(LINE + BY_PUBLISH, SIGNERS)
        ran = site.check("lied.pack.tar")
        assert ran.status == 1
        assert code in ran.errors_of(name)


# ---- the registry's answers


def test_attestations_that_are_absent_are_told_as_absent(site: Site, place: Npm) -> None:
    place.registry.on(place.attestations_path(NAME, "1.0.0"), answer(404))
    ran = collect(site, place)
    assert (ran.status, ran.errors_of(TARBALL)) == (1, {"policy.unmet"})
    row = ledger(site, "tool-1.0.unmet.pack.tar")[ATTESTATIONS]
    assert (row["answer"], row["note"]) == ("absent", "the packument names them")


@pytest.mark.parametrize("status", [401, 403, 204])
def test_attestations_that_could_not_be_asked_for_make_no_pack(
    site: Site, place: Npm, status: int
) -> None:
    place.registry.on(place.attestations_path(NAME, "1.0.0"), answer(status))
    assert collect(site, place).status == 5
    assert not list(site.folder.glob("*.pack.tar"))


@pytest.mark.parametrize("key", ["integrity", "shasum"])
def test_c164_a_tarball_of_another_digest_is_not_taken(site: Site, place: Npm, key: str) -> None:
    other = b"another"
    told = {
        "integrity": npm.integrity(other),
        "shasum": hashlib.sha1(other, usedforsecurity=False).hexdigest(),
    }

    def edit(packument: dict[str, Any]) -> dict[str, Any]:
        packument["versions"]["1.0.0"]["dist"][key] = told[key]
        return packument

    place.edit = edit
    ran = collect(site, place)
    assert (ran.status, ran.codes) == (5, {"machine.digest"})
    place.edit = lambda packument: packument
    assert collect(site, place).status == 0  # what did not agree was not kept


def test_what_was_deprecated_is_told(site: Site) -> None:
    ran = serve(site, released(KEY, NAME, "1.0.0", CONTENT, withdrawn="use @acme/new"))
    assert ran.status == 0
    assert f"{TARBALL}: deprecated: use @acme/new" in ran.err
    assert ledger(site)[TARBALL]["note"] == "deprecated: use @acme/new"


def test_a_plan_asks_nothing(site: Site, place: Npm) -> None:
    ran = site.run("collect", "release.toml", "--plan", "--npm-registry", place.url)
    assert ran.status == 0
    assert f"{place.url}@acme%2Ftool" in ran.out
    assert place.registry.requests == []


def test_no_secret_leaves_the_registry_or_stays_anywhere(site: Site) -> None:
    with Npm(RELEASE, keys=(KEY,), authorization=f"Bearer {TOKEN}", cdn=True) as place:
        under = place.url.removeprefix("http:")
        (site.folder / ".npmrc").write_text(
            f"@acme:registry={place.url}\n{under}:_authToken=${{NPM_TOKEN}}\n"
        )
        env = {"NPM_TOKEN": TOKEN}
        ran = site.collect(env=env)
        assert ran.status == 0
        assert {r.values("authorization")[0] for r in place.registry.requests} == {
            f"Bearer {TOKEN}"
        }
        assert place.files.requests
        assert secrets_seen(place.files.requests, [TOKEN]) == []
        place.registry.on("/@acme%2Ftool", answer(503))
        failed = site.collect("--replace", env=env)
        assert failed.status == 5
        planned = site.run("collect", "release.toml", "--plan", env=env)
    (site.folder / ".npmrc").unlink()
    written = [path.read_bytes() for path in site.folder.rglob("*") if path.is_file()]
    said = "".join(r.out + r.err for r in (ran, failed, planned)).encode()
    assert not any(TOKEN.encode() in raw for raw in (*written, said))


def test_credentials_on_the_command_line_are_wrong_usage(site: Site) -> None:
    ran = site.collect("--npm-registry", f"https://reader:{TOKEN}@host.invalid/")
    assert (ran.status, ran.codes) == (2, {"usage.credentials"})
    assert TOKEN not in ran.out + ran.err


def test_saved_answers_in_a_folder_are_told_by_their_content(site: Site, place: Npm) -> None:
    document, packument = place.document(RELEASE), place.packument(NAME)
    assert document is not None
    site.put(TARBALL, CONTENT)
    site.put("saved.json", document)
    site.put("tool.json", json.dumps(packument, indent=1).encode())
    site.policy(
        f'\n[[artifact]]\nsource = "file:downloads"\nfiles = ["{TARBALL}"]\n' + ALL,
        SIGNERS.replace('version = "1.0"', 'version = "1.0.0"'),
    )
    ran = site.collect()
    assert (ran.status, ran.errors_of(TARBALL)) == (0, set())


def test_keys_that_are_not_there_or_malformed_are_no_anchor(site: Site, place: Npm) -> None:
    assert collect(site, place).status == 0
    trust(site, b"{}")
    ran = site.check()
    assert (ran.status, ran.codes) == (4, {"trust.malformed"})
    site.policy(LINE + ALL, SIGNERS.replace("npm/keys.json", "npm/own.json"))
    ran = site.check()
    assert (ran.status, ran.codes) == (4, {"trust.missing"})


def test_the_public_registrys_keys_travel_with_the_kit_and_are_not_the_labs(
    site: Site, place: Npm
) -> None:
    (site.folder / "trust-roots/npm/keys.json").unlink()
    site.policy(LINE + BY_PUBLISH, SIGNERS)
    ran = collect(site, place)
    assert (ran.status, ran.errors_of(TARBALL)) == (1, {"policy.unmet"})
    anchors = ran.document["results"][0]["report"]["anchors"]
    assert {a["origin"] for a in anchors if a["instance"] == "npm/keys.json"} == {
        "pinned with the kit"
    }


def test_the_registrys_clock_is_the_labs() -> None:
    assert npm.written(AT) == "2025-06-01T12:00:00.000Z"


# ---- other commands


def test_verify_reads_a_registrys_answer_too(site: Site, place: Npm) -> None:
    document = place.document(RELEASE)
    assert document is not None
    (site.folder / TARBALL).write_bytes(CONTENT)
    (site.folder / "saved").write_bytes(document)
    flags = (
        "--bundle", "saved", "--trusted-root", "trust-roots/acme/trusted_root.json",
        "--certificate-identity", Build().signer, "--certificate-oidc-issuer",
        "https://token.actions.githubusercontent.com", "--format", "json",
    )  # fmt: skip
    ran = site.run("verify", TARBALL, *flags)
    assert ran.status == 0
    (claim,) = ran.document["results"][0]["verified"]["claims"]
    assert claim["kind"] == "npm-attestations"
    (site.folder / TARBALL).write_bytes(CONTENT + b"\0")
    ran = site.run("verify", TARBALL, *flags)
    refused = ran.document["results"][0]["verified"]["refused"]
    assert "digest.mismatch" in {item["code"] for item in refused}


def test_a_draft_names_the_registrys_keys_and_passes_once_it_is_edited(
    site: Site, place: Npm
) -> None:
    collect(site, place)
    ran = site.run("policy", "init", "tool-1.0.pack.tar", "-o", "draft.toml")
    assert ran.status == 0
    text = (site.folder / "draft.toml").read_text()
    assert 'npm-keys = "npm/keys.json"' in text
    assert f'registry = "{npm.REGISTRY}"' in text
    assert f'source = "npm:{NAME}@1.0.0"' in text
    edited = "".join(line for line in text.splitlines(True) if not line.startswith("expires"))
    (site.folder / "release.toml").write_text(edited.replace("# log = false", "log = false"))
    assert site.check().status == 0
