"""The main job, as an operator does it, and every way it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import LINE, STRANGER, WORKFLOW, Site
from tests.lab import Lab


def test_a_collected_release_passes_offline(site: Site) -> None:
    assert site.collect().status == 0
    ran = site.check()
    assert ran.status == 0
    (artifact,) = ran.document["results"][0]["report"]["artifacts"]
    assert artifact["verdict"] == "pass"
    assert artifact["claims"][0]["identity"]["subject"] == WORKFLOW
    assert artifact["claims"][0]["accepted-by"] == ["airgap-kit", "sigstore-python"]


def test_the_text_report_says_pass_and_what_it_does_not_prove(site: Site) -> None:
    site.collect()
    ran = site.run("check", "tool-1.0.pack.tar", "--policy", "release.toml")
    assert ran.out.startswith("PASS  tool-1.0.tar.gz  sigstore  " + WORKFLOW)
    assert "Not proved:" in ran.out


def test_a_flipped_byte_is_status_3_and_names_the_file(site: Site) -> None:
    site.collect()
    pack = site.folder / "tool-1.0.pack.tar"
    raw = bytearray(pack.read_bytes())
    raw[raw.index(b"the release\n" * 100)] ^= 1
    pack.write_bytes(raw)
    ran = site.check()
    assert ran.status == 3
    (fault,) = ran.document["results"][0]["error"]["faults"]
    assert (fault["code"], fault["subject"]) == ("pack.digest", "artifacts/tool-1.0.tar.gz")


def test_another_signer_is_status_1_and_a_policy_finding(site: Site) -> None:
    site.publish("tool-1.0.tar.gz", b"the release\n" * 100, identity=STRANGER)
    collected = site.collect()
    assert collected.status == 1
    assert not (site.folder / "tool-1.0.pack.tar").exists()
    ran = site.check("tool-1.0.unmet.pack.tar")
    assert ran.status == 1
    assert {"policy.unmet", "policy.identity"} <= ran.codes


def test_a_signer_of_another_instance_is_not_believed(site: Site) -> None:
    stranger = Lab("mallory")
    bundle = stranger.attest({"tool-1.0.tar.gz": b"the release\n" * 100}, identity=WORKFLOW)
    site.put("tool-1.0.tar.gz.sigstore.json", bundle)
    ran = site.collect()
    assert ran.status == 1
    assert {"policy.unmet", "sigstore.chain"} <= ran.codes


def test_trust_and_policy_inside_the_pack_change_nothing(site: Site) -> None:
    # T4: a collector with its own CA and its own, weaker, release file.
    mallory = Site(site.folder.parent / "mallory", Lab("mallory"))
    mallory.publish("tool-1.0.tar.gz", b"malware")
    assert mallory.collect().status == 0
    forged = (mallory.folder / "tool-1.0.pack.tar").read_bytes()
    (site.folder / "tool-1.0.pack.tar").write_bytes(forged)
    ran = site.check()
    assert ran.status == 1
    assert "sigstore.chain" in ran.codes


def test_a_policy_that_differs_from_the_packs_record_is_said(site: Site) -> None:
    site.collect()
    site.policy(LINE + "# another copy\n")
    ran = site.check()
    assert ran.status == 0
    assert "policy.differs" in ran.codes


def test_inspect_verifies_nothing_and_says_so(site: Site) -> None:
    site.collect()
    ran = site.run("inspect", "tool-1.0.pack.tar")
    assert ran.status == 0
    assert ran.out.startswith("Nothing below is verified")
    document = site.run("inspect", "tool-1.0.pack.tar", "--format", "json").document
    assert document["results"][0]["contents"]["artifacts"][0]["name"] == "tool-1.0.tar.gz"


def test_extract_writes_what_passed_and_nothing_else(site: Site) -> None:
    site.publish("tool-1.0.zip", b"zip", identity=STRANGER)
    site.policy(LINE.replace('"tool-1.0.tar.gz"', '"tool-1.0.tar.gz", "tool-1.0.zip"'))
    site.collect()
    ran = site.run(
        "extract", "tool-1.0.unmet.pack.tar", "--policy", "release.toml", "--to", "approved"
    )
    assert ran.status == 1
    written = {p.name: p.read_bytes() for p in (site.folder / "approved").iterdir()}
    assert written == {"tool-1.0.tar.gz": b"the release\n" * 100}


def test_extract_makes_no_folder_where_nothing_passed(site: Site) -> None:
    site.publish("tool-1.0.tar.gz", b"the release\n" * 100, identity=STRANGER)
    site.collect()
    command = ("extract", "tool-1.0.unmet.pack.tar", "--policy", "release.toml", "--to", "a/b")
    ran = site.run(*command)
    assert ran.status == 1
    assert "0 artifacts written" in ran.err
    assert not (site.folder / "a").exists()


def test_extract_writes_over_nothing(site: Site) -> None:
    site.collect()
    (site.folder / "approved").mkdir()
    (site.folder / "approved/tool-1.0.tar.gz").write_bytes(b"mine")
    ran = site.run("extract", "tool-1.0.pack.tar", "--policy", "release.toml", "--to", "approved")
    assert ran.status == 2
    assert (site.folder / "approved/tool-1.0.tar.gz").read_bytes() == b"mine"


def test_collect_writes_over_no_pack_unless_told(site: Site) -> None:
    assert site.collect().status == 0
    refused = site.collect()
    assert refused.status == 2
    assert refused.codes == {"collect.exists"}
    assert site.collect("--replace").status == 0


def test_plan_writes_nothing(site: Site) -> None:
    before = sorted(site.folder.rglob("*"))
    ran = site.run("collect", "release.toml", "--plan")
    assert ran.status == 0
    assert "found: tool-1.0.tar.gz.sigstore.json" in ran.out
    assert sorted(site.folder.rglob("*")) == before


def test_nothing_but_the_pack_is_left_behind(site: Site) -> None:
    before = {p.name for p in site.folder.iterdir()}
    site.collect()
    site.check()
    assert {p.name for p in site.folder.iterdir()} == before | {"tool-1.0.pack.tar"}


def test_the_report_is_written_where_asked(site: Site) -> None:
    site.collect()
    ran = site.check("tool-1.0.pack.tar", "--report", "report")
    assert json.loads((site.folder / "report/report.json").read_text()) == ran.document
    assert (site.folder / "report/report.txt").read_text().startswith("PASS")


# ---- statuses ---------------------------------------------------------------


def test_an_empty_selection_verifies_nothing(site: Site) -> None:
    site.collect()
    ran = site.check("tool-1.0.pack.tar", "--only", "something-else")
    assert ran.status == 6


def test_a_selection_judges_only_that(site: Site) -> None:
    site.publish("tool-1.0.zip", b"zip", identity=STRANGER)
    site.policy(LINE.replace('"tool-1.0.tar.gz"', '"tool-1.0.tar.gz", "tool-1.0.zip"'))
    site.collect()
    pack = "tool-1.0.unmet.pack.tar"
    assert site.check(pack).status == 1
    assert site.check(pack, "--only", "tool-1.0.tar.gz").status == 0
    assert site.check(pack, "--only", "tool-1.0.tar.gz", "--only", "absent").status == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "no-such.pack.tar", "--policy", "release.toml"),
        ("check", "release.toml", "--policy", "no-such.toml"),
        ("check", "downloads", "--policy", "release.toml"),
        ("check", "release.toml"),
        ("check", "--no-such-option"),
        ("collect", "no-such.toml"),
        ("unheard-of",),
        ("check", "release.toml", "--policy", "release.toml", "--at", "yesterday"),
        ("check", "release.toml", "--policy", "release.toml", "--trust-roots", "no-such"),
        ("check", "release.toml", "--policy", "release.toml", "--trusted-root", "other=x"),
    ],
)
def test_wrong_usage_is_status_2_and_one_document(site: Site, arguments: tuple[str, ...]) -> None:
    ran = site.run(*arguments, "--format", "json")
    assert ran.status == 2
    assert ran.document["results"][0]["error"]["message"]
    assert "status 2" in ran.err


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (
            ('trusted-root = "acme"', 'trusted-root = "acme"\ncolour = "red"'),
            "signers.release.colour",
        ),
        (('signer = "release"', 'signer = "nobody"'), "artifact[0].require[0].signer"),
        (("identity = ", "identity-regexp = ''\n#"), "signers.release.identity-regexp"),
        (("identity = ", "identity-regexp = '('\n#"), "signers.release.identity-regexp"),
        (("identity = ", "identity-regexp = '(https:.*)?'\n#"), "signers.release.identity-regexp"),
        (("schema = 1", "schema = 2"), "schema"),
        (("file:downloads", "file:/downloads"), "artifact[0].source"),
    ],
)
def test_a_wrong_release_file_is_status_2_with_the_keys_path(
    site: Site, change: tuple[str, str], path: str
) -> None:
    path_of = site.folder / "release.toml"
    text = path_of.read_text(encoding="utf-8")
    assert change[0] in text
    path_of.write_text(text.replace(*change), encoding="utf-8")
    ran = site.collect()
    assert ran.status == 2
    assert f"release.toml: {path}:" in ran.document["results"][0]["error"]["message"]


def test_without_an_anchor_nothing_is_verified(site: Site) -> None:
    site.collect()
    (site.folder / "trust-roots/acme/trusted_root.json").unlink()
    ran = site.check()
    assert ran.status == 4
    assert ran.codes == {"trust.missing"}


def test_a_malformed_anchor_is_status_4(site: Site) -> None:
    site.collect()
    root = site.folder / "trust-roots/acme/trusted_root.json"
    root.write_bytes(root.read_bytes().replace(b'"tlogs"', b'"tlogs":[],"tlogs"', 1))
    ran = site.check()
    assert (ran.status, ran.codes) == (4, {"trust.malformed"})


@pytest.mark.parametrize("name", ["acme=", ""])
def test_a_trusted_root_may_be_named_on_the_command_line(site: Site, name: str) -> None:
    site.collect()
    (site.folder / "trust-roots/acme/trusted_root.json").rename(site.folder / "root.json")
    ran = site.check("tool-1.0.pack.tar", "--trusted-root", f"{name}root.json")
    assert ran.status == 0
    (anchor,) = ran.document["results"][0]["report"]["anchors"]
    assert anchor["origin"] == "--trusted-root root.json"


def test_of_several_roots_the_line_that_shares_a_ca_is_taken(site: Site) -> None:
    site.collect()
    lines = [Lab("mallory").trusted_root(), site.lab.trusted_root()]
    one_a_line = b"".join(b"".join(line.split(b"\n")) + b"\n" for line in lines)
    (site.folder / "roots.jsonl").write_bytes(one_a_line)
    assert site.check("tool-1.0.pack.tar", "--trusted-root", "roots.jsonl").status == 0
    (site.folder / "roots.jsonl").write_bytes(one_a_line + one_a_line)
    ran = site.check("tool-1.0.pack.tar", "--trusted-root", "roots.jsonl")
    assert (ran.status, ran.codes) == (4, {"trust.ambiguous"})


def test_a_damaged_pack_is_said_to_be_damaged_also_without_anchors(site: Site) -> None:
    site.collect()
    (site.folder / "trust-roots/acme/trusted_root.json").unlink()
    pack = site.folder / "tool-1.0.pack.tar"
    raw = bytearray(pack.read_bytes())
    raw[raw.index(b"the release\n" * 100)] ^= 1
    pack.write_bytes(raw)
    assert site.check().status == 3


def test_of_several_packs_the_worst_status_counts(site: Site) -> None:
    site.collect()
    (site.folder / "broken.pack.tar").write_bytes(b"not a pack")
    ran = site.check("tool-1.0.pack.tar", "broken.pack.tar")
    assert ran.status == 3
    assert [result["status"] for result in ran.document["results"]] == [0, 3]


def test_a_place_that_cannot_be_asked_is_status_5_and_no_pack(site: Site) -> None:
    # Nobody listens on the discard port.
    line = LINE.replace('file:downloads"\nfiles = ["tool-1.0.tar.gz"]', 'http://127.0.0.1:9/x.tgz"')
    site.policy(line)
    ran = site.collect()
    assert ran.status == 5
    assert ran.codes == {"machine.unreachable"}
    assert not list(site.folder.glob("*.tar"))


def test_a_defect_is_status_70_and_one_line(site: Site) -> None:
    program = (
        "import sys, kit.cli.environment as e, kit.cli.main as m\n"
        "def broken(*_): raise ZeroDivisionError('a defect')\n"
        "e.read_release = broken\n"
        "sys.argv = ['airgap-kit', 'collect', 'release.toml']\n"
        "m.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    assert "internal.unexpected" in done.stderr


def test_a_closed_pipe_is_status_141(site: Site) -> None:
    site.collect()
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "kit", "inspect", "tool-1.0.pack.tar"],
        cwd=site.folder, stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_sigterm_ends_a_collect_without_a_pack(site: Site, tmp_path: Path) -> None:
    # A server that accepts and never answers holds the collect in the middle of its work.
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        site.policy(LINE.replace(
            'file:downloads"\nfiles = ["tool-1.0.tar.gz"]', f'http://127.0.0.1:{port}/x.tgz"'
        ))  # fmt: skip
        running = subprocess.Popen(
            [sys.executable, "-m", "kit", "collect", "release.toml"],
            cwd=site.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        server.settimeout(60)
        connection, _ = server.accept()
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)
        connection.close()
    assert running.returncode == 143, err
    assert not list(site.folder.glob("*.tar"))


# ---- what the operator is told ----------------------------------------------


@pytest.mark.parametrize(
    ("command", "following"),
    [
        ("collect", "airgap-kit check PACK"),
        ("check", "airgap-kit extract PACK"),
        ("inspect", "airgap-kit check PACK"),
    ],
)
def test_the_help_says_what_is_next(site: Site, command: str, following: str) -> None:
    ran = site.run(command, "--help")
    assert ran.status == 0
    assert f"Usage: airgap-kit {command} " in ran.out
    assert following in ran.out.partition("Next:")[2]


def test_the_last_command_has_nothing_next(site: Site) -> None:
    ran = site.run("extract", "--help")
    assert ran.status == 0
    assert "Usage: airgap-kit extract " in ran.out
    assert "Next:" not in ran.out


def test_help_begins_with_the_two_commands(site: Site) -> None:
    ran = site.run("--help")
    assert "airgap-kit collect RELEASE.toml" in ran.out
    assert "airgap-kit check PACK --policy RELEASE.toml" in ran.out
    assert "Exit status" in ran.out


def test_version_is_told(site: Site) -> None:
    assert site.run("--version").out.startswith("airgap-kit ")


def test_text_from_outside_is_escaped(site: Site) -> None:
    site.publish("tool-1.0.tar.gz", b"the release\n" * 100, identity="\x1b[31m@acme.example")
    site.collect()
    ran = site.run("check", "tool-1.0.unmet.pack.tar", "--policy", "release.toml")
    assert ran.status == 1
    assert "\x1b" not in ran.out + ran.err
    assert "\\x1b[31m" in ran.out


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    program = (
        "import sys, kit.cli.main, kit.cli.commands\n"
        "heavy = {'sigstore', 'pydantic', 'urllib3', 'requests', 'tuf', 'jsonschema', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_sparse_file_of_9_gib_is_collected_and_checked(site: Site) -> None:
    sha256 = "cfbee1b311082090f6417b1026f9f83b2b3db46bc20ec64dff238d202c3782a6"  # 9 GiB of zeros
    with (site.folder / "downloads/big-1.0.img").open("wb") as file:
        file.truncate(9 << 30)
    site.policy(
        '\n[[artifact]]\nsource = "file:downloads/big-1.0.img"\n'
        f'[[artifact.require]]\ndigest = "sha256:{sha256}"\n'
    )
    ran = site.collect()  # it ends with the check
    assert ran.status == 0
    assert "over 4 GiB" in ran.err
    assert (site.folder / "tool-1.0.pack.tar").stat().st_blocks < 1000
