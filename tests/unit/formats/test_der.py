"""DER: one spelling of each element, and no other."""

from __future__ import annotations

import pytest

from kit.errors import MalformedError
from kit.formats import der
from tests.lab import asn1


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 30000])
def test_an_element_of_any_length_is_read_whole(size: int) -> None:
    raw = asn1.octets(bytes(size))
    element = der.parse(raw)
    assert (element.tag, element.content, element.raw) == (der.OCTET_STRING, bytes(size), raw)
    assert der.value(element, der.OCTET_STRING) == bytes(size)
    assert [each.raw for each in der.inside(der.parse(asn1.sequence(raw, raw)), 0x30)] == [raw] * 2


REFUSED = {
    "nothing": b"",
    "a tag alone": b"\x04",
    "cut short": b"\x04\x02\x00",
    "bytes after the end": b"\x04\x00\x00",
    "a tag of several bytes": b"\x1f\x04\x00",
    "an indefinite length": b"\x30\x80\x00\x00",
    "a long form of a short length": b"\x04\x81\x01\x00",
    "a leading zero in the length": b"\x04\x82\x00\x80" + bytes(128),
    "a length of five octets": b"\x04\x85\x01\x00\x00\x00\x00",
    "a length cut short": b"\x04\x82\x01",
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_spelling_is_malformed(name: str) -> None:
    with pytest.raises(MalformedError):
        der.parse(REFUSED[name])
    with pytest.raises(MalformedError):
        der.inside(der.parse(asn1.sequence(REFUSED[name] or b"\x04")), der.SEQUENCE)


def test_a_tag_is_the_one_expected_and_elements_are_counted() -> None:
    element = der.parse(asn1.sequence(asn1.integer(1)))
    for read in (der.inside, der.value):
        with pytest.raises(MalformedError):
            read(element, der.SET)
    many = [asn1.integer(1)] * (der.MAX_ELEMENTS + 1)
    with pytest.raises(MalformedError):
        der.inside(der.parse(asn1.sequence(*many)), der.SEQUENCE)
    assert len(der.inside(der.parse(asn1.sequence(*many[1:])), der.SEQUENCE)) == der.MAX_ELEMENTS
