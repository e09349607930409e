"""Every anchor that this host has, for a look at evidence that no policy narrows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from kit.errors import AnchorError
from kit.trust import keyrings
from kit.trust.anchors import FILE
from kit.trust.keyrings import Keyring
from kit.trust.keys import KeyAnchor, find_keys
from kit.trust.npm_keys import FOLDER
from kit.trust.places import Place, stands

# What a release file can name.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,79}")
#: What else stands in such a folder: where its files are from; an instance may have that name.
_NO_KEYS = (FILE, "root.json", "tuf.json", "origin.json")
_KEY = re.compile(r"([0-9A-F]{40}|[0-9A-F]{64})[.](asc|gpg)")


def is_name(text: str) -> bool:
    """Say whether an instance may be called so: by what is one folder's name, and no path."""
    return _WORD.fullmatch(text) is not None


def instances(places: Sequence[Place]) -> tuple[str, ...]:
    """Return the Sigstore instances that some place has a trusted root of, sorted."""
    return tuple(
        name
        for name in folders(places)
        if any(stands(place.folder / name / FILE) for place in places)
    )


def folders(places: Sequence[Place]) -> tuple[str, ...]:
    """Return the names of folders that may be an instance's, sorted."""
    return tuple(
        sorted(
            {
                folder.name
                for place in places
                for folder in _inside(place.folder)
                if _WORD.fullmatch(folder.name) and folder.is_dir()
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
                if _WORD.fullmatch(path.name) and stands(path)
            }
        )
    )


def usable_keys(places: Sequence[Place]) -> tuple[KeyAnchor, ...]:
    """Return the public keys that some place has; one that does not load is left out.

    For what no policy names: a broken file must not keep anybody from a look.
    """
    found: list[KeyAnchor] = []
    with suppress(AnchorError):
        for path in keys(places):
            with suppress(AnchorError):
                found += find_keys([path], places)
    return tuple(found)


def usable_keyrings(places: Sequence[Place]) -> dict[str, Keyring]:
    """Return the OpenPGP keys that some place has; one that does not load is left out."""
    found: dict[str, Keyring] = {}
    with suppress(AnchorError):
        for fingerprint in openpgp_fingerprints(places):
            with suppress(AnchorError):
                found |= keyrings.find([fingerprint], places)
    return found


def npm_keys(places: Sequence[Place]) -> tuple[str, ...]:
    """Return the paths of the npm registries' keys that some place has, sorted."""
    return tuple(
        sorted(
            {
                f"{FOLDER}/{path.name}"
                for place in places
                for path in _inside(place.folder / FOLDER)
                if _WORD.fullmatch(path.name) and path.suffix == ".json" and stands(path)
            }
            - {f"{FOLDER}/{name}" for name in _NO_KEYS}
        )
    )


def openpgp_fingerprints(places: Sequence[Place]) -> tuple[str, ...]:
    """Return the fingerprints of the OpenPGP keys that some place has, sorted."""
    return tuple(sorted({Path(path).stem for path in openpgp_files(places)}))


def openpgp_files(places: Sequence[Place]) -> tuple[str, ...]:
    """Return the paths of the OpenPGP keys that some place has, sorted."""
    return tuple(
        sorted(
            {
                f"{keyrings.FOLDER}/{path.name}"
                for place in places
                for path in _inside(place.folder / keyrings.FOLDER)
                if _KEY.fullmatch(path.name) and stands(path)
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
