"""Real OpenPGP signatures: what upstreams publish, verified by the key that each pins."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kit.errors import EvidenceError
from kit.formats import openpgp
from kit.trust.keyrings import Keyring, keyring
from kit.verifiers.openpgp import OpenPgpVerifier, Verified
from tests.corpus.places import CORPUS, PRESENT, WHY_ABSENT
from tests.openpgp import GPG, home

pytestmark = [
    pytest.mark.skipif(not PRESENT, reason=WHY_ABSENT),
    pytest.mark.skipif(not GPG.exists(), reason="gpg is not installed"),
]

FOLDER = CORPUS / "openpgp"
REKOR = FOLDER / "repos/sigstore-rekor/pkg/pki/pgp/testdata"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
SMALL = 40_000
ROWS: list[dict[str, Any]] = (
    json.loads((FOLDER / "debian-source.json").read_text("utf-8")) if PRESENT else []
)
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

#: Signatures of OpenPGP's version 3, all of them by SHA-1 besides.
VERSION_3 = {"aesfix", "newmail", "pv", "rsakeyfind"}
#: The key as Debian carries it had expired when its owner, who prolonged it elsewhere, signed.
PROLONGED_ELSEWHERE = {"chaos-marmosets", "spice-protocol", "yascreen"}


def by_name(row: Mapping[str, Any]) -> str:
    return f"{row['source']}-{row['version']}"


def expected(row: Mapping[str, Any]) -> str | None:
    """Return the code that gpgv's lines about a row ask for; ``None`` where it holds."""
    if row["source"] in VERSION_3:
        return "openpgp.version"
    if not row["validsig"]:
        return "openpgp.unknown-key"
    if any(signature["hash"] not in {"8", "9", "10"} for signature in row["validsig"]):
        return "openpgp.weak-digest"
    expired = any(problem.startswith("EXPKEYSIG") for problem in row["problems"])
    return "openpgp.key-expired" if expired else None


def pinned(row: Mapping[str, Any]) -> dict[str, Keyring]:
    """Return each key that a row's signatures are by, exported alone, as an operator would."""
    raw = (FOLDER / row["dir"].removeprefix("openpgp/") / row["key"]).read_bytes()
    found = {}
    with home() as owner:
        subprocess.run(
            [GPG, "--homedir", owner.folder, "--batch", "--quiet", "--import"],
            input=raw, check=False, capture_output=True,
        )  # fmt: skip
        for fingerprint in {signature["primary"] for signature in row["validsig"]}:
            exported = owner.run("--export", "--armor", fingerprint)
            found[fingerprint] = keyring(fingerprint, exported, "the corpus")
    return found


def verify(asked: OpenPgpVerifier, signature: bytes, data: bytes) -> Verified:
    with asked as asking:
        return asking.verify(asking.read(signature), lambda: io.BytesIO(data))


