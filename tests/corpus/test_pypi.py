"""Real PEP 740 attestations: every one verified by digest, and through an index where it can be.

The public index here has the files, and answers 404 for their provenance; the lab's place
then serves both, so that collect and check see what PyPI would show them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kit.cli import pip_settings
from kit.errors import EvidenceError, MachineError, RejectedError
from kit.formats import pep740, trusted_root
from kit.formats.source_text import parse_source
from kit.model import Answer, Claim, Digest, Gathered
from kit.sources import index as package_index
from kit.sources import pypi
from kit.sources.downloads import Downloads
from kit.sources.http import Client
from kit.trust.anchors import Anchor
from kit.verifiers import pep740 as verifier_of
from kit.verifiers.sigstore import SigstoreVerifier
from tests import online
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT
from tests.e2e.conftest import Site
from tests.lab.places import Publication, PyPI

pytestmark = pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT)

CASES: list[dict[str, Any]] = (
    json.loads((CORPUS / "pypi/cases.json").read_bytes()) if PRESENT else []
)
ROOTS = {
    "public-good": Path(__file__).resolve().parents[2] / "trust-roots/sigstore/trusted_root.json",
    "staging": CORPUS / "trusted-roots/staging/trusted_root.json",
}
AT = datetime(2026, 11, 20, tzinfo=UTC)
PINNED = {"AIRGAP_KIT_TRUST_ROOTS": ""}

#: Of which project and version the public index has the file that a row attests.
PUBLISHED = {
    "pypi_attestations-0.0.19.tar.gz.provenance#GitHub": "pypi-attestations==0.0.19",
    "pypi_attestations-0.0.19.tar.gz.slsa.attestation": "pypi-attestations==0.0.19",
    "pypi_attestations-0.0.16.tar.gz.attestation": "pypi-attestations==0.0.16",
    "sigstore-3.6.1.tar.gz.provenance#GitHub": "sigstore==3.6.1",
    "sampleproject-4.0.0.tar.gz.provenance#GitHub": "sampleproject==4.0.0",
    "sampleproject-3.0.0.tar.gz.publish.attestation": "sampleproject==3.0.0",
    "pypi_attestation_models-0.0.4a2.tar.gz.attestation": "pypi-attestation-models==0.0.4a2",
}


@cache
def verifier(root: str) -> SigstoreVerifier:
    raw = ROOTS[root].read_bytes()
    return SigstoreVerifier(
        Anchor(instance=root, raw=raw, root=trusted_root.parse(raw), origin="corpus"), AT
    )


def claims(case: dict[str, Any], sha256: str, name: str | None, root: str) -> list[Claim]:
    known = {"sha256": Digest("sha256", sha256)}
    attested = pep740.parse((CORPUS / case["file"]).read_bytes())
    return [
        verifier_of.claim_for(verifier(root).verify(item.bundle), case["id"], known, name)
        for item in attested
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_a_real_attestation_holds_for_its_file_alone(case: dict[str, Any]) -> None:
    found = claims(case, case["sha256"], case["subject"], case["root"])
    assert {claim.identity.subject for claim in found} == set(case["identity"])
    assert {claim.identity.issuer for claim in found} == {case["issuer"]}
    assert case["predicate"] in {claim.predicate_type for claim in found}
    assert all(len(claim.accepted_by) == 2 for claim in found)
    for sha256, name in [("0" * 64, case["subject"]), (case["sha256"], f"x{case['subject']}")]:
        with pytest.raises(RejectedError) as caught:
            claims(case, sha256, name, case["root"])
        assert caught.value.code == "statement.subject"


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_a_real_attestation_is_of_its_instance_alone(case: dict[str, Any]) -> None:
    other = "staging" if case["root"] == "public-good" else "public-good"
    with pytest.raises(EvidenceError) as caught:
        claims(case, case["sha256"], case["subject"], other)
    assert caught.value.code == "sigstore.chain"


@cache
def from_the_index(requirement: str, name: str, folder: Path) -> Gathered:
    """Gather one real file from the index that pip is set up for; skip where there is none."""
    import os  # noqa: PLC0415

    set_up = pip_settings.index_url(os.environ)
    index = package_index.default() if set_up is None else package_index.read(set_up)
    source = parse_source(f"pypi:{requirement}", "source")
    folder.mkdir(exist_ok=True)
    try:
        downloads = Downloads(folder, Client(credentials=index.credentials))
        return pypi.gather(source, lambda given: given == name, downloads, index)
    except MachineError as error:
        online.skip("such file of a package index", error.code)


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.mark.online
@pytest.mark.parametrize("case", PUBLISHED)
def test_a_real_release_passes_from_an_index_to_the_check(
    case: str, downloads: Path, tmp_path: Path
) -> None:
    row = next(row for row in CASES if row["id"] == case)
    requirement, name = PUBLISHED[case], row["subject"]
    got = from_the_index(requirement, name, downloads / requirement)
    content = got.artifacts[0].path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == row["sha256"]
    project, _, version = requirement.partition("==")
    site = Site(tmp_path / "site")
    shutil.rmtree(site.folder / "trust-roots")
    site.policy(
        f'\n[[artifact]]\nsource = "pypi:{requirement}"\nfiles = ["{name}"]\n'
        f'[[artifact.require]]\nsigner = "r"\npredicate-type = "{row["predicate"]}"\n',
        f'schema = 1\nname = "{project}"\nversion = "{version}"\n'
        f'[signers.r]\nissuer = "{row["issuer"]}"\nidentity = "{row["identity"][0]}"\n',
    )
    release = Publication(name=project, version=version, files={name: content})
    with PyPI(release) as place:
        place.provenance[name] = (CORPUS / row["file"]).read_bytes()
        ran = site.collect("--index-url", place.simple, "--no-trust-update", env=PINNED)
        assert ran.status == 0, ran.err
    ran = site.check(f"{project}-{version}.pack.tar", env=PINNED)
    assert ran.status == 0


@pytest.mark.online
def test_the_public_index_has_the_file_and_no_provenance_here(downloads: Path) -> None:
    name = "pypi_attestations-0.0.19.tar.gz"
    requirement = "pypi-attestations==0.0.19"
    got = from_the_index(requirement, name, downloads / requirement)
    rows = {row.wanted: row for row in got.asked}
    assert rows[name].answer is Answer.FOUND
    # What the index answers for attestations is its own: here it is a clear no.
    assert rows[f"{name}.provenance"].answer in (Answer.ABSENT, Answer.FOUND)
    assert len(got.evidence) == (rows[f"{name}.provenance"].answer is Answer.FOUND)
