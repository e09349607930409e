"""What an npm registry answers for a version's attestations: Sigstore bundles in a list.

The types beside the bundles are the registry's word; what counts is what is signed. Each
bundle is written again as it was parsed, so that the reader of bundles sees all of it.
"""

from __future__ import annotations

from typing import Any

from kit.errors import MalformedError
from kit.formats import sigstore_bundle, strictjson
from kit.formats.fields import Fields

#: The type of what a registry attests itself, with a key: that it published this.
PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
MAX_BYTES = 16 << 20
MAX_ATTESTATIONS = 64


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as such an answer."""
    found = value.get("attestations") if isinstance(value, dict) else None
    return (
        isinstance(found, list)
        and bool(found)
        and all(
            isinstance(item, dict) and {"predicateType", "bundle"} <= item.keys() for item in found
        )
    )


def bundles(raw: bytes) -> tuple[bytes, ...]:
    """Return the bundles, in their order; raise :class:`MalformedError` for anything else."""
    top = Fields(strictjson.parse(raw, max_bytes=MAX_BYTES))
    found = top.objects("attestations", MAX_ATTESTATIONS)
    if not found:
        raise MalformedError("attestations holds no attestation")
    made = []
    for item in found:
        bundle = item.need("bundle")
        if not isinstance(bundle, dict):
            raise MalformedError(f"{item.where('bundle')} is not an object")
        if not sigstore_bundle.looks_like(bundle):
            raise MalformedError(f"{item.where('bundle')} is no Sigstore bundle")
        made.append(strictjson.canonical(bundle))
    return tuple(made)
