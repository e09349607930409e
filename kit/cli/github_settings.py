"""Which API is GitHub's, and which token it gets: from options and from gh's own variables.

As gh documents them (``gh help environment``): ``GH_TOKEN`` or ``GITHUB_TOKEN`` for GitHub
and for tenants of ``ghe.com``, ``GH_ENTERPRISE_TOKEN`` or ``GITHUB_ENTERPRISE_TOKEN`` for
other hosts. A token is never on the command line, which everybody on a host can see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.errors import UsageError
from kit.formats.source_text import Source
from kit.sources.github_api import PUBLIC_API, Access, read_api

TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
ENTERPRISE_TOKENS = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_TOKEN = re.compile(r"[!-~]{1,4096}")
_MAX_FILE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says: the API's URL, and the file that a token is in."""

    api: str | None = None
    token_file: Path | None = None


NONE = Options()


def access(
    sources: Iterable[Source],
    options: Options,
    plain_http: Iterable[str],
    environment: Mapping[str, str],
) -> Access:
    """Return how GitHub is asked for these sources; raise :class:`UsageError`.

    A token in a file is for the one API that they name: of several, nothing says which.
    """
    hosts = {source.repository.host for source in sources if source.repository is not None}
    api = PUBLIC_API if options.api is None else read_api(options.api)
    if not hosts:
        return Access(api=api)  # what is in the environment is then no matter here
    token, enterprise = _first(environment, TOKENS), _first(environment, ENTERPRISE_TOKENS)
    if options.token_file is not None:
        if len(hosts) > 1:
            raise UsageError(
                "--github-token-file: the sources are of several hosts, and one token is of one",
                hint=f"set {TOKENS[0]} and {ENTERPRISE_TOKENS[0]} instead",
            )
        token = enterprise = _read(options.token_file)
    return Access(
        api=api, token=token, enterprise_token=enterprise, plain_http=frozenset(plain_http)
    )


def _first(environment: Mapping[str, str], names: Iterable[str]) -> str | None:
    for name in names:
        if environment.get(name):
            return _checked(environment[name], f"${name}")
    return None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE)
    except OSError as error:
        raise UsageError(
            f"--github-token-file {path}: {error.strerror}", subject=str(path)
        ) from error
    return _checked(raw.decode("utf-8", "replace"), f"--github-token-file {path}")


def _checked(text: str, where: str) -> str:
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        # Not what is there: it may be a token with something beside it.
        raise UsageError(f"{where}: not a token, one word of ASCII")
    return token
