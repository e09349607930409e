"""Which texts a regular expression matches whole, compared with those of another.

Exact for what :mod:`kit.policy.lint.expression` understands, and without backtracking: a
pattern that would keep ``re`` busy for years is compared as fast as any other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from kit.policy.lint.expression import (
    ALPHABET,
    Characters,
    Choice,
    Node,
    Repeat,
    Sequence,
    Unread,
    bit,
    read,
)

_MAX_STATES = 1500
_MAX_EDGES = 20_000
#: What to write where any of several characters will do, nicest first.
_NICE = "xyzabcdefghijklmnopqrstuvw10/-."


@dataclass(frozen=True, slots=True)
class Language:
    """The texts that a pattern matches: states, the first of them 0, and edges between them."""

    edges: tuple[tuple[tuple[int, int], ...], ...]
    final: frozenset[int]

    def has(self, text: str) -> bool:
        """Say whether the text is one of them."""
        now = {0}
        for character in text:
            wanted = bit(character)
            now = {to for state in now for mask, to in self.edges[state] if mask & wanted}
        return not now.isdisjoint(self.final)

    def common(self, other: Language) -> str | None:
        """Return a shortest text of both, if there is any."""
        came: dict[tuple[int, int], tuple[tuple[int, int], str] | None] = {(0, 0): None}
        queue = deque(came)
        while queue:
            here = queue.popleft()
            if here[0] in self.final and here[1] in other.final:
                return _text(came, here)
            for mine, to in self.edges[here[0]]:
                for others, there in other.edges[here[1]]:
                    if mine & others and (to, there) not in came:
                        came[to, there] = (here, _nicest(mine & others))
                        queue.append((to, there))
        return None


def _text(
    came: dict[tuple[int, int], tuple[tuple[int, int], str] | None], end: tuple[int, int]
) -> str:
    written = []
    step = came[end]
    while step is not None:
        written.append(step[1])
        step = came[step[0]]
    return "".join(reversed(written))


def _nicest(mask: int) -> str:
    return next((character for character in (*_NICE, *ALPHABET) if bit(character) & mask), "")


@cache
def of(pattern: str) -> Language:
    """Return the texts of a pattern of our own."""
    return of_node(read(pattern).node)


def of_node(node: Node) -> Language:
    """Return the texts of what was read; raise :class:`Unread` where they are too intricate."""
    building = _Building()
    end = building.add(node, 0)
    return building.finish(end)


class _Building:
    """Thompson's construction, then without the edges that take no character."""

    def __init__(self) -> None:
        self.free: list[list[int]] = [[]]
        self.taking: list[list[tuple[int, int]]] = [[]]
        self.steps = 0

    def _state(self) -> int:
        if len(self.free) >= _MAX_STATES:
            raise Unread
        self.free.append([])
        self.taking.append([])
        return len(self.free) - 1

    def add(self, node: Node, start: int) -> int:
        """Add a node after the state ``start``; return the state after it."""
        self.steps += 1  # `((){999}){999}` makes no state
        if self.steps > _MAX_EDGES:
            raise Unread
        match node:
            case Characters(mask):
                end = self._state()
                self.taking[start].append((mask, end))
                return end
            case Sequence(parts):
                for part in parts:
                    start = self.add(part, start)
                return start
            case Choice(branches):
                return self._any(branches, start)
            case Repeat(part, low, high):
                return self._repeat(part, low, high, start)

    def _any(self, branches: Iterable[Node], start: int) -> int:
        end = self._state()
        for branch in branches:
            self.free[self.add(branch, self._after(start))].append(end)
        return end

    def _after(self, state: int) -> int:
        new = self._state()
        self.free[state].append(new)
        return new

    def _repeat(self, part: Node, low: int, high: int | None, start: int) -> int:
        for _ in range(low):
            start = self.add(part, start)
        end = self._state()
        if high is None:
            loop = self._after(start)
            self.free[self.add(part, loop)].append(loop)
            self.free[loop].append(end)
            return end
        for _ in range(high - low):
            self.free[start].append(end)
            start = self.add(part, start)
        self.free[start].append(end)
        return end

    def finish(self, end: int) -> Language:
        """Return the language that ends in ``end``."""
        number = {0: 0}
        queue = deque([0])
        edges: list[tuple[tuple[int, int], ...]] = []
        final: set[int] = set()
        count = 0
        while queue:
            state = queue.popleft()
            reached = self._reached(state)
            if end in reached:
                final.add(number[state])
            out = []
            for mask, to in (edge for inner in reached for edge in self.taking[inner]):
                if to not in number:
                    number[to] = len(number)
                    queue.append(to)
                out.append((mask, number[to]))
            edges.append(tuple(out))
            count += len(out)
            if count > _MAX_EDGES:
                raise Unread
        return Language(tuple(edges), frozenset(final))

    def _reached(self, state: int) -> list[int]:
        found = {state: None}
        queue = [state]
        while queue:
            for to in self.free[queue.pop()]:
                if to not in found:
                    found[to] = None
                    queue.append(to)
        return list(found)
