"""The real package registries that this host's pip and npm are set up for: files, and silence.

Each file is pinned by its digest, so that a pass says that the very file came. What a registry
answers for attestations is its own business: where it says no, that is told as absent.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.pack.reader import Pack
from tests import online
from tests.e2e.conftest import Site

pytestmark = pytest.mark.online

FILES = {
    "pypi:six==1.16.0": (
        "six-1.16.0-py2.py3-none-any.whl",
        "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
        "six-1.16.0-py2.py3-none-any.whl.provenance",
    ),
    "npm:is-number@7.0.0": (
        "is-number-7.0.0.tgz",
        "7b75c1057198cf97696909a9bee176c9c5e9bcb5b03bf3ecef2f484defadd51e",
        "is-number-7.0.0.tgz.npm-attestations.json",
    ),
}


@pytest.mark.parametrize("source", FILES)
def test_a_real_file_is_collected_and_its_attestations_are_told_of(
    source: str, tmp_path: Path
) -> None:
    name, sha256, attestations = FILES[source]
    site = Site(tmp_path / "site")
    files = f'files = ["{name}"]\n' if source.startswith("pypi:") else ""
    site.policy(
        f'\n[[artifact]]\nsource = "{source}"\n{files}'
        f'[[artifact.require]]\ndigest = "sha256:{sha256}"\n'
    )
    ran = site.collect()
    if ran.status == 5:
        online.skip("such file of a registry", ", ".join(sorted(ran.codes)))
    assert (ran.status, ran.errors_of(name)) == (0, set())
    with Pack.open(site.folder / "tool-1.0.pack.tar") as pack:
        ledger = json.loads(pack.read("ledger.json", 1 << 20))
        carried = {evidence.name for evidence in pack.manifest.evidence}
    rows = {row["wanted"]: row for line in ledger["lines"] for row in line["asked"]}
    assert rows[name]["sha256"] == sha256
    assert rows[attestations]["answer"] in ("absent", "found")
    assert (attestations in carried) == (rows[attestations]["answer"] == "found")
