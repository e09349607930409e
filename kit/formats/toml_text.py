"""Write single values as TOML: strings, lists of them, comments. ASCII only.

What a draft shows may come from a hostile pack. So nothing leaves a string or a comment, and
a letter that only looks like another is seen: all but visible ASCII is escaped.
"""

from __future__ import annotations

from kit.errors import MalformedError


def string(text: str) -> str:
    """Return a basic string; raise :class:`MalformedError` for what TOML cannot hold."""
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise MalformedError("half of a surrogate pair is no text")
    return '"' + "".join(_escaped(character) for character in text) + '"'


def comment(text: str, limit: int = 300) -> str:
    """Return a comment of one line, cut where it is long."""
    cut = "".join(_escaped(character) for character in text[:limit])
    return f"# {cut.replace(chr(92) + chr(34), chr(34))}" + ("..." if len(text) > limit else "")


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if " " <= character <= "~":
        return character
    point = ord(character)
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
