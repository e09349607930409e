"""``airgap-kit verify`` and ``scripts/conformance``: one artifact, flags instead of a policy."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kit.formats import schema
from tests.lab import IDENTITY, ISSUER, Lab, json_lines

ROOT = Path(__file__).resolve().parents[2]
ARTIFACT = b"the artifact"
DIGEST = f"sha256:{hashlib.sha256(ARTIFACT).hexdigest()}"
WHO = ("--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER)


@dataclass
class Desk:
    """A folder with an artifact, a trusted root, a key and bundles."""

    folder: Path
    lab: Lab

    def bundle(self, raw: bytes, name: str = "b.sigstore.json") -> str:
        """Write a bundle; return its path."""
        (self.folder / name).write_bytes(raw)
        return str(self.folder / name)

    def verify(self, *arguments: str, subject: str | None = None) -> tuple[int, Any]:
        """Run the command; return its status and its document, which follows its schema."""
        ran = subprocess.run(
            [
                *(sys.executable, "-m", "kit", "verify", "--format", "json"),
                *("--trusted-root", str(self.folder / "root.json"), *arguments),
                subject or str(self.folder / "artifact"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        value = json.loads(ran.stdout)
        schema.validate(value, "output")
        assert value["status"] == ran.returncode, ran.stderr
        return ran.returncode, value["results"][0]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a desk with everything but a bundle."""
    lab = Lab("acme")
    (tmp_path / "artifact").write_bytes(ARTIFACT)
    (tmp_path / "root.json").write_bytes(lab.trusted_root())
    (tmp_path / "key.pub").write_bytes(lab.public_key())
    return Desk(tmp_path, lab)


@pytest.mark.parametrize("subject", [None, DIGEST], ids=["by path", "by digest"])
@pytest.mark.parametrize("content", ["message", "statement"])
def test_a_good_bundle_holds(desk: Desk, subject: str | None, content: str) -> None:
    raw = desk.lab.sign(ARTIFACT) if content == "message" else desk.lab.attest({"a": ARTIFACT})
    status, result = desk.verify("--bundle", desk.bundle(raw), *WHO, subject=subject)
    assert status == 0
    assert result["verified"]["claims"][0]["accepted-by"] == ["airgap-kit", "sigstore-python"]


def test_one_good_bundle_of_several_lines_is_enough(desk: Desk) -> None:
    lines = desk.lab.sign(b"another").strip() + b"\n" + desk.lab.sign(ARTIFACT).strip() + b"\n"
    status, result = desk.verify("--bundle", desk.bundle(lines, "b.jsonl"), *WHO)
    assert status == 0
    assert [refused["code"] for refused in result["verified"]["refused"]] == ["sigstore.digest"]


def test_each_line_of_a_trusted_root_is_an_instance_of_its_own(desk: Desk) -> None:
    other = Lab("mallory")
    lines = b"".join(lab.trusted_root().strip() + b"\n" for lab in (other, desk.lab))
    (desk.folder / "root.json").write_bytes(lines)
    status, result = desk.verify("--bundle", desk.bundle(desk.lab.sign(ARTIFACT)), *WHO)
    assert status == 0
    assert result["verified"]["claims"][0]["instance"] == "root.json line 2"


def crossed(lab: Lab, other: Lab, *parts: str) -> bytes:
    """Return the root of an instance with these parts of another's."""
    mine, theirs = (json.loads(each.trusted_root()) for each in (lab, other))
    return json.dumps(mine | {part: theirs[part] for part in parts}).encode()


def by_lines(desk: Desk, raw: bytes, *roots: bytes) -> tuple[list[str], list[tuple[str, str]]]:
    """Verify under a file of roots; return which instances accept, and what is refused."""
    (desk.folder / "root.json").write_bytes(json_lines(*roots))
    _, result = desk.verify("--bundle", desk.bundle(raw), *WHO)
    verified = result["verified"]
    return (
        [claim["instance"] for claim in verified["claims"]],
        [(refused["code"], refused["message"]) for refused in verified["refused"]],
    )


