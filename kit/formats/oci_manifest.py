"""Image manifests and indexes, OCI's and Docker's v2 (image specification 1.1).

A document is a manifest or an index by its shape, never both (CVE-2021-41190), and its
media type, where it says one, agrees. Registries' tools read JSON keys in any case, so a
key that differs from a known one only in case is refused: two readers would differ.
Digests are SHA-256 only. Nothing here says that a blob is there, or fits its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kit.errors import MalformedError, UnsupportedError
from kit.formats import oci_platform, oci_reference, strictjson
from kit.formats.fields import Fields
from kit.formats.oci_platform import Platform
from kit.model import Digest

#: What registries take for a manifest (distribution specification: at least this much).
MAX_BYTES = 4 << 20
MAX_DEPTH = 16
#: Layers of a manifest, as cosign bounds them; images have a tenth of it.
MAX_LAYERS = 1000
#: Manifests of an index: platforms, one page of referrers, or all of a layout.
MAX_MANIFESTS = 16_384
MAX_ANNOTATIONS = 256
#: Characters of an annotation: cosign keeps whole certificates and log entries in them.
MAX_ANNOTATION = 1 << 20
MAX_TEXT = 2048
MAX_URLS = 16
MAX_SIZE = 2**53 - 1

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json"

#: Media types that are read no more, and why.
_REFUSED = {
    "application/vnd.docker.distribution.manifest.v1+json": "Docker's schema 1",
    "application/vnd.docker.distribution.manifest.v1+prettyjws": "Docker's schema 1",
    "application/vnd.oci.artifact.manifest.v1+json": "OCI's withdrawn artifact manifest",
}

_REFERENCE_TYPE = "vnd.docker.reference.type"
_REFERENCE_DIGEST = "vnd.docker.reference.digest"
_NOWHERE = "unknown/unknown"
REF_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What a document says of another blob: its media type, size in bytes, and digest."""

    media_type: str
    size: int
    digest: Digest
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    urls: tuple[str, ...] = ()
    platform: Platform | None = None

    @property
    def attests(self) -> Digest | None:
        """The digest of the image that a BuildKit attestation manifest says it is about.

        Raises :class:`MalformedError` for one that names none.
        """
        if self.annotations.get(_REFERENCE_TYPE) != "attestation-manifest":
            return None
        return oci_reference.parse_digest(self.annotations.get(_REFERENCE_DIGEST, ""))

    @property
    def is_attestation(self) -> bool:
        """Whether it is a BuildKit attestation manifest, and so no platform's image.

        BuildKit lists one for ``unknown/unknown``. What is listed for any other platform, or
        for none, may be run there, whatever its annotations call it.
        """
        called = self.annotations.get(_REFERENCE_TYPE) == "attestation-manifest"
        return called and self.platform is not None and str(self.platform) == _NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageManifest:
    """An image, a chart, a signature: a config and layers. ``subject`` is what it is about."""

    media_type: str
    artifact_type: str | None
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None
    annotations: Mapping[str, str]

    @property
    def kind(self) -> str:
        """The type of the artifact: its own, or else that of its config (referrers API)."""
        return self.artifact_type or self.config.media_type

    @property
    def parts(self) -> tuple[Descriptor, ...]:
        """Everything that it is made of."""
        return (self.config, *self.layers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Several manifests under one digest: an image's platforms, or referrers."""

    media_type: str
    artifact_type: str | None
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None
    annotations: Mapping[str, str]

    @property
    def parts(self) -> tuple[Descriptor, ...]:
        """Everything that it is made of."""
        return self.manifests

    @property
    def platforms(self) -> tuple[Descriptor, ...]:
        """Its images, without BuildKit's attestation manifests."""
        return tuple(part for part in self.manifests if not part.is_attestation)


def is_document(media_type: str) -> bool:
    """Say whether a media type is that of a manifest or an index that this module reads."""
    return media_type in MANIFESTS or media_type in INDEXES


def parse(raw: bytes, media_type: str | None = None) -> ImageManifest | Index:
    """Read a manifest or an index.

    ``media_type`` is what a descriptor or a registry's ``Content-Type`` calls it; it must
    agree. OCI documents need not repeat their own, Docker's must. Raises
    :class:`MalformedError` (``oci.malformed``, ``oci.oversized``, ``oci.media-type``) and
    :class:`UnsupportedError` (``oci.unsupported``).
    """
    if len(raw) > MAX_BYTES:
        raise _malformed(f"has {len(raw)} bytes, over the limit of {MAX_BYTES}", "oci.oversized")
    try:
        return _document(
            strictjson.parse(raw, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH), media_type
        )
    except MalformedError as error:
        if error.code == MalformedError.default_code:
            error.code = "oci.malformed"
        raise


def parse_referrers(raw: bytes, media_type: str | None = None) -> Index:
    """Read what the referrers API answers; raise as :func:`parse` does.

    Registries written in Go answer ``"manifests":null`` where there are none.
    """
    if len(raw) <= MAX_BYTES and b"null" in raw:
        with suppress(MalformedError):  # which parse() says in its own words
            value = strictjson.parse(raw, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
            if isinstance(value, dict) and value.get("manifests", ()) is None:
                raw = strictjson.canonical(value | {"manifests": []})
    found = parse(raw, media_type)
    if not isinstance(found, Index):
        raise _malformed("is no index of referrers", "oci.malformed")
    return found


def _document(value: Any, called: str | None) -> ImageManifest | Index:
    top = Fields(value)
    _refuse_other_case(top, _TOP)
    told = top.needed_text("mediaType") if top.has("mediaType") else None
    for media_type in (called, told):
        if media_type in _REFUSED:
            raise UnsupportedError(f"it is {_REFUSED[media_type]}", code="oci.unsupported")
    if top.get("schemaVersion") != 2 or type(top.get("schemaVersion")) is not int:
        raise MalformedError("schemaVersion is not 2")
    is_index = top.mentions("manifests")
    if is_index and (top.mentions("layers") or top.mentions("config")):
        raise MalformedError("is a manifest and an index at once, so two readers would differ")
    media_type = _agreed(called, told, INDEXES if is_index else MANIFESTS)
    artifact_type, subject = _text(top, "artifactType"), top.object("subject")
    about = None if subject is None else _descriptor(subject)
    if is_index:
        if not isinstance(top.get("manifests"), list):
            raise MalformedError("manifests is not an array")
        return Index(
            media_type=media_type,
            artifact_type=artifact_type,
            manifests=tuple(map(_descriptor, top.each("manifests", MAX_MANIFESTS))),
            subject=about,
            annotations=_annotations(top),
        )
    if not isinstance(top.get("layers"), list):
        raise MalformedError("has neither manifests nor layers")
    return ImageManifest(
        media_type=media_type,
        artifact_type=artifact_type,
        config=_descriptor(top.needed_object("config")),
        layers=tuple(map(_descriptor, top.each("layers", MAX_LAYERS))),
        subject=about,
        annotations=_annotations(top),
    )


def _agreed(called: str | None, told: str | None, fitting: frozenset[str]) -> str:
    """Return the one media type that everybody who says one agrees on, and that fits."""
    if called is not None and told is not None and called != told:
        raise _malformed(f"is called {called[:100]} and says {told[:100]}", "oci.media-type")
    media_type = told or called or min(fitting, key=lambda each: "docker" in each)
    if media_type not in fitting:
        raise _malformed(
            f"has the shape of {min(fitting, key=lambda each: 'docker' in each)} and is called "
            f"{media_type[:100]}",
            "oci.media-type",
        )
    if told is None and media_type in (DOCKER_MANIFEST, DOCKER_INDEX):
        raise _malformed(f"is called {media_type} and does not say so", "oci.media-type")
    return media_type


def _descriptor(fields: Fields) -> Descriptor:
    _refuse_other_case(fields, _DESCRIPTOR)
    size = fields.get("size")
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise MalformedError(f"{fields.where('size')} is not a size")
    media_type = _text(fields, "mediaType")
    if not media_type:
        raise MalformedError(f"{fields.where('mediaType')} is missing")
    try:
        digest = oci_reference.parse_digest(fields.needed_text("digest"))
    except MalformedError as error:
        raise MalformedError(f"{fields.where('digest')}: {error}") from error
    data = fields.octets("data")
    if data is not None and (len(data), hashlib.sha256(data).hexdigest()) != (size, digest.hex):
        raise MalformedError(f"{fields.where('data')} is not what the digest is of")
    return Descriptor(
        media_type=media_type,
        size=size,
        digest=digest,
        artifact_type=_text(fields, "artifactType"),
        annotations=_annotations(fields),
        urls=_urls(fields),
        platform=_platform(fields.object("platform")),
    )


def _platform(fields: Fields | None) -> Platform | None:
    if fields is None:
        return None
    _refuse_other_case(fields, oci_platform.KEYS)
    return oci_platform.read(fields)


def _urls(fields: Fields) -> tuple[str, ...]:
    urls = fields.array("urls", MAX_URLS)
    if not all(isinstance(url, str) and len(url) <= MAX_TEXT for url in urls):
        raise MalformedError(f"{fields.where('urls')} is not a list of URLs")
    return tuple(urls)


def _annotations(fields: Fields) -> Mapping[str, str]:
    given = fields.get("annotations")
    if given is None:
        return {}
    where = fields.where("annotations")
    if not isinstance(given, dict) or len(given) > MAX_ANNOTATIONS:
        raise MalformedError(f"{where} is not an object of at most {MAX_ANNOTATIONS}")
    for key, value in given.items():
        if not isinstance(value, str) or len(value) > MAX_ANNOTATION:
            raise MalformedError(f"{where}.{key[:80]} is not a string, or too long")
    return given


def _text(fields: Fields, key: str) -> str | None:
    text = fields.text(key)
    if text is not None and len(text) > MAX_TEXT:
        raise MalformedError(f"{fields.where(key)} is over {MAX_TEXT} characters")
    return text


_TOP = frozenset(
    {
        "schemaVersion",
        "mediaType",
        "artifactType",
        "config",
        "layers",
        "manifests",
        "subject",
        "annotations",
    }
)
_DESCRIPTOR = frozenset(
    {"mediaType", "size", "digest", "artifactType", "annotations", "urls", "data", "platform"}
)


def _refuse_other_case(fields: Fields, known: frozenset[str]) -> None:
    folded = {key.casefold() for key in known}
    for key in fields.keys:
        if key not in known and key.casefold() in folded:
            raise MalformedError(f"{fields.where(key[:80])}: another spelling of a known key")


def _malformed(why: str, code: str) -> MalformedError:
    return MalformedError(why, code=code)
