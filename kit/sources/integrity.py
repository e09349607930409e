"""Hold an npm tarball against the digests that its packument gives, all of them.

``dist.integrity`` counts by its strongest algorithm; ``dist.shasum`` is SHA-1, which
proves nothing, but where it stands it must agree: a registry that gives digests of two
files does not know what it serves. What does not agree is not kept, so that another
collect fetches it again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from kit.errors import MachineError
from kit.formats.npm_packument import Published
from kit.sources.failures import failure
from kit.sources.urls import Url

_CHUNK = 1 << 20


def demand(path: Path, published: Published, url: Url) -> str | None:
    """Return what to tell of weak digests; raise ``machine.digest`` where one is another's."""
    wanted: dict[str, str] = {}
    if published.digest is not None:
        wanted[published.digest.algorithm] = published.digest.hex
    if published.shasum is not None:
        wanted["sha1"] = published.shasum
    found = _hashed(path, wanted)
    differing = [name for name in wanted if found[name] != wanted[name]]
    if differing:
        path.unlink(missing_ok=True)
        name = differing[0]
        agreeing = [other for other in wanted if other not in differing]
        beside = f", while its {agreeing[0]} is the one announced" if agreeing else ""
        what = f"its {name} is {found[name]}, and {wanted[name]} was announced{beside}"
        raise failure("digest", url, what)
    if published.digest is None:
        return (
            "the registry gives no digest but SHA-1" if wanted else "the registry gives no digest"
        )
    return None


def _hashed(path: Path, algorithms: dict[str, str]) -> dict[str, str]:
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                for each in hashes.values():
                    each.update(chunk)
    except OSError as error:
        what = f"{path.name} cannot be read: {error.strerror}"
        raise MachineError(what, code="machine.unreadable") from error
    return {name: each.hexdigest() for name, each in hashes.items()}
