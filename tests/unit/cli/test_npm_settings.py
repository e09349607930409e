"""Which registries npm is set up for, as npm documents its settings."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from kit.cli import npm_settings
from kit.errors import UsageError
from kit.formats import npm_registry
from kit.formats.source_text import parse_source
from kit.sources.npm_registry import Registries, Registry

PLAIN = parse_source("npm:tool@1.0.0", "s")
SCOPED = parse_source("npm:@acme/tool@1.0.0", "s")


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test a host and a user of its own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(npm_settings, "_HOST_FILES", (str(tmp_path / "host/npmrc"),))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def read(tmp_path: Path, option: str | None = None, **environment: str) -> Registries:
    found = npm_settings.registries([PLAIN, SCOPED], option, tmp_path, environment)
    assert found is not None
    return found


def usual(tmp_path: Path, option: str | None = None, **environment: str) -> Registry:
    return read(tmp_path, option, **environment).usual


def test_the_option_comes_before_variable_project_user_host_and_the_public_one(
    tmp_path: Path,
) -> None:
    assert usual(tmp_path).url == npm_registry.public()
    for path, name in [("host/npmrc", "host"), ("home/.npmrc", "user"), (".npmrc", "project")]:
        write(tmp_path / path, f"registry = https://{name}.test\n")
        assert usual(tmp_path).url == f"https://{name}.test/"
    variable = {"npm_config_registry": "https://variable.test/"}
    assert usual(tmp_path, **variable).url == "https://variable.test/"
    assert usual(tmp_path, NPM_CONFIG_REGISTRY="https://upper.test/").url == "https://upper.test/"
    assert usual(tmp_path, "https://option.test", **variable).url == "https://option.test/"


def test_files_can_be_named(tmp_path: Path) -> None:
    write(tmp_path / "mine", "registry=https://mine.test/\n")
    write(tmp_path / "home/.npmrc", "registry=https://user.test/\n")
    named = str(tmp_path / "mine")
    assert usual(tmp_path, npm_config_userconfig=named).url == "https://mine.test/"
    write(tmp_path / "home/.npmrc", "")
    assert usual(tmp_path, npm_config_globalconfig=named).url == "https://mine.test/"
    write(tmp_path / "prefix/etc/npmrc", "registry=https://prefix.test/\n")
    prefix = str(tmp_path / "prefix")
    assert usual(tmp_path, npm_config_prefix=prefix).url == "https://prefix.test/"


def test_a_scope_may_have_its_own_and_the_option_is_for_all(tmp_path: Path) -> None:
    write(tmp_path / ".npmrc", "registry=https://n.test/\n@acme:registry=https://acme.test/\n")
    found = read(tmp_path)
    assert found.usual.url == "https://n.test/"
    assert {scope: r.url for scope, r in found.by_scope.items()} == {"@acme": "https://acme.test/"}
    assert read(tmp_path, "https://option.test/").by_scope == {}


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("//n.test/:_authToken=s3cr3t", "Bearer s3cr3t"),
        ("//n.test/:_authToken = ${TOKEN}", "Bearer from-the-environment"),
        ('//n.test/:_authToken="s3cr3t"', "Bearer s3cr3t"),
        ("//n.test/:_auth=dTpw", "Basic dTpw"),
        ("//n.test/:username=u\n//n.test/:_password=cA==", "Basic dTpw"),
        ("//n.test/:username=u\n//n.test/:_auth=dTpw", "Basic dTpw"),
        ("//n.test/:username=u", None),
        ("//n.test/api/:_authToken=s3cr3t", "Bearer s3cr3t"),
        ("//n.test/api/:_authToken=near\n//n.test/:_authToken=far", "Bearer near"),
        ("//other.test/:_authToken=s3cr3t", None),
        ("//n.test/other/:_authToken=s3cr3t", None),
        ("//n.test.evil.test/:_authToken=s3cr3t", None),
        ("_authToken=s3cr3t", None),
        ("; //n.test/:_authToken=s3cr3t", None),
        ("# //n.test/:_authToken=s3cr3t", None),
        ("//n.test/:_authToken=", None),
    ],
)
def test_a_credential_is_that_of_the_registry_it_stands_under(
    tmp_path: Path, line: str, header: str | None
) -> None:
    write(tmp_path / ".npmrc", f"registry=https://n.test/api/\n{line}\n")
    found = usual(tmp_path, TOKEN="from-the-environment")  # noqa: S106
    assert found.authorization == header
    assert "s3cr3t" not in repr(found)


def test_a_credential_counts_for_the_option_too(tmp_path: Path) -> None:
    write(tmp_path / "home/.npmrc", "//n.test/:_authToken=s3cr3t\n")
    assert usual(tmp_path, "https://n.test/").authorization == "Bearer s3cr3t"
    assert usual(tmp_path, "https://n.test:8443/").authorization is None


@pytest.mark.parametrize(
    "text",
    [
        "//n.test/:_authToken=${NOT_SET_s3cr3t}",
        "//n.test/:_authToken=s3cr3t two",
        "//n.test/:_authToken=s3cr3té",
        "//n.test/:username=u\n//n.test/:_password=s3cr3t",
        "registry=https://u:s3cr3t@n.test/",
        "registry=https://n.test/?token=s3cr3t",
    ],
)
def test_what_cannot_be_used_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    write(
        tmp_path / ".npmrc",
        f"registry=https://n.test/\n{text}\n".replace(
            "registry=https://n.test/\nregistry", "registry"
        ),
    )
    with pytest.raises(UsageError) as caught:
        usual(tmp_path)
    assert "s3cr3t" not in caught.value.message.replace("NOT_SET_s3cr3t", "")


def test_a_file_that_cannot_be_read_is_refused_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_bytes(b"//n.test/:_authToken=s3cr3t\xff\n")
    with pytest.raises(UsageError) as caught:
        usual(tmp_path)
    assert "s3cr3t" not in caught.value.message


def test_nothing_is_read_where_nothing_is_asked_of_npm(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").write_bytes(b"\xff")
    environment: Mapping[str, str] = {}
    source = parse_source("pypi:tool==1.0", "s")
    assert npm_settings.registries([source], None, tmp_path, environment) is None
