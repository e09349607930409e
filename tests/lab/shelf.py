"""Images with everything attached to them, as a repository holds it: whole documents, and tags.

What :mod:`tests.lab.images` makes for packs, for registries and layouts instead.

::

    images = [image("amd64"), image("arm64")]
    whole = index(images)
    shelf = Shelf()                                       # every blob and manifest, by digest
    shelf.add(whole, tag="1.0")
    shelf.add(signature(lab, whole, "registry.test/acme/tool"), tag=legacy_tag(whole, "sig"))
    shelf.add(attestation(lab, images[0], SPDX_DOCUMENT), tag=legacy_tag(images[0], "att"))
    shelf.add(bundle(lab, whole))                         # a referrer: it has a subject
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack

from tests.lab.cosign import BUNDLE, DSSE, SIGN, SIMPLE_SIGNING, annotations_of
from tests.lab.images import (
    CONFIG,
    DOCKER_CONFIG,
    DOCKER_INDEX,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    EMPTY,
    HELM_CHART,
    HELM_CONFIG,
    HELM_PROV,
    INDEX,
    LAYER,
    MANIFEST,
)
from tests.lab.instance import PROVENANCE, Lab
from tests.lab.order import Options

__all__ = ["BUNDLE", "DSSE", "EMPTY", "INDEX", "MANIFEST", "SIGN", "SIMPLE_SIGNING"]

SPDX_DOCUMENT = "https://spdx.dev/Document"


@dataclass(frozen=True)
class Blob:
    """Some bytes, and what a manifest calls them."""

    media_type: str
    raw: bytes
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def hex(self) -> str:
        """The SHA-256."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def digest(self) -> str:
        """The digest as OCI writes it."""
        return f"sha256:{self.hex}"

    def descriptor(self, **more: Any) -> dict[str, Any]:
        """Return what another document says of it."""
        said = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.raw)}
        given = dict(more.pop("annotations", {})) | dict(self.annotations)
        return said | ({"annotations": given} if given else {}) | more


@dataclass(frozen=True)
class Document(Blob):
    """A manifest or an index, and what it is made of."""

    parts: tuple[Blob, ...] = ()
    platform: Mapping[str, str] | None = None
    subject: Blob | None = None


def manifest(
    config: Blob,
    layers: Sequence[Blob],
    *,
    media_type: str = MANIFEST,
    subject: Blob | None = None,
    platform: Mapping[str, str] | None = None,
    **more: Any,
) -> Document:
    """Return a manifest."""
    value = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
        **({} if subject is None else {"subject": subject.descriptor()}),
        **more,
    }
    raw = json.dumps(value, separators=(",", ":")).encode()
    parts = (config, *layers)
    return Document(media_type, raw, parts=parts, platform=platform, subject=subject)


def image(
    architecture: str = "amd64", content: bytes = b"", *, docker: bool = False, **more: Any
) -> Document:
    """Return an image of one layer, which holds one file."""
    unpacked = _tar("hello", content or f"from {architecture}".encode())
    layer = Blob(DOCKER_LAYER if docker else LAYER, gzip.compress(unpacked, 1, mtime=0))
    said = {
        "architecture": architecture,
        "os": "linux",
        "config": {},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(unpacked).hexdigest()}"],
        },
    }
    config = Blob(DOCKER_CONFIG if docker else CONFIG, json.dumps(said).encode())
    return manifest(
        config,
        [layer],
        media_type=DOCKER_MANIFEST if docker else MANIFEST,
        platform={"os": "linux", "architecture": architecture},
        **more,
    )


def _tar(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def index(children: Sequence[Document], *, docker: bool = False, **more: Any) -> Document:
    """Return an index of images; an attestation manifest says about which one it is."""
    media_type = DOCKER_INDEX if docker else INDEX
    listed = [child.descriptor(**_platform(child)) for child in children]
    value = {"schemaVersion": 2, "mediaType": media_type, "manifests": listed, **more}
    raw = json.dumps(value, separators=(",", ":")).encode()
    return Document(media_type, raw, parts=tuple(children))


def _platform(child: Document) -> dict[str, Any]:
    return {} if child.platform is None else {"platform": dict(child.platform)}


def buildkit(about: Document) -> Document:
    """Return a BuildKit attestation manifest, for the same index as the image."""
    statement = {"_type": "https://in-toto.io/Statement/v0.1", "predicateType": PROVENANCE}
    layer = Blob("application/vnd.in-toto+json", json.dumps(statement).encode())
    config = Blob(CONFIG, b'{"architecture":"unknown","os":"unknown"}')
    made = manifest(config, [layer])
    annotations = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": about.digest,
    }
    return Document(
        made.media_type,
        made.raw,
        annotations,
        parts=made.parts,
        platform={"os": "unknown", "architecture": "unknown"},
    )


def chart(name: str, version: str, provenance: bytes | None = None) -> Document:
    """Return a Helm chart."""
    config = Blob(HELM_CONFIG, json.dumps({"name": name, "version": version}).encode())
    layers = [Blob(HELM_CHART, f"chart {name}".encode())]
    if provenance is not None:
        layers.append(Blob(HELM_PROV, provenance))
    return manifest(config, layers)


