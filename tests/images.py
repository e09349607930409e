"""Packs of images without a network: what a collector would write, and hostile variants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kit.check import Options, check
from kit.formats import (
    ledger,
    oci_manifest,
    public_key,
    release_file,
    source_text,
    trusted_root,
)
from kit.model import Artifact, EvidenceFile, EvidenceKind, Manifest, Report, Verdict
from kit.pack import roster, writer
from kit.pack.reader import Pack
from kit.trust.anchors import Anchor
from kit.trust.keys import KeyAnchor
from tests import packs
from tests.lab import IDENTITY, ISSUER, Lab
from tests.lab.encoding import document
from tests.lab.images import Blob, Store, tag_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = "oci:ghcr.io/acme/tool:1.0"

SIGNERS = f"""\
schema = 1
name = "tool"
version = "1.0"

[signers.release]
issuer = "{ISSUER}"
identity = "{IDENTITY}"
trusted-root = "acme"

[signers.key]
key = "keys/release.pub"
trusted-root = "acme"
"""


def line(require: str = 'signer = "release"', source: str = SOURCE, more: str = "") -> str:
    """Return one line of a release file with one requirement."""
    return f'[[artifact]]\nsource = "{source}"\n{more}\n[[artifact.require]]\n{require}\n'


@dataclass
class Carried:
    """A pack in the making: artifacts, evidence, and what the layout's index lists."""

    store: Store = field(default_factory=Store)
    artifacts: list[Artifact] = field(default_factory=list)
    evidence: dict[str, EvidenceFile] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def artifact(self, image: Blob, source: str = SOURCE) -> None:
        """Add what a line resolved to."""
        parsed = source_text.parse_source(source, "source").image
        assert parsed is not None
        name = parsed.name
        assert name is not None
        self.artifacts.append(Artifact(name=name, source=source, member=path_of(image)))
        named = {oci_manifest.REF_NAME: parsed.tag} if parsed.tag is not None else {}
        self._entry(image, named)

    def sig(self, manifest: Blob, image: Blob) -> None:
        """Add cosign's signatures of an image."""
        self._legacy(manifest, image, ".sig", EvidenceKind.COSIGN_SIGNATURE)

    def att(self, manifest: Blob, image: Blob) -> None:
        """Add cosign's attestations of an image."""
        self._legacy(manifest, image, ".att", EvidenceKind.COSIGN_ATTESTATION)

    def sbom(self, manifest: Blob, layer: Blob, image: Blob) -> None:
        """Add an SBOM that cosign attached."""
        self.add(EvidenceKind.SBOM, tag_of(image, ".sbom"), layer, image)
        self._entry(manifest, {oci_manifest.REF_NAME: tag_of(image, ".sbom")})

    def bundle(self, referrer: Blob, layer: Blob, image: Blob) -> None:
        """Add a bundle that refers to an image."""
        self.add(EvidenceKind.SIGSTORE, f"{referrer.hex[:12]}.sigstore.json", layer, image)
        self._entry(referrer, {})

    def buildkit(self, manifest: Blob, image: Blob) -> None:
        """Add BuildKit's attestations of an image, which the index lists itself."""
        self.add(EvidenceKind.BUILDKIT, f"{manifest.hex[:12]}.json", manifest, image)

    def add(self, kind: EvidenceKind, name: str, blob: Blob, image: Blob) -> None:
        """Add evidence about an image."""
        path = path_of(blob)
        about = {path_of(image), *(self.evidence[path].about if path in self.evidence else ())}
        self.evidence[path] = EvidenceFile(
            kind=kind, name=name, member=path, about=tuple(sorted(about))
        )

    def _legacy(self, manifest: Blob, image: Blob, suffix: str, kind: EvidenceKind) -> None:
        self.add(kind, tag_of(image, suffix), manifest, image)
        self._entry(manifest, {oci_manifest.REF_NAME: tag_of(image, suffix)})

    def _entry(self, blob: Blob, annotations: Mapping[str, str]) -> None:
        more = {"annotations": dict(annotations)} if annotations else {}
        entry = {k: v for k, v in blob.descriptor(**more).items() if k != "platform"}
        if entry not in self.entries:
            self.entries.append(entry)

    def contents(self) -> dict[str, bytes]:
        """Return every member but manifest and sums."""
        index = {
            "schemaVersion": 2,
            "mediaType": oci_manifest.OCI_INDEX,
            "manifests": self.entries,
        }
        blobs = {f"oci/blobs/sha256/{name}": raw for name, raw in self.store.blobs.items()}
        return {
            "README.txt": b"Nothing here is verified\n",
            "release.toml": b"",
            "ledger.json": ledger.render([]),
            "oci/oci-layout": document({"imageLayoutVersion": "1.0.0"}),
            "oci/index.json": document(index),
            **blobs,
            **self.files,
        }

    def write(
        self, path: Path, without: Iterable[str] = (), put: Mapping[str, bytes] | None = None
    ) -> Path:
        """Write the pack, whole as a pack, ``without`` some members and with others ``put``."""
        contents = self.contents() | dict(put or {})
        for gone in without:
            del contents[gone]
        return write(path, contents, self.artifacts, self.evidence.values())


def write(
    path: Path,
    contents: Mapping[str, bytes],
    artifacts: Iterable[Artifact],
    evidence: Iterable[EvidenceFile],
) -> Path:
    """Write a pack of these contents; what it names that is not there is left out."""
    order = [*roster.HEAD, *sorted(name for name in contents if name not in roster.HEAD)]
    manifest = Manifest(
        release_name="tool",
        release_version="1.0",
        collected_at=datetime(2025, 7, 1, tzinfo=UTC),
        kit="0.1.0",
        artifacts=tuple(
            sorted((a for a in artifacts if a.member in contents), key=lambda a: (a.source, a.name))
        ),
        evidence=tuple(
            replace(e, about=tuple(m for m in e.about if m in contents))
            for e in sorted(evidence, key=lambda e: e.member)
            if e.member in contents
        ),
        members=tuple(packs.member(name, contents[name]) for name in order),
    )
    path.unlink(missing_ok=True)
    writer.write(path, manifest, contents)
    return path


def path_of(blob: Blob) -> str:
    """Return the member that a blob is."""
    return f"oci/blobs/sha256/{blob.hex}"


def judged(
    path: Path,
    policy: str,
    lab: Lab,
    *,
    keys: tuple[bytes, ...] = (),
    signers: str = SIGNERS,
    only: tuple[str, ...] = (),
    workers: int = 1,
) -> Report:
    """Check a pack under a policy by a lab instance's trusted root; ``keys`` are PEM."""
    raw = lab.trusted_root()
    anchor = Anchor(
        instance="acme",
        raw=raw,
        root=trusted_root.parse(raw),
        origin="the lab",
        keys=tuple(
            KeyAnchor(path="keys/release.pub", der=public_key.from_pem(pem), origin="the lab")
            for pem in keys
        ),
    )
    release = release_file.parse((signers + policy).encode(), "release.toml")
    with Pack.open(path) as pack:
        return check(pack, release, {"acme": anchor}, Options(at=NOW, workers=workers, only=only))


def codes(report: Report, level: str | None = None) -> set[str]:
    """Return the codes of all findings of a report, or those of one level."""
    found = [*report.findings, *(f for verdict in report.verdicts for f in verdict.findings)]
    return {finding.code for finding in found if level in (None, finding.level.value)}


def only(report: Report) -> Verdict:
    """Return the one verdict of a report."""
    (verdict,) = report.verdicts
    return verdict
