"""DER elements (X.690), as far as the kit reads what its libraries do not.

Tags of one byte and definite lengths in their shortest form: one spelling of each element,
so that this reader and the one that checked the signature cannot see different things.
Nothing recurses; who reads a structure goes down it step by step.
"""

from __future__ import annotations

from dataclasses import dataclass

from kit.errors import MalformedError

INTEGER, OCTET_STRING, OBJECT_IDENTIFIER = 0x02, 0x04, 0x06
SEQUENCE, SET = 0x30, 0x31

#: Elements directly inside one. What is read here has few.
MAX_ELEMENTS = 64


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag, its content, and all of its bytes."""

    tag: int
    content: bytes
    raw: bytes


def parse(raw: bytes) -> Element:
    """Read the one element that the bytes are; raise :class:`MalformedError` otherwise."""
    element, after = _element(raw, 0)
    if after != len(raw):
        raise MalformedError("bytes after the end of a DER element")
    return element


def inside(element: Element, tag: int) -> list[Element]:
    """Return the elements in one that must have this tag, in their order."""
    if element.tag != tag:
        raise MalformedError(f"a DER element has the tag {element.tag:#04x}, not {tag:#04x}")
    found: list[Element] = []
    at = 0
    while at < len(element.content):
        if len(found) == MAX_ELEMENTS:
            raise MalformedError(f"a DER element with over {MAX_ELEMENTS} elements")
        child, at = _element(element.content, at)
        found.append(child)
    return found


def value(element: Element, tag: int) -> bytes:
    """Return the content of an element that must have this tag."""
    if element.tag != tag:
        raise MalformedError(f"a DER element has the tag {element.tag:#04x}, not {tag:#04x}")
    return element.content


def _element(raw: bytes, start: int) -> tuple[Element, int]:
    """Read an element; return it and where the next one begins."""
    if start + 2 > len(raw) or raw[start] & 0x1F == 0x1F:
        raise MalformedError("not a DER element: cut short, or a tag of several bytes")
    length, begin = raw[start + 1], start + 2
    if length >= 0x80:
        octets = raw[begin : begin + (length & 0x7F)]
        begin += len(octets)
        length = int.from_bytes(octets, "big")
        # Section 10.1: the shortest form; an indefinite length has no octets and is none.
        if not 1 <= len(octets) <= 4 or octets[0] == 0 or length < 0x80:
            raise MalformedError("not a DER element: its length is not in the shortest form")
    end = begin + length
    if end > len(raw):
        raise MalformedError("not a DER element: cut short")
    return Element(raw[start], raw[begin:end], raw[start:end]), end
