"""Container images, indexes and charts, and what is attached to them, as registries hold it.

Everything is a function of its arguments: equal images have equal digests. Nothing here
signs; :mod:`tests.lab.cosign` does.

::

    store = Store()
    linux = store.image("linux/amd64")
    tool = store.index(linux, store.image("linux/arm64"))
    bill = store.sbom(linux, b'{"spdxVersion": …}')       # cosign attach sbom
    store.blobs[tool.digest.removeprefix("sha256:")]      # every blob by its SHA-256
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.lab.encoding import document

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"
HELM_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
HELM_PROV = "application/vnd.cncf.helm.chart.provenance.v1.prov"
IN_TOTO = "application/vnd.in-toto+json"
SPDX = "text/spdx+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A blob and what a descriptor says of it; ``platform`` as ``linux/arm64/v8``."""

    media_type: str
    raw: bytes
    platform: str | None = None

    @property
    def hex(self) -> str:
        """Return its SHA-256."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def digest(self) -> str:
        """Return its digest as references write it."""
        return f"sha256:{self.hex}"

    def descriptor(self, **fields: Any) -> dict[str, Any]:
        """Return what a document says of it, ``fields`` added or instead."""
        told: dict[str, Any] = {
            "mediaType": self.media_type,
            "size": len(self.raw),
            "digest": self.digest,
        }
        if self.platform is not None:
            names = ("os", "architecture", "variant")
            told["platform"] = dict(zip(names, self.platform.split("/"), strict=False))
        return told | fields


@dataclass
class Store:
    """A repository: every blob that was put into it, by SHA-256."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    def put(self, media_type: str, raw: bytes, platform: str | None = None) -> Blob:
        """Keep a blob."""
        self.blobs[hashlib.sha256(raw).hexdigest()] = raw
        return Blob(media_type=media_type, raw=raw, platform=platform)

    def image(self, platform: str = "linux/amd64", *layers: bytes, docker: bool = False) -> Blob:
        """Return an image for a platform; without ``layers`` it has one of its own."""
        os, architecture, *variant = platform.split("/")
        contents = layers or (f"the layer for {platform}".encode(),)
        rootfs = {"type": "layers", "diff_ids": [_diff_id(raw) for raw in contents]}
        config = {"architecture": architecture, "os": os, "rootfs": rootfs}
        if variant:
            config["variant"] = variant[0]
        kept = [self.put(DOCKER_LAYER if docker else LAYER, raw) for raw in contents]
        return self.manifest(
            self.put(DOCKER_CONFIG if docker else CONFIG, document(config)),
            kept,
            media_type=DOCKER_MANIFEST if docker else MANIFEST,
            platform=platform,
        )

    def manifest(
        self,
        config: Blob,
        layers: Sequence[Blob | dict[str, Any]],
        *,
        media_type: str = MANIFEST,
        platform: str | None = None,
        **fields: Any,
    ) -> Blob:
        """Return a manifest of these parts; a layer may be a whole descriptor."""
        value = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": config.descriptor(),
            "layers": [each.descriptor() if isinstance(each, Blob) else each for each in layers],
        }
        return self.put(media_type, document(value | fields), platform)

    def index(self, *parts: Blob | dict[str, Any], docker: bool = False, **fields: Any) -> Blob:
        """Return an index of these; a part may be a whole descriptor."""
        media_type = DOCKER_INDEX if docker else INDEX
        listed = [each.descriptor() if isinstance(each, Blob) else each for each in parts]
        value = {"schemaVersion": 2, "mediaType": media_type, "manifests": listed}
        return self.put(media_type, document(value | fields))

    def chart(self, name: str, version: str, *, prov: bytes | None = None, **more: Any) -> Blob:
        """Return a Helm chart."""
        config = document({"apiVersion": "v2", "name": name, "version": version} | more)
        layers = [self.put(HELM_CHART, f"the archive of {name} {version}".encode())]
        if prov is not None:
            layers.append(self.put(HELM_PROV, prov))
        return self.manifest(self.put(HELM_CONFIG, config), layers)

    def buildkit(
        self, image: Blob, predicate_type: str = "https://slsa.dev/provenance/v0.2"
    ) -> Blob:
        """Return BuildKit's attestation manifest of an image; see `attesting`."""
        statement = {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": predicate_type,
            "subject": [{"name": "pkg:docker/tool@1.0", "digest": {"sha256": image.hex}}],
            "predicate": {},
        }
        layer = self.put(IN_TOTO, document(statement))
        annotations = {"in-toto.io/predicate-type": predicate_type}
        config = self.put(CONFIG, document({"architecture": "unknown", "os": "unknown"}))
        return self.manifest(
            config, [layer.descriptor(annotations=annotations)], platform="unknown/unknown"
        )

    def referrer(self, subject: Blob, artifact_type: str, layer: Blob, **annotations: str) -> Blob:
        """Return a manifest that says what it is about (OCI 1.1), with one layer."""
        told: dict[str, Any] = {"annotations": annotations} if annotations else {}
        told |= {"artifactType": artifact_type, "subject": subject.descriptor()}
        return self.manifest(self.put(EMPTY, b"{}"), [layer], **told)

    def attached(self, *layers: Blob | dict[str, Any]) -> Blob:
        """Return a manifest as cosign tags it: its layers are what is attached."""
        config = document({"architecture": "", "os": "", "rootfs": {"type": "layers"}})
        return self.manifest(self.put(CONFIG, config), layers)

    def sbom(self, raw: bytes, media_type: str = SPDX) -> tuple[Blob, Blob]:
        """Return an SBOM as `cosign attach sbom` does: the manifest, and the SBOM itself."""
        layer = self.put(media_type, raw)
        return self.attached(layer), layer


def _diff_id(raw: bytes) -> str:
    """Return the digest of a layer uncompressed."""
    content = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def attesting(attestation: Blob, image: Blob) -> Mapping[str, Any]:
    """Return the entry of an index for BuildKit's attestation of an image."""
    return attestation.descriptor(
        annotations={
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image.digest,
        }
    )


def tag_of(image: Blob, suffix: str = "") -> str:
    """Return the tag where what speaks of an image is kept."""
    return f"sha256-{image.hex}{suffix}"
