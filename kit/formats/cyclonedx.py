"""CycloneDX bills of materials in JSON, 1.2 to 1.7, valid by CycloneDX's own schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kit.errors import KitError, MalformedError, UnsupportedError
from kit.formats import cyclonedx_schema, encodings
from kit.formats.fields import Fields
from kit.model import Digest
from kit.model.predicates import Sbom

FORMAT = "cyclonedx"
MAX_ITEMS = 1_000_000

_ALGORITHMS = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
#: Alone, after an image's name, or with the algorithm twice, as syft once wrote a file's.
_OWN_DIGEST = re.compile(r"(?:.*@|sha256:)?(sha256:[0-9a-f]{64})")


def parse(value: Any) -> Sbom:
    """Read a bill of materials; raise :class:`MalformedError` or :class:`UnsupportedError`."""
    if isinstance(value, str) and value.lstrip()[:1] == "<":
        raise UnsupportedError(
            "it is a CycloneDX document in XML; the JSON form is read", code="sbom.unsupported"
        )
    try:
        return _bom(Fields(value), value)
    except UnsupportedError:
        raise
    except KitError as error:
        raise MalformedError(error.message, code="sbom.malformed") from error


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as a CycloneDX document."""
    return isinstance(value, dict) and value.get("bomFormat") == "CycloneDX"


def _bom(top: Fields, value: Any) -> Sbom:
    # The schemas of 1.2 to 1.7 all demand these two; a message of ours says it better.
    if top.needed_text("bomFormat") != "CycloneDX":
        raise MalformedError("bomFormat is not CycloneDX")
    version = top.needed_text("specVersion")
    if version not in cyclonedx_schema.VERSIONS:
        raise UnsupportedError(
            f"specVersion is {version[:40]!r}; {', '.join(cyclonedx_schema.VERSIONS)} are read",
            code="sbom.unsupported",
        )
    cyclonedx_schema.validate(value, version)
    metadata = top.object("metadata")
    root = metadata.object("component") if metadata else None
    return Sbom(
        format=FORMAT,
        version=version,
        components=_count(top) + (_count(root) if root else 0),
        about=tuple(dict.fromkeys(_digests(root))) if root else (),
        names=tuple(dict.fromkeys(_names(root))) if root else (),
    )


def _count(holder: Fields) -> int:
    """Count components at any depth below, without recursion."""
    count, level = 0, holder.array("components", MAX_ITEMS)
    while level:
        count += len(level)
        level = [inner for item in level for inner in Fields(item).array("components", MAX_ITEMS)]
    return count


def _digests(root: Fields) -> Iterator[Digest]:
    for item in root.objects("hashes", 64):
        algorithm, text = item.needed_text("alg"), item.needed_text("content")
        if algorithm in _ALGORITHMS:
            yield encodings.digest(_ALGORITHMS[algorithm], text.lower())
    # Of an image or a file, tools write its digest as its version, or in an image's name.
    if root.text("type") in ("container", "file"):
        for key in ("version", "name"):
            found = _OWN_DIGEST.fullmatch(root.text(key) or "")
            if found:
                yield encodings.parse_digest(found[1])


def _names(root: Fields) -> Iterator[str]:
    for key in ("name", "purl"):
        text = root.text(key)
        if text:
            yield text
