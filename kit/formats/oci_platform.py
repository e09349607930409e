"""What an image runs on: in an index, in an image's config, and in a release file."""

from __future__ import annotations

from dataclasses import dataclass

from kit.errors import MalformedError
from kit.formats.fields import Fields

#: Characters of each part: they are told in findings and reports.
MAX_PART = 128
KEYS = frozenset({"os", "architecture", "variant", "os.version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What an image runs on; ``variant`` is a CPU's, such as ``v8``, or empty."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        """Write it as Docker does, ``linux/arm64/v8``; the version of the OS is left out."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))

    def fits(self, wanted: Platform, *, or_silent: bool = False) -> bool:
        """Say whether this is the wanted one; ``or_silent``: it need not name a variant."""
        if (self.os, self.architecture) != (wanted.os, wanted.architecture):
            return False
        silent = or_silent and not self.variant
        return not wanted.variant or silent or self.variant == wanted.variant


def read(fields: Fields) -> Platform:
    """Read the platform in a descriptor, or in an image's config, which says it alike."""
    told = {key: fields.text(key) or "" for key in sorted(KEYS)}
    for key, text in told.items():
        if len(text) > MAX_PART:
            raise MalformedError(f"{fields.where(key)} is over {MAX_PART} characters")
    return Platform(
        os=told["os"] or "unknown",
        architecture=told["architecture"] or "unknown",
        variant=told["variant"],
        os_version=told["os.version"],
    )


def parse(text: str) -> Platform:
    """Read ``OS/ARCHITECTURE[/VARIANT]``; raise :class:`MalformedError`."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(part and part.isprintable() for part in parts):
        raise MalformedError(f"{text[:80]!r} is not OS/ARCHITECTURE[/VARIANT], as linux/amd64")
    return Platform(os=parts[0], architecture=parts[1], variant=parts[2] if len(parts) > 2 else "")
