"""PEP 740: an index's provenance object, and the attestations in it.

An attestation is a Sigstore bundle in other words: its certificate, one log entry, and a
DSSE envelope whose payload type is fixed and not carried. It is verified as that bundle,
made anew from its fields each time; what is carried stays as it was published. The
publisher that an index puts beside attestations is the index's word, signed by nobody.

Fields that are not known are not read: an index may add some. Those of an attestation
are all signed over, or verified, so there an unknown one is malformed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit.errors import MalformedError
from kit.formats import strictjson
from kit.formats.fields import Fields
from kit.formats.statement import PAYLOAD_TYPE

MAX_BYTES = 16 << 20
MAX_BUNDLES = 64
MAX_ATTESTATIONS = 64
_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_TOLD = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """One attestation as a Sigstore bundle, and the publisher the index puts beside it.

    ``publisher`` is ``None`` for an attestation that stands alone.
    """

    bundle: bytes
    publisher: str | None


def looks_like(value: Any) -> bool:
    """Say whether a parsed JSON value presents itself as provenance or as an attestation."""
    if not isinstance(value, dict) or "version" not in value:
        return False
    return "attestation_bundles" in value or {"verification_material", "envelope"} <= value.keys()


def parse(raw: bytes) -> tuple[Attested, ...]:
    """Read a provenance object or a single attestation; raise :class:`MalformedError`."""
    value = strictjson.parse(raw, max_bytes=MAX_BYTES)
    top = Fields(value)
    if not looks_like(value):
        raise MalformedError("neither a provenance object nor an attestation of PEP 740")
    if not top.has("attestation_bundles"):
        return (Attested(bundle=_bundle(top), publisher=None),)
    _demand_version(top)
    found = tuple(_attested(top))
    if not found:
        raise MalformedError("attestation_bundles holds no attestation")
    return found


def bundles(raw: bytes) -> tuple[bytes, ...]:
    """Return every attestation as a Sigstore bundle, in their order."""
    return tuple(attested.bundle for attested in parse(raw))


def _attested(top: Fields) -> Iterator[Attested]:
    for group in top.objects("attestation_bundles", MAX_BUNDLES):
        publisher = _publisher(group.needed_object("publisher"))
        for item in group.objects("attestations", MAX_ATTESTATIONS):
            yield Attested(bundle=_bundle(item), publisher=publisher)


def _bundle(item: Fields) -> bytes:
    """Return the attestation as a bundle v0.3; the reader of those checks what is in it."""
    _demand_version(item)
    material, envelope = item.needed_object("verification_material"), item.needed_object("envelope")
    entries = material.array("transparency_entries", limit=32)
    if len(entries) != 1:
        # Other readers verify the first and never look at the rest.
        path = material.where("transparency_entries")
        raise MalformedError(f"{path} has {len(entries)} entries, not one")
    value = {
        "mediaType": _MEDIA_TYPE,
        "verificationMaterial": {
            "certificate": {"rawBytes": material.needed_text("certificate")},
            "tlogEntries": entries,
        },
        "dsseEnvelope": {
            "payload": envelope.needed_text("statement"),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": envelope.needed_text("signature")}],
        },
    }
    for fields in (item, material, envelope):
        for path in fields.unread():
            raise MalformedError(f"{path}: unknown field")
    return strictjson.canonical(value)


def _demand_version(fields: Fields) -> None:
    if fields.need("version") != 1 or isinstance(fields.need("version"), bool):
        raise MalformedError(f"{fields.where('version')} is not 1")


def _publisher(fields: Fields) -> str:
    """Return the publisher for people, such as ``GitHub acme/tool release.yml``."""
    kind = fields.needed_text("kind")
    keys = ("repository", "workflow", "workflow_filepath", "email", "environment")
    told = [kind, *(str(fields.get(key)) for key in keys if isinstance(fields.get(key), str))]
    return " ".join(word for word in told if word)[:_TOLD]


def publishers(attested: tuple[Attested, ...]) -> Mapping[str, None]:
    """Return the publishers an index names, each once, in their order."""
    return dict.fromkeys(item.publisher for item in attested if item.publisher is not None)
