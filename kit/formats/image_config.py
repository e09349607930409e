"""What an image's config says it runs on (image specification, config.md)."""

from __future__ import annotations

from kit.formats import oci_platform, strictjson
from kit.formats.fields import Fields
from kit.formats.oci_manifest import DOCKER_CONFIG, OCI_CONFIG
from kit.formats.oci_platform import Platform

MAX_BYTES = 4 << 20

#: Configs of images; others' (charts', signatures', WASM modules') name no platform.
MEDIA_TYPES = frozenset({OCI_CONFIG, DOCKER_CONFIG})


def platform(raw: bytes) -> Platform:
    """Return the platform; raise :class:`MalformedError` for a config that names none."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))
    top.needed_text("os"), top.needed_text("architecture")
    return oci_platform.read(top)
