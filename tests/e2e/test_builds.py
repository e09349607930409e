"""Rules on builds, through whole packs: what the certificate and what the provenance says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ISSUER, Site
from tests.lab import Build, builds

NAME, CONTENT = "tool-1.0.tar.gz", b"the release\n" * 100
GENERATOR = (
    "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
    "generator_generic_slsa3.yml@refs/tags/v2.1.0"
)
SHARED = Build(shared=GENERATOR)
MALLORYS = replace(SHARED, repository="https://github.com/mallory/tool")

SIGNERS = f"""\
schema = 1
name = "tool"
version = "1.0"

[signers.generator]
issuer = "{ISSUER}"
identity = "{GENERATOR}"
trusted-root = "acme"
"""
LINE = f"""
[[artifact]]
source = "file:downloads"
files = ["{NAME}"]

[[artifact.require]]
signer = "generator"
predicate-type = "slsa-provenance"
"""
SOURCE = """
source-repository = "https://github.com/acme/tool"
source-tag = "v1.0"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Site:
    """Return a site with a file and no evidence yet."""
    made = Site(tmp_path / "site")
    made.put(NAME, CONTENT)
    return made


def attested(shop: Site, certificate: Build, said: dict[str, Any]) -> None:
    """Put provenance beside the file, by the generator's certificate of a build."""
    bundle = shop.lab.attest(
        {NAME: CONTENT}, predicate_type=builds.V02, predicate=said, **certificate.signed()
    )
    shop.put(f"{NAME}.sigstore.json", bundle)


def test_genuine_provenance_of_the_right_source_passes_and_both_sides_are_shown(
    shop: Site,
) -> None:
    attested(shop, SHARED, builds.generator(SHARED))
    shop.policy(f'{LINE}{SOURCE}build-trigger = "push"', SIGNERS)
    assert shop.collect().status == 0
    (artifact,) = shop.check().document["results"][0]["report"]["artifacts"]
    (claim,) = artifact["claims"]
    assert claim["predicate"]["kind"] == "provenance"
    assert claim["predicate"]["source-ref"] == "refs/tags/v1.0"
    assert claim["identity"]["facts"]["source-repository-ref"] == "refs/tags/v1.0"
    shown = shop.run("check", "tool-1.0.pack.tar", "--policy", "release.toml").out.splitlines()
    told = (
        "source https://github.com/acme/tool  at refs/tags/v1.0  "
        f"commit {builds.COMMIT}  built by {GENERATOR}"
    )
    assert shown[1:3] == [f"      provenance   {told}", f"      certificate  {told}"]


@pytest.mark.parametrize(
    ("certificate", "said", "rule", "code"),
    [
        (MALLORYS, MALLORYS, SOURCE, "policy.source-repository"),
        (SHARED, SHARED, "", "policy.shared-builder"),
        (SHARED, replace(SHARED, commit="f" * 40), SOURCE, "provenance.disagrees"),
        (MALLORYS, SHARED, SOURCE, "provenance.disagrees"),
    ],
    ids=["another project's", "no source in the rule", "another commit", "another source"],
)
def test_genuine_provenance_that_proves_something_else_fails(
    shop: Site, certificate: Build, said: Build, rule: str, code: str
) -> None:
    attested(shop, certificate, builds.generator(said))
    shop.policy(LINE + rule, SIGNERS)
    ran = shop.collect()
    assert ran.status == 1
    assert {"policy.unmet", code} <= ran.codes | shop.check("tool-1.0.unmet.pack.tar").codes
