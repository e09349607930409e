"""kit.formats.pep740: provenance objects and attestations, as Sigstore bundles."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import MalformedError
from kit.formats import kinds, pep740, sigstore_bundle
from kit.model import EvidenceKind
from tests.lab import Lab
from tests.lab.places import attested
from tests.lab.places.pypi import attestation, provenance

SDIST = "tool-1.0.tar.gz"
RELEASE = attested(Lab("acme"), "tool", "1.0", {SDIST: b"sdist"})
BUNDLE = RELEASE.bundles[SDIST][0]
ATTESTATION = attestation(BUNDLE)
PROVENANCE = json.loads(provenance(RELEASE, SDIST))


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_an_attestation_is_the_bundle_it_was_made_from() -> None:
    (found,) = pep740.parse(encoded(ATTESTATION))
    assert sigstore_bundle.parse(found.bundle) == sigstore_bundle.parse(BUNDLE)
    assert found.publisher is None


def test_provenance_gives_every_attestation_and_its_publisher() -> None:
    twice = PROVENANCE | {"attestation_bundles": PROVENANCE["attestation_bundles"] * 2}
    found = pep740.parse(encoded(twice))
    assert len(found) == 2
    assert pep740.bundles(encoded(twice)) == (found[0].bundle,) * 2
    assert list(pep740.publishers(found)) == ["GitHub acme/tool release.yml"]


def test_an_index_may_add_fields_that_are_not_read() -> None:
    group = PROVENANCE["attestation_bundles"][0]
    publisher = group["publisher"] | {"kind": "Other", "more": {}, "environment": 7}
    value = PROVENANCE | {
        "new": 1,
        "attestation_bundles": [group | {"new": 1, "publisher": publisher}],
    }
    assert pep740.parse(encoded(value))[0].publisher == "Other acme/tool release.yml"


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *parents, last = path.split(".")

    def apply(document: dict[str, Any]) -> None:
        for name in parents:
            document = document[name]
        if value is ...:
            del document[last]
        else:
            document[last] = value

    return apply


ENTRY = ATTESTATION["verification_material"]["transparency_entries"][0]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", 2),
        ("version", True),
        ("version", "1"),
        ("version", None),
        ("more", 1),
        ("envelope.more", 1),
        ("envelope.payloadType", "text/plain"),
        ("envelope.statement", ...),
        ("envelope.statement", ""),
        ("envelope.signature", 7),
        ("envelope", []),
        ("verification_material.certificate", ...),
        ("verification_material.timestamp_verification_data", {}),
        ("verification_material.transparency_entries", []),
        ("verification_material.transparency_entries", [ENTRY, ENTRY]),
        ("verification_material.transparency_entries", ENTRY),
    ],
)
def test_an_attestation_of_any_other_shape_is_malformed(path: str, value: Any) -> None:
    document = json.loads(json.dumps(ATTESTATION))
    change(path, value)(document)
    with pytest.raises(MalformedError):
        pep740.parse(encoded(document))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version":1}',
        b'{"version":1,"attestation_bundles":null}',
        b'{"version":1,"attestation_bundles":[]}',
        b'{"version":2,"attestation_bundles":[]}',
        b'{"version":1,"attestation_bundles":[{"attestations":[]}]}',
        b'{"version":1,"attestation_bundles":[{"publisher":{"kind":"x"},"attestations":[]}]}',
        encoded(PROVENANCE | {"attestation_bundles": PROVENANCE["attestation_bundles"] * 65}),
        encoded(PROVENANCE)[:-1] + b',"version":1}',
    ],
)
def test_what_holds_no_attestation_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        pep740.parse(raw)


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_malformed(raw: bytes) -> None:
    try:
        pep740.parse(raw)
    except MalformedError:
        return


@pytest.mark.parametrize(
    ("name", "raw", "kind"),
    [
        ("x.provenance", encoded(PROVENANCE), EvidenceKind.PEP740),
        ("provenance.json", encoded(PROVENANCE), EvidenceKind.PEP740),
        ("x.attestation", encoded(ATTESTATION), EvidenceKind.PEP740),
        ("x.json", encoded(ATTESTATION), EvidenceKind.PEP740),
        ("x.provenance", BUNDLE, EvidenceKind.SIGSTORE),
        ("x.provenance", b"{", EvidenceKind.PEP740),
        ("x.json", b'{"version":1}', None),
    ],
)
def test_what_a_file_is_its_content_says(name: str, raw: bytes, kind: EvidenceKind | None) -> None:
    assert kinds.by_content(name, raw) is kind
    assert (kinds.of_bundle(raw) is EvidenceKind.PEP740) is (
        kind is EvidenceKind.PEP740 and raw != b"{"
    )


def test_bytes_that_only_mention_its_words_are_not_pep740() -> None:
    raw = b'{"attestation_bundles" "verification_material"'
    assert kinds.of_bundle(raw) is EvidenceKind.SIGSTORE