@pytest.mark.parametrize("row", ROWS, ids=by_name)
def test_upstream_signatures_are_read(row: Mapping[str, Any]) -> None:
    raw = (FOLDER / row["dir"].removeprefix("openpgp/") / row["signature"]).read_bytes()
    if row["source"] in VERSION_3:
        with pytest.raises(EvidenceError) as caught:
            openpgp.detached(raw)
        assert caught.value.code == "openpgp.version"
        return
    found = openpgp.detached(raw)
    assert len(found.signatures) == row["status"].count("NEWSIG")
    named = {issuer for signature in found.signatures for issuer in signature.issuers}
    keys = {openpgp.key_id(signature["fpr"]) for signature in row["validsig"]}
    assert keys <= named


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Download the small artifacts of one Debian release; return their folder."""
    if not KEYRING.exists():
        pytest.skip("not a Debian with the archive's keyring")
    folder = tmp_path_factory.mktemp("debian")
    for name in ("lists", "cache"):
        (folder / name).mkdir()
    (folder / "sources.list").write_text(
        f"deb-src [signed-by={KEYRING}] http://deb.debian.org/debian bookworm main\n", "ascii"
    )
    apt = [
        "apt-get", "-qq", f"-oDir::Etc::sourcelist={folder}/sources.list",
        "-oDir::Etc::sourceparts=/dev/null", f"-oDir::State::lists={folder}/lists",
        f"-oDir::Cache={folder}/cache", "-oAPT::Sandbox::User=root",
        "-oAcquire::http::Timeout=20",
    ]  # fmt: skip
    try:
        subprocess.run([*apt, "update"], check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("the archive does not answer")
    wanted = [f"{row['source']}={row['version']}" for row in ROWS if row["size"] <= SMALL]
    for package in wanted:  # some are of another release, or gone
        subprocess.run(
            [*apt, "source", "--download-only", package],
            check=False, capture_output=True, cwd=folder, timeout=120,
        )  # fmt: skip
    return folder


@pytest.mark.online
@pytest.mark.parametrize("row", [row for row in ROWS if row["size"] <= SMALL], ids=by_name)
def test_upstream_signatures_hold_over_what_upstream_published(
    row: Mapping[str, Any], artifacts: Path
) -> None:
    path = artifacts / row["artifact"]
    if not path.exists():
        pytest.skip("this artifact is not in the archive")
    signature = (FOLDER / row["dir"].removeprefix("openpgp/") / row["signature"]).read_bytes()
    keys = pinned(row)
    code = expected(row)
    if code is not None:
        with pytest.raises(EvidenceError) as caught:
            verify(OpenPgpVerifier(keys, NOW, GPG), signature, path.read_bytes())
        assert caught.value.code == code
    if code in {None, "openpgp.key-expired"}:
        lenient = OpenPgpVerifier(keys, NOW, GPG, accept_expired=keys)
        if row["source"] in PROLONGED_ELSEWHERE:
            with pytest.raises(EvidenceError) as caught:
                verify(lenient, signature, path.read_bytes())
            assert caught.value.code == "openpgp.key-expired"
            return
        found = verify(lenient, signature, path.read_bytes())
        assert [s.fingerprint for s in found.accepted] == [s["primary"] for s in row["validsig"]]
        with pytest.raises(EvidenceError) as caught:
            verify(OpenPgpVerifier(keys, NOW, GPG), signature, path.read_bytes() + b"\n")
        assert caught.value.code == "openpgp.signature"


@pytest.mark.parametrize("name", ["hello_world.txt.sig", "hello_world.txt.asc.sig"])
def test_a_signature_of_rekors_holds(name: str) -> None:
    key = keyring_of(REKOR / "valid_armored_public.pgp")
    found = verify(
        OpenPgpVerifier(key, NOW, GPG, accept_expired=key),
        (REKOR / name).read_bytes(),
        (REKOR / "hello_world.txt").read_bytes(),
    )
    assert found.accepted


def keyring_of(path: Path) -> dict[str, Keyring]:
    raw = path.read_bytes()
    fingerprint = openpgp.public_key(raw).fingerprint
    return {fingerprint: keyring(fingerprint, raw, "the corpus")}


@pytest.mark.parametrize("name", ["bogus_armored.pgp", "bogus_binary.pgp"])
def test_a_bogus_key_of_rekors_is_none(name: str) -> None:
    with pytest.raises(EvidenceError):
        openpgp.public_key((REKOR / name).read_bytes())


@pytest.mark.parametrize("name", ["superbacked", "darkk-off-and-on-again", "atoponce-Penny-Red"])
def test_signatures_over_digest_manifests_are_read(name: str) -> None:
    raw = (FOLDER / "repos" / name / "SHA256SUMS.asc").read_bytes()
    assert len(openpgp.detached(raw).signatures) == 1


def test_an_inrelease_is_refused_as_cleartext() -> None:
    found = list((FOLDER / "debian-archive").rglob("*InRelease"))
    assert found
    for path in found:
        with pytest.raises(EvidenceError) as caught:
            openpgp.detached(path.read_bytes()[: openpgp.MAX_BYTES])
        assert caught.value.code == "openpgp.cleartext"


def test_a_helm_provenance_file_is_refused_as_cleartext() -> None:
    path = FOLDER / "repos/sigstore-rekor/pkg/types/helm/tests/test-0.1.0.tgz.prov"
    with pytest.raises(EvidenceError) as caught:
        openpgp.detached(path.read_bytes())
    assert caught.value.code == "openpgp.cleartext"
