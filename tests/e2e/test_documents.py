"""What is written for people is true: README, CHANGELOG, the example, the pinned root."""

from __future__ import annotations

import ast
import hashlib
import re
import tomllib
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
import typer.main

from kit.cli.commands import app
from kit.cli.status import Status
from kit.formats import release_file, schema, trusted_root
from kit.policy.lint import lint

ROOT = Path(__file__).resolve().parents[2]
RELEASE = (ROOT / "bundles/RELEASE.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = re.compile(
    r"(?:airgap|artifact|check|clock|collect|cosign|custody|digest|evidence|export|extract|file|helm"
    r"|internal|ledger|lint|machine|memory|npm|oci|openpgp|pack|policy|provenance|push|pypi|release"
    r"|sbom|scan|sigstore|statement|trust|usage|verifier|vex)\.[a-z][a-z0-9-]+"
)
#: Names of files that look like codes.
FILES = {
    "memory.json",
    "memory.lock",
    "sigstore.json",
    "sbom.json",
    "ledger.json",
    "release.toml",
    "manifest.json",
    "pack.tar",
    "checksums.txt",
}


def codes() -> set[str]:
    """Return every finding and error code that is written out in the kit."""
    found: set[str] = set()
    for path in (ROOT / "kit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                if CODE.fullmatch(text) and text not in FILES:
                    found.add(text)
    return found


def test_every_code_is_described() -> None:
    told = (ROOT / "kit/FINDINGS.md").read_text(encoding="utf-8")
    assert sorted(code for code in codes() if f"`{code}`" not in told) == []


def test_every_fault_of_a_pack_is_in_its_specification() -> None:
    told = (ROOT / "bundles/FORMAT.md").read_text(encoding="utf-8")
    ours = {"pack.malformed", "pack.other-release"}  # a default, and a finding about policy
    ours |= {"pack.rollback", "pack.changed", "pack.too-old"}  # the same, about time
    faults = {code for code in codes() if code.startswith("pack.")} - ours
    assert sorted(code for code in faults if f"`{code}`" not in told) == []


def test_the_readmes_release_file_is_one() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert release_file.parse(text.encode(), "README.md").name == "tool"


def test_every_key_of_the_release_file_is_described() -> None:
    described = schema.load("release")
    keys = set(described["properties"])
    for definition in ("signer", "line", "requirement", "deny"):
        keys |= set(described["$defs"][definition]["properties"])
    missing = {key for key in keys if not re.search(rf"[`.]{key}`", RELEASE)}
    heads = {"signers", "artifact", "require", "deny", "custody"}  # the tables they head
    assert missing <= heads
    sealed = described["properties"]["custody"]["items"]["properties"]
    assert {key for key in sealed if f"`custody.{key}`" not in RELEASE} == set()
    scan = described["$defs"]["scan"]["properties"]
    sbom = described["$defs"]["sbom"]["anyOf"][1]["properties"]
    nested = {f"scan.{key}" for key in scan} | {f"sbom.{key}" for key in sbom}
    assert {key for key in nested if f"`{key}`" not in RELEASE} == set()


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", RELEASE, re.DOTALL))
def test_every_example_of_a_release_file_is_one(text: str) -> None:
    assert release_file.parse(text.encode(), "RELEASE.md").name == "tool"


#: When the examples were written: their dates are of the year after.
WRITTEN = datetime(2026, 11, 1, tzinfo=UTC)
#: What a lint says of our examples, each of which leaves something out to stay short.
ADVISED = {
    "lint.files",
    "lint.key-unlogged",
    "lint.no-source-digest",
    "lint.optional",
}


@pytest.mark.parametrize(
    "text",
    [
        *re.findall(r"```toml\n(.*?)```", RELEASE + README, re.DOTALL),
        (ROOT / "bundles/example/release.toml").read_text(encoding="utf-8"),
    ],
)
def test_our_examples_are_no_weak_policies(text: str) -> None:
    found = lint(release_file.parse(text.encode(), "release.toml"), WRITTEN)
    assert {finding.code for finding in found} <= ADVISED


def test_every_exit_status_is_in_the_readme() -> None:
    table = README.partition("## Exit status")[2].partition("## The pack")[0]
    for status in Status:
        assert re.search(rf"\b{int(status)}\b", table), status


def test_every_command_in_the_readme_exists() -> None:
    commands = set(typer.main.get_group(app).commands)
    used = set(re.findall(r"^\$ airgap-kit ([a-z-]+)", README, re.MULTILINE))
    assert used <= commands
    assert used == {"collect", "check", "extract", "export", "push", "trust"}


def test_every_file_the_readme_links_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_readme_begins_with_the_two_commands() -> None:
    assert re.search(r"```console\n\$ scripts/demo.*\n\$ scripts/test", README[:600])


def test_the_example_is_a_release_file() -> None:
    raw = (ROOT / "bundles/example/release.toml").read_bytes()
    assert release_file.parse(raw, "release.toml").instances == ("sigstore",)


def test_the_pinned_roots_are_those_of_the_sigstore_package() -> None:
    store = resources.files("sigstore._store")
    (folder,) = (f for f in store.iterdir() if f.name.endswith("tuf-repo-cdn.sigstore.dev"))
    for name in ("root.json", "trusted_root.json"):
        pinned = (ROOT / "trust-roots/sigstore" / name).read_bytes()
        assert pinned == folder.joinpath(name).read_bytes()
        listed = (ROOT / "trust-roots/sigstore/README.md").read_text(encoding="utf-8")
        assert hashlib.sha256(pinned).hexdigest() in listed


def test_the_pinned_root_reads_without_an_unknown_field() -> None:
    raw = (ROOT / "trust-roots/sigstore/trusted_root.json").read_bytes()
    assert trusted_root.parse(raw).unknown == ()


@pytest.mark.parametrize("lock", ["requirements.lock", "tests/requirements.lock"])
def test_a_lock_pins_by_hash_and_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert "://" not in text
    assert "--index" not in text


@pytest.mark.parametrize("lock", ["requirements.lock", "tests/requirements.lock"])
def test_a_lock_has_every_dependency(lock: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / lock).read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = re.match(r"[a-z0-9-]+", requirement)
        assert name
        assert re.search(rf"^{name[0]}==", text, re.MULTILINE), requirement
