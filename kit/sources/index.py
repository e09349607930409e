"""Which package index is asked, and the credential that belongs to it and to nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from kit.sources import place
from kit.sources.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Place):
    """An index, and where it has what."""

    def page(self, project: str) -> str:
        """Return the URL of a project's page, by its normalised name (PEP 503)."""
        return f"{self.url}{quote(project, safe='')}/"

    def provenance(self, project: str, version: str, file: str) -> str | None:
        """Return where the integrity API has a file's provenance; ``None`` where it has no place.

        It stands beside the simple index; an index at another path tells where by its page.
        """
        base = self.url.removesuffix("simple/")
        if base == self.url:
            return None
        parts = (project, version, file)
        return f"{base}integrity/{'/'.join(quote(part, safe='') for part in parts)}/provenance"


def read(text: str) -> Index:
    """Read an index's URL as pip's settings write it, credentials included.

    Raises :class:`UsageError`, which never repeats them.
    """
    url, authorization = place.parted(text)
    return Index(url=place.base(url, "an index"), authorization=authorization)


def default() -> Index:
    """Return the public index, whose address pypi-simple knows."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415 - takes half a second

    return read(PYPI_SIMPLE_ENDPOINT)
