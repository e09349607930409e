"""`pypi:` from end to end: an index and a files' host on loopback, provenance, the check."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kit.formats import schema
from kit.pack import writer
from kit.pack.reader import Pack
from tests.e2e.conftest import SIGNERS, STRANGER, WORKFLOW, Ran, Site
from tests.lab import Lab
from tests.lab.hostile_http import answer
from tests.lab.instance import PROVENANCE
from tests.lab.places import PUBLISH, PyPI, attested, secrets_seen

SDIST, WHEEL = "Tool.Kit-1.0.tar.gz", "tool_kit-1.0-py3-none-any.whl"
FILES = {SDIST: b"the sdist\n" * 50, WHEEL: b"the wheel\n" * 50}
LAB = Lab("acme")
RELEASE = attested(LAB, "Tool.Kit", "1.0", FILES, PUBLISH, PROVENANCE, identity=WORKFLOW)
NEXT = attested(LAB, "tool-kit", "2.0", {"tool_kit-2.0.tar.gz": b"the next\n"}, identity=WORKFLOW)
OTHER = attested(LAB, "other", "1.0", {"other-1.0.tar.gz": b"other\n"}, identity=WORKFLOW)
LINE = f"""
[[artifact]]
source = "pypi:tool-kit==1.0"
files = ["{SDIST}", "{WHEEL}"]

[[artifact.require]]
signer = "release"
predicate-type = "{PUBLISH}"
"""
PASSWORD = "s3cr3t-t0ken"  # noqa: S105 - a marker to look for, not a secret
BASIC = f"Basic {base64.b64encode(f'reader:{PASSWORD}'.encode()).decode()}"


@pytest.fixture
def place() -> Iterator[PyPI]:
    """Publish three releases."""
    with PyPI(RELEASE, NEXT, OTHER) as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Ask for both files of one version, published by the release's workflow."""
    made = Site(tmp_path / "site", LAB)
    made.policy(LINE)
    return made


def collect(site: Site, place: PyPI, *more: str) -> Ran:
    return site.collect("--index-url", place.simple, *more)


def ledger(site: Site, pack: str = "tool-1.0.pack.tar") -> dict[str, dict[str, str]]:
    with Pack.open(site.folder / pack) as opened:
        value = json.loads(opened.read("ledger.json", 1 << 20))
    schema.validate(value, "ledger")
    return {row["wanted"]: row for line in value["lines"] for row in line["asked"]}


def test_a_release_passes_by_its_publish_attestations(site: Site, place: PyPI) -> None:
    assert collect(site, place).status == 0
    place.index.requests.clear()
    ran = site.check()
    assert ran.status == 0
    assert place.index.requests == []
    artifacts = ran.document["results"][0]["report"]["artifacts"]
    assert [artifact["name"] for artifact in artifacts] == [SDIST, WHEEL]
    (claim,) = artifacts[0]["claims"]
    assert claim["kind"] == "pep740-attestation"
    assert claim["predicate-type"] == PUBLISH
    assert claim["accepted-by"] == ["airgap-kit", "sigstore-python"]
    assert "pypi.publisher" in ran.codes


def test_the_pack_keeps_provenance_as_it_was_received(site: Site, place: PyPI) -> None:
    collect(site, place)
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        for name in FILES:
            raw = pack.read(f"evidence/{name}.provenance", 1 << 20)
            assert raw == place.document(name)
    rows = ledger(site)
    assert rows[SDIST]["sha256"] == hashlib.sha256(FILES[SDIST]).hexdigest()
    assert rows[f"{WHEEL}.provenance"]["answer"] == "found"


def test_slsa_provenance_is_in_there_too(site: Site, place: PyPI) -> None:
    site.policy(LINE.replace(PUBLISH, "slsa-provenance"))
    assert collect(site, place).status == 0


def test_the_version_is_the_lines_not_the_releases(site: Site, place: PyPI) -> None:
    site.policy(LINE, SIGNERS.replace('version = "1.0"', 'version = "2026.7"'))
    assert collect(site, place).status == 0


def test_provenance_of_a_stranger_is_not_the_publishers(site: Site, tmp_path: Path) -> None:
    theirs = attested(LAB, "tool-kit", "1.0", FILES, identity=STRANGER)
    with PyPI(theirs) as place:
        ran = collect(site, place)
    assert (ran.status, ran.errors_of(SDIST)) == (1, {"policy.unmet"})
    assert {"policy.identity", "pypi.publisher"} <= ran.codes


def test_provenance_that_is_absent_is_told_as_absent(site: Site, place: PyPI) -> None:
    place.index.on(place.provenance_path(SDIST), answer(404))
    ran = collect(site, place)
    assert (ran.status, ran.errors_of(SDIST), ran.errors_of(WHEEL)) == (1, {"policy.unmet"}, set())
    row = ledger(site, "tool-1.0.unmet.pack.tar")[f"{SDIST}.provenance"]
    assert row["answer"] == "absent"


def test_provenance_that_could_not_be_asked_for_makes_no_pack(site: Site, place: PyPI) -> None:
    place.index.on(place.provenance_path(SDIST), answer(403))
    ran = collect(site, place)
    assert (ran.status, ran.codes) == (5, {"machine.unauthorized"})
    assert not list(site.folder.glob("*.pack.tar"))


def test_attestations_of_one_file_say_nothing_of_another(site: Site, place: PyPI) -> None:
    document = place.document(WHEEL)
    assert document is not None
    place.provenance[SDIST] = document
    ran = collect(site, place)
    assert ran.errors_of(SDIST) == {"policy.unmet"}


