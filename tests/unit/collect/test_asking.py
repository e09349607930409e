"""Who asks: nothing that is meant for one place may reach another."""

from __future__ import annotations

from pathlib import Path

from kit.collect.asking import Places, Settings


def test_each_credential_has_a_client_of_its_own_also_on_one_origin(tmp_path: Path) -> None:
    places = Places(Settings(), tmp_path, (), tmp_path)
    one = places._with({"https://npm.test:443": "Bearer one"})
    assert places._with({"https://npm.test:443": "Bearer one"}) is one
    assert places._with({"https://npm.test:443": "Bearer two"}) is not one
    assert places._with({}) is places._plain
