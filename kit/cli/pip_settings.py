"""Which package index this host's pip is set up for.

As pip documents it ("Configuration"): ``PIP_INDEX_URL``, else ``index-url`` in the files
of the environment, the user and the host, in this order, where ``[download]`` comes before
``[global]``. ``PIP_CONFIG_FILE`` names one more file that comes first, or none at all.
Read here, because pip may not be installed beside the kit; ``extra-index-url`` is not
followed: a second index could answer for a name of the first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from configparser import Error, RawConfigParser
from pathlib import Path

from kit.errors import UsageError

VARIABLE = "PIP_INDEX_URL"
_FILE = "PIP_CONFIG_FILE"
_SECTIONS = ("download", "global")
_KEYS = ("index-url", "index_url")


def index_url(environment: Mapping[str, str]) -> str | None:
    """Return the URL as it is set, credentials included; ``None`` where nothing is set."""
    if environment.get(VARIABLE):
        return environment[VARIABLE]
    for path in _files(environment):
        for found in _settings(path):
            return found
    return None


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield pip's files, the one that decides first."""
    from platformdirs import PlatformDirs  # noqa: PLC0415

    named = environment.get(_FILE)
    if named == os.devnull:
        return
    if named:
        yield Path(named)
    windows = sys.platform == "win32"
    base = "pip.ini" if windows else "pip.conf"
    places = PlatformDirs("pip", appauthor=False, roaming=True, multipath=True)
    yield Path(sys.prefix) / base
    yield places.user_config_path / base
    yield Path.home() / ("pip" if windows else ".pip") / base
    for folder in places.site_config_dir.split(os.pathsep):
        yield Path(folder) / base
    if not windows:
        yield Path("/etc") / base


def _settings(path: Path) -> Iterator[str]:
    parser = RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", subject=str(path)) from error
    except (Error, UnicodeDecodeError) as error:
        # Not what is wrong with it: the line may hold a password.
        raise UsageError(f"{path}: pip's settings cannot be read", subject=str(path)) from error
    for section in _SECTIONS:
        for key in _KEYS:
            if parser.has_option(section, key) and parser.get(section, key):
                yield parser.get(section, key)
