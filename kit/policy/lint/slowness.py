"""Whether a regular expression can keep a backtracking matcher busy for very long.

A heuristic: repetition within repetition whose rounds cannot be told apart, a repeated
choice of which one way begins like another, and four wildcards that all match the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from kit.policy.lint import language
from kit.policy.lint.expression import EVERY, Characters, Choice, Node, Repeat, Sequence, bit

#: A repetition of this many times is as bad as one without end.
_MANY = 20
_WILDCARDS = 4
_COMMON = ("a", "/", ".", "-", "@")


def is_slow(node: Node) -> bool:
    """Say whether an unfit identity might take very long to be refused."""
    loops = [inner for inner in _nodes(node) if isinstance(inner, Repeat) and _is_loop(inner)]
    wild = [inner for inner in loops if all(_takes(inner.part, each) for each in _COMMON)]
    return len(wild) >= _WILDCARDS or any(_is_ambiguous(loop.part) for loop in loops)


def _is_loop(repeat: Repeat) -> bool:
    return repeat.high is None or repeat.high >= _MANY


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Sequence(parts) | Choice(parts):
            for part in parts:
                yield from _nodes(part)
        case Repeat(part, _, _):
            yield from _nodes(part)
        case Characters():
            pass


def _takes(node: Node, character: str) -> bool:
    return isinstance(node, Characters) and bool(node.mask & bit(character))


def _is_ambiguous(body: Node) -> bool:
    """Say whether one text can be several rounds of ``body`` in more than one way."""
    parts = body.parts if isinstance(body, Sequence) else (body,)
    for number, part in enumerate(parts):
        others = parts[:number] + parts[number + 1 :]
        for inner in _nodes(part):
            if isinstance(inner, Repeat) and _is_loop(inner):
                taken = _characters(inner.part)
                if all(_is_optional(other) or _characters(other) & taken for other in others):
                    return True
    return any(_begin_alike(inner.of) for inner in _nodes(body) if isinstance(inner, Choice))


def _characters(node: Node) -> int:
    """Return every character that a node may take."""
    mask = 0
    for inner in _nodes(node):
        if isinstance(inner, Characters):
            mask |= inner.mask
    return mask


def _is_optional(node: Node) -> bool:
    match node:
        case Characters():
            return False
        case Sequence(parts):
            return all(_is_optional(part) for part in parts)
        case Choice(branches):
            return any(_is_optional(branch) for branch in branches)
        case Repeat(part, low, _):
            return low == 0 or _is_optional(part)


def _begin_alike(branches: tuple[Node, ...]) -> bool:
    """Say whether a text of one branch can be the beginning of a text of another."""
    rest = Repeat(Characters(EVERY), 0, None)
    if len(branches) > _MANY:
        return False
    whole = [language.of_node(branch) for branch in branches]
    begun = [language.of_node(Sequence((branch, rest))) for branch in branches]
    return any(
        whole[one].common(begun[other]) is not None or whole[other].common(begun[one]) is not None
        for one, other in combinations(range(len(branches)), 2)
    )