# ---- evidence


def legacy_tag(about: Blob, suffix: str) -> str:
    """Return the tag under which cosign keeps what it attached."""
    return f"sha256-{about.hex}.{suffix}"


def signature(lab: Lab, about: Blob, repository: str, **options: Unpack[Options]) -> Document:
    """Return the manifest that cosign before v3 makes of a signature."""
    payload = {
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": about.digest},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    raw = json.dumps(payload, separators=(",", ":")).encode()
    signed = json.loads(lab.sign(raw, **({"version": "0.1"} | options)))
    said = annotations_of(signed) | {
        "dev.cosignproject.cosign/signature": signed["messageSignature"]["signature"]
    }
    return _legacy(Blob(SIMPLE_SIGNING, raw, said))


def attestation(
    lab: Lab,
    about: Blob,
    predicate_type: str = PROVENANCE,
    predicate: Any = None,
    name: str = "acme/tool",
    **options: Unpack[Options],
) -> Document:
    """Return the manifest that cosign before v3 makes of an attestation, about a ``name``."""
    made = lab.attest(
        {name: about.raw},
        predicate_type=predicate_type,
        predicate=predicate,
        **({"version": "0.1"} | options),
    )
    signed = json.loads(made)
    said = annotations_of(signed) | {
        "dev.cosignproject.cosign/signature": "",
        "predicateType": predicate_type,
    }
    raw = json.dumps(signed["dsseEnvelope"], separators=(",", ":")).encode()
    return _legacy(Blob(DSSE, raw, said))


def _legacy(*layers: Blob) -> Document:
    rootfs = {"type": "layers", "diff_ids": [layer.digest for layer in layers]}
    config = {"architecture": "", "os": "", "config": {}, "rootfs": rootfs}
    return manifest(Blob(CONFIG, json.dumps(config).encode()), layers)


def referrer(about: Blob, artifact_type: str, *layers: Blob, **more: Any) -> Document:
    """Return a manifest that says what it is about."""
    return manifest(
        Blob(EMPTY, b"{}"), layers, subject=Blob(about.media_type, about.raw),
        artifactType=artifact_type, **more,
    )  # fmt: skip


def bundle(
    lab: Lab,
    about: Blob,
    predicate_type: str = SIGN,
    predicate: Any = None,
    **options: Unpack[Options],
) -> Document:
    """Return the referrer that cosign since v3 makes of a signature or an attestation."""
    if predicate_type == PROVENANCE and predicate is None:
        made = lab.attest({"image": about.raw}, predicate_type=predicate_type, **options)
    else:
        said = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": about.hex}}],  # as cosign has it: no name
            "predicateType": predicate_type,
            "predicate": {} if predicate is None else predicate,
        }
        made = lab.envelope(json.dumps(said).encode(), **options)
    annotations = {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": predicate_type,
    }
    return referrer(about, BUNDLE, Blob(BUNDLE, made), annotations=annotations)


# ---- where it all lies


@dataclass
class Shelf:
    """What a repository holds: manifests and blobs by digest, and tags."""

    documents: dict[str, Document] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def add(self, document: Document, *, tag: str | None = None) -> Document:
        """Take in a document with all that it is made of."""
        for part in document.parts:
            if isinstance(part, Document):
                self.add(part)
            else:
                self.blobs[part.digest] = part
        self.documents[document.digest] = document
        if tag is not None:
            self.tags[tag] = document.digest
        return document

    def referrers(self, digest: str) -> list[Document]:
        """Return the documents about another."""
        return [
            document
            for document in self.documents.values()
            if document.subject is not None and document.subject.digest == digest
        ]

    def referrers_index(self, digest: str) -> Document:
        """Return the index that lists them, as the API or a fallback tag has it."""
        return listing(self.referrers(digest))

    def list_by_tag(self) -> None:
        """Put every listing of referrers under its fallback tag."""
        about = {d.subject.digest for d in self.documents.values() if d.subject is not None}
        for digest in sorted(about):
            made = self.referrers_index(digest)
            self.documents[made.digest] = made
            self.tags[digest.replace(":", "-")] = made.digest

    def write_layout(self, folder: Path) -> Path:
        """Write an OCI layout of all tagged documents, for tools to push from."""
        blobs = folder / "blobs/sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        for blob in (*self.blobs.values(), *self.documents.values()):
            (blobs / blob.hex).write_bytes(blob.raw)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        name = "org.opencontainers.image.ref.name"
        listed = [
            self.documents[digest].descriptor(annotations={name: tag})
            for tag, digest in sorted(self.tags.items())
        ]
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": listed}))
        return folder


def listing(documents: Iterable[Document]) -> Document:
    """Return an index of referrers."""
    listed = []
    for document in documents:
        value = json.loads(document.raw)
        said = document.descriptor(
            artifactType=value.get("artifactType") or value["config"]["mediaType"]
        )
        listed.append(said | {"annotations": value.get("annotations", {})})
    raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()
    return Document(INDEX, raw)
