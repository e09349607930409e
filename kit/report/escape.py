"""Make text from outside harmless on a terminal, and still readable."""

from __future__ import annotations

import unicodedata

#: Categories that draw nothing or steer the terminal: controls, formats (bidi, zero width),
#: surrogates, private use, unassigned, line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

MAX_LENGTH = 1000


def plain(text: str) -> str:
    r"""Return ``text`` on one line, with every character that is not plainly visible escaped.

    ESC becomes ``\x1b``, a newline ``\n``, a bidi override ``\u202e``. Cut at
    :data:`MAX_LENGTH` characters, saying how many were left out.
    """
    cut = text[:MAX_LENGTH]
    escaped = "".join(
        character.encode("unicode_escape", "surrogatepass").decode("ascii")
        if unicodedata.category(character) in _UNSAFE
        else character
        for character in cut
    )
    return escaped if len(text) <= MAX_LENGTH else f"{escaped}… ({len(text) - MAX_LENGTH} more)"
