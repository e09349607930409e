"""What an npm tarball says it is: the ``package.json`` inside its signed bytes.

A signature over bare bytes names nothing. Where the bytes are what ``npm pack`` made, the
one ``package.json`` in the folder at the top names package and version.
"""

from __future__ import annotations

from typing import BinaryIO

from kit.errors import KitError, MalformedError
from kit.formats import npm_package, source_archive, strictjson
from kit.formats.fields import Fields
from kit.formats.npm_package import NpmPackage

SUFFIX = ".tgz"
_FILE = "package.json"


def read(file: BinaryIO) -> NpmPackage:
    """Return what the ``package.json`` inside says; call it only after a signature holds.

    ``file`` is seekable and read within bounds. Raises :class:`MalformedError` where the
    archive cannot be read, holds no such file, or holds it twice.
    """
    try:
        raw = source_archive.top_level(file, _FILE)
    except KitError:  # ours, or the file's own: a medium that cannot be read
        raise
    except Exception as error:  # tarfile and zlib raise many things on hostile archives
        raise MalformedError(f"its {_FILE} cannot be read: {error!r:.200}") from error
    said = Fields(strictjson.parse(raw, max_bytes=source_archive.MAX_METADATA))
    return npm_package.of(said.needed_text("name"), said.needed_text("version"))
