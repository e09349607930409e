"""The documents a pack carries beside what was gathered: its ledger and its README."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.collect.chains import Chains
from kit.formats import strictjson
from kit.formats.release_file import Line, ReleaseFile
from kit.model import Artifact, Asked, Gathered

_README = """\
Nothing here is verified; do not run a kit found beside a pack.

This is an evidence pack of {name} {version}: release files, and the evidence
about them, carried as they were received. It was written by airgap-kit.

  manifest.json   what the pack holds: every file with its size and SHA-256
  SHA256SUMS      the same, for sha256sum
  release.toml    the release file it was collected with (a record, not a policy)
  ledger.json     every place that was asked, and what it answered
  artifacts/      the release files, as published
  evidence/       signatures, attestations, digest manifests, as received
  trust/          TUF metadata, if any: it counts only from a root that you hold

To verify it, on a host that has the kit and its own copy of the release file
from somewhere you trust:

  airgap-kit check PACK --policy release.toml

Without the kit you can see whether the pack is whole, which says nothing about
who made it:

  tar xf PACK && sha256sum -c SHA256SUMS

and verify a single Sigstore bundle with the stock tools, for instance:

  cosign verify-blob --bundle evidence/FILE.sigstore.json \\
    --certificate-identity IDENTITY --certificate-oidc-issuer ISSUER artifacts/FILE

The artifacts:

{artifacts}
"""


def readme(release: ReleaseFile, artifacts: Sequence[Artifact]) -> bytes:
    """Return README.txt: what the pack is, and how to check it without us."""
    listed = "\n".join(f"  {artifact.member}" for artifact in artifacts)
    text = _README.format(name=release.name, version=release.version, artifacts=listed)
    return text.encode("utf-8")


def ledger(gathered: Sequence[tuple[Line, Gathered]], chains: Chains) -> bytes:
    """Return ledger.json (``kit/schemas/ledger.schema.json``): every place and its answer."""
    return strictjson.canonical(
        {
            "schema": 1,
            "lines": [
                {"source": line.source.text, "asked": [_row(row) for row in brought.asked]}
                for line, brought in gathered
            ],
            "trust": [
                {"instance": instance, "asked": [_row(row) for row in asked]}
                for instance, asked in sorted(chains.asked.items())
            ],
        }
    )


def _row(row: Asked) -> dict[str, Any]:
    said = {"place": row.place, "wanted": row.wanted, "answer": row.answer.value}
    if row.sha256 is not None:
        said["sha256"] = row.sha256
    if row.note is not None:
        said["note"] = row.note
    return said
