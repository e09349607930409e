"""What the command line takes from outside: the clock, the environment, files that are named."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import MachineError, MalformedError, UsageError
from kit.formats import encodings
from kit.trust.places import Place, packaged

if TYPE_CHECKING:
    from kit.formats.release_file import ReleaseFile

TRUST_ROOTS = "AIRGAP_KIT_TRUST_ROOTS"
_EPOCH = re.compile(r"0|[1-9][0-9]{0,11}")
_PACK = b"manifest.json\0"  # what a pack begins with: the name of its first member
_MAX_BESIDE = 8 << 20  # far more than any file that a release file may name
_LATEST_EPOCH = 253_402_300_799  # 9999-12-31T23:59:59Z


def now() -> datetime:
    """Read the clock. The only place that does."""
    return datetime.now(UTC)  # noqa: TID251 - this is that place


def as_of(text: str | None) -> datetime:
    """Return the time to judge by: ``--at``, or the clock."""
    if text is None:
        return now()
    try:
        return encodings.parse_time(text)
    except MalformedError as error:
        raise UsageError(f"--at: {error}", hint="write it as 2026-11-20T12:00:00Z") from error


def search_path() -> str:
    """Return where programs are looked up, as ``PATH`` says it."""
    return os.environ.get("PATH", os.defpath)


def source_date_epoch() -> datetime | None:
    """Return ``SOURCE_DATE_EPOCH`` (reproducible-builds.org) as a time, if it is set."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    if not _EPOCH.fullmatch(text) or int(text) > _LATEST_EPOCH:
        raise UsageError(f"SOURCE_DATE_EPOCH is {text[:40]!r}, not seconds since 1970")
    return datetime.fromtimestamp(int(text), UTC)


def read_release(path: Path) -> ReleaseFile:
    """Read a release file; raise :class:`UsageError` where it is not there or not one."""
    from kit.formats import release_file  # noqa: PLC0415 - 0.1 s, only when needed

    try:
        with path.open("rb") as file:
            raw = file.read(release_file.MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror}", code="release.unreadable", subject=str(path)
        ) from error
    if raw.startswith(_PACK):
        raise UsageError(
            f"{path}: this is a pack; the policy is your own copy of the release file",
            code="release.unreadable",
            subject=str(path),
            hint="did you swap PACK and --policy?",
        )
    return release_file.parse(raw, path.name, lambda name: _beside(path.parent / name, name))


def read_named(path: Path, limit: int, code: str) -> bytes:
    """Return a file that the command line names; raise :class:`UsageError` where it cannot be."""
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", code=code, subject=path.name) from error
    if len(raw) > limit:
        raise UsageError(f"{path}: it is over {limit} bytes", code=code, subject=path.name)
    return raw


def _beside(path: Path, name: str) -> bytes:
    """Return the bytes of a file that a release file names; malformed where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BESIDE)
    except OSError as error:
        raise MalformedError(f"{name}: {error.strerror}") from error


def anchor_places(trust_roots: Path | None) -> Sequence[Place]:
    """Return where trust anchors are looked up, first to last (design section 9)."""
    places: list[Place] = []
    if trust_roots is not None:
        places.append(Place(folder=trust_roots, label="--trust-roots", required=True))
    from_environment = os.environ.get(TRUST_ROOTS)
    if from_environment:
        places.append(Place(folder=Path(from_environment), label=TRUST_ROOTS, required=True))
    for place in places:
        _demand_asked(place)
    places += [Place(folder=own_anchors(), label="the user's data folder"), packaged()]
    return places


def own_anchors() -> Path:
    """Return the user's own folder of anchors, which `trust import` writes to."""
    from platformdirs import user_data_path  # noqa: PLC0415

    return user_data_path("airgap-kit", appauthor=False) / "trust-roots"


def _demand_asked(place: Place) -> None:
    """Refuse a folder that cannot even be asked for, such as one with too long a name."""
    try:
        place.folder.stat()
    except FileNotFoundError:
        pass  # told when anchors are looked for
    except OSError as error:
        raise UsageError(
            f"{place.label}: {error.strerror}", code="trust.no-folder", subject=str(place.folder)
        ) from error


def write_new(folder: Path, documents: Mapping[str, str]) -> None:
    """Write documents into a folder, each aside and then renamed; raise :class:`MachineError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            part = folder / f".{name}.part"
            with part.open("w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(folder / name)
    except OSError as error:
        raise MachineError(f"{folder}: {error.strerror}", subject=str(folder)) from error
