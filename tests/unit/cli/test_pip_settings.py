"""Which index pip is set up for, as pip documents its settings."""

import os
from pathlib import Path

import pytest

from kit.cli import pip_settings
from kit.errors import UsageError


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test a host, a user and an environment of its own."""
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "xdg"))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_variable_comes_first(tmp_path: Path) -> None:
    write(tmp_path / "venv/pip.conf", "[global]\nindex-url = https://file.test/\n")
    found = pip_settings.index_url({"PIP_INDEX_URL": "https://variable.test/"})
    assert found == "https://variable.test/"


def test_the_environments_file_comes_before_the_users(tmp_path: Path) -> None:
    write(tmp_path / "HOME/.pip/pip.conf", "[global]\nindex-url = https://old.test/\n")
    assert pip_settings.index_url({}) == "https://old.test/"
    write(tmp_path / "XDG_CONFIG_HOME/pip/pip.conf", "[global]\nindex_url = https://user.test/\n")
    assert pip_settings.index_url({}) == "https://user.test/"
    write(tmp_path / "venv/pip.conf", "[global]\nindex-url = https://venv.test/\n")
    assert pip_settings.index_url({}) == "https://venv.test/"


def test_the_host_comes_last(tmp_path: Path) -> None:
    write(tmp_path / "xdg/pip/pip.conf", "[global]\nindex-url = https://host.test/\n")
    assert pip_settings.index_url({}) == "https://host.test/"


def test_a_file_that_is_named_comes_before_all_others(tmp_path: Path) -> None:
    write(tmp_path / "venv/pip.conf", "[global]\nindex-url = https://venv.test/\n")
    write(
        tmp_path / "mine", "[download]\nindex-url = https://d.test/%20x\n[global]\nindex-url=no\n"
    )
    named = {"PIP_CONFIG_FILE": str(tmp_path / "mine")}
    assert pip_settings.index_url(named) == "https://d.test/%20x"
    assert pip_settings.index_url({"PIP_CONFIG_FILE": os.devnull}) is None


def test_a_second_index_is_never_the_index(tmp_path: Path) -> None:
    write(tmp_path / "venv/pip.conf", "[global]\nextra-index-url = https://extra.test/\n")
    named = {"PIP_CONFIG_FILE": str(tmp_path / "venv/pip.conf")}
    assert pip_settings.index_url(named) in (None, pip_settings.index_url({}))


@pytest.mark.parametrize("text", ["index-url = https://u:secret@i.test/\n", "[global\n", "\udcff"])
def test_settings_that_cannot_be_read_are_refused_without_showing_them(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "venv/pip.conf"
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as caught:
        pip_settings.index_url({})
    assert "secret" not in str(caught.value)
