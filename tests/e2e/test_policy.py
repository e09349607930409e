"""`policy lint` and `policy init` as an operator runs them, and every way they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib

import pytest

from tests.e2e.conftest import ISSUER, LINE, SIGNERS, STRANGER, WORKFLOW, Site
from tests.lab import Lab

PACK = "tool-1.0.pack.tar"
WEAK = SIGNERS.replace(f'identity = "{WORKFLOW}"', "identity-regexp = 'https://github.com/acme.*'")


def listed(site: Site, *more: str) -> tuple[int, set[str]]:
    """Lint the folder's release file; return the status and the codes."""
    ran = site.run("policy", "lint", "release.toml", "--format", "json", *more)
    (result,) = ran.document["results"]
    return ran.status, {found["code"] for found in result["linted"]["findings"]}


# ---- lint -----------------------------------------------------------------------------


def test_a_strong_release_file_is_status_0(site: Site) -> None:
    assert listed(site) == (0, set())
    ran = site.run("policy", "lint", "release.toml")
    assert (ran.status, ran.out) == (0, "0 warnings, 0 notes: tool 1.0\n")


def test_a_weak_one_is_status_1_and_says_what_to_write(site: Site) -> None:
    site.policy(LINE, signers=WEAK)
    status, codes = listed(site)
    assert status == 1
    assert {"lint.regexp-open", "lint.regexp-dot", "lint.branch-ref"} <= codes
    ran = site.run("policy", "lint", "release.toml")
    assert ran.status == 1
    assert "warning: lint.regexp-dot: signers.release.identity-regexp: " in ran.out
    assert r"identity-regexp = 'https://github\.com/acme.*'" in ran.out


def test_advice_alone_is_status_0(site: Site) -> None:
    site.policy(LINE + 'source-tag = "v1.0"\n')
    assert listed(site) == (0, {"lint.tag-only"})


def test_a_wrong_release_file_is_status_2(site: Site) -> None:
    site.policy(LINE + "colour = 1\n")
    ran = site.run("policy", "lint", "release.toml", "--format", "json")
    assert ran.status == 2
    assert ran.document["command"] == "policy lint"
    assert ran.codes == {"release.malformed"}
    assert site.run("policy", "lint", "no-such.toml").status == 2
    assert site.run("policy", "lint").status == 2
    assert site.run("policy").status == 2
    assert site.run("policy", "colour").status == 2


def test_the_time_is_an_argument(site: Site) -> None:
    site.policy(LINE, signers=f"expires = 2030-01-01\n{SIGNERS}")
    assert listed(site, "--at", "2029-01-01T00:00:00Z") == (0, set())
    assert listed(site, "--at", "2030-01-01T00:00:00Z") == (1, {"lint.expired"})


def test_an_instance_without_a_log_is_known_by_its_root(site: Site) -> None:
    site.policy(LINE + "log = true\n")
    assert listed(site) == (0, set())
    root = site.folder / "trust-roots/acme/trusted_root.json"
    root.write_bytes(Lab("acme", shape="github").trusted_root())
    assert listed(site) == (1, {"lint.no-log"})
    root.unlink()
    assert listed(site) == (0, set())  # unknown, so nothing is said


def test_a_trusted_root_that_no_signer_names_is_status_2(site: Site) -> None:
    root = "trust-roots/acme/trusted_root.json"
    assert site.run("policy", "lint", "release.toml", "--trusted-root", f"other={root}").status == 2
    assert site.run("policy", "lint", "release.toml", "--trusted-root", f"acme={root}").status == 0


def test_nothing_hostile_reaches_the_terminal(site: Site) -> None:
    site.policy(LINE, signers=SIGNERS.replace(WORKFLOW, "\u202e x"))
    ran = site.run("policy", "lint", "release.toml")
    assert "\u202e" not in ran.out + ran.err


# ---- init -----------------------------------------------------------------------------


def draft(site: Site, *more: str) -> str:
    ran = site.run("policy", "init", PACK, *more)
    assert ran.status == 0, ran.err
    return ran.out


def accepted(text: str) -> str:
    """Return a draft as somebody leaves it who has read it."""
    return "\n".join(line for line in text.split("\n") if not line.startswith("expires = "))


@pytest.mark.parametrize(
    "signed",
    [
        {"identity": "jo@acme.test", "issuer": "https://accounts.example"},
        {},
    ],
)
def test_a_draft_passes_only_after_somebody_has_edited_it(
    site: Site, signed: dict[str, str]
) -> None:
    site.publish("tool-1.0.tar.gz", b"the release\n" * 100, **signed)
    site.policy(LINE.partition("[[artifact.require]]")[0] + f"""
[[artifact.require]]
signer = "release"
[signers.other]
issuer = "{signed.get("issuer", ISSUER)}"
identity = "{signed.get("identity", WORKFLOW)}"
trusted-root = "acme"
""".replace('"release"', '"other"'), signers=SIGNERS)  # fmt: skip
    assert site.collect().status == 0
    text = draft(site)
    raw, edited = site.folder / "draft.toml", site.folder / "edited.toml"
    raw.write_text(text, encoding="utf-8")
    edited.write_text(accepted(text), encoding="utf-8")
    refused = site.run("check", PACK, "--policy", "draft.toml", "--format", "json")
    assert refused.status == 1
    assert "policy.expired" in refused.codes
    assert site.run("check", PACK, "--policy", "edited.toml").status == 0
    assert "lint.expired" in site.run("policy", "lint", "draft.toml").out
    assert "lint.expired" not in site.run("policy", "lint", "edited.toml").out


