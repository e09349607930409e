"""Where an OCI image layout keeps what (image specification, image-layout.md)."""

from __future__ import annotations

import re

from kit.formats.strictjson import canonical
from kit.model import Digest

FOLDER = "oci/"
MARKER = f"{FOLDER}oci-layout"
INDEX = f"{FOLDER}index.json"
BLOBS = f"{FOLDER}blobs/sha256/"
#: What the marker holds.
VERSION = canonical({"imageLayoutVersion": "1.0.0"}).rstrip(b"\n")

_HEX = re.compile(r"[0-9a-f]{64}")


def blob(digest: Digest) -> str:
    """Return the member of a pack that holds the blob with this SHA-256."""
    return f"{BLOBS}{digest.hex}"


def digest_of(member: str) -> Digest | None:
    """Return the digest in a blob's name; ``None`` where the member is no blob."""
    name = member.removeprefix(BLOBS)
    if name == member or not _HEX.fullmatch(name):
        return None
    return Digest("sha256", name)
