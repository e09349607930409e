"""Show what a pack says it holds; nothing here is verified, and the output says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kit.formats import manifest, strictjson
from kit.formats.encodings import render_time
from kit.model import Manifest
from kit.pack.reader import Pack
from kit.report.escape import plain

NOTHING = "Nothing below is verified: it is what the pack says of itself."


def inspect(path: Path) -> tuple[str, dict[str, Any]]:
    """Return a pack's manifest as text, and as a result of the JSON document."""
    with Pack.open(path) as pack:
        text = "".join(f"{line}\n" for line in _lines(pack.manifest, pack.manifest_sha256))
        contents = strictjson.parse(manifest.render(pack.manifest), max_bytes=manifest.MAX_BYTES)
    return text, {
        "pack": path.name,
        "status": 0,
        "error": None,
        "report": None,
        "contents": contents,
    }


def _lines(described: Manifest, sha256: str) -> list[str]:
    sizes = {member.path: member.size for member in described.members}
    release = f"{described.release_name} {described.release_version}"
    lines = [
        NOTHING,
        f"{release}, collected {render_time(described.collected_at)} by {plain(described.kit)}",
        f"manifest sha256:{sha256}",
        "",
        f"{len(described.artifacts)} artifacts",
    ]
    lines += [
        f"  {plain(artifact.name)}  {sizes[artifact.member]} bytes  from {plain(artifact.source)}"
        for artifact in described.artifacts
    ]
    names = {artifact.member: artifact.name for artifact in described.artifacts}
    lines += ["", f"{len(described.evidence)} pieces of evidence"]
    for evidence in described.evidence:
        about = ", ".join(plain(names.get(member, member)) for member in evidence.about[:5])
        more = f" and {len(evidence.about) - 5} more" if len(evidence.about) > 5 else ""
        lines.append(f"  {plain(evidence.name)}  {evidence.kind.value}  about {about}{more}")
    return lines
