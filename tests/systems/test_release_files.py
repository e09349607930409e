"""The checked-in release files: each is one, and a lint says only what its page leaves open."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kit.formats import predicate_schema, release_file
from kit.policy.lint import lint
from tests.lab import builds
from tests.lab.builds import Build

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
WHEN = datetime(2026, 11, 26, tzinfo=UTC)
#: Of each file, how many requirements name no commit: the pages give none. Nothing else is open.
NO_COMMIT = {
    "stigmem/release.toml": 2,
    "securescan/release.toml": 0,
    "openmed/release.toml": 2,
    "openmed/folder.toml": 1,
    "wellmaintained/release.toml": 7,
    "aotanami/release.toml": 1,
}
REQUIREMENTS = {
    "stigmem": ("ST", 14),
    "securescan": ("SC", 11),
    "openmed": ("OM", 10),
    "wellmaintained": ("WM", 6),
    "aotanami": ("AO", 7),
}


@pytest.mark.parametrize("name", NO_COMMIT)
def test_the_lint_warns_only_of_what_the_page_does_not_give(name: str) -> None:
    path = BUNDLES / name
    release = release_file.parse(
        path.read_bytes(), name, lambda other: (path.parent / other).read_bytes()
    )
    assert [found.code for found in lint(release, WHEN)] == ["lint.no-source-digest"] * NO_COMMIT[
        name
    ]


@pytest.mark.parametrize("name", NO_COMMIT)
def test_no_digest_is_invented(name: str) -> None:
    text = (BUNDLES / name).read_text(encoding="utf-8")
    assert re.findall(r"[0-9a-fA-F]{40}", text) == []


def test_the_schema_of_stigmem_takes_either_version_that_buildkit_writes() -> None:
    folder = BUNDLES / "stigmem"
    schema = predicate_schema.read(
        "buildkit.schema.json", lambda name: (folder / name).read_bytes(), "predicate-schema"
    )
    for written in (builds.buildkit(Build()), builds.buildkit_v02(Build())):
        assert schema.first_fault(written) is None
        other = written | {"buildType": "https://a.test"}
        other |= {"buildDefinition": {"buildType": "https://a.test"}}
        assert schema.first_fault(other) is not None
    assert schema.first_fault(builds.workflow_v02(Build())) is not None


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_comments_say_which_sentence_a_rule_answers(name: str) -> None:
    prefix, last = REQUIREMENTS[name]
    folder = BUNDLES / name
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.toml")))
    rules = re.sub(rf"{prefix}1 to {prefix}{last}", "", text)
    told = {int(number) for number in re.findall(rf"\b{prefix}([0-9]+)\b", rules)}
    assert told == set(range(1, last + 1))
    assert "Stricter" in text


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_each_says_what_it_proves_and_what_not(name: str) -> None:
    text = (BUNDLES / name / "README.md").read_text(encoding="utf-8")
    for head in ("## What a PASS proves", "## What it does not prove"):
        assert head in text
    assert "does not prove that the sources at that tag are free of bugs" in " ".join(text.split())
