"""What is pinned with the kit is what the packages that carry it have, and says where from."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import pytest
from tuf.api._payload import Root
from tuf.api.metadata import Metadata

from kit.formats import trusted_root
from kit.trust import origins, places, tuf_anchor

PINNED = places.packaged().folder
FILES = sorted(
    path for path in PINNED.glob("*/*.json") if path.name not in ("origin.json", "tuf.json")
)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_every_file_says_where_it_is_from(path: Path) -> None:
    origin = origins.at(places.packaged(), path.parent.name)
    assert origin is not None
    said = origin.files[path.name]
    assert said.sha256 == sha256(path)
    assert said.sources
    assert said.as_of is not None
    readme = (path.parent / "README.md").read_text(encoding="utf-8")
    assert said.sha256 in readme
    lines = [line for line in readme.splitlines() if line.startswith(f"| `{path.name}`")]
    assert len(lines) == 1
    # One that nothing else vouches for says so, and only such a one.
    alone = len(said.sources) == 1 and not said.signed_by
    assert ("**Single source**" in lines[0]) is alone


@pytest.mark.parametrize("name", ["root.json", "trusted_root.json"])
def test_the_public_good_anchors_are_those_of_the_installed_sigstore(name: str) -> None:
    store = resources.files("sigstore") / "_store"
    (folder,) = [each for each in store.iterdir() if "sigstore.dev" in each.name]
    assert (PINNED / "sigstore" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("instance", ["sigstore", "github"])
def test_every_instance_has_a_root_it_can_be_updated_from(instance: str) -> None:
    root = Metadata[Root].from_file(str(PINNED / instance / "root.json"))
    assert root.signed.roles["root"].threshold >= 3
    record = tuf_anchor.record(PINNED / instance, instance)
    assert record.repository is not None
    # Whoever carried the trusted root last saw a timestamp that was good for longer.
    origin = origins.at(places.packaged(), instance)
    assert origin is not None
    said = origin.files["trusted_root.json"]
    assert record.vouches(said.sha256) == said.as_of
    parsed = trusted_root.parse((PINNED / instance / "trusted_root.json").read_bytes())
    assert not parsed.remarks


def test_no_key_stands_in_two_instances() -> None:
    roots = [
        trusted_root.parse((PINNED / instance / "trusted_root.json").read_bytes())
        for instance in ("sigstore", "github")
    ]
    assert not roots[0].ca_certificates & roots[1].ca_certificates
