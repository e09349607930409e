"""``manifest.json``: what `docker load` reads of an archive (moby, image/tarexport).

It names one image by its config and layers, so an index is there only where the layout
has a single platform of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.export.image_plan import ImagePlan
from kit.formats import image_config, oci_layout, oci_manifest
from kit.formats.oci_manifest import ImageManifest
from kit.pack.reader import Pack

FILE = "manifest.json"


def docker_archive(pack: Pack, plans: Sequence[ImagePlan]) -> list[dict[str, Any]]:
    """Return the entries for those images that the classic image store of Docker can load."""
    found = []
    for plan in plans:
        images = [image for image in _images(pack, plan) if _is_loadable(image)]
        named = plan.reference
        if len(images) == 1 and named is not None and named.tag is not None:
            found.append(_entry(images[0], f"{named.repository}:{named.tag}"))
    return found


def _images(pack: Pack, plan: ImagePlan) -> list[ImageManifest]:
    documents = [
        oci_manifest.parse(pack.read(document.member, oci_manifest.MAX_BYTES))
        for document in plan.documents
    ]
    return [document for document in documents if isinstance(document, ImageManifest)]


def _is_loadable(image: ImageManifest) -> bool:
    return image.config.media_type in image_config.MEDIA_TYPES and all(
        ".layer." in layer.media_type or ".rootfs." in layer.media_type for layer in image.layers
    )


def _entry(image: ImageManifest, name: str) -> dict[str, Any]:
    def path(member: str) -> str:
        return member.removeprefix(oci_layout.FOLDER)

    return {
        "Config": path(oci_layout.blob(image.config.digest)),
        "RepoTags": [name],
        "Layers": [path(oci_layout.blob(layer.digest)) for layer in image.layers],
    }