def test_of_several_roots_the_one_that_issued_the_certificate_decides(desk: Desk) -> None:
    acme, other = desk.lab.trusted_root(), Lab("mallory").trusted_root()
    github = Lab("acme", shape="github")
    for roots in ((other, acme), (other, github.trusted_root(), acme)):
        line = f"root.json line {len(roots)}"
        assert by_lines(desk, desk.lab.sign(ARTIFACT), *roots) == ([line], [])
    logless = by_lines(desk, github.sign(ARTIFACT), other, github.trusted_root(), acme)
    assert logless == (["root.json line 2"], [])
    # What it refuses is told, and not that the others never issued it.
    for roots in ((other, acme), (acme, other)):
        for spoil, code, word in (
            ("expired", "sigstore.chain", "was not valid"),
            ("log-key", "sigstore.log-key", "lists no log"),
        ):
            accepted, ((told, why),) = by_lines(desk, desk.lab.sign(ARTIFACT, spoil=spoil), *roots)
            assert (accepted, told) == ([], code)
            assert word in why


def test_the_name_of_an_issuer_routes_nothing(desk: Desk) -> None:
    # The leaf names the CA of line 1 or 2, and another of that name signed it.
    acme, other = desk.lab.trusted_root(), Lab("mallory").trusted_root()
    for roots in ((acme, other), (other, acme)):
        accepted, ((code, why),) = by_lines(desk, desk.lab.sign(ARTIFACT, spoil="chain"), *roots)
        assert (accepted, code) == ([], "sigstore.chain")
        assert "issued it" in why


def test_roots_of_several_lines_never_make_one(desk: Desk) -> None:
    other = Lab("mallory")
    raw = desk.lab.sign(ARTIFACT)
    cases = [
        # The CA in one line and the log in the other.
        (crossed(desk.lab, other, "tlogs"), crossed(other, desk.lab, "tlogs"), "sigstore.log-key"),
        (crossed(desk.lab, other, "ctlogs"), crossed(other, desk.lab, "ctlogs"), "sigstore.sct"),
        # The CA in both, and what else it takes in one each: the one that got further tells.
        (crossed(desk.lab, other, "tlogs"), crossed(desk.lab, other, "ctlogs"), "sigstore.sct"),
    ]
    for first, second, expected in cases:
        for roots in ((first, second), (second, first)):
            accepted, ((code, _),) = by_lines(desk, raw, *roots)
            assert (accepted, code) == ([], expected)


def test_roots_that_share_a_ca_judge_each_alone_and_in_their_order(desk: Desk) -> None:
    other, right = Lab("mallory"), desk.lab.trusted_root()
    raw, lacking = desk.lab.sign(ARTIFACT), crossed(desk.lab, other, "tlogs")
    assert by_lines(desk, raw, right, right) == (["root.json line 1", "root.json line 2"], [])
    assert by_lines(desk, raw, lacking, right) == (["root.json line 2"], [])
    assert by_lines(desk, raw, right, lacking) == (["root.json line 1"], [])


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--certificate-identity", "nobody", *WHO[2:]), "policy.identity"),
        (("--certificate-identity-regexp", "https://github.com/acme", *WHO[2:]), "policy.identity"),
        ((*WHO[:2], "--certificate-oidc-issuer", "https://example.org"), "policy.issuer"),
        ((*WHO, "--predicate-type", "https://example.org/x"), "policy.predicate-type"),
        ((*WHO, "--source-repository", "acme/other"), "policy.source-repository"),
        ((*WHO, "--source-ref", "refs/heads/main"), "policy.source-ref"),
        ((*WHO, "--source-digest", "0" * 40), "policy.source-digest"),
        (("--signer-workflow", "acme/tool/.github/workflows/rel"), "policy.signer-workflow"),
        ((*WHO, "--builder-id", "https://example.org"), "policy.builder-id"),
    ],
)
def test_what_is_asked_for_must_hold_and_the_identity_found_is_shown(
    desk: Desk, flags: tuple[str, ...], code: str
) -> None:
    bundle = desk.bundle(desk.lab.attest({"a": ARTIFACT}))
    status, result = desk.verify("--bundle", bundle, *flags)
    (refused,) = result["verified"]["refused"]
    assert (status, refused["code"]) == (1, code)
    assert IDENTITY in refused["message"]