def test_provenance_that_cannot_be_read_is_carried_and_told(site: Site, place: PyPI) -> None:
    place.provenance[SDIST] = b'{"version":1,"attestation_bundles":[{}]}'
    ran = collect(site, place)
    assert ran.errors_of(SDIST) == {"policy.unmet"}
    assert "evidence.malformed" in ran.codes


def test_collecting_twice_gives_the_same_bytes(site: Site, place: PyPI) -> None:
    epoch = {"SOURCE_DATE_EPOCH": "1700000000"}
    packs = []
    for _ in range(2):
        ran = site.collect("--index-url", place.simple, "--replace", env=epoch)
        assert ran.status == 0
        packs.append((site.folder / "tool-1.0.pack.tar").read_bytes())
    assert packs[0] == packs[1]


@pytest.mark.parametrize(
    ("source", "release"), [("pypi:tool-kit==2.0", NEXT), ("pypi:other==1.0", OTHER)]
)
def test_a_file_of_another_package_under_the_line_is_refused_as_that(
    site: Site, place: PyPI, source: str, release: object
) -> None:
    files = LINE.splitlines()[3]
    site.policy(LINE.replace("pypi:tool-kit==1.0", source).replace(files, ""))
    assert collect(site, place).status == 0
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        made = pack.manifest
        contents = {m.path: pack.read(m.path, 1 << 20) for m in made.members}
    # What a collector that lies would write.
    lied = replace(
        made, artifacts=tuple(replace(a, source="pypi:tool-kit==1.0") for a in made.artifacts)
    )
    writer.write(site.folder / "lied.pack.tar", lied, contents)
    site.policy(LINE.replace(files, ""))
    ran = site.check("lied.pack.tar")
    assert ran.status == 1
    (name,) = (a.name for a in made.artifacts)
    assert "artifact.other-package" in ran.errors_of(name)


def test_no_secret_leaves_the_index_or_stays_anywhere(site: Site) -> None:
    with PyPI(RELEASE, authorization=BASIC) as place:
        url = place.simple.replace("://", f"://reader:{PASSWORD}@")
        ran = site.collect(env={"PIP_INDEX_URL": url})
        assert ran.status == 0
        assert {r.values("authorization")[0] for r in place.index.requests} == {BASIC}
        assert secrets_seen(place.files.requests, [PASSWORD, BASIC]) == []
        place.index.on("/simple/tool-kit/", answer(503))
        failed = site.collect("--replace", env={"PIP_INDEX_URL": url})
        assert failed.status == 5
        planned = site.run("collect", "release.toml", "--plan", env={"PIP_INDEX_URL": url})
    written = [path.read_bytes() for path in site.folder.rglob("*") if path.is_file()]
    said = "".join(r.out + r.err for r in (ran, failed, planned)).encode()
    for secret in (PASSWORD, BASIC, BASIC.split()[1]):
        assert not any(secret.encode() in raw for raw in (*written, said))


def test_credentials_on_the_command_line_are_wrong_usage(site: Site) -> None:
    ran = site.collect("--index-url", f"https://reader:{PASSWORD}@host.invalid/simple/")
    assert (ran.status, ran.codes) == (2, {"usage.credentials"})
    assert PASSWORD not in ran.out + ran.err


def test_a_plan_asks_nothing(site: Site, place: PyPI) -> None:
    ran = site.run("collect", "release.toml", "--plan", "--index-url", place.simple)
    assert ran.status == 0
    assert f"{place.simple}tool-kit/" in ran.out
    assert place.index.requests == []


def test_what_was_yanked_is_told(site: Site) -> None:
    with PyPI(replace(RELEASE, withdrawn={SDIST: "broken"})) as place:
        ran = collect(site, place)
    assert ran.status == 0
    assert f"{SDIST}: yanked: broken" in ran.err
    assert ledger(site)[SDIST]["note"] == "yanked: broken"


def test_files_from_elsewhere_can_rest_on_the_indexs_provenance(site: Site, place: PyPI) -> None:
    for name, content in FILES.items():
        site.put(name, content)
    site.policy(
        LINE.replace(
            'source = "pypi:tool-kit==1.0"',
            'source = "file:downloads"\nevidence = ["pypi:tool-kit==1.0"]',
        )
    )
    assert collect(site, place).status == 0
    assert place.files.requests == []


@pytest.mark.parametrize("single", [True, False])
def test_verify_reads_pep_740_too(site: Site, place: PyPI, single: bool) -> None:
    document = place.document(SDIST)
    assert document is not None
    if single:
        attestations = json.loads(document)["attestation_bundles"][0]["attestations"]
        document = json.dumps(attestations[0]).encode()
    (site.folder / SDIST).write_bytes(FILES[SDIST])
    (site.folder / "renamed-1.0.tar.gz").write_bytes(FILES[SDIST])
    (site.folder / "saved").write_bytes(document)
    flags = (
        "--bundle", "saved", "--trusted-root", "trust-roots/acme/trusted_root.json",
        "--certificate-identity", WORKFLOW, "--certificate-oidc-issuer",
        "https://token.actions.githubusercontent.com", "--format", "json",
    )  # fmt: skip
    assert site.run("verify", SDIST, *flags).status == 0
    digest = hashlib.sha256(FILES[SDIST]).hexdigest()
    assert site.run("verify", f"sha256:{digest}", *flags).status == 0
    ran = site.run("verify", "renamed-1.0.tar.gz", *flags)
    assert ran.status == 1
    refused = ran.document["results"][0]["verified"]["refused"]
    assert {item["code"] for item in refused} == {"statement.subject"}
