"""Docker's ``config.json``: who is logged in to which registry, and what keeps the secrets.

Only what names credentials is read; the file has much else in it. Its values are secrets,
so no message shows one. A helper is a name and never a path: ``docker-credential-NAME`` is
looked up as a program (docker-credential-helpers' protocol).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.errors import MalformedError
from kit.formats import strictjson
from kit.formats.fields import Fields
from kit.formats.oci_reference import DOCKER_HUB

MAX_BYTES = 1 << 20
MAX_ANSWER = 1 << 16
#: The name under which Docker keeps what is Docker Hub's, for helpers too.
HUB_SERVER = "https://index.docker.io/v1/"

_HUB = frozenset({"index.docker.io", "registry-1.docker.io", DOCKER_HUB})
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# A user name that says that the secret is an identity token, not a password.
_BY_TOKEN = "<token>"  # noqa: S105 - a marker, no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What lets somebody in; an identity token is only ever sent to a token server."""

    username: str
    secret: str = field(repr=False)
    is_identity_token: bool = False

    @property
    def basic(self) -> str:
        """The ``Authorization`` header of RFC 7617."""
        pair = f"{self.username}:{self.secret}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerConfig:
    """Logins and helpers by registry, as references write registries; ``store`` is for the rest."""

    logins: Mapping[str, Login] = field(default_factory=dict)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str | None = None

    def helper(self, registry: str) -> str | None:
        """Return the helper that keeps a registry's secret, if one does."""
        return self.helpers.get(registry, self.store)


def parse(raw: bytes) -> DockerConfig:
    """Read a ``config.json``; raise :class:`MalformedError`."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))
    store = top.text("credsStore")
    return DockerConfig(
        logins={
            host: login
            for server, given in _object(top, "auths").items()
            if (host := registry(server)) and (login := _login(Fields(given, "auths")))
        },
        helpers={
            host: _helper(name, "credHelpers")
            for server, name in _object(top, "credHelpers").items()
            if (host := registry(server))
        },
        store=_helper(store, "credsStore") if store else None,
    )


def registry(server: str) -> str:
    """Return the registry that a key of the file names: with or without a scheme and a path."""
    host = server.partition("://")[2] or server
    host = host.partition("/")[0].lower()
    return DOCKER_HUB if host in _HUB else host


def server(name: str) -> str:
    """Return what helpers are asked about a registry by."""
    return HUB_SERVER if name == DOCKER_HUB else name


def answer(raw: bytes) -> Login:
    """Read what a helper printed; raise :class:`MalformedError`."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_ANSWER))
    return _made(top.text("Username") or "", top.needed_text("Secret"))


def _object(top: Fields, key: str) -> Mapping[str, Any]:
    value = top.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedError(f"{key} is not an object")
    return value


def _login(given: Fields) -> Login | None:
    """Return a login that the file itself holds; ``None`` where a helper holds it."""
    token = given.text("identitytoken")
    if token:
        return _made(_BY_TOKEN, token)
    text = given.text("auth")
    if not text:
        username, secret = given.text("username"), given.text("password")
        return _made(username, secret) if username and secret else None
    try:
        pair = base64.b64decode(text, validate=True).decode("utf-8").rstrip("\0")
    except ValueError as error:
        raise MalformedError("auths: an `auth` that is not base64 of UTF-8") from error
    username, colon, secret = pair.partition(":")
    if not colon or not username:
        raise MalformedError("auths: an `auth` that is not of a name and a password")
    return _made(username, secret)


def _made(username: str, secret: str) -> Login:
    if not (username + secret).isprintable() or ":" in username:
        raise MalformedError("a name or a secret with characters that cannot be sent")
    by_token = username == _BY_TOKEN
    return Login(username=username, secret=secret, is_identity_token=by_token)


def _helper(name: Any, path: str) -> str:
    if not isinstance(name, str) or not _HELPER.fullmatch(name):
        raise MalformedError(f"{path}: not the name of a helper")
    return name
