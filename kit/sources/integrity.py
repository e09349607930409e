"""By which digests an npm tarball is held against its packument while it arrives.

``dist.integrity`` counts by its strongest algorithm; ``dist.shasum`` is SHA-1, which
proves nothing, but where it stands it must agree (C-164): a registry that gives digests of
two files does not know what it serves.
"""

from __future__ import annotations

from kit.formats.npm_packument import Published


def announced(published: Published) -> tuple[tuple[str, str], ...]:
    """Return every digest that the packument gives of the tarball, in hex by algorithm."""
    given: list[tuple[str, str]] = []
    if published.digest is not None:
        given.append((published.digest.algorithm, published.digest.hex))
    if published.shasum is not None:
        given.append(("sha1", published.shasum))
    return tuple(given)


def weakness(published: Published) -> str | None:
    """Return what to tell of a packument that gives no digest which proves anything."""
    if published.digest is not None:
        return None
    given = published.shasum is not None
    return "the registry gives no digest but SHA-1" if given else "the registry gives no digest"
