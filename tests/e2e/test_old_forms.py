"""Signatures from before Sigstore bundles, from a folder to a verdict, without a network."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.e2e.conftest import LINE, STRANGER, WORKFLOW, Ran, Site
from tests.e2e.test_keys import KEYED, have_key
from tests.e2e.test_verify import ARTIFACT, WHO, Desk
from tests.e2e.test_verify import desk as desk  # noqa: PLC0414 - a fixture
from tests.lab import Lab, old_forms

TOOL = "tool-1.0.tar.gz"
CONTENT = b"the tool\n"


@pytest.fixture
def bare(site: Site) -> Site:
    """Publish a release whose file is there and nothing else."""
    (site.folder / f"downloads/{TOOL}.sigstore.json").unlink()
    site.put(TOOL, CONTENT)
    return site


# ---- an envelope without its log entry


@pytest.mark.parametrize("name", [f"{TOOL}.intoto.jsonl", "multiple.intoto.jsonl", "x.json"])
def test_an_envelope_without_its_log_entry_is_told_so_by_name(bare: Site, name: str) -> None:
    bundle = bare.lab.attest({TOOL: CONTENT}, identity=WORKFLOW)
    bare.put(name, old_forms.bare_envelope(bundle))
    ran = bare.collect()
    assert (ran.status, ran.errors_of(TOOL)) == (1, {"policy.unmet"})
    (found,) = [f for f in findings(ran) if f["code"] == "evidence.incomplete"]
    assert name in found["message"]
    assert "online" in found["hint"]


def test_an_envelope_of_another_authority_is_told_that(bare: Site) -> None:
    bundle = Lab("mallory").attest({TOOL: CONTENT}, identity=WORKFLOW)
    bare.put(f"{TOOL}.intoto.jsonl", old_forms.bare_envelope(bundle))
    ran = bare.collect()
    assert (ran.status, "evidence.incomplete" in ran.codes) == (1, False)
    assert "sigstore.chain" in ran.codes


# ---- cosign's old bundles


@pytest.mark.parametrize("name", [f"{TOOL}.sigstore.json", f"{TOOL}.cosign.bundle", "c.bundle"])
def test_a_sign_blob_file_passes(bare: Site, name: str) -> None:
    bundle = bare.lab.sign(CONTENT, identity=WORKFLOW)
    bare.put(name, old_forms.sign_blob(bundle))
    bare.policy(LINE + pinned(CONTENT))  # a signature over bare bytes names no file
    ran = bare.collect()
    assert ran.status == 0, ran.out
    claims = ran.document["results"][0]["report"]["artifacts"][0]["claims"]
    assert "evidence.incomplete" not in ran.codes
    assert claims[0]["accepted-by"] == ["airgap-kit"]


@pytest.mark.parametrize(
    ("identity", "content", "spoil", "code"),
    [
        (STRANGER, CONTENT, None, "policy.identity"),
        (WORKFLOW, b"other bytes", None, "sigstore.digest"),
        (WORKFLOW, CONTENT, "set", "sigstore.promise"),
        (WORKFLOW, CONTENT, "entry-signature", "sigstore.entry"),
    ],
)
def test_a_sign_blob_file_that_does_not_hold(
    bare: Site, identity: str, content: bytes, spoil: str | None, code: str
) -> None:
    bundle = bare.lab.sign(content, identity=identity, spoil=spoil)
    bare.put(f"{TOOL}.cosign.bundle", old_forms.sign_blob(bundle))
    ran = bare.collect()
    assert ran.status == 1
    assert code in ran.codes


def test_a_sign_blob_file_with_another_signatures_promise_is_refused(bare: Site) -> None:
    right = json.loads(old_forms.sign_blob(bare.lab.sign(CONTENT, identity=WORKFLOW)))
    other = json.loads(old_forms.sign_blob(bare.lab.sign(b"other", identity=WORKFLOW)))
    mixed = right | {"rekorBundle": other["rekorBundle"]}
    bare.put(f"{TOOL}.cosign.bundle", json.dumps(mixed).encode())
    ran = bare.collect()
    assert (ran.status, "sigstore.entry" in ran.codes) == (1, True)


@pytest.mark.parametrize("log", [True, False])
def test_a_sign_blob_file_by_a_key_of_the_host_passes_if_it_is_logged_or_need_not_be(
    bare: Site, *, log: bool
) -> None:
    have_key(bare, bare.lab.public_key())
    blob = json.loads(old_forms.sign_blob(bare.lab.sign(CONTENT, form="keyed")))
    if not log:
        del blob["rekorBundle"]
    bare.put(f"{TOOL}.bundle", json.dumps(blob).encode())
    bare.policy(pinned(CONTENT), KEYED)
    assert bare.collect().status == (0 if log else 1)
    bare.policy(pinned(CONTENT, "log = false"), KEYED)
    assert bare.run("collect", "release.toml", "--replace").status == 0


# ---- detached signatures


@pytest.mark.parametrize("suffix", [".pem", ".crt", ".cert"])
def test_a_detached_signature_by_a_certificate_is_incomplete(bare: Site, suffix: str) -> None:
    signature, pem = old_forms.detached(bare.lab.sign(CONTENT, identity=WORKFLOW))
    bare.put(f"{TOOL}.sig", signature)
    bare.put(f"{TOOL}{suffix}", pem)
    ran = bare.collect()
    assert (ran.status, ran.errors_of(TOOL)) == (1, {"policy.unmet"})
    assert "evidence.incomplete" in ran.codes
    assert "evidence.unsupported" not in ran.codes


def test_a_certificate_without_a_signature_is_told(bare: Site) -> None:
    _, pem = old_forms.detached(bare.lab.sign(CONTENT, identity=WORKFLOW))
    bare.put(f"{TOOL}.pem", pem)
    assert "evidence.unsupported" in bare.collect().codes


def test_a_detached_signature_by_a_key_of_the_host_passes_where_it_need_not_be_logged(
    bare: Site,
) -> None:
    have_key(bare, bare.lab.public_key())
    signature, _ = old_forms.detached(bare.lab.sign(CONTENT, form="keyed"))
    bare.put(f"{TOOL}.sig", signature)
    bare.policy(pinned(CONTENT, "log = false"), KEYED)
    assert bare.collect().status == 0
    have_key(bare, Lab("mallory").public_key())
    ran = bare.check()
    assert (ran.status, "sigstore.signature" in ran.codes) == (1, True)


# ---- verify


def test_verify_takes_a_sign_blob_file(desk: Desk) -> None:
    blob = old_forms.sign_blob(desk.lab.sign(ARTIFACT))
    status, result = desk.verify("--bundle", desk.bundle(blob, "artifact.bundle"), *WHO)
    assert status == 0, result
    (claim,) = result["verified"]["claims"]
    assert claim["log"]["entry"] == "hashedrekord 0.0.1"


def test_verify_takes_a_sign_blob_file_by_a_key(desk: Desk) -> None:
    blob = old_forms.sign_blob(desk.lab.sign(ARTIFACT, form="keyed"))
    key = desk.bundle(desk.lab.public_key(), "key.pub")
    arguments = ("--bundle", desk.bundle(blob), "--key", key)
    assert desk.verify(*arguments)[0] == 0
    desk.bundle(Lab("mallory").public_key(), "key.pub")
    assert desk.verify(*arguments)[0] == 1


def test_verify_says_of_a_bare_envelope_that_its_log_entry_is_elsewhere(desk: Desk) -> None:
    bare_envelope = old_forms.bare_envelope(desk.lab.attest({"artifact": ARTIFACT}))
    path = desk.bundle(bare_envelope, "artifact.intoto.jsonl")
    status, result = desk.verify("--bundle", path, *WHO)
    assert status == 1
    assert [r["code"] for r in result["verified"]["refused"]] == ["evidence.incomplete"]


# ---- in short


def pinned(content: bytes, *more: str) -> str:
    """Return what follows the last key of a policy's requirement."""
    digest = f'digest = "sha256:{hashlib.sha256(content).hexdigest()}"'
    return "".join(f"{line}\n" for line in (*more, digest))


def findings(ran: Ran) -> list[dict[str, Any]]:
    """Return all findings about artifacts."""
    (result,) = ran.document["results"]
    return [finding for item in result["report"]["artifacts"] for finding in item["findings"]]
