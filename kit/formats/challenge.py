"""What a 401 asks for: the ``WWW-Authenticate`` header (RFC 9110 §11.6.1).

Several challenges may stand in one header, and a quoted value may hold commas, as the scope
of a registry does. Where two readers could differ, the header is malformed: which server
gets a credential hangs on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kit.errors import MalformedError

MAX_BYTES = 1 << 13
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a grammar, no secret
_PARAMETER = re.compile(
    rf'(?P<name>{_TOKEN})[ \t]*=[ \t]*(?:(?P<bare>{_TOKEN})|"(?P<quoted>(?:[^"\\]|\\.)*)")'
    r"(?=[ \t]*(?:,|$))"
)
_SCHEME = re.compile(rf"(?P<scheme>{_TOKEN})(?:[ \t]+|(?=,|$))")
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
_SEPARATOR = re.compile(r"[ \t,]*")
_VISIBLE = re.compile(r"[\t\x20-\x7e]*")
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to be let in: ``scheme`` and the names of ``parameters`` are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Read the values of all ``WWW-Authenticate`` headers; raise :class:`MalformedError`."""
    found: list[Challenge] = []
    for value in values:
        if len(value) > MAX_BYTES or not _VISIBLE.fullmatch(value):
            raise MalformedError("a challenge that is too long, or not ASCII")
        found += _challenges(value)
    return tuple(found)


def _challenges(text: str) -> Iterator[Challenge]:
    at = _skipped(text, 0)
    while at < len(text):
        match = _SCHEME.match(text, at)
        before = text[:at].rstrip(" \t")
        # A comma before each but the first: else this is what is left of the one before.
        if match is None or (before and not before.endswith(",")):
            raise MalformedError(f"a challenge that cannot be read: {text[at : at + 40]!r}")
        parameters, at = _parameters(text, match.end())
        yield Challenge(match["scheme"].lower(), parameters)


def _parameters(text: str, at: int) -> tuple[dict[str, str], int]:
    """Return the parameters from ``at`` on, and where the next challenge begins."""
    single = _TOKEN68.match(text, at)
    if single is not None:
        return {}, _skipped(text, single.end())
    found: dict[str, str] = {}
    while (match := _PARAMETER.match(text, at)) is not None:
        name = match["name"].lower()
        if name in found:
            raise MalformedError(f"a challenge with {name[:40]!r} twice")
        bare, quoted = match["bare"], match["quoted"]
        found[name] = bare if bare is not None else _ESCAPED.sub(r"\1", quoted)
        at = _skipped(text, match.end())
    return found, at if found else _skipped(text, at)


def _skipped(text: str, at: int) -> int:
    match = _SEPARATOR.match(text, at)
    return at if match is None else match.end()
