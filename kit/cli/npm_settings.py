"""Which registries this host's npm is set up for, and the credential of each.

As npm documents it ("npmrc", "registry", "scope"): ``npm_config_registry``, else
``registry`` in the project's ``.npmrc``, which stands beside the release file, in the
user's (``npm_config_userconfig``, else ``~/.npmrc``) and the host's
(``npm_config_globalconfig``); ``@scope:registry`` in any of them for one scope. What a
registry's credential is stands under its URL without the scheme: ``//HOST/PATH/:_authToken``,
``:_auth``, or ``:username`` and ``:_password``. ``${NAME}`` is taken from the environment. Read
here, because npm may not be installed beside the kit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kit.errors import MalformedError, UsageError
from kit.formats import encodings
from kit.formats import npm_registry as npm_address
from kit.formats.npm_package import NpmPackage
from kit.formats.source_text import Source
from kit.sources import npm_registry, urls
from kit.sources.npm_registry import Registries, Registry

VARIABLE = "npm_config_registry"
_USER, _GLOBAL, _PREFIX = "npm_config_userconfig", "npm_config_globalconfig", "npm_config_prefix"
_HOST_FILES = ("/etc/npmrc", "/usr/local/etc/npmrc")
_MAX_FILE = 1 << 20
_EXPANDED = re.compile(r"\$\{([^${}]+)\}")
_SECRET = re.compile(r"[!-~]{1,8192}")


def registries(
    sources: Iterable[Source], option: str | None, project: Path, environment: Mapping[str, str]
) -> Registries | None:
    """Return the registries of these sources' packages; ``None`` where none is an npm package.

    ``option`` is ``--npm-registry``, which comes before all settings; ``project`` is the
    release file's folder. Raises :class:`UsageError`, which never repeats a credential.
    """
    packages = [s.package for s in sources if isinstance(s.package, NpmPackage)]
    if option is not None:
        return Registries(usual=_registry(option, _settings(project, environment), environment))
    if not packages:
        return None
    settings = _settings(project, environment)
    usual = settings.get("registry") or npm_address.public()
    by_scope = {
        scope: settings[f"{scope}:registry"]
        for scope in sorted({package.scope for package in packages if package.scope})
        if settings.get(f"{scope}:registry")
    }
    return Registries(
        usual=_registry(usual, settings, environment),
        by_scope={scope: _registry(url, settings, environment) for scope, url in by_scope.items()},
    )


def _registry(text: str, settings: Mapping[str, str], environment: Mapping[str, str]) -> Registry:
    registry = npm_registry.read(_expanded(text, environment))
    for under in _nearest(urls.parse(registry.url)):
        header = _header(under, settings, environment)
        if header is not None:
            return npm_registry.read(registry.url, header)
    return registry


def _header(under: str, settings: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    """Return the ``Authorization`` that stands under a key, in the order in which npm looks."""
    given = {
        name: _secret(settings[f"{under}:{name}"], f"{under}:{name}", environment)
        for name in ("_authToken", "_auth", "username", "_password")
        if settings.get(f"{under}:{name}")
    }
    if "_authToken" in given:
        return f"Bearer {given['_authToken']}"
    if "username" in given and "_password" in given:
        try:
            password = encodings.b64decode(given["_password"])
        except MalformedError as error:
            raise UsageError(f"npm's settings: {under}:_password is not base64") from error
        return f"Basic {encodings.b64encode(given['username'].encode() + b':' + password)}"
    return f"Basic {given['_auth']}" if "_auth" in given else None


def _nearest(url: urls.Url) -> Iterator[str]:
    """Yield the keys that a URL's credential may stand under, the longest first."""
    parts = url.path.strip("/").split("/") if url.path.strip("/") else []
    for count in range(len(parts), -1, -1):
        path = "".join(f"{part}/" for part in parts[:count])
        yield f"//{url.authority}/{path}"
        yield f"//{url.authority}/{path}".removesuffix("/")


def _secret(text: str, key: str, environment: Mapping[str, str]) -> str:
    secret = _expanded(text, environment)
    if _EXPANDED.search(secret):
        raise UsageError(f"npm's settings: {key} is a variable that is not set")
    if not _SECRET.fullmatch(secret):
        raise UsageError(f"npm's settings: {key} is no credential, one word of ASCII")
    return secret


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    return _EXPANDED.sub(lambda match: environment.get(match[1], match[0]), text)


def _settings(project: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return all settings, those of what decides first."""
    found: dict[str, str] = {}
    for given in (_of_environment(environment), *map(_of_file, _files(project, environment))):
        for key, value in given.items():
            found.setdefault(key, value)
    return found


def _of_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what ``npm_config_…`` says; npm takes these names in any case."""
    prefix = VARIABLE.removesuffix("registry")
    return {
        name[len(prefix) :] if name.startswith(prefix) else name[len(prefix) :].lower(): value
        for name, value in environment.items()
        if name.lower().startswith(prefix) and value
    }


def _files(project: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield npm's files, the one that decides first."""
    yield project / ".npmrc"
    named = {name.lower(): value for name, value in environment.items() if value}
    yield Path(named[_USER]) if _USER in named else Path.home() / ".npmrc"
    if _GLOBAL in named:
        yield Path(named[_GLOBAL])
        return
    if _PREFIX in named:
        yield Path(named[_PREFIX]) / "etc/npmrc"
    yield from map(Path, _HOST_FILES)


def _of_file(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE).decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", subject=str(path)) from error
    except UnicodeDecodeError as error:
        # Not what is there: the line may hold a password.
        raise UsageError(f"{path}: npm's settings cannot be read", subject=str(path)) from error
    return dict(_lines(text))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield keys and values of an ini file, as npm's reader of such files takes them."""
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and key and key[0] not in ";#[":
            yield key.strip().strip("\"'"), _value(value.strip())


def _value(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return re.split(r"(?<!\\)[;#]", text, maxsplit=1)[0].strip()  # a comment, unless escaped
