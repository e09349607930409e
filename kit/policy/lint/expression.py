"""Read the text of a regular expression as far as a lint of it needs.

Understood are characters, classes, groups, alternatives, repetitions, and anchors where
they change nothing. Lookaround, back references, possessive repetition and inner flags
are not: of such a pattern :class:`Unread` says that nothing is known, never that it is
fine. What a class or an escape matches is asked of ``re`` itself, one character at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

#: The characters of identities: visible ASCII and the space; `é` stands for all others.
ALPHABET = (*map(chr, range(0x20, 0x7F)), "é")
EVERY = (1 << len(ALPHABET)) - 1
_BIT = {character: 1 << number for number, character in enumerate(ALPHABET)}

_MAX_DEPTH = 40
_FLAGS = re.compile(r"\(\?([aisu]+)\)")
_GROUP = re.compile(r"\((?:\?:|\?P<[^>]*>)?(?!\?)")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|0[0-7]{0,2}|[dDwWsSafnrtv]|[^A-Za-z0-9])",
    re.DOTALL,
)
_COUNT = re.compile(r"\{(?P<low>[0-9]*)(?P<comma>,?)(?P<high>[0-9]*)\}")
_AMONG_LITERALS = re.compile(r"[A-Za-z0-9/_-]")


class Unread(Exception):  # noqa: N818 - not an error: a pattern may use all of `re`
    """The pattern has something that this reading does not understand."""


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of a set, as a bit for each of :data:`ALPHABET`."""

    mask: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; without parts, nothing at all."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same, ``low`` times or more; at most ``high`` times unless that is ``None``."""

    part: Node
    low: int
    high: int | None


Node = Characters | Sequence | Choice | Repeat


@dataclass(frozen=True, slots=True)
class Expression:
    """A pattern that was understood, and where it has a `.` that is likely meant literally."""

    node: Node
    bare_dots: tuple[int, ...]


def bit(character: str) -> int:
    """Return the bit of a character; one outside of ASCII is any such."""
    return _BIT.get(character, 0 if character.isascii() else _BIT["é"])


def read(pattern: str) -> Expression:
    """Read a pattern that compiles; raise :class:`Unread` where it is not understood."""
    reading = _Reading(pattern)
    node = reading.choice(0)
    if reading.at != len(pattern):
        raise Unread
    return Expression(node, tuple(reading.bare_dots))


@cache
def _mask(token: str, flags: int) -> int:
    compiled = re.compile(token, flags)
    return sum(_BIT[character] for character in ALPHABET if compiled.fullmatch(character))


class _Reading:
    """One reading of a pattern, from its beginning to its end."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.flags = 0
        self.bare_dots: list[int] = []
        while given := _FLAGS.match(pattern, self.at):
            self.flags |= sum({re.IGNORECASE if c == "i" else 0 for c in given[1]})
            self.at = given.end()
        self.begin = self.at

    def choice(self, depth: int) -> Node:
        """Read alternatives up to the end of the group, or of the pattern."""
        if depth > _MAX_DEPTH:
            raise Unread
        of = [self._sequence(depth)]
        while self._next() == "|":
            self.at += 1
            of.append(self._sequence(depth))
        return of[0] if len(of) == 1 else Choice(tuple(of))

    def _next(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self._next() not in ("", "|", ")"):
            if not self._anchor(depth):
                parts.append(self._repeated(self._atom(depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _anchor(self, depth: int) -> bool:
        """Pass over an anchor where the whole match begins or ends anyway."""
        for words, fits in ((("^", "\\A"), self._begins), (("$", "\\Z"), self._ends)):
            for word in words:
                if self.pattern.startswith(word, self.at):
                    if not fits(self.at, self.at + len(word), depth):
                        raise Unread
                    self.at += len(word)
                    return True
        return False

    def _begins(self, start: int, _end: int, depth: int) -> bool:
        before = self.pattern[self.begin : start]
        return not before.strip("(?:^") or (depth == 0 and before.endswith("|"))

    def _ends(self, _start: int, end: int, depth: int) -> bool:
        after = self.pattern[end:]
        return not after.strip(")$") or (depth == 0 and after.startswith("|"))

    def _atom(self, depth: int) -> Node:
        character = self._next()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self._token(_CLASS)
        if character == "\\":
            return self._token(_ESCAPE)
        self.at += 1
        if character == ".":
            self._note_bare_dot()
            return Characters(EVERY)
        if character in "*+?":
            raise Unread
        if not character.isascii():
            return Characters(bit(character))
        return Characters(_mask(re.escape(character), self.flags))

    def _group(self, depth: int) -> Node:
        opened = _GROUP.match(self.pattern, self.at)
        if opened is None:
            raise Unread
        self.at = opened.end()
        inner = self.choice(depth + 1)
        if self._next() != ")":
            raise Unread
        self.at += 1
        return inner

    def _token(self, kind: re.Pattern[str]) -> Node:
        found = kind.match(self.pattern, self.at)
        if found is None:
            raise Unread
        self.at = found.end()
        return Characters(_mask(found[0], self.flags))

    def _note_bare_dot(self) -> None:
        around = self.pattern[self.at - 2 : self.at - 1], self._next()
        if all(_AMONG_LITERALS.fullmatch(character) for character in around):
            self.bare_dots.append(self.at - 1)

    def _repeated(self, part: Node) -> Node:
        low, high, length = self._quantifier()
        if length == 0:
            return part
        self.at += length
        if self._next() == "?":
            self.at += 1
        elif self._next() in ("+", "*"):
            raise Unread
        return Repeat(part, low, high)

    def _quantifier(self) -> tuple[int, int | None, int]:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self._next() in simple:
            return (*simple[self._next()], 1)
        found = _COUNT.match(self.pattern, self.at)
        if found is None or not (found["low"] or found["high"] or found["comma"]):
            return 1, 1, 0  # a brace of its own
        low = int(found["low"] or 0)
        if not found["comma"]:
            return low, low, len(found[0])
        return low, int(found["high"]) if found["high"] else None, len(found[0])
