"""Every anchor that this host has, for a look at evidence that no policy narrows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from kit.errors import AnchorError
from kit.trust import keyrings
from kit.trust.anchors import FILE
from kit.trust.npm_keys import FOLDER
from kit.trust.places import Place

# What a release file can name.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,79}")
_KEY = re.compile(r"([0-9A-F]{40}|[0-9A-F]{64})[.](asc|gpg)")


def instances(places: Sequence[Place]) -> tuple[str, ...]:
    """Return the Sigstore instances that some place has a trusted root of, sorted."""
    return tuple(
        sorted(
            {
                folder.name
                for place in places
                for folder in _inside(place.folder)
                if _WORD.fullmatch(folder.name) and (folder / FILE).is_file()
            }
        )
    )


def keys(places: Sequence[Place]) -> tuple[str, ...]:
    """Return the paths of the public keys that some place has, sorted."""
    return tuple(
        sorted(
            {
                f"keys/{path.name}"
                for place in places
                for path in _inside(place.folder / "keys")
                if _WORD.fullmatch(path.name) and path.is_file()
            }
        )
    )


def npm_keys(places: Sequence[Place]) -> tuple[str, ...]:
    """Return the paths of the npm registries' keys that some place has, sorted."""
    return tuple(
        sorted(
            {
                f"{FOLDER}/{path.name}"
                for place in places
                for path in _inside(place.folder / FOLDER)
                if _WORD.fullmatch(path.name) and path.suffix == ".json" and path.is_file()
            }
            - {f"{FOLDER}/{FILE}", f"{FOLDER}/root.json"}  # an instance may have that name
        )
    )


def openpgp_fingerprints(places: Sequence[Place]) -> tuple[str, ...]:
    """Return the fingerprints of the OpenPGP keys that some place has, sorted."""
    return tuple(
        sorted(
            {
                path.stem
                for place in places
                for path in _inside(place.folder / keyrings.FOLDER)
                if _KEY.fullmatch(path.name) and path.is_file()
            }
        )
    )


def _inside(folder: Path) -> Iterable[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise AnchorError(
            f"{folder}: {error.strerror}", code="trust.unreadable", subject=folder.name
        ) from error
