"""kit.trust.known: every anchor of a host, whatever else lies beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import AnchorError
from kit.trust import known
from kit.trust.places import Place


@pytest.fixture
def places(tmp_path: Path) -> list[Place]:
    for name in (
        "one/acme/trusted_root.json",
        "two/acme/trusted_root.json",
        "two/b/trusted_root.json",
        "one/keys/cosign.pub",
        "two/keys/a.pub",
        "one/empty/README.md",
        "two/.hidden/trusted_root.json",
        "two/keys/-x",
        "one/npm/keys.json",
        "two/npm/keys.json",
        "two/npm/own.json",
        "two/npm/README.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    return [Place(folder=tmp_path / name, label=name) for name in ("one", "two", "none")]


def test_every_instance_is_found_once(places: list[Place]) -> None:
    assert known.instances(places) == ("acme", "b")


def test_every_key_is_found_by_its_path(places: list[Place]) -> None:
    assert known.keys(places) == ("keys/a.pub", "keys/cosign.pub")


def test_every_registrys_keys_are_found_by_their_path(places: list[Place]) -> None:
    assert known.npm_keys(places) == ("npm/keys.json", "npm/own.json")


def test_a_folder_that_cannot_be_read_is_an_anchor_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(AnchorError, match="Permission denied") as caught:
        known.instances([Place(folder=tmp_path, label="here")])
    assert caught.value.code == "trust.unreadable"