def test_a_draft_names_signer_and_source_and_where_they_were_seen(site: Site) -> None:
    site.collect()
    text = draft(site)
    value = tomllib.loads(text)
    assert value["signers"]["signer-1"]["identity"] == WORKFLOW
    (line,) = value["artifact"]
    assert (line["source"], line["files"]) == ("file:downloads", ["tool-1.0.tar.gz"])
    (wanted,) = line["require"]
    assert wanted["source-repository"] == "https://github.com/acme/tool"
    assert wanted["source-tag"] == "v1.0"
    assert "seen in evidence/tool-1.0.tar.gz.sigstore.json, verified by airgap-kit" in text


def test_equal_packs_give_equal_drafts(site: Site) -> None:
    site.collect()
    assert draft(site) == draft(site, "--at", "2031-01-01T00:00:00Z")


def test_a_draft_is_written_over_nothing(site: Site) -> None:
    site.collect()
    ran = site.run("policy", "init", PACK, "-o", "draft.toml")
    assert (ran.status, ran.out) == (0, "")
    first = (site.folder / "draft.toml").read_text(encoding="utf-8")
    assert first == draft(site)
    ran = site.run("policy", "init", PACK, "-o", "draft.toml", "--format", "json")
    assert (ran.status, ran.codes) == (2, {"policy.exists"})
    assert (site.folder / "draft.toml").read_text(encoding="utf-8") == first
    assert site.run("policy", "init", PACK, "-o", "none/draft.toml").status == 5
    assert not [path for path in site.folder.iterdir() if path.name.startswith(".airgap-kit")]


def test_the_document_has_the_draft(site: Site) -> None:
    site.collect()
    ran = site.run("policy", "init", PACK, "--format", "json", "-o", "draft.toml")
    (result,) = ran.document["results"]
    assert result["draft"] == (site.folder / "draft.toml").read_text(encoding="utf-8")
    assert result["written"] == ["draft.toml"]


def test_evidence_that_nothing_verifies_is_status_6_and_a_draft_without_a_rule(site: Site) -> None:
    site.lab = Lab("mallory")
    site.publish("tool-1.0.tar.gz", b"the release\n" * 100, identity=STRANGER)
    site.collect()
    ran = site.run("policy", "init", "tool-1.0.unmet.pack.tar")
    assert ran.status == 6
    value = tomllib.loads(ran.out)
    assert "signers" not in value
    assert "require" not in value["artifact"][0]
    assert "# not verified: sigstore.chain: " in ran.out


def test_a_damaged_pack_is_status_3_and_no_draft(site: Site) -> None:
    site.collect()
    pack = site.folder / PACK
    raw = bytearray(pack.read_bytes())
    raw[raw.index(b"the release\n" * 100)] ^= 1
    pack.write_bytes(raw)
    ran = site.run("policy", "init", PACK, "-o", "draft.toml", "--format", "json")
    assert (ran.status, ran.codes) == (3, {"pack.digest"})
    (site.folder / "trust-roots/acme/trusted_root.json").write_bytes(b"{}")
    assert site.run("policy", "init", PACK, "-o", "draft.toml").status == 3
    assert not (site.folder / "draft.toml").exists()


def test_an_anchor_that_cannot_be_used_is_status_4(site: Site) -> None:
    site.collect()
    (site.folder / "trust-roots/acme/trusted_root.json").write_bytes(b"{}")
    ran = site.run("policy", "init", PACK, "--format", "json")
    assert (ran.status, ran.codes) == (4, {"trust.malformed"})


def test_a_trusted_root_may_be_named(site: Site) -> None:
    site.collect()
    (site.folder / "trust-roots/acme/trusted_root.json").rename(site.folder / "root.json")
    assert site.run("policy", "init", PACK).status == 6
    assert 'trusted-root = "acme"' in draft(site, "--trusted-root", "acme=root.json")


@pytest.mark.parametrize(
    "arguments",
    [("policy", "init"), ("policy", "init", "no-such.tar"), ("policy", "init", PACK, "--at", "x")],
)
def test_wrong_usage_of_init_is_status_2(site: Site, arguments: tuple[str, ...]) -> None:
    site.collect()
    ran = site.run(*arguments, "--format", "json")
    assert ran.status == 2
    assert ran.document["command"].startswith("policy init")


# ---- streams and help -------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [("policy", "lint", "release.toml"), ("policy", "init", PACK), ("policy", "lint", "--help")],
)
def test_a_reader_that_left_ends_with_141(site: Site, arguments: tuple[str, ...]) -> None:
    site.collect()
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "kit", *arguments],
        cwd=site.folder,
        env=os.environ | site.settings,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("command", ["lint", "init"])
def test_a_result_that_cannot_be_written_is_status_5(site: Site, command: str) -> None:
    site.collect()
    what = "release.toml" if command == "lint" else PACK
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [sys.executable, "-m", "kit", "policy", command, what],
            cwd=site.folder,
            env=os.environ | site.settings,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 5


@pytest.mark.parametrize(
    ("command", "example", "following"),
    [
        ("lint", "warning: lint.regexp-open: ", "airgap-kit collect RELEASE.toml"),
        ("init", "airgap-kit policy init tool-1.0.pack.tar -o tool.toml", "policy lint RELEASE"),
    ],
)
def test_the_help_teaches_with_an_example(
    site: Site, command: str, example: str, following: str
) -> None:
    ran = site.run("policy", command, "--help")
    assert ran.status == 0
    told, _, last = ran.out.partition("Next:")
    assert example in told
    assert following in last.partition("Options")[0]


def test_init_opens_no_connection_and_says_no_path(site: Site) -> None:
    site.collect()
    ran = site.run("policy", "init", PACK, "--format", "json")
    assert str(site.folder) not in json.dumps(ran.document)
