"""The documents a pack carries beside what was gathered: its ledger and its README."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from kit.formats import ledger as formats_ledger
from kit.formats import oci_layout
from kit.formats.ledger import Inquiry
from kit.formats.release_file import ReleaseFile
from kit.formats.release_line import Line
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
  evidence/       signatures, attestations, digest manifests, as received;
                  what ends in .rekor.sigstore.json was made while collecting,
                  of a signature and of what the transparency log answered
  trust/          TUF metadata, if any: it counts only from a root that you hold
{images}
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
_IMAGES = """\
  oci/            container images with what speaks of them: an OCI layout, which
                  skopeo, oras and crane read
"""


def readme(release: ReleaseFile, artifacts: Sequence[Artifact]) -> bytes:
    """Return README.txt: what the pack is, and how to check it without us."""
    listed = "\n".join(f"  {artifact.member}" for artifact in artifacts)
    images = _IMAGES if any(a.member.startswith(oci_layout.BLOBS) for a in artifacts) else ""
    text = _README.format(
        name=release.name, version=release.version, artifacts=listed, images=images
    )
    return text.encode("utf-8")


def ledger(
    gathered: Sequence[tuple[Line, Gathered]],
    chains: Mapping[str, Sequence[Asked]],
    carried: Collection[str],
) -> bytes:
    """Return ledger.json: every place and its answer.

    ``chains`` are what TUF repositories were asked, by instance; ``carried`` the SHA-256
    digests of what the pack has of it all.
    """
    asked = {line.source.text: brought.asked for line, brought in gathered}
    asked |= {f"tuf:{instance}": tuple(rows) for instance, rows in sorted(chains.items())}
    return formats_ledger.render(
        [
            Inquiry(source=source, asked=tuple(_marked(row, carried) for row in rows))
            for source, rows in asked.items()
        ]
    )


def _marked(row: Asked, carried: Collection[str]) -> Asked:
    return replace(row, carried=row.sha256 is None or row.sha256 in carried)
