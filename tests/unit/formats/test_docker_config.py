"""Docker's settings and its helpers' answers: read strictly, and shown to nobody."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import docker_config, token_answer
from kit.formats.docker_config import Login

SECRET = "s3cr3t"  # noqa: S105 - a marker


def auth(text: str = f"jo:{SECRET}") -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def parsed(**keys: object) -> docker_config.DockerConfig:
    return docker_config.parse(json.dumps(keys).encode())


@pytest.mark.parametrize(
    ("server", "registry"),
    [
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("registry.test:5000", "registry.test:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ],
)
def test_a_login_is_found_under_what_docker_calls_its_registry(server: str, registry: str) -> None:
    found = parsed(auths={server: auth()}).logins
    assert found == {registry: Login(username="jo", secret=SECRET)}


def test_every_form_of_login_is_read() -> None:
    found = parsed(
        auths={
            "a.test": auth("jo:with:colons"),
            "b.test": {"username": "jo", "password": SECRET},
            "c.test": {"auth": auth("<token>:x")["auth"], "identitytoken": SECRET},
            "kept-by-a-helper.test": {},
        }
    ).logins
    assert found["a.test"].basic == f"Basic {auth('jo:with:colons')['auth']}"
    assert found["b.test"].basic == f"Basic {base64.b64encode(f'jo:{SECRET}'.encode()).decode()}"
    assert found["c.test"].is_identity_token
    assert found["c.test"].secret == SECRET
    assert "kept-by-a-helper.test" not in found


def test_a_helper_of_its_own_comes_before_the_store() -> None:
    config = parsed(credsStore="desktop", credHelpers={"ecr.test": "ecr-login"})
    assert config.helper("ecr.test") == "ecr-login"
    assert config.helper("other.test") == "desktop"
    assert parsed().helper("other.test") is None
    assert docker_config.server("docker.io") == "https://index.docker.io/v1/"


@pytest.mark.parametrize(
    "keys",
    [
        {"credsStore": "../evil"},
        {"credsStore": "/bin/sh"},
        {"credsStore": "-x"},
        {"credHelpers": {"a.test": "x y"}},
        {"credHelpers": []},
        {"auths": []},
        {"auths": {"a.test": "x"}},
        {"auths": {"a.test": {"auth": "not base64!"}}},
        {"auths": {"a.test": auth("no colon")}},
        {"auths": {"a.test": auth(f"jo\r\nX-Evil: 1:{SECRET}")}},
    ],
)
def test_settings_that_could_mislead_are_malformed_and_shown_to_nobody(
    keys: dict[str, object],
) -> None:
    with pytest.raises(MalformedError) as caught:
        parsed(**keys)
    assert SECRET not in str(caught.value)


def test_a_login_never_shows_its_secret() -> None:
    assert SECRET not in repr(Login(username="jo", secret=SECRET))


def test_a_helpers_answer() -> None:
    said = {"ServerURL": "x", "Username": "jo", "Secret": SECRET}
    assert docker_config.answer(json.dumps(said).encode()).secret == SECRET
    token = docker_config.answer(json.dumps(said | {"Username": "<token>"}).encode())
    assert token.is_identity_token
    with pytest.raises(MalformedError):
        docker_config.answer(b"credentials not found in native keychain")


@given(st.binary(max_size=200))
def test_any_bytes_are_settings_a_token_or_malformed(raw: bytes) -> None:
    for read in (docker_config.parse, docker_config.answer, token_answer.parse):
        try:
            read(raw)
        except MalformedError:
            continue


@pytest.mark.parametrize(
    ("raw", "token"),
    [
        (b'{"token":"a.b-c_d~e+f/g=="}', "a.b-c_d~e+f/g=="),
        (b'{"access_token":"x","expires_in":300}', "x"),
        (b'{"token":"x","access_token":"x"}', "x"),
    ],
)
def test_a_token_is_either_of_two_that_agree(raw: bytes, token: str) -> None:
    assert token_answer.parse(raw) == token


@pytest.mark.parametrize(
    "raw", [b"{}", b"[]", b'{"token":""}', b'{"token":"a","access_token":"b"}', b'{"token":"a b"}']
)
def test_no_single_token_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        token_answer.parse(raw)
