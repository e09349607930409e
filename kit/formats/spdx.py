"""SPDX 2.2 and 2.3 documents in JSON (spdx-spec, chapters 6, 7 and 11).

Read by hand: what the specification requires of the document, of packages and of
relationships, and the form of everything the kit uses (``kit/DESIGN.md`` D36 says why by no
library). Unknown fields are ignored. SPDX 3 and the tag-value form are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kit.errors import KitError, MalformedError, UnsupportedError
from kit.formats import encodings
from kit.formats.fields import Fields
from kit.model import Digest
from kit.model.predicates import Sbom

FORMAT = "spdx"
MAX_ITEMS = 1_000_000
#: Of what a document describes, how much is kept.
MAX_DESCRIBED = 64
#: Of one package: spdx-spec 7.10 knows 17 algorithms.
MAX_CHECKSUMS = 64

_VERSIONS = {"SPDX-2.2": "2.2", "SPDX-2.3": "2.3"}
_ALGORITHMS = {"SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_TAG_VALUE = re.compile(r"\s*(#[^\n]*\n\s*)*SPDXVersion:")


def parse(value: Any) -> Sbom:
    """Read a document; raise :class:`MalformedError` or :class:`UnsupportedError`."""
    _refuse_other_forms(value)
    try:
        return _document(Fields(value))
    except UnsupportedError:
        raise
    except KitError as error:
        raise MalformedError(error.message, code="sbom.malformed") from error


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as an SPDX document, of any version."""
    return isinstance(value, dict) and (
        isinstance(value.get("spdxVersion"), str) or _is_spdx3(value)
    )


def _is_spdx3(value: dict[str, Any]) -> bool:
    return isinstance(value.get("@graph"), list) and "spdx.org" in str(value.get("@context"))[:200]


def _refuse_other_forms(value: Any) -> None:
    if isinstance(value, str) and _TAG_VALUE.match(value[:4096]):
        raise UnsupportedError(
            "it is an SPDX document in the tag-value form; the JSON form is read",
            code="sbom.unsupported",
        )
    if isinstance(value, dict) and _is_spdx3(value):
        raise UnsupportedError(
            "it is an SPDX 3 document; versions 2.2 and 2.3 are read", code="sbom.unsupported"
        )


def _document(top: Fields) -> Sbom:
    version = top.needed_text("spdxVersion")
    if version not in _VERSIONS:
        raise UnsupportedError(
            f"spdxVersion is {version[:40]!r}; SPDX-2.2 and SPDX-2.3 are read",
            code="sbom.unsupported",
        )
    # spdx-spec 6.1 to 6.9: these are mandatory.
    if top.needed_text("SPDXID") != "SPDXRef-DOCUMENT":
        raise MalformedError("SPDXID is not SPDXRef-DOCUMENT")
    for key in ("dataLicense", "name", "documentNamespace"):
        top.needed_text(key)
    _creation(top.needed_object("creationInfo"))
    packages = _packages(top)
    ids = _described(top)[:MAX_DESCRIBED]
    described = [packages[identity] for identity in ids if identity in packages]
    files = _files(top, frozenset(ids) - packages.keys())
    # One described package is the whole of which the others are parts; several are parts alike.
    root = 1 if len(described) == 1 else 0
    return Sbom(
        format=FORMAT,
        version=_VERSIONS[version],
        components=len(packages) - root,
        about=tuple(dict.fromkeys(d for item in (*described, *files) for d in _digests(item))),
        names=tuple(dict.fromkeys(n for package in described for n in _names(package))),
    )


def _creation(info: Fields) -> None:
    encodings.parse_time(info.needed_text("created"))
    creators = info.array("creators", MAX_ITEMS)
    if not creators or not all(isinstance(creator, str) for creator in creators):
        raise MalformedError(f"{info.where('creators')} is not an array of strings")


def _packages(top: Fields) -> dict[str, Fields]:
    """Return the packages by their ids, which name one each (spdx-spec 7.2)."""
    found: dict[str, Fields] = {}
    for package in top.objects("packages", MAX_ITEMS):
        # spdx-spec 7.1, 7.2 and 7.7: mandatory.
        package.needed_text("name")
        package.needed_text("downloadLocation")
        identity = package.needed_text("SPDXID")
        if identity in found:
            raise MalformedError(f"{package.path}: the SPDXID {identity[:80]!r} is there twice")
        found[identity] = package
    return found


def _described(top: Fields) -> list[str]:
    """Return the ids that the document says it describes, either way of saying so."""
    found = dict.fromkeys(_texts(top, "documentDescribes"))
    for relation in top.each("relationships", MAX_ITEMS):
        of, to = relation.needed_text("spdxElementId"), relation.needed_text("relatedSpdxElement")
        kind = relation.needed_text("relationshipType")
        if kind == "DESCRIBES" and of == "SPDXRef-DOCUMENT":
            found[to] = None
        elif kind == "DESCRIBED_BY" and to == "SPDXRef-DOCUMENT":
            found[of] = None
    return list(found)


def _files(top: Fields, ids: frozenset[str]) -> list[Fields]:
    """Return the files of these ids: a document may describe a file alone."""
    if not ids:
        return []
    return [file for file in top.each("files", MAX_ITEMS) if file.text("SPDXID") in ids]


def _texts(fields: Fields, key: str) -> Iterator[str]:
    for item in fields.array(key, MAX_ITEMS):
        if not isinstance(item, str):
            raise MalformedError(f"{fields.where(key)} is not an array of strings")
        yield item


def _digests(package: Fields) -> Iterator[Digest]:
    for item in package.objects("checksums", MAX_CHECKSUMS):
        algorithm, text = item.needed_text("algorithm"), item.needed_text("checksumValue")
        if algorithm in _ALGORITHMS:
            yield encodings.digest(_ALGORITHMS[algorithm], text.lower())


def _names(package: Fields) -> Iterator[str]:
    yield package.needed_text("name")
    for item in package.objects("externalRefs", MAX_ITEMS):
        if item.text("referenceType") == "purl":
            yield item.needed_text("referenceLocator")