@pytest.mark.parametrize(
    "flags",
    [
        ("--signer-workflow", IDENTITY.removeprefix("https://")),
        ("--signer-workflow", "acme/tool/.github/workflows/release.yml"),
        ("--source-repository", "https://github.com/acme/tool"),
        ("--certificate-identity-regexp", "https://github.com/acme/tool/.*", *WHO[2:]),
    ],
)
def test_other_ways_to_name_the_signer(desk: Desk, flags: tuple[str, ...]) -> None:
    assert desk.verify("--bundle", desk.bundle(desk.lab.sign(ARTIFACT)), *flags)[0] == 0


def test_a_key_names_the_signer_and_demands_a_log(desk: Desk) -> None:
    key = ("--key", str(desk.folder / "key.pub"))
    logged = desk.bundle(desk.lab.sign(ARTIFACT, form="keyed"))
    unlogged = desk.bundle(desk.lab.sign(ARTIFACT, form="keyed+no-log"), "c.json")
    assert desk.verify("--bundle", logged, *key)[0] == 0
    assert desk.verify("--bundle", unlogged, *key)[0] == 1
    assert desk.verify("--bundle", unlogged, *key, "--no-log")[0] == 0
    assert desk.verify("--bundle", logged, *WHO)[0] == 1
    assert desk.verify("--bundle", desk.bundle(desk.lab.sign(ARTIFACT)), *key)[0] == 1


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ((), 2),
        (WHO[:2], 2),
        ((*WHO, "--key", "KEY"), 2),
        ((*WHO, "--no-log"), 2),
        (("--key", "absent.pub"), 2),
        (("--key", "ARTIFACT"), 4),
        ((*WHO, "--trusted-root", "ARTIFACT"), 4),
        ((*WHO, "--trusted-root", "absent.json"), 2),
    ],
)
def test_wrong_usage_and_bad_anchors_have_their_status(
    desk: Desk, flags: tuple[str, ...], status: int
) -> None:
    places = {"KEY": str(desk.folder / "key.pub"), "ARTIFACT": str(desk.folder / "artifact")}
    given = [places.get(flag, flag) for flag in flags]
    assert desk.verify("--bundle", desk.bundle(desk.lab.sign(ARTIFACT)), *given)[0] == status


def test_what_is_no_bundle_does_not_hold_and_an_empty_file_verified_nothing(desk: Desk) -> None:
    assert desk.verify("--bundle", desk.bundle(b"not a bundle"), *WHO)[0] == 1
    assert desk.verify("--bundle", desk.bundle(b"\n"), *WHO)[0] == 6
    assert desk.verify("--bundle", "absent.json", *WHO)[0] == 2
    bundle = desk.bundle(desk.lab.sign(ARTIFACT))
    assert desk.verify("--bundle", bundle, *WHO, subject="absent")[0] == 2
    assert desk.verify("--bundle", bundle, *WHO, subject="sha256:00")[0] == 2


def test_the_conformance_script_speaks_only_its_protocol() -> None:
    ran = subprocess.run([ROOT / "scripts/conformance", "sign"], check=False, capture_output=True)
    assert ran.returncode == 2


def test_a_bundle_of_a_log_less_root_cannot_be_by_a_key_unless_said(desk: Desk) -> None:
    value = json.loads(desk.lab.trusted_root())
    value["tlogs"] = []
    (desk.folder / "root.json").write_text(json.dumps(value))
    bundle = desk.bundle(desk.lab.sign(ARTIFACT, form="keyed+no-log"))
    key = ("--key", str(desk.folder / "key.pub"))
    assert desk.verify("--bundle", bundle, *key)[0] == 4
    assert desk.verify("--bundle", bundle, *key, "--no-log")[0] == 0
