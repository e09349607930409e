"""What a Helm chart in a registry says it is: its config, which is ``Chart.yaml`` as JSON.

Only name and version are read (helm, pkg/registry and pkg/chart/metadata.go). The archive
itself is never opened: the manifest names it by digest, as it names the config.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.errors import MalformedError
from kit.formats import strictjson
from kit.formats.fields import Fields

MAX_BYTES = 1 << 20

CONTENT = frozenset({"application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"})
PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"

# A name is also a folder's, in whatever unpacks the chart (CVE-2026-35206: `name: ..`).
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,248}[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart's name and version."""

    name: str
    version: str

    @property
    def tag(self) -> str:
        """The tag that Helm gives it: a tag has no ``+``."""
        return self.version.replace("+", "_")


def parse(raw: bytes) -> Chart:
    """Read the config of a chart; raise :class:`MalformedError` for anything else."""
    try:
        top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))
        name, version = top.needed_text("name"), top.needed_text("version")
    except MalformedError as error:
        raise MalformedError(f"Chart.yaml: {error}", code="helm.malformed") from error
    if not _NAME.fullmatch(name) or ".." in name:
        raise MalformedError(f"Chart.yaml: {name[:80]!r} is no chart's name", code="helm.malformed")
    if not _VERSION.fullmatch(version):
        raise MalformedError(f"Chart.yaml: {version[:80]!r} is no version", code="helm.malformed")
    return Chart(name=name, version=version)
