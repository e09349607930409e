"""Which API and which token: from options and the environment, and never told."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.cli.github_settings import Options, access
from kit.errors import UsageError
from kit.formats.source_text import parse_source
from kit.sources.github_api import PUBLIC_API

OURS = parse_source("github:acme/tool@v1", "source")
THEIRS = parse_source("github:git.acme.test/acme/tool@v1", "source")
SECRET = "ghp_s3cr3t"  # noqa: S105 - a marker to look for, not a secret


@pytest.mark.parametrize(
    ("environment", "token", "enterprise"),
    [
        ({}, None, None),
        ({"GH_TOKEN": "a", "GITHUB_TOKEN": "b"}, "a", None),
        ({"GH_TOKEN": "", "GITHUB_TOKEN": " b\n"}, "b", None),
        ({"GH_ENTERPRISE_TOKEN": "c"}, None, "c"),
        ({"GITHUB_ENTERPRISE_TOKEN": "d", "GH_TOKEN": "a"}, "a", "d"),
    ],
)
def test_tokens_come_from_the_variables_that_gh_documents(
    environment: dict[str, str], token: str | None, enterprise: str | None
) -> None:
    found = access([OURS], Options(), (), environment)
    assert (found.api, found.token, found.enterprise_token) == (PUBLIC_API, token, enterprise)


def test_a_file_comes_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n", encoding="utf-8")
    found = access([OURS], Options(token_file=file), (), {"GH_TOKEN": SECRET})
    assert found.token == "from-file"  # noqa: S105 - not a secret


def test_without_a_github_source_nothing_is_read() -> None:
    assert access([], Options(), (), {"GH_TOKEN": "not a token"}).token is None


@pytest.mark.parametrize(
    "text", [f"{SECRET} x", f"{SECRET}\u00e9", f"{SECRET}\nx: y", "", "x" * 5000]
)
def test_what_is_no_token_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="not a token") as caught:
        access([OURS], Options(token_file=file), (), {})
    assert SECRET not in caught.value.message


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        access([OURS], Options(token_file=tmp_path / "none"), (), {})


def test_a_file_is_for_one_host(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET, encoding="utf-8")
    with pytest.raises(UsageError, match="several hosts"):
        access([OURS, THEIRS], Options(token_file=file), (), {})
    assert access([THEIRS], Options(token_file=file), (), {}).enterprise_token == SECRET


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("https://host.test/api/v3?x=1", "usage.url"),
        ("https://u:p@host.test/", "usage.credentials"),
        ("ftp://host.test/", "usage.scheme"),
        ("host.test", "usage.url"),
    ],
)
def test_an_api_is_a_plain_url(text: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        access([OURS], Options(api=text), (), {})
    assert caught.value.code == code


def test_an_api_loses_its_last_slash() -> None:
    found = access([OURS], Options(api="https://host.test/api/v3/"), (), {})
    assert found.api == "https://host.test/api/v3"
