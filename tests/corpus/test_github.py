"""Real attestations of GitHub, public good and its own instance, served by the lab's GitHub."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from kit.formats.source_text import parse_source
from kit.model import Found
from kit.sources import github as source
from kit.sources.downloads import Downloads
from kit.sources.github_api import Access
from kit.sources.http import Client
from tests.corpus import cases
from tests.corpus.cases import Case
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT
from tests.e2e.conftest import Site
from tests.lab.places import GitHub, Publication

pytestmark = pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)

CASES = [
    case
    for case in (cases.load() if PRESENT else [])
    if case.row["cls"] in ("github-public", "github-private") and case.expected == "pass"
]
WHOLE = [case for case in CASES if case.row["artifacts"][0]["file"]]
by_id = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
stored_or_not = pytest.mark.parametrize("stored", [False, True])


def test_both_instances_are_there() -> None:
    assert {case.row["trusted_root"].split("/")[1] for case in CASES} >= {"public-good", "github"}
    assert WHOLE


@stored_or_not
@by_id
def test_what_github_serves_is_carried_whole_and_verifies(
    case: Case, stored: bool, tmp_path: Path
) -> None:
    (digest,) = case.digests
    with GitHub(
        Publication(name="tool", version="1.0", files={"x": b"x"}), stored=stored
    ) as github:
        github.more[f"sha256:{digest.hex}"] = [case.bundle()]
        where = source.Places(access=Access(api=github.url), plain=Downloads(tmp_path, Client()))
        file = Found(name="artifact", path=tmp_path / "artifact", size=0, sha256=digest.hex)
        place = parse_source("github:acme/tool", "evidence")
        (found,) = source.gather(place, None, [file], where).evidence
    assert json.loads(found.path.read_bytes()) == json.loads(case.bundle())
    ran = Site(tmp_path / "site").run(
        "verify",
        f"sha256:{digest.hex}",
        *("--bundle", str(found.path)),
        *("--trusted-root", str(CORPUS / case.row["trusted_root"])),
        *("--certificate-identity", case.row["identity"][0]),
        *("--certificate-oidc-issuer", case.row["issuer"]),
    )
    assert ran.status == 0, ran.err


@stored_or_not
@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.id)
def test_a_release_of_a_real_artifact_passes_from_collect_to_check(
    case: Case, stored: bool, tmp_path: Path
) -> None:
    given = case.row["artifacts"][0]
    name, content = given["name"], (CORPUS / given["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == given["digest"]
    site = Site(tmp_path / "site")
    root = site.folder / "trust-roots/acme/trusted_root.json"
    root.write_bytes((CORPUS / case.row["trusted_root"]).read_bytes())
    site.policy(
        f'\n[[artifact]]\nsource = "github:acme/tool@v1.0"\nfiles = ["{name}"]\n'
        '[[artifact.require]]\nsigner = "real"\npredicate-type = "slsa-provenance"\n'
        f'digest = "sha256:{given["digest"]}"\n',
        'schema = 1\nname = "tool"\nversion = "1.0"\n'
        f'[signers.real]\nissuer = "{case.row["issuer"]}"\n'
        f'identity = "{case.row["identity"][0]}"\ntrusted-root = "acme"\n',
    )
    release = Publication(
        name="tool", version="1.0", files={name: content}, bundles={name: (case.bundle(),)}
    )
    with GitHub(release, stored=stored) as github:
        assert site.collect("--github-api", github.url).status == 0
    assert site.check().status == 0
